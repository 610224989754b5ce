# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A witness: answers brokers' requests with cosignatures, and never signs two histories of one log.

The semantics are those of C2SP tlog-witness, over NATS request and reply on ``seinpost.witness.<party>``.
Order: request → a log of this enclave (404) → a mandate to witness it now (403) → its own published word of it is
known here (422) → the log's signatures (403) → old size (409) → proof (422) → **stored on disk** → cosigned.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from seinpost_schemas.checkpoint import Checkpoint, LogPublicKeys, parse_checkpoint
from seinpost_schemas.directory import Closing, log_keys_of
from seinpost_schemas.errors import (
    InvalidError,
    MalformedError,
    SetupError,
    SignatureError,
    UnavailableError,
)
from seinpost_schemas.log_origins import origins_of
from seinpost_schemas.note import parse_note
from seinpost_schemas.quorum import witnesses_at
from seinpost_schemas.register import Register
from seinpost_schemas.subjects import witness_subject
from seinpost_schemas.trusted_log import OldSizeError, advance
from seinpost_schemas.witnessing import WitnessAnswer, WitnessRequest, decode_request, signed_answer

from ._directory import DirectoryFollower, wall_ms
from ._lock import Lock
from ._own_word import Finding
from ._reading_state import ReadingState
from ._transport import NatsTransport
from ._witness_following import WitnessFollowing
from ._witness_state import WitnessState
from .config import Config
from .identity import Identity


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
        on_finding: Callable[[Finding], None],
    ) -> None:
        self._config = config
        self._identity = identity
        self._on_cosigned = on_cosigned
        self._on_refused = on_refused
        self._on_waiting = on_waiting
        self._on_finding = on_finding

    async def run(
        self,
        ready: Callable[[], None],
        *,
        resume: bool = False,
        on_resumed: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Witness until cancelled. Raises ``SetupError``, ``UnavailableError`` or ``RefusedError``.

        The last one also later on, when the server lets this witness in no more.
        With ``resume`` a state that was lost is taken up from what is published under this witness's own name:
        only when nobody has the newest ``witness.db`` any more.
        """
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
            transport = await NatsTransport.connect(config, identity)
            stack.push_async_callback(transport.close)
            directory = DirectoryFollower(config.enclave_id, transport, floor)
            following = asyncio.ensure_future(directory.follow())
            stack.callback(following.cancel)
            await directory.wait_for(
                lambda: directory.directory.view_at(directory.directory.size) is not None
            )
            self._verify_named(directory.view.register)
            self._keys = identity.witness_keys(directory.view.register.enclave)
            closing = directory.directory.closing
            logs = WitnessFollowing(
                transport,
                state,
                self._keys.public,
                lambda: directory.view.register,
                lambda origin: closing(origin) is not None,
                self._on_finding,
            )
            for origin in await logs.begin(resume=resume):
                on_resumed(origin)

            async def answer(data: bytes) -> bytes:
                return (await self.answer(data, directory.view.register, state, closing, logs)).encode()

            looking = asyncio.ensure_future(logs.run())
            stack.callback(looking.cancel)
            async with transport.answering(witness_subject(identity.party), answer):
                ready()
                refused = asyncio.ensure_future(transport.wait_refused())
                stack.callback(refused.cancel)
                await asyncio.wait({following, looking, refused}, return_when=asyncio.FIRST_COMPLETED)
                for task in (refused, following, looking):
                    if task.done():
                        task.result()

    def _verify_named(self, register: Register) -> None:
        """Raise unless the register names exactly these keys."""
        public = self._identity.witness_keys(register.enclave).public
        if public not in register.cosigners:
            raise SetupError(
                f"the register names no witness {self._identity.name} with these keys; ask a registrar to add it"
            )

    async def answer(
        self,
        data: bytes,
        register: Register,
        state: WitnessState,
        closing: Callable[[str], Closing | None],
        logs: WitnessFollowing,
    ) -> WitnessAnswer:
        """The answer to one request, after its effect is on disk; ``closing`` says where a log was closed."""
        try:
            request = decode_request(data)
            origin = parse_checkpoint(parse_note(request.note)).origin
        except MalformedError as error:
            return self._refuse("?", 400, str(error))
        if origin not in origins_of(register):
            return self._refuse(origin, 404, "no log of this enclave")
        if self._identity.name not in {w.name for w in witnesses_at(register, origin, wall_ms())}:
            return self._refuse(origin, 403, "the register gives this witness no mandate for this log now")
        closed = closing(origin)
        if closed is not None and parse_checkpoint(parse_note(request.note)) != closed.checkpoint:
            return self._refuse(origin, 422, "the log was closed with another checkpoint")
        try:
            blocked = await logs.verify(origin)
        except UnavailableError as error:
            return self._refuse(origin, 422, f"what is published of this log cannot be looked at: {error}")
        if blocked is not None:
            return self._refuse(
                origin, 422, "its own state of this log was lost or put back, as was said before"
            )
        answer = self._cosign(request, origin, register, state)
        if answer.status in (200, 409):
            logs.cosigned(origin)
        return answer

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
