# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The admission log: every refusal with its reason, so that a partner cannot claim and a broker cannot hide.

Rate-limited per party: one that floods a broker with what must be refused still gets every answer, and fills no
log with it. A refusal is noted first and appended in the background; what a crash takes away is what was refused
in that last moment.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import msgspec
import structlog

from seinpost_broker.ports import AppendLostError, AppendRequest, Clock, LogStore
from seinpost_schemas.admission_entry import (
    MAX_ADMISSION_ENTRY_BYTES,
    AdmissionEntry,
    decode_admission_entry,
)
from seinpost_schemas.directory import TrustedDirectory
from seinpost_schemas.entry import ENTRY_HEADER, from_base64, to_base64
from seinpost_schemas.errors import InvalidError, Reason, SetupError, UnavailableError
from seinpost_schemas.merkle import leaf_hash
from seinpost_schemas.merkle_tree import MerkleTree
from seinpost_schemas.subjects import ADMISSION_STREAM, ADMISSION_SUBJECT

PER_SECOND = 1.0
BURST = 100.0
_MAX_WAITING = 10_000
_log = structlog.get_logger("admission")


class _Refusal(msgspec.Struct, frozen=True):
    refused: bytes
    reason: Reason


class AdmissionService:
    """One broker's part in the admission log; others may append to it as well."""

    def __init__(self, *, directory: TrustedDirectory, store: LogStore, clock: Clock) -> None:
        self.tree = MerkleTree()
        self.on_growth: Callable[[], None] = _nothing
        self._directory = directory
        self._store = store
        self._clock = clock
        self._last_leaf: bytes | None = None
        self._last_ms = 0
        self._last_directory_size = 0
        self._waiting: deque[_Refusal] = deque(maxlen=_MAX_WAITING)
        self._room: dict[str, tuple[float, int]] = {}
        self._noted = asyncio.Event()
        self._lock = asyncio.Lock()

    def note(self, party: str, refused: bytes, reason: Reason) -> None:
        """A message of ``party`` with this SHA-256 was refused."""
        now_ms = self._clock.now_ms()
        room, at_ms = self._room.get(party, (BURST, now_ms))
        room = min(BURST, room + max(0, now_ms - at_ms) / 1000 * PER_SECOND)
        if room < 1:
            self._room[party] = (room, now_ms)
            return
        self._room[party] = (room - 1, now_ms)
        self._waiting.append(_Refusal(refused, reason))
        self._noted.set()

    async def load(self) -> int:
        """Take in what the stream holds beyond what is known; how many entries that makes."""
        async with self._lock:
            async for stored in self._store.read(ADMISSION_STREAM, self.tree.size + 1):
                try:
                    data = from_base64(stored.headers.get(ENTRY_HEADER, ""), MAX_ADMISSION_ENTRY_BYTES)
                    self._take(decode_admission_entry(data), data)
                except InvalidError as error:
                    raise SetupError(f"the admission log holds what no broker wrote: {error}") from None
            return self.tree.size

    def _take(self, entry: AdmissionEntry, data: bytes) -> None:
        self._last_leaf = leaf_hash(data)
        self._last_ms, self._last_directory_size = entry.admitted_ms, entry.directory_size
        self.tree.append(self._last_leaf)
        self.on_growth()

    async def run(self) -> None:
        """Append what was noted, for ever."""
        while True:
            self._noted.clear()
            try:
                while self._waiting:
                    await self._append(self._waiting[0])
                    self._waiting.popleft()
            except UnavailableError as error:
                _log.warning("admission log waits", cause=type(error).__name__)
                await asyncio.sleep(1)
                continue
            await self._noted.wait()

    async def _append(self, refusal: _Refusal) -> None:
        """Append one; another broker that was first is read, and then it is our turn."""
        while True:
            entry = AdmissionEntry(
                max(self._clock.now_ms(), self._last_ms),
                max(self._directory.size, self._last_directory_size),
                refusal.refused,
                refusal.reason,
            ).encode()
            request = AppendRequest(
                stream=ADMISSION_STREAM,
                subject=ADMISSION_SUBJECT,
                expected_last_seq=self.tree.size,
                expected_last_msg_id=self._last_leaf.hex() if self._last_leaf else None,
                msg_id=leaf_hash(entry).hex(),
                headers={ENTRY_HEADER: to_base64(entry)},
                body=b"",
            )
            try:
                await (await self._store.append(request))
            except AppendLostError:
                await self.load()
                continue
            await self.load()
            return


def _nothing() -> None:
    """Nobody waits for growth yet."""
