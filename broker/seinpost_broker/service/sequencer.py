# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The single writer of one compartment's log: decide → append under conditions → answer.

**The commit point** is the append's acknowledgement. Appends are pipelined: the next is sent before the
last is acknowledged, each conditional on the one before it by sequence *and* message id. When one is lost to
another broker, or its outcome is unknown, everything not acknowledged is taken back, the log is read again
from the stream, and the same envelopes are decided anew by the same code. Answers go out only after
the append is acknowledged (or, for a refusal, when nothing is in flight that it could depend on), in the order of
the decisions; they are pipelined too.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import Awaitable, Callable

import msgspec
import structlog

from seinpost_broker.core.compartment_log import Admit, Ahead, AlreadyLogged, CompartmentLog
from seinpost_broker.ports import Answers, AppendRequest, Clock, LogStore, Snapshots
from seinpost_schemas.answer import BrokerAnswer, head_of
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.directory import TrustedDirectory
from seinpost_schemas.entry import Entry, feed_headers, parse_feed_headers
from seinpost_schemas.errors import InvalidError, Reason, RefusedError, UnavailableError
from seinpost_schemas.header import Header, decode_header
from seinpost_schemas.kinds import Kind
from seinpost_schemas.limits import HOLD_MS, MAX_HELD_ENVELOPES
from seinpost_schemas.merkle import leaf_hash
from seinpost_schemas.subjects import feed_stream, feed_subject

from .answering import Answering, Item

MAX_IN_FLIGHT = 32
_PROGRESS_ENTRIES = 10_000
_POLL_SECONDS = 0.025
"""While something is held: how often the stream is looked at for what another broker appended."""
_log = structlog.get_logger("sequencer")


