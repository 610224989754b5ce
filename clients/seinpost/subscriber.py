# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Reading: pull the feeds, verify, open, deliver each signal once, keep the position.

At least once across a crash: position, feed state and what was delivered are stored together, after the
last signal of an envelope was taken by the application.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence

import msgspec

from seinpost_schemas.clear_bodies import ReceiptState
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.entry import ENTRY_BYTES, ENTRY_HEADER, decode_entry, from_base64
from seinpost_schemas.errors import (
    MalformedError,
    Reason,
    RefusedError,
    StateLostError,
    UnavailableError,
    UnforeseenError,
)
from seinpost_schemas.header import decode_header
from seinpost_schemas.kinds import Kind
from seinpost_schemas.subjects import feed_stream

from ._auditing import Auditing
from ._directory import DirectoryFollower, monotonic_ms
from ._followed import FollowedLog, begin_log
from ._given import Given
from ._gossip import Gossip
from ._keyring import Keyring
from ._opening import Opened, Opening, SharedPast
from ._reading_state import Facts, Owed, ReadingState
from ._transport import StoredMessage, Transport
from ._trusted_feed import PastEpoch
from ._unforeseen import one_entry
from .delivery import Alarm, Audited, Delivery, LogStatus, Recalled

_LOOK_SECONDS = 0.25
_RIGHTS_SECONDS = 0.5
"""How often the register is asked for what else there is to read."""
_QUEUED_ENVELOPES = 8
"""Opened envelopes that wait for the application, per reader: a slow one stops pulling, others do not."""


class _Work(msgspec.Struct, frozen=True):
    """What the application takes next; ``late`` when it was read long ago, and could be opened only now."""

    log: FollowedLog
    next_seq: int
    feed: bytes
    index: int
    opened: Opened
    late: bool = False


