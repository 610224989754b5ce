# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Following the directory: its entries, and the checkpoint that says how fresh they are."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from seinpost_schemas.checkpoint import LogPublicKeys, parse_checkpoint, verify_checkpoint
from seinpost_schemas.directory import DIRECTORY_ENTRY_BYTES, TrustedDirectory, log_keys_of
from seinpost_schemas.directory_material import DirectoryItem, directory_item
from seinpost_schemas.entry import ENTRY_HEADER, from_base64
from seinpost_schemas.errors import (
    BindingError,
    InvalidError,
    MalformedError,
    SetupError,
    SplitViewError,
    UnavailableError,
)
from seinpost_schemas.merkle import leaf_hash
from seinpost_schemas.note import parse_note
from seinpost_schemas.policy import View
from seinpost_schemas.quorum import looks_made_under, verify_witnessed
from seinpost_schemas.register import Register
from seinpost_schemas.subjects import (
    CHECKPOINTS_STREAM,
    DIRECTORY_STREAM,
    checkpoint_subject,
    direct_get_subject,
    directory_origin,
)

from ._reading_state import ReadingState
from ._transport import StoredMessage, Transport
from .freshness import Freshness

_POLL_SECONDS = 10.0
_FOLLOW_SECONDS = 2.0
_AGAIN_SECONDS = 0.1
_FIRST_SECONDS = 15.0
_LOOK_SECONDS = 2.0


def monotonic_ms() -> int:
    """This process's monotonic clock."""
    return time.monotonic_ns() // 1_000_000


def wall_ms() -> int:
    """This machine's wall clock, Unix milliseconds."""
    return time.time_ns() // 1_000_000


