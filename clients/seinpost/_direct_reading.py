# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A transport that pulls without a consumer: what it reads disturbs no other process of its identity."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from seinpost_schemas.errors import UnavailableError

from ._transport import READ_BATCH, StoredMessage, Transport

_AGAIN_SECONDS = 0.2


class DirectReading:
    """``Transport`` for looking things up; it cannot send envelopes, and gossips like every other reader."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def send(self, subject: str, data: bytes, msg_id: str | None) -> bool:
        """See ``Transport``; raises ``RuntimeError``."""
        raise RuntimeError("this only reads")

    async def pull(
        self, stream: str, consumer: str, first_seq: int, *, gaps: bool = False
    ) -> AsyncIterator[StoredMessage]:
        """See ``Transport``; ``consumer`` is not used."""
        seq = first_seq
        while True:
            try:
                found = await self._transport.read_from(stream, seq)
            except UnavailableError:
                found = []
            for message in found:
                yield message
                seq = message.seq + 1
            if not found:
                await asyncio.sleep(_AGAIN_SECONDS)

    async def read_from(
        self, stream: str, first_seq: int, limit: int = READ_BATCH, *, subject: str | None = None
    ) -> list[StoredMessage]:
        """See ``Transport``."""
        return await self._transport.read_from(stream, first_seq, limit, subject=subject)

    async def read_last(self, subject: str) -> bytes | None:
        """See ``Transport``."""
        return await self._transport.read_last(subject)

    async def read_last_at(self, subject: str) -> StoredMessage | None:
        """See ``Transport``."""
        return await self._transport.read_last_at(subject)

    async def tell(self, subject: str, data: bytes) -> None:
        """See ``Transport``: what was shown here is told on, as a look may last long and see another history."""
        await self._transport.tell(subject, data)

    async def listen(self, subjects: str) -> AsyncIterator[tuple[str, bytes]]:
        """See ``Transport``."""
        async for heard in self._transport.listen(subjects):
            yield heard

    async def wait_refused(self) -> None:
        """See ``Transport``."""
        await self._transport.wait_refused()

    async def close(self) -> None:
        """Nothing of its own to leave."""