class Subscriber:
    """Reads every compartment that the party may read."""

    def __init__(
        self,
        keyring: Keyring,
        directory: DirectoryFollower,
        transport: Transport,
        state: ReadingState,
        on_alarm: Callable[[Alarm], None],
        on_audited: Callable[[Audited], None],
        on_recalled: Callable[[Recalled], None] = lambda _: None,
        only: set[Compartment] | None = None,
    ) -> None:
        self._identity = keyring.identity
        self._directory = directory
        self._transport = transport
        self._state = state
        self._on_recalled = on_recalled
        self._all = only is None
        self._given = Given(directory, self._identity, only, self._take_denial)
        self._logs: dict[str, FollowedLog] = {}
        """By stream: of each compartment the log that is read now, and those before it."""
        self._opening = Opening(keyring, directory.directory, state, self._logs, on_alarm)
        self._stored = asyncio.Event()
        """Set whenever the application has taken something."""
        self._full: set[str] = set()
        """Streams whose reading waits for the application."""
        self._auditing = Auditing(
            directory, transport, state, self._logs, self._full, self._given.now, on_alarm, on_audited
        )
        self.envelopes = 0
        """Log entries verified since the start, opened or not."""

    def compartments(self) -> list[Compartment]:
        """The compartments whose feed this party may pull now.

        Raises ``RefusedError`` for an identity that is not, or no longer, in the register.
        """
        return self._given.compartments()

    def audited_size(self, stream: str) -> int:
        """How many entries of a log a checkpoint with quorum covers."""
        log = self._logs.get(stream)
        return log.audit.audited_size if log else 0

    def progress(self) -> tuple[int, int]:
        """How many entries were read of the logs that are followed, and how many are known to be in them."""
        logs = self._logs.values()
        read = sum(log.feed.size for log in logs)
        return read, sum(max(log.feed.size, log.audit.newest_size) for log in logs)

    def logs(self) -> list[LogStatus]:
        """Every log that is read, or was read to its end."""
        return [
            LogStatus(
                compartment=log.compartment,
                period=log.period,
                received=log.feed.size,
                audited=log.audit.audited_size,
                confirmed_ms=log.audit.audited_ms,
                note=log.audit.note,
                closed=log.audit.is_over,
            )
            for log in self._logs.values()
        ]

    def read_to_ms(self) -> int | None:
        """Up to when every log that this party may read was read and cosigned; Unix milliseconds.

        ``None`` while that is not known of some log: it was not reached yet, or no checkpoint with quorum has come.
        """
        period = self._directory.view.register.periods.current
        running = [self._logs.get(feed_stream(period, c)) for c in self.compartments()]
        seen = [log.audit.audited_ms for log in running if log is not None]
        if not seen or len(seen) < len(running) or min(seen) == 0:
            return None
        return min(seen)

    async def signals(self, *, from_start: bool = False) -> AsyncGenerator[Delivery, None]:
        """Verified and opened signals, in log order within each compartment, for ever."""
        compartments = self.compartments()
        if not compartments:
            raise RefusedError(Reason.MANDATE, f"{self._identity.party} has no mandate to read anything")
        readable_periods = self._directory.view.register.periods.readable
        if from_start:
            self._state.forget([feed_stream(p, c) for p in readable_periods for c in compartments])
        queue: asyncio.Queue[_Work] = asyncio.Queue(maxsize=_QUEUED_ENVELOPES)
        # Before anyone is listened to: what others say is about these.
        reading = {c: self._begin(c, queue) for c in compartments}
        tasks = [asyncio.ensure_future(self._read_all(reading, queue))]
        tasks.append(asyncio.ensure_future(self._auditing.run()))
        # Who is let in no more is told so, and does not wait for what never comes.
        tasks.append(asyncio.ensure_future(self._transport.wait_refused()))
        if self._all:
            gossip = Gossip(self._transport, self._identity.party, self._auditing.notes, self._auditing.heard)
            tasks += [asyncio.ensure_future(gossip.tell()), asyncio.ensure_future(gossip.listen())]
        try:
            while True:
                work = await _next_or_failure(queue, tasks)
                for recalled in work.opened.recalled:
                    self._on_recalled(recalled)
                for delivery in work.opened.deliveries:
                    yield delivery
                self._commit(work)
        finally:
            for task in (*tasks, *reading.values()):
                task.cancel()
            await asyncio.gather(*tasks, *reading.values(), return_exceptions=True)

    def _commit(self, work: _Work) -> None:
        opened, stream = work.opened, work.log.stream
        owed = opened.owed
        if opened.deliveries and (work.late or self._state.first_delivery(stream, work.index)):
            numbers = [d.number for d in opened.deliveries]
            delivered = Owed(work.index, min(numbers), max(numbers), ReceiptState.DELIVERED)
            owed = [*owed, delivered]
        try:
            with one_entry():
                self._store(work, opened.facts, owed)
        except UnforeseenError as error:
            # What it says is left out, and its place is not: or it would be read, and fail, at every start.
            self._opening.alarm(error, str(work.log.compartment), work.index, None)
            self._store(work, Facts(opened.facts.entry), owed)
        work.log.ledger.stored(work.index, opened.facts)
        self._opening.stored(opened)
        self._stored.set()

    def _store(self, work: _Work, facts: Facts, owed: Sequence[Owed]) -> None:
        stream, seen = work.log.stream, work.opened.seen
        if work.late:
            self._state.commit_late(stream, seen, facts, owed)
        else:
            self._state.commit(stream, work.next_seq, work.feed, seen, facts, owed)

    def _begin(self, compartment: Compartment, queue: asyncio.Queue[_Work]) -> asyncio.Task[None]:
        period = self._directory.view.register.periods.readable[0]
        return asyncio.ensure_future(self._read(compartment, period, queue))

    async def _read_all(
        self, reading: dict[Compartment, asyncio.Task[None]], queue: asyncio.Queue[_Work]
    ) -> None:
        """Look after these, and read what the register gives from later on; until one fails, or cancelled."""
        try:
            while True:
                done, _ = await asyncio.wait(
                    reading.values(), timeout=_RIGHTS_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    task.result()
                for compartment in (self._given.now() or set()).difference(reading):
                    self._given.begins(compartment)
                    reading[compartment] = self._begin(compartment, queue)
        finally:
            for task in reading.values():
                task.cancel()
            await asyncio.gather(*reading.values(), return_exceptions=True)

    async def _read(self, compartment: Compartment, period: str, queue: asyncio.Queue[_Work]) -> None:
        """Follow one compartment from a period on: each log to its closing, and then the one after it."""
        before: FollowedLog | None = None
        try:
            while True:
                directory = self._directory.directory
                log = begin_log(period, compartment, directory, self._state, before, monotonic_ms())
                self._logs[log.stream] = log
                self._look_at_the_mark(log)
                self._auditing.tell_audited(log, before=0)
                self._auditing.grew(log)
                await self._read_to_its_end(log, queue)
                before, period = log, directory.period_after(period)
        except RefusedError as error:
            # Whatever else is refused of one feed stops no other.
            self._take_denial(compartment, error)
            await asyncio.Event().wait()

    def _take_denial(self, compartment: Compartment, error: RefusedError) -> None:
        self._opening.alarm(error, str(compartment), None, None)

    def _look_at_the_mark(self, log: FollowedLog) -> None:
        """A database that was put back or lost is behind the mark beside it."""
        had = self._state.put_back(log.stream)
        if had is None:
            return
        # What its own receipts in the log say of it is said with this.
        self._state.claim(log.stream, had)
        self._opening.alarm(
            StateLostError(
                f"this identity read {had} entries, and its state knows of {log.feed.size}: it was lost or put back; "
                "it reads them again"
            ),
            str(log.compartment),
            None,
            None,
        )

    async def _read_to_its_end(self, log: FollowedLog, queue: asyncio.Queue[_Work]) -> None:
        """Until everything below the log's closing was taken by the application; for ever while it runs.

        What comes after the closing is not read: nobody may believe it, and ``Auditing`` tells of it.
        """
        over = asyncio.ensure_future(self._until_over(log))
        pulling: asyncio.Future[None] | None = None
        try:
            # One look before anything is asked for: most logs of earlier periods were read long ago.
            await asyncio.sleep(0)
            if not over.done():
                pulling = asyncio.ensure_future(self._pull(log, queue))
                await asyncio.wait({over, pulling}, return_when=asyncio.FIRST_COMPLETED)
                if pulling.done():
                    pulling.result()
            await over
        finally:
            tasks = {t for t in (over, pulling) if t is not None}
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _until_over(self, log: FollowedLog) -> None:
        while True:
            view, closing = self._directory.view, self._directory.directory.closing(log.origin)
            if closing is not None:
                self._auditing.close(log, closing, view.register)
            elif view.register.periods.current != log.period:
                log.audit.ended(monotonic_ms())
            # Until it is stored: the next log may speak of what is in this one.
            if log.audit.is_over and self._state.position(log.stream) > log.feed.size:
                return
            await asyncio.sleep(_LOOK_SECONDS)

    async def _pull(self, log: FollowedLog, queue: asyncio.Queue[_Work]) -> None:
        feed, stream = log.feed, log.stream
        async for stored in self._pulled(log):
            headers = dict(stored.headers)
            await self._wait_for_directory(stream, headers)
            if _is_share(headers):
                # What it shares is looked up in what was stored: everything before it has to be.
                await self._until_stored(log)
            opened = self._opening.take(log, stored, headers)
            self._auditing.grew(log)
            self.envelopes += 1
            async for late in self._open_late(log, opened.shared):
                await self._put(late, queue)
            await self._put(_Work(log, feed.size + 1, feed.encode(), stored.seq - 1, opened), queue)

    async def _pulled(self, log: FollowedLog) -> AsyncGenerator[StoredMessage, None]:
        """The log's messages from where its feed is; goes on there when the server denies it and gives it again."""
        while True:
            try:
                async for stored in self._transport.pull(log.stream, self._identity.name, log.feed.size + 1):
                    yield stored
            except RefusedError as error:
                await self._given.until_given(log.compartment, error)
            else:
                return

    async def _put(self, work: _Work, queue: asyncio.Queue[_Work]) -> None:
        self._full.add(work.log.stream)
        await queue.put(work)
        self._full.discard(work.log.stream)

    async def _until_stored(self, log: FollowedLog) -> None:
        while self._state.position(log.stream) <= log.feed.size:
            self._stored.clear()
            await self._stored.wait()

    async def _open_late(self, log: FollowedLog, shared: Sequence[SharedPast]) -> AsyncGenerator[_Work, None]:
        """Everything that was sealed under epochs that this reader was given only now, oldest first."""
        by_stream: dict[str, list[PastEpoch]] = {}
        for past in shared:
            by_stream.setdefault(past.stream, []).append(past.epoch)
        for stream, epochs in sorted(by_stream.items()):
            of = self._logs.get(stream)
            if of is None:
                continue
            ids = {e.epoch_id for e in epochs}
            end = of.feed.size - 1 if of is log else of.feed.size
            async for stored in self._stored_between(of, min(e.index for e in epochs) + 1, end):
                opened = self._opening.take_late(of, stored, ids)
                if opened.deliveries or opened.owed or opened.facts.places:
                    yield _Work(of, 0, b"", stored.seq - 1, opened, late=True)

    async def _stored_between(
        self, log: FollowedLog, first: int, end: int
    ) -> AsyncGenerator[StoredMessage, None]:
        """The entries of a log from index ``first`` up to ``end``, which is not included."""
        while first < end:
            found: list[StoredMessage] = []
            try:
                found = await self._transport.read_from(log.stream, first + 1)
            except UnavailableError:
                pass
            except RefusedError as error:
                await self._given.until_given(log.compartment, error)
            for stored in found:
                if stored.seq > end:
                    return
                yield stored
                first = stored.seq
            if not found:
                await asyncio.sleep(_LOOK_SECONDS)

    # -- one entry --------------------------------------------------------------------------------

    async def _wait_for_directory(self, stream: str, headers: dict[str, str]) -> None:
        """An entry may name a directory that is on its way to us: let it come first.

        Passing over the entry would lose a signal; waiting is said once. It ends when the directory was
        confirmed and is shorter than that: then the entry is refused.
        """
        try:
            size = decode_entry(from_base64(headers.get(ENTRY_HEADER, ""), ENTRY_BYTES)).directory_size
        except MalformedError:
            return
        told = False
        while self._directory.directory.size < size:
            try:
                await self._directory.wait_for(lambda: self._directory.directory.size >= size)
            except UnavailableError as error:
                if not told:
                    self._opening.alarm(error, stream, None, None)
                    told = True
                if self._directory_is_whole():
                    # What is signed of the directory ends before that: the entry names one that is not there.
                    return

    def _directory_is_whole(self) -> bool:
        """Whether what we hold of the directory is what was signed within the last minute."""
        try:
            self._directory.verify_fresh()
        except UnavailableError:
            return False
        return True


def _is_share(headers: dict[str, str]) -> bool:
    try:
        entry = decode_entry(from_base64(headers.get(ENTRY_HEADER, ""), ENTRY_BYTES))
        return decode_header(entry.header_bytes).kind == Kind.SHARE
    except MalformedError:
        return False


async def _next_or_failure(queue: asyncio.Queue[_Work], tasks: list[asyncio.Task[None]]) -> _Work:
    """The next opened envelope; a reading task that failed ends the iteration with its error."""
    if not queue.empty():
        return queue.get_nowait()
    getter = asyncio.ensure_future(queue.get())
    try:
        await asyncio.wait({getter, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        if getter.done():
            return getter.result()
        for task in tasks:
            if task.done():
                task.result()
        raise RuntimeError("a feed ended")
    finally:
        getter.cancel()