class Sequencer:
    """Runs one compartment's log of one period; one instance per broker process."""

    def __init__(
        self,
        compartment: Compartment,
        period: str,
        *,
        directory: TrustedDirectory,
        store: LogStore,
        answers: Answers,
        clock: Clock,
        refusals: Callable[[str, bytes, Reason], None] = lambda _party, _refused, _reason: None,
    ) -> None:
        # Told of each refusal: party, SHA-256 of what was refused, reason.
        self._refusals = refusals
        self.log = CompartmentLog(compartment)
        self.log.period = period
        self.on_growth: Callable[[], None] = _nothing
        """Called when entries were confirmed: a checkpoint is due."""
        self._period = period
        self._stream = feed_stream(period, compartment)
        self._subject = feed_subject(period, compartment)
        self._directory = directory
        self._store = store
        self._answering = Answering(answers)
        self._clock = clock
        self._queue: asyncio.Queue[Item | None] = asyncio.Queue(maxsize=256)
        self._behind = False
        self._todo: deque[Item] = deque()
        self._held: list[Item] = []
        self._in_flight: deque[tuple[Item, Admit, Awaitable[None]]] = deque()
        self._look_at_held = False
        self._ending = False
        self._successor: Sequencer | None = None
        self.stored_size = 0
        """Entries in the newest snapshot."""
        self.read_directory: Callable[[], Awaitable[object]] = _no_directory
        """Reads what the directory log holds beyond what is known."""
        self.on_progress: Callable[[str, int, int], None] = _no_progress
        """While loading: the stream, entries read, entries there are."""

    async def restore(self, snapshots: Snapshots) -> None:
        """Begin with this broker's snapshot, if the stream still holds what it ends with."""
        data = snapshots.load(self._stream)
        if data is None:
            return
        try:
            log = CompartmentLog.of(self.log.compartment, data)
            if log.size and not await self._holds(log):
                raise ValueError("the stream holds something else at the snapshot's end")
        except ValueError as error:
            _log.warning("snapshot not used", stream=self._stream, cause=str(error))
            return
        log.period = self._period
        self.log = log
        self.stored_size = log.size

    async def _holds(self, log: CompartmentLog) -> bool:
        if await self._store.last_seq(self._stream) < log.size:
            return False
        newest = await self._store.read_one(self._stream, log.size)
        try:
            _, entry_bytes, _ = parse_feed_headers(dict(newest.headers))
        except InvalidError:
            return False
        return leaf_hash(entry_bytes) == log.last_leaf

    async def store(self, snapshots: Snapshots) -> None:
        """Store a snapshot, unless something is under way just now."""
        data = self.log.snapshot()
        if data is not None:
            size = self.log.size
            await snapshots.store(self._stream, data)
            self.stored_size = size

    async def put(self, item: Item) -> None:
        """Queue a verified envelope; waits while the queue is full (backpressure to the ingress)."""
        await self._queue.put(item)
        if self._successor is not None:
            # It waited for room here while the log was handed over: nobody takes it from this queue any more.
            for left in self.take_out():
                await self._successor.put(left)

    async def load(self) -> None:
        """Read the log from its stream: at start, and again after every lost race."""
        first = self.log.size + 1
        last = await self._store.last_seq(self._stream)
        async for stored in self._store.read(self._stream, first, headers_only=True):
            entry, _, signature = parse_feed_headers(dict(stored.headers))
            if stored.seq != self.log.size + 1:
                raise UnavailableError(f"{self._stream} has a hole before sequence {stored.seq}")
            if entry.directory_size > self._directory.size:
                # Another broker knew more: who it knew, and what was removed, has to be known here first.
                await self.read_directory()
            header = decode_header(entry.header_bytes)
            self.log.verify_follows(entry, header, self._stream)
            body = None
            if header.kind == Kind.EPOCH:
                body = (await self._store.read_one(self._stream, stored.seq)).body
            self._apply(entry, header, signature, body)
            self.log.confirm()
            self.on_growth()
            if self.log.size % _PROGRESS_ENTRIES == 0:
                self.on_progress(self._stream, self.log.size, last)

    def end(self) -> None:
        """Let ``run`` return once what is under way is settled, or taken back."""
        self._ending = True
        if self._queue.empty():
            self._queue.put_nowait(None)

    async def hand_over(self, successor: Sequencer) -> None:
        """Give everything that waits, and whatever is still put here, to the sequencer that goes on."""
        self._successor = successor
        for item in self.take_out():
            await successor.put(item)

    def take_out(self) -> list[Item]:
        """Everything that waits or is under way, in order, for the sequencer that goes on; ``run`` has ended.

        What was under way may be in the log: whoever goes on finds it there, and answers it again.
        """
        self._take_back()
        items = [*self._todo, *sorted(self._held, key=lambda i: i.envelope.header.seq)]
        self._todo.clear()
        self._held.clear()
        while not self._queue.empty():
            item = self._queue.get_nowait()
            if item is not None:
                items.append(item)
        for item in items:
            item.held_until_ms = None
        return items

    async def catch_up(self) -> int:
        """Take in what other brokers appended, soon; how many entries the stream holds."""
        held = await self._store.last_seq(self._stream)
        if held > self.log.size:
            # Only the sequencing loop may touch the log: it reloads when it sees this.
            self._behind = True
            if self._queue.empty():
                self._queue.put_nowait(None)
        return held

    def _apply(self, entry: Entry, header: Header, signature: bytes, body: bytes | None) -> None:
        view = self._directory.view_at(entry.directory_size)
        if view is None or entry.directory_size > self._directory.size:
            raise UnavailableError("the log names a directory that is not known here yet")
        leaf = CompartmentLog.leaf_of(entry)
        self.log.apply(entry, signature, body, view, leaf=leaf, header=header)

    async def run(self) -> None:
        """Sequence until ``end``; a lost race or an unknown outcome starts over from the stream."""
        while not self._ending:
            try:
                await self.load()
                await self._sequence()
            except UnavailableError as error:
                self._take_back()
                _log.warning("sequencer reloads", stream=self._stream, cause=type(error).__name__)
                await asyncio.sleep(0.05)

    def _take_back(self) -> None:
        self.log.undo()
        # What is not answered comes before what is in flight, and that before anything decided later: the chain's
        # order is kept.
        self._todo.extendleft(item for item, _, _ in reversed(self._in_flight))
        self._in_flight.clear()
        self._todo.extendleft(reversed(self._answering.take_back()))

    async def _sequence(self) -> None:
        while not self._ending:
            item = await self._next_item()
            if item is None and self._behind and not self._in_flight:
                self._behind = False
                await self.load()
            if item is not None:
                await self._keeping(item, self._handle(item))
            while self._in_flight and (item is None or len(self._in_flight) >= MAX_IN_FLIGHT):
                await self._settle_oldest()
                if not self._queue.empty() or self._todo:
                    break
            while self._answering and not self._in_flight and self._queue.empty() and not self._todo:
                await self._answering.settle_oldest()
            self._release_held()
        await self._settle_all()
        while self._answering:
            await self._answering.settle_oldest()

    async def _keeping(self, item: Item, step: Awaitable[None]) -> None:
        """Do a step of an envelope; when the network fails in it, the envelope is decided again."""
        try:
            await step
        except UnavailableError:
            self._todo.appendleft(item)
            raise

    async def _next_item(self) -> Item | None:
        """The next envelope; ``None`` when there is none just now and appends are in flight."""
        if self._todo:
            return self._todo.popleft()
        if self._in_flight:
            try:
                return self._queue.get_nowait()
            except asyncio.QueueEmpty:
                return None
        if not self._held:
            return await self._queue.get()
        try:
            # Not wait_for: Python 3.11's forgets a cancellation that comes together with an item.
            async with asyncio.timeout(_POLL_SECONDS):
                return await self._queue.get()
        except TimeoutError:
            # What is held may have been waiting for an entry that another broker appended.
            await self.load()
            self._look_at_held = True
            return None

    async def _handle(self, item: Item) -> None:
        try:
            decision = self.log.decide(
                item.envelope, item.member, item.action, self._directory, self._clock.now_ms()
            )
        except (RefusedError, InvalidError) as error:
            if self._in_flight:
                # The refusal may rest on an append that is lost yet: settle first, then decide again.
                await self._settle_all()
                self._todo.appendleft(item)
                return
            await self._refuse(item, error)
            return
        if isinstance(decision, AlreadyLogged):
            await self._settle_all()
            await self._admitted(item, decision.index, decision.admitted_ms, before=decision.before)
        elif isinstance(decision, Ahead):
            await self._hold(item)
        else:
            await self._append(item, decision)

    async def _append(self, item: Item, admit: Admit) -> None:
        leaf = CompartmentLog.leaf_of(admit.entry)
        last_leaf = self.log.last_leaf
        request = AppendRequest(
            stream=self._stream,
            subject=self._subject,
            expected_last_seq=admit.index,
            expected_last_msg_id=last_leaf.hex() if last_leaf else None,
            msg_id=leaf.hex(),
            headers=feed_headers(admit.entry, item.envelope.signature),
            body=item.envelope.body,
        )
        envelope = item.envelope
        self._apply(admit.entry, envelope.header, envelope.signature, envelope.body)
        stored = await self._store.append(request)
        self._in_flight.append((item, admit, stored))

    async def _settle_oldest(self) -> None:
        item, admit, stored = self._in_flight[0]
        await stored
        self.log.confirm()
        self.on_growth()
        self._look_at_held = True
        # Still in its place while its answer is sent: when the network fails in that, it is taken back in order.
        await self._admitted(item, admit.index, admit.entry.admitted_ms)
        self._in_flight.popleft()

    async def _settle_all(self) -> None:
        while self._in_flight:
            await self._settle_oldest()

    async def _hold(self, item: Item) -> None:
        now_ms = self._clock.now_ms()
        if item.held_until_ms is None:
            item.held_until_ms = now_ms + HOLD_MS
        same_chain = sum(h.member is item.member for h in self._held)
        if now_ms >= item.held_until_ms or same_chain >= MAX_HELD_ENVELOPES:
            await self._settle_all()
            await self._refuse(
                item,
                RefusedError(
                    Reason.GAP, "the envelope before this one in its chain did not come within 10 s"
                ),
            )
        else:
            self._held.append(item)

    def _release_held(self) -> None:
        """Decide again on what is held, when the log has grown or the stream was looked at."""
        if self._held and self._look_at_held and not self._in_flight:
            self._look_at_held = False
            self._todo.extend(sorted(self._held, key=lambda i: i.envelope.header.seq))
            self._held.clear()

    async def _admitted(self, item: Item, index: int, admitted_ms: int, *, before: bool = False) -> None:
        period = self.log.period_before if before else self._period
        answer = self._answer(item, "admitted", period=period, index=index, admitted_ms=admitted_ms)
        await self._answering.send(item, answer.encode())

    async def _refuse(self, item: Item, error: RefusedError | InvalidError) -> None:
        self.log.note_refusal(item.envelope)
        reason, message, basis = describe(error)
        head = self.log.head(item.envelope.header.sender_id)
        answer = self._answer(
            item,
            "refused",
            reason=reason,
            message=message,
            basis=basis,
            head=head_of(head.header_bytes, head.signature) if head else None,
        )
        _log.info("refused", stream=self._stream, party=item.member.party.token, reason=reason)
        refused = hashlib.sha256(item.envelope.encode()).digest()
        self._refusals(item.member.party.token, refused, reason)
        await self._answering.send(item, answer.encode())

    def _answer(self, item: Item, verdict: str, **fields: object) -> BrokerAnswer:
        return msgspec.convert(
            {
                "object": item.envelope.object_hash.hex(),
                "sender": item.envelope.header.sender_id.hex(),
                "compartment": str(self.log.compartment),
                "verdict": verdict,
                **{k: v for k, v in fields.items() if v is not None},
            },
            BrokerAnswer,
        )


async def _no_directory() -> None:
    """Nothing more is to be had."""


def _no_progress(_stream: str, _read: int, _all: int) -> None:
    """Nobody watches."""


def _nothing() -> None:
    """Nobody waits for growth yet."""


def describe(error: RefusedError | InvalidError) -> tuple[Reason, str, str | None]:
    """(reason, sentence, basis) of a refusal, from whichever error caused it."""
    if isinstance(error, RefusedError):
        return error.reason, error.message, error.basis
    reasons = {"too-large": Reason.TOO_LARGE, "signature": Reason.SIGNATURE}
    return reasons.get(error.code, Reason.MALFORMED), str(error), None
