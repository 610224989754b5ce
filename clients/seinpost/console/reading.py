# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Fills the view from the connection for as long as the console runs, and keeps it and the index in step."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Literal, NamedTuple

from seinpost._heard_receipts import ReceiptRow
from seinpost._lock import Lock
from seinpost._reading_state import ReadingState
from seinpost.config import Config
from seinpost.connection import Connection
from seinpost.delivery import Alarm, Delivery, Recalled
from seinpost.identity import Identity
from seinpost_schemas.clear_bodies import ReceiptState
from seinpost_schemas.errors import SeinpostError
from seinpost_schemas.subjects import feed_stream, parse_feed_stream
from seinpost_schemas.uuid7 import format_id

from .feed_view import FeedView
from .index.index_seal import IndexChangedError
from .index.row_facts import log_of
from .index.sealed_rows import IndexFile
from .marks import IndexSeen, Marks

_TURN = 50
BEHIND_ENTRIES = 100
"""Fewer log entries that are still to be read are not worth a word."""
REMEMBER_SECONDS = 60.0
"""What was in the index this long ago is on the disk, whatever happens to the machine."""
Rebuilt = Literal["", "damaged", "put-back", "lost", "retention"]


class Progress(NamedTuple):
    """Log entries that were read, of those that are known to be there."""

    read: int
    known: int


class OpenIndex(NamedTuple):
    """The index of an identity's console, and why it is built again, if it is."""

    file: IndexFile
    rebuilt: Rebuilt


@contextlib.asynccontextmanager
async def open_index(
    config: Config, identity: Identity, marks: Marks, on_waiting: Callable[[str], None]
) -> AsyncIterator[OpenIndex]:
    """The index, for one process at a time; raises ``SetupError`` when there can be none."""
    lock = Lock(config.state / "console.lock")
    await lock.acquire(
        lambda: on_waiting(f"another console is running as {identity.name}; waiting until it has finished")
    )
    state = ReadingState(config.state, identity.storage_key)
    try:
        index = IndexFile(config.state, identity.storage_key, config.enclave_id, state)
        try:
            yield OpenIndex(index, _verify_history(index, marks))
            index.settle()
            marks.remember_index(IndexSeen(index.generation, index.stored_rows))
        finally:
            index.close()
    finally:
        state.close()
        lock.release()


def _verify_history(index: IndexFile, marks: Marks) -> Rebuilt:
    """Whether the index is the one that was here before, and no earlier state of it."""
    seen = marks.index_seen()
    if index.damaged:
        return "damaged"
    if seen is None or not seen.rows:
        return ""
    if seen.generation != index.generation:
        # Another building: what was here is gone. One that is newer than what is remembered has rows.
        return "" if index.stored_rows else "lost"
    if index.stored_rows < seen.rows:
        index.start_over()
        return "put-back"
    return ""