class DirectoryFollower:
    """Keeps one ``TrustedDirectory`` current and knows how fresh it is."""

    def __init__(self, enclave_id: bytes, transport: Transport, floor: ReadingState) -> None:
        self.directory = TrustedDirectory(enclave_id)
        self.freshness = Freshness()
        self._transport = transport
        self._floor = floor
        self._grew = asyncio.Event()
        self._wanted = asyncio.Event()
        self._failed: Exception | None = None
        self._looks = 0
        self._roots: dict[int, bytes] = {}
        self._note = b""
        self.material: list[DirectoryItem] = []
        """Entries and objects as they came: what a proof rests on."""

    @property
    def view(self) -> View:
        """What is known now."""
        return self.directory.current

    def verify_fresh(self) -> None:
        """Raise unless it is fresh enough to seal on; what ended the following is raised again."""
        if self._failed is not None:
            raise self._failed
        self.freshness.verify(monotonic_ms(), wall_ms())

    async def run(self) -> None:
        """Follow until cancelled. A directory that does not verify ends this with its error."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.follow())
                group.create_task(self._poll())
        except BaseExceptionGroup as failures:
            self._failed = failures.exceptions[0] if isinstance(failures.exceptions[0], Exception) else None
            self._grew.set()
            raise

    async def follow(self) -> None:
        """Take in entries until cancelled; whether they are fresh is not asked."""
        while True:
            self._wanted.clear()
            try:
                found = await self._transport.read_from(DIRECTORY_STREAM, self.directory.size + 1)
            except UnavailableError:
                found = []
            self._take(found)
            self._looks += 1
            if not found:
                # Asked for by someone who waits: soon again; else at an easy pace.
                await asyncio.sleep(_AGAIN_SECONDS)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_FOLLOW_SECONDS):
                        await self._wanted.wait()

    def _take(self, found: list[StoredMessage]) -> None:
        for stored in found:
            if stored.seq != self.directory.size + 1:
                raise SetupError("the directory log has a hole: its entries do not follow each other")
            text = stored.headers.get(ENTRY_HEADER)
            try:
                if text is None:
                    raise MalformedError("a directory message carries its entry")
                self.directory.advance(from_base64(text, DIRECTORY_ENTRY_BYTES), stored.body)
            except BindingError as error:
                raise SetupError(
                    f"this server's register is not the one this configuration trusts: {error}"
                ) from None
            except InvalidError as error:
                raise SetupError(f"the directory does not verify: {error}") from None
            root = self._roots[self.directory.size] = self.directory.root()
            self.material.append(directory_item(text, stored.body))
            self._floor.verify_directory(self.directory.size, root)
        if found:
            self._grew.set()
            self._grew = asyncio.Event()

    async def _poll(self) -> None:
        while True:
            try:
                await self.confirm()
            except UnavailableError:
                await asyncio.sleep(1)
                continue
            await asyncio.sleep(_POLL_SECONDS)

    async def confirm(self) -> None:
        """Read the newest checkpoint, hold it against the entries, and take its timestamp."""
        await self.wait_for(lambda: self.directory.view_at(self.directory.size) is not None)
        origin = directory_origin(self.view.register.enclave)
        subject = direct_get_subject(CHECKPOINTS_STREAM, checkpoint_subject(origin))
        note = await self._transport.read_last(subject)
        if note is None:
            if self.view.register.quorum:
                raise UnavailableError(
                    "no quorum of witnesses has confirmed the directory yet: do the broker and its witnesses run?"
                )
            raise UnavailableError("no broker has signed the directory yet: does one run?")
        register = await self.register_for(note)
        try:
            checkpoint, timestamp = verify_checkpoint(note, origin, LogPublicKeys(*log_keys_of(register)))
            if register.quorum:
                timestamp = verify_witnessed(register, parse_note(note), checkpoint)
        except InvalidError as error:
            if _claimed_size(note) < self.directory.size:
                # Of less than has come, perhaps by other witnesses: it says nothing, the next one covers that.
                return
            raise SetupError(f"the directory's checkpoint does not verify: {error}") from None
        await self.wait_for(lambda: self.directory.size >= checkpoint.tree_size)
        if self.directory.size != checkpoint.tree_size:
            # More has come since it was signed; the next checkpoint covers that.
            return
        if self.directory.root() != checkpoint.root_hash:
            raise SetupError("the directory received is not the one that the broker signed")
        self._floor.store_directory(self.directory.size, self.directory.root())
        self._note = note
        self.freshness.saw(timestamp, monotonic_ms(), wall_ms())

    async def register_for(self, note: bytes) -> Register:
        """The register to hold a checkpoint against, looked up anew when its witnesses are not those known here.

        A version may have come that adds or revokes one: brokers know it before we do.
        """
        with contextlib.suppress(InvalidError):
            if not looks_made_under(self.view.register, parse_note(note)):
                await self.look_again()
        return self.view.register

    async def look_again(self) -> None:
        """Until the log was asked for more, from now on, or for 2 s."""
        wanted = self._looks + 2
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_SECONDS):
                while self._looks < wanted:
                    self._wanted.set()
                    await asyncio.sleep(_AGAIN_SECONDS)

    @property
    def note(self) -> bytes:
        """The newest checkpoint that was confirmed; empty before the first."""
        return self._note

    def hear(self, data: bytes) -> None:
        """Hold what another party was told of the directory against ours; raises ``SplitViewError``.

        What the log did not sign is passed over. Nothing is sealed on a directory of which the log signed two.
        """
        register = self.view.register
        try:
            told = parse_checkpoint(parse_note(data))
            if self._roots.get(told.tree_size, told.root_hash) == told.root_hash:
                return
            verify_checkpoint(data, directory_origin(register.enclave), LogPublicKeys(*log_keys_of(register)))
        except InvalidError:
            return
        self._failed = SetupError(
            f"the log signed another directory for others at size {told.tree_size}: nothing is sealed on either"
        )
        raise SplitViewError(f"another party was shown another directory at size {told.tree_size}")

    def leaves(self, size: int) -> list[bytes]:
        """The leaf hashes of the first ``size`` entries, of those that have come."""
        entries = (from_base64(item.entry, DIRECTORY_ENTRY_BYTES) for item in self.material[:size])
        return [leaf_hash(entry) for entry in entries]

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait, however long, for the directory to grow until ``condition`` holds."""
        while not condition():
            with contextlib.suppress(UnavailableError):
                await self.wait_for(condition)

    async def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait for the directory to grow until ``condition`` holds, within 15 s."""
        try:
            async with asyncio.timeout(_FIRST_SECONDS):
                while not condition():
                    if self._failed is not None:
                        raise self._failed
                    self._wanted.set()
                    await self._grew.wait()
        except TimeoutError:
            raise UnavailableError("the directory did not come; is the broker running?") from None


def _claimed_size(note: bytes) -> float:
    """The size that a note speaks of, signed or not; what is no checkpoint speaks of more than there is."""
    try:
        return parse_checkpoint(parse_note(note)).tree_size
    except InvalidError:
        return float("inf")
