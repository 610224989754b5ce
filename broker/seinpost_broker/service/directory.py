# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The directory log: loaded at start and whenever it may have grown."""

from __future__ import annotations

import asyncio
from collections import defaultdict

import structlog

from seinpost_broker.ports import AppendLostError, AppendRequest, Clock, LogStore
from seinpost_schemas.directory import (
    DIRECTORY_ENTRY_BYTES,
    DirectoryEntry,
    DirectoryType,
    TrustedDirectory,
    decode_directory_entry,
    directory_object_hash,
)
from seinpost_schemas.entry import ENTRY_HEADER, from_base64, to_base64
from seinpost_schemas.errors import MalformedError, UnavailableError
from seinpost_schemas.limits import MAX_CLOCK_SKEW_MS, MAX_PREKEYS_A_DAY
from seinpost_schemas.merkle import leaf_hash
from seinpost_schemas.merkle_tree import MerkleTree
from seinpost_schemas.register import Register
from seinpost_schemas.statements import is_prekey
from seinpost_schemas.subjects import DIRECTORY_STREAM, DIRECTORY_SUBJECT
from seinpost_schemas.submission import Submission

_LOAD_SECONDS = 2.0
_KEPT = (DirectoryType.KEYS, DirectoryType.REGISTER, DirectoryType.REVOCATION, DirectoryType.CLOSING)
"""Prekeys are many, and no right of anyone rests on them."""
_log = structlog.get_logger("directory")


class DirectoryService:
    """One broker's view of the directory log."""

    def __init__(
        self,
        enclave_id: bytes,
        *,
        store: LogStore,
        clock: Clock,
    ) -> None:
        self.directory = TrustedDirectory(enclave_id)
        self.tree = MerkleTree()
        self._store = store
        self._clock = clock
        self._last_leaf: bytes | None = None
        self._last_ms = 0
        self._hashes: set[bytes] = set()
        # By sender_id: when its last prekey statements were taken here, by this machine's clock.
        self._taken_ms: dict[bytes, list[int]] = defaultdict(list)
        self.objects: list[tuple[DirectoryType, bytes]] = []
        """What the log says of who counts and which logs ended, in order: what a broker keeps beside its founding."""
        self.rights_changed = asyncio.Event()
        """Set whenever a version or a revocation was taken in; whoever follows it clears it."""
        self._submitting = asyncio.Lock()
        self._lock = asyncio.Lock()

    async def load(self) -> int:
        """Take in what the stream holds beyond what is known; how many entries that makes."""
        async with self._lock:
            async for stored in self._store.read(DIRECTORY_STREAM, self.directory.size + 1):
                entry_text = stored.headers.get(ENTRY_HEADER)
                if entry_text is None:
                    raise MalformedError("a directory message carries its entry")
                entry_bytes = from_base64(entry_text, DIRECTORY_ENTRY_BYTES)
                self.directory.advance(entry_bytes, stored.body)
                type_ = decode_directory_entry(entry_bytes).type
                if type_ in _KEPT:
                    self.objects.append((DirectoryType(type_), stored.body))
                if type_ in (DirectoryType.REGISTER, DirectoryType.REVOCATION):
                    self.rights_changed.set()
                self._last_leaf = leaf_hash(entry_bytes)
                self.tree.append(self._last_leaf)
                self._last_ms = int.from_bytes(entry_bytes[-40:-32], "big")
                self._hashes.add(entry_bytes[-32:])
            return self.directory.size

    async def found(self, objects: list[tuple[DirectoryType, bytes]]) -> None:
        """Append founding objects that the log does not hold yet, in order."""
        await self.load()
        for type_, data in objects:
            while directory_object_hash(data) not in self._hashes:
                await self._append(type_, data)
                await self.load()

    async def submit(self, submission: Submission) -> Register:
        """Bring a version in force, and return once the log holds it; a repeat changes nothing.

        Raises ``InvalidError`` or ``RefusedError`` for one that must not be, ``UnavailableError`` when the log
        cannot be written.
        """
        async with self._submitting:
            await self.load()
            # Asked again after each append: another broker may have appended another version meanwhile.
            while missing := self.directory.missing_for(submission, self._clock.now_ms()):
                await self._append(*missing[0])
                await self.load()
            register = self.directory.current.register
            _log.info("register in force", version=register.version)
            return register

    async def state(self, data: bytes) -> None:
        """Log what an identity says itself, and return once the log holds it; a repeat changes nothing.

        Raises ``InvalidError`` or ``RefusedError`` for what must not be, ``UnavailableError`` when the log cannot
        be written.
        """
        async with self._submitting:
            await self.load()
            while directory_object_hash(data) not in self._hashes:
                # Asked again after each append: the identity may have been revoked meanwhile.
                if is_prekey(data):
                    statement = self.directory.verify_prekey(data)
                    now_ms, taken = self._clock.now_ms(), self._taken_ms[statement.sender_id]
                    self.directory.verify_prekey_rate(statement, now_ms, taken)
                    await self._append(DirectoryType.PREKEY, data)
                    self._taken_ms[statement.sender_id] = [*taken, now_ms][-MAX_PREKEYS_A_DAY:]
                else:
                    revocation = self.directory.verify_own_revocation(data)
                    _log.info("identity revokes itself", sender_id=revocation.sender_id.hex())
                    await self._append(DirectoryType.REVOCATION, data)
                await self.load()

    async def close_log(self, origin: str, note: bytes) -> None:
        """Log a log's last checkpoint, and return once the directory holds it; once is enough of several brokers.

        Raises ``InvalidError`` for a note that does not hold under the newest register: another is needed then.
        """
        async with self._submitting:
            await self.load()
            while self.directory.closing(origin) is None:
                # As every reader will: what does not hold in the directory would stop all of them.
                self.directory.verify_closing(note)
                await self._append(DirectoryType.CLOSING, note)
                await self.load()
        _log.info("log closed", log=origin)

    async def _append(self, type_: DirectoryType, data: bytes) -> None:
        clock_ms = self._clock.now_ms()
        now_ms = max(clock_ms, self._last_ms)
        if self._last_ms - clock_ms > MAX_CLOCK_SKEW_MS:
            minutes = (self._last_ms - clock_ms) // 60_000
            _log.warning("the directory's newest entry is ahead of this machine's clock", minutes=minutes)
        entry = DirectoryEntry(type_, now_ms, directory_object_hash(data)).encode()
        request = AppendRequest(
            stream=DIRECTORY_STREAM,
            subject=DIRECTORY_SUBJECT,
            expected_last_seq=self.directory.size,
            expected_last_msg_id=self._last_leaf.hex() if self._last_leaf else None,
            msg_id=leaf_hash(entry).hex(),
            headers={ENTRY_HEADER: to_base64(entry)},
            body=data,
        )
        try:
            await (await self._store.append(request))
        except AppendLostError:
            _log.info("another broker appended to the directory first")

    async def run(self) -> None:
        """Load what is new, every few seconds, for ever."""
        while True:
            await asyncio.sleep(_LOAD_SECONDS)
            try:
                await self.load()
            except UnavailableError as error:
                _log.warning("directory waits", cause=type(error).__name__)
