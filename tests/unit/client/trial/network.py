# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The client's network port in memory: streams are lists that a test fills, with whatever it likes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from seinpost._transport import StoredMessage
from seinpost_schemas.errors import Reason, RefusedError, SeinpostError
from seinpost_schemas.subjects import (
    CHECKPOINTS_STREAM,
    DIRECTORY_STREAM,
    checkpoint_subject,
    direct_get_subject,
    directory_origin,
    feed_stream,
)

from .enclave import ENCLAVE, TrialEnclave
from .log import TrialLog

PERIOD = "2026q4"


class MemoryTransport:
    """What a client sees of the network; it yields hostile sequences as they are."""

    def __init__(self, enclave: TrialEnclave, *logs: TrialLog) -> None:
        self.streams: dict[str, list[StoredMessage]] = {
            feed_stream(PERIOD, log.compartment): log.messages for log in logs
        }
        self.streams[DIRECTORY_STREAM] = enclave.messages
        self.notes: dict[str, bytes] = {}
        self.sent: list[tuple[str, bytes]] = []
        self.told: list[tuple[str, bytes]] = []
        self.heard: list[tuple[str, bytes]] = []
        """What other parties say; a test appends to it."""
        self.failures: list[SeinpostError] = []
        """Raised by the next sends, one each."""
        self.pulled: dict[str, int] = {}
        """Messages taken from each stream."""
        self.entered: set[str] = set()
        """Streams that someone began to pull."""
        self.refused: asyncio.Event = asyncio.Event()
        """Set when the server lets this identity in no more."""

    async def send(self, subject: str, data: bytes, _msg_id: str | None) -> bool:
        await asyncio.sleep(0)
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append((subject, data))
        return True

    async def pull(
        self, stream: str, _consumer: str, first_seq: int, *, gaps: bool = False
    ) -> AsyncIterator[StoredMessage]:
        messages = self.streams.setdefault(stream, [])
        self.entered.add(stream)
        place = next((i for i, m in enumerate(messages) if m.seq >= first_seq), len(messages))
        while True:
            while place < len(messages):
                place += 1
                self.pulled[stream] = self.pulled.get(stream, 0) + 1
                yield messages[place - 1]
            await asyncio.sleep(0.005)

    async def read_from(
        self, stream: str, first_seq: int, limit: int = 64, *, subject: str | None = None
    ) -> list[StoredMessage]:
        assert subject is None
        await asyncio.sleep(0)
        return self.streams.get(stream, [])[first_seq - 1 : first_seq - 1 + limit]

    async def read_last(self, subject: str) -> bytes | None:
        await asyncio.sleep(0)
        return self.notes.get(subject)

    async def read_last_at(self, subject: str) -> StoredMessage | None:
        note = await self.read_last(subject)
        return StoredMessage(1, {}, note) if note is not None else None

    async def tell(self, subject: str, data: bytes) -> None:
        await asyncio.sleep(0)
        self.told.append((subject, data))

    async def listen(self, _subjects: str) -> AsyncIterator[tuple[str, bytes]]:
        place = 0
        while True:
            while place < len(self.heard):
                place += 1
                yield self.heard[place - 1]
            await asyncio.sleep(0.005)

    async def wait_refused(self) -> None:
        await self.refused.wait()
        raise RefusedError(Reason.UNKNOWN_SENDER, "revoked")

    async def close(self) -> None:
        """Nothing to leave."""

    def set_directory_checkpoint(self, note: bytes) -> None:
        """What a broker last signed of the directory."""
        subject = checkpoint_subject(directory_origin(ENCLAVE))
        self.notes[direct_get_subject(CHECKPOINTS_STREAM, subject)] = note