class Reading:
    """One reader of the feed; ``changed`` is called when pages may show something else."""

    def __init__(
        self,
        view: FeedView,
        marks: Marks,
        changed: Callable[[], None],
        opened: OpenIndex | None = None,
    ) -> None:
        self._view = view
        self._marks = marks
        self._changed = changed
        self._index = opened.file if opened is not None else None
        self.rebuilt: Rebuilt = opened.rebuilt if opened is not None else ""
        """Why the index is being built again, until it is."""
        self.trouble: str | None = None
        """Why nothing is read any more."""
        self.active = False
        self._connection: Connection | None = None
        self._alarms_before: list[Alarm] = []
        self._again = asyncio.Event()

    # -- what came before -------------------------------------------------------------------------

    def restore(self, now_ms: int) -> None:
        """Take over what the index holds, before anything else."""
        if self._index is None:
            return
        try:
            self._view.restore(now_ms)
        except IndexChangedError:
            self._start_over("damaged")
        self._take_states(self._index)

    def kept_alarms(self) -> list[Alarm]:
        """What was wrong with entries that an earlier run read; once, before anything is read."""
        self._alarms_before = self._index.alarms() if self._index is not None else []
        return self._alarms_before

    def keep_alarm(self, alarm: Alarm) -> None:
        """Something is wrong: who comes later must hear of it too."""
        if self._index is not None:
            self._index.keep_alarm(alarm)

    def _take_states(self, index: IndexFile) -> None:
        for recall in index.every_recall():
            self._view.note_recalled(_log(recall.stream), recall.index, format_id(recall.signal_id))
        index.on_receipts = self._note_receipts
        for row in index.every_receipt(ReceiptState.OPENED):
            self._note_receipts((row,))

    def _note_receipts(self, rows: Sequence[ReceiptRow]) -> None:
        for row in rows:
            self._note_opened(row, (row.first_leaf, row.first_signal), (row.last_leaf, row.last_signal))
        self._changed()

    def _note_opened(self, row: ReceiptRow, first: tuple[int, int], last: tuple[int, int]) -> None:
        if row.state >= ReceiptState.OPENED:
            self._view.note_opened(row.party, _log(row.stream), first, last)

    def note_recalled(self, recalled: Recalled) -> None:
        """A sender took a signal back."""
        log = log_of(recalled.period, recalled.compartment)
        self._view.note_recalled(log, recalled.index, recalled.signal)
        self._changed()

    # -- what comes -------------------------------------------------------------------------------

    def use(self, connection: Connection) -> None:
        """Read with this identity from now on."""
        self._connection = connection
        connection.remember_alarms(self._alarms_before)
        self.keep_to_retention()

    def keep_to_retention(self) -> None:
        """What is no longer retained is in no index either: then it is built again from what is."""
        if self._index is None or self._connection is None:
            return
        if not self._view.periods.issubset(self._connection.directory.view.register.periods.readable):
            self.start_over_soon("retention")

    @property
    def progress(self) -> Progress | None:
        """How far the reading is, while it is behind."""
        if self._connection is None or not self.active:
            return None
        progress = Progress(*self._connection.reading_progress())
        return progress if progress.known - progress.read >= BEHIND_ENTRIES else None

    def start_over_soon(self, why: Rebuilt = "damaged") -> None:
        """The index does not fit together, or holds too much: empty it and read everything again."""
        self.rebuilt = why
        self._again.set()

    def _start_over(self, why: Rebuilt) -> None:
        self.rebuilt = why
        if self._index is not None:
            self._index.start_over()
        self._view.start_over()
        self._changed()

    async def run(self, connection: Connection) -> None:
        """Read until cancelled; what ends it is in ``trouble``."""
        self._connection = connection
        remembering = asyncio.ensure_future(self._remember())
        try:
            while await self._run_once(connection):
                self._start_over(self.rebuilt)
        finally:
            remembering.cancel()
            await asyncio.gather(remembering, return_exceptions=True)

    async def _run_once(self, connection: Connection) -> bool:
        """Whether everything is to be read again."""
        taking, asked = (
            asyncio.ensure_future(self._take_all(connection)),
            asyncio.ensure_future(self._again.wait()),
        )
        try:
            await asyncio.wait({taking, asked}, return_when=asyncio.FIRST_COMPLETED)
            if not self._again.is_set():
                taking.result()
                return False
        finally:
            for task in (taking, asked):
                task.cancel()
            await asyncio.gather(taking, asked, return_exceptions=True)
        self._again.clear()
        return True

    async def _take_all(self, connection: Connection) -> None:
        self.active, self.trouble = True, None
        from_start = self._index is None
        try:
            async with contextlib.aclosing(connection.signals(from_start=from_start)) as deliveries:
                async for delivery in deliveries:
                    self._take(connection, delivery)
                    if self._view.rows % _TURN == 0:
                        # Catching up need not wait for anything: let the pages have a turn.
                        await asyncio.sleep(0)
            self.trouble = "the feed ended"
        except IndexChangedError:
            self.start_over_soon()
        except SeinpostError as error:
            self.trouble = str(error)
        except Exception as error:
            # A bug: said on every page, without what it was about, and told to whoever waits for this.
            self.trouble = f"internal error: {type(error).__name__}"
            raise
        finally:
            self.active = False
            self._changed()

    def _take(self, connection: Connection, delivery: Delivery) -> None:
        log = self._view.log(delivery.period, str(delivery.compartment))
        is_late = delivery.index + 1 < log.received
        self._view.add(delivery, connection.audience(delivery))
        if is_late and self._index is not None:
            # Opened long after it was read, by a share: receipts for it may have come before.
            stream = feed_stream(delivery.period, delivery.compartment)
            for row in self._index.receipts(stream, delivery.index, delivery.number):
                at = (delivery.index, delivery.number)
                self._note_opened(row, at, at)
        self._changed()

    async def _remember(self) -> None:
        """Keep in mind how far the index had come a while ago."""
        before: IndexSeen | None = None
        while self._index is not None:
            if before is not None and before.generation == self._index.generation:
                self._marks.remember_index(before)
            before = IndexSeen(self._index.generation, self._index.stored_rows)
            await asyncio.sleep(REMEMBER_SECONDS)


def _log(stream: str) -> str:
    return log_of(*parse_feed_stream(stream))
