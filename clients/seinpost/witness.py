# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A witness: answers brokers' requests with cosignatures, and never signs two histories of one log.

The semantics are those of C2SP tlog-witness, over NATS request and reply on ``seinpost.witness.<party>``.
Order: request → a log of this enclave (404) → the log's signatures (403) → old size (409) → proof (422) →
**stored on disk** → cosigned.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from seinpost_schemas.checkpoint import Checkpoint, LogPublicKeys, parse_checkpoint
from seinpost_schemas.compartment import all_compartments
from seinpost_schemas.directory import Closing, log_keys_of
from seinpost_schemas.errors import InvalidError, MalformedError, SetupError, SignatureError
from seinpost_schemas.note import parse_note
from seinpost_schemas.register import Register
from seinpost_schemas.subjects import admission_origin, directory_origin, log_origin, witness_subject
from seinpost_schemas.trusted_log import OldSizeError, advance
from seinpost_schemas.witnessing import WitnessAnswer, WitnessRequest, decode_request, signed_answer

from ._directory import DirectoryFollower, wall_ms
from ._lock import Lock
from ._reading_state import ReadingState
from ._transport import NatsTransport
from ._witness_state import WitnessState
from .config import Config
from .identity import Identity


def origins_of(register: Register) -> frozenset[str]:
    """The logs of an enclave: the directory, and one per compartment for this period and the next."""
    return frozenset(
        [
            directory_origin(register.enclave),
            admission_origin(register.enclave),
            *(
                log_origin(register.enclave, period, compartment)
                for period in (*register.periods.readable, register.periods.next)
                for compartment in all_compartments(register.ceiling_level)
            ),
        ]
    )


class Witness:
    """One party's witness."""

    def __init__(
        self,
        config: Config,
        identity: Identity,
        *,
        on_cosigned: Callable[[Checkpoint], None],
        on_refused: Callable[[str, int, str], None],
        on_waiting: Callable[[str], None],
    ) -> None:
        self._config = config
        self._identity = identity
        self._on_cosigned = on_cosigned
        self._on_refused = on_refused
        self._on_waiting = on_waiting

    async def run(self, ready: Callable[[], None]) -> None:
        """Witness until cancelled. Raises ``SetupError``, ``UnavailableError`` or ``RefusedError`` at start."""
        config, identity = self._config, self._identity
        lock = Lock(config.state / "witness.lock")
        async with contextlib.AsyncExitStack() as stack:
            await lock.acquire(
                lambda: self._on_waiting(
                    f"another process is witnessing as {identity.name}; waiting until it has finished"
                )
            )
            stack.callback(lock.release)
            state = WitnessState(config.state)
            stack.callback(state.close)
            floor = ReadingState(config.state, identity.storage_key)
            stack.callback(floor.close)
            transport = await NatsTransport.connect(config.server, identity.party, identity.nats_seed)
            stack.push_async_callback(transport.close)
            directory = DirectoryFollower(config.enclave_id, transport, floor)
            following = asyncio.ensure_future(directory.follow())
            stack.callback(following.cancel)
            await directory.wait_for(
                lambda: directory.directory.view_at(directory.directory.size) is not None
            )
            self._verify_named(directory.view.register)
            keys = identity.witness_keys(directory.view.register.enclave)

            async def answer(data: bytes) -> bytes:
                return self.answer(data, directory.view.register, state, directory.directory.closing).encode()

            self._keys = keys
            async with transport.answering(witness_subject(identity.party), answer):
                ready()
                await following

    def _verify_named(self, register: Register) -> None:
        """Raise unless the register names exactly these keys."""
        public = self._identity.witness_keys(register.enclave).public
        if public not in register.cosigners:
            raise SetupError(
                f"the register names no witness {self._identity.name} with these keys; ask a registrar to add it"
            )

    def answer(
        self,
        data: bytes,
        register: Register,
        state: WitnessState,
        closing: Callable[[str], Closing | None] = lambda _: None,
    ) -> WitnessAnswer:
        """The answer to one request, after its effect is on disk; ``closing`` says where a log was closed."""
        try:
            request = decode_request(data)
            origin = parse_checkpoint(parse_note(request.note)).origin
        except MalformedError as error:
            return self._refuse("?", 400, str(error))
        if origin not in origins_of(register):
            return self._refuse(origin, 404, "no log of this enclave")
        closed = closing(origin)
        if closed is not None and parse_checkpoint(parse_note(request.note)) != closed.checkpoint:
            return self._refuse(origin, 422, "the log was closed with another checkpoint")
        return self._cosign(request, origin, register, state)

    def _cosign(
        self, request: WitnessRequest, origin: str, register: Register, state: WitnessState
    ) -> WitnessAnswer:
        try:
            checkpoint, position = advance(
                state.load(origin),
                origin,
                LogPublicKeys(*log_keys_of(register)),
                request.old_size,
                request.proof,
                request.note,
            )
        except OldSizeError as error:
            return WitnessAnswer(409, f"{error.held}\n")
        except SignatureError as error:
            return self._refuse(origin, 403, str(error))
        except MalformedError as error:
            return self._refuse(origin, 400, str(error))
        except InvalidError as error:
            return self._refuse(origin, 422, str(error))
        state.store(origin, position)
        self._on_cosigned(checkpoint)
        return signed_answer(self._keys.cosign(checkpoint, wall_ms() // 1000))

    def _refuse(self, origin: str, status: int, message: str) -> WitnessAnswer:
        self._on_refused(origin, status, message)
        return WitnessAnswer(status, message + "\n")
