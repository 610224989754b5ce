# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Handing something in for the directory: in force once the directory itself holds it, or refused by an answer."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Callable

from seinpost_schemas.answer import decode_answer
from seinpost_schemas.errors import InvalidError, Reason, RefusedError, UnavailableError
from seinpost_schemas.header import HEADER_BYTES, object_hash
from seinpost_schemas.subjects import ANSWERS_STREAM, directory_ingress_subject

from ._directory import DirectoryFollower
from ._lock import Lock
from ._sending_state import SendingState
from ._transport import Transport
from .config import Config
from .identity import Identity


class HandingIn:
    """Hands objects in for one identity."""

    def __init__(
        self,
        config: Config,
        identity: Identity,
        directory: DirectoryFollower,
        transport: Transport,
        on_waiting: Callable[[str], None],
    ) -> None:
        self._config = config
        self._identity = identity
        self._directory = directory
        self._transport = transport
        self._on_waiting = on_waiting

    async def hand_in(
        self,
        data: bytes,
        in_force: Callable[[], bool],
        what: str,
        timeout_seconds: float,
        *,
        last: bool = False,
    ) -> None:
        """Send ``data``, and return once ``in_force`` holds of the directory as it is followed.

        With ``last`` it is the identity's last word: that the server lets it in no more says the same, and may come
        before the directory does.

        Raises ``RefusedError`` for what a broker answers, ``UnavailableError`` when nothing came in time. Answers
        are read meanwhile, so no other process of this identity may publish.
        """
        name, party = self._identity.name, self._identity.party
        lock = Lock(self._config.state / "sending.lock")
        await lock.acquire(lambda: self._on_waiting(f"another process is publishing as {name}; waiting"))
        state = SendingState(self._config.state)
        refusals = asyncio.ensure_future(_refusal(self._transport, name, state.answers_from(), data))
        coming = asyncio.ensure_future(self._in_force(in_force, last=last))
        try:
            await self._transport.send(directory_ingress_subject(party), data, None)
            done, _ = await asyncio.wait(
                {refusals, coming}, timeout=timeout_seconds, return_when=asyncio.FIRST_COMPLETED
            )
            if not done:
                raise UnavailableError(
                    f"{what} is not in force after {timeout_seconds:g} s; it may still come"
                )
            if refusals in done:
                raise refusals.result()
            await coming
        finally:
            for task in (refusals, coming):
                task.cancel()
            await asyncio.gather(refusals, coming, return_exceptions=True)
            state.close()
            lock.release()

    async def _in_force(self, in_force: Callable[[], bool], *, last: bool) -> None:
        waiting = [asyncio.ensure_future(self._directory.wait_until(in_force))]
        if last:
            waiting.append(asyncio.ensure_future(self._transport.wait_refused()))
        try:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if waiting[0] in done:
                await waiting[0]
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)


async def _refusal(transport: Transport, identity: str, first_seq: int, data: bytes) -> RefusedError:
    """The refusal of ``data``, whenever it comes; answers to anything else are left where they are."""
    name = object_hash(data[:HEADER_BYTES]) if len(data) >= HEADER_BYTES else hashlib.sha256(data).digest()
    while True:
        with contextlib.suppress(UnavailableError):
            async for stored in transport.pull(ANSWERS_STREAM, identity, first_seq):
                with contextlib.suppress(InvalidError):
                    answer = decode_answer(stored.body)
                    if answer.object == name.hex() and answer.verdict == "refused":
                        return RefusedError(
                            answer.reason or Reason.MALFORMED, answer.message or "", answer.basis
                        )
        await asyncio.sleep(0.5)
