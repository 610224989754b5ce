# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The signals as the table reads them: a queue in order, filters, relations and counts. Pure, in memory."""

from __future__ import annotations

import bisect
import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from seinpost.delivery import Alarm, Audited, Delivery
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.kinds import Kind
from seinpost_schemas.signal import TABLE_STATUS, Act, Signal

from .filters import Filters

PAGE_ROWS = 50
_MAX_RELATED = 8
_MAX_SHARED = 2_000
"""What more signals than this share says nothing about any of them."""
_KEPT_ALARMS = 1_000


class Ref(NamedTuple):
    """Where a signal stands: the log's period and compartment, place in it, place in its envelope."""

    period: str
    classification: str
    theme: str
    leaf_index: int
    number: int

    @property
    def path(self) -> str:
        """The address of its page; no word of it."""
        return f"/signal/{self.period}/{self.classification}/{self.theme}/{self.leaf_index}/{self.number}"


class Entry(msgspec.Struct, kw_only=True, eq=False):
    """One signal in the queue."""

    ref: Ref
    place: int
    """The order in which this console got it."""
    delivery: Delivery
    signal: Signal
    unread: bool = True

    @property
    def severity(self) -> int:
        """1 to 5; 0 when the sender gave none."""
        return self.signal.handling.severity or 0

    @property
    def priority(self) -> tuple[int, int, int]:
        """The most severe first, then the newest."""
        return (-self.severity, -self.delivery.admitted_ms, -self.place)

    @property
    def newness(self) -> tuple[int, int]:
        """The newest first."""
        return (-self.delivery.admitted_ms, -self.place)


class Page(NamedTuple):
    """A part of the queue: its entries, and how many match in all."""

    entries: list[Entry]
    total: int
    page: int
    pages: int


class Related(NamedTuple):
    """Another signal, with what the two share."""

    entry: Entry
    indicators: int
    techniques: tuple[str, ...]


class AtTable(NamedTuple):
    """What table acts made of a signal: new, in-hand or closed; the number of who said so last, and when."""

    status: str
    official: str | None
    at_ms: int
    assignee: str | None = None
    """The number of the official who takes it on, if there is one."""


class LogHealth(msgspec.Struct, kw_only=True):
    """What is known of one log."""

    compartment: str
    received: int = 0
    """One beyond the highest place that a signal came from."""
    audited: int = 0
    confirmed_ms: int | None = None
    """When a quorum's word last covered more of it."""
    note: bytes = b""


class FeedView:
    """Takes deliveries, alarms and confirmations; answers what the pages ask."""

    def __init__(self, is_read: Callable[[Delivery], bool] = lambda _: False) -> None:
        self._is_read = is_read
        self._entries: dict[Ref, Entry] = {}
        self._places: list[Entry] = []
        self._queues: dict[tuple[bool, bool], list[Entry]] = {
            (e, u): [] for e in (False, True) for u in (False, True)
        }
        self._newest: dict[bool, list[Entry]] = {False: [], True: []}
        self._by_indicator: dict[tuple[str, str], list[Entry]] = defaultdict(list)
        self._by_technique: dict[str, list[Entry]] = defaultdict(list)
        self._by_id: dict[str, list[Entry]] = defaultdict(list)
        self._superseded: dict[str, list[Entry]] = defaultdict(list)
        self._acts: dict[str, list[tuple[Delivery, Act]]] = defaultdict(list)
        self._at_table: dict[str, AtTable] = {}
        self._table_acts: dict[str, list[tuple[Delivery, Act]]] = defaultdict(list)
        self._counts: dict[bool, dict[str, Counter[str]]] = {
            exercise: {name: Counter() for name in ("theme", "unread", "sender", "technique")}
            for exercise in (False, True)
        }
        self.logs: dict[str, LogHealth] = {}
        """By compartment: its newest log."""
        self._logs: dict[tuple[str, str], LogHealth] = {}
        self.senders: Counter[str] = Counter()
        self.elections: Counter[str] = Counter()
        self.last_heard: dict[str, int] = {}
        """When each sender's newest signal was admitted, an exercise's too."""
        self.alarms: list[Alarm] = []
        self.version = 0
        """Rises with every change that a page could show."""

    # -- what comes in ----------------------------------------------------------------------------

    def expect(self, compartments: Sequence[Compartment]) -> None:
        """The logs that this reader follows, also while they are empty."""
        for compartment in compartments:
            self.logs.setdefault(str(compartment), LogHealth(compartment=str(compartment)))

    def add(self, delivery: Delivery) -> Entry | None:
        """A verified delivery; the entry, or ``None`` for an act or one that is there already."""
        self.version += 1
        log = self.log(delivery.period, str(delivery.compartment))
        log.received = max(log.received, delivery.index + 1)
        signal = delivery.signal
        if delivery.kind == Kind.TABLE_ACT and isinstance(signal, Act):
            self._take_table_act(delivery, signal)
            return None
        if isinstance(signal, Act):
            for about in signal.handling.refers_to:
                self._acts[about].append((delivery, signal))
            return None
        ref = ref_of(delivery)
        if ref in self._entries:
            return None
        entry = Entry(
            ref=ref,
            place=len(self._places),
            delivery=delivery,
            signal=signal,
            unread=not self._is_read(delivery),
        )
        self._entries[ref] = entry
        self._places.append(entry)
        self._enqueue(entry)
        bisect.insort(self._newest[signal.handling.exercise], entry, key=_newness)
        self._relate(entry)
        self._count(entry)
        return entry

    def _take_table_act(self, delivery: Delivery, act: Act) -> None:
        """The newest in the log holds: every console of the party reads the same log in the same order."""
        report, at_ms = act.report, delivery.admitted_ms
        assigns = report.act == "assign"
        if not assigns and (report.act != "status" or report.status not in TABLE_STATUS):
            return
        for about in act.handling.refers_to:
            before = self._at_table.get(about, AtTable("new", None, at_ms))
            status = before.status if assigns else report.status or "new"
            assignee = report.assignee if assigns else before.assignee
            self._at_table[about] = AtTable(status, report.official, at_ms, assignee)
            self._table_acts[about].append((delivery, act))

    def _relate(self, entry: Entry) -> None:
        signal = entry.signal
        sender, admitted_ms = entry.delivery.sender, entry.delivery.admitted_ms
        self.senders[sender] += 1
        self.last_heard[sender] = max(admitted_ms, self.last_heard.get(sender, 0))
        if signal.handling.election is not None:
            self.elections[signal.handling.election] += 1
        for indicator in {(i.type, i.value.casefold()) for i in signal.indicators}:
            self._by_indicator[indicator].append(entry)
        for technique in dict.fromkeys(signal.report.techniques):
            self._by_technique[technique].append(entry)
        if signal.id is not None:
            self._by_id[signal.id].append(entry)
        for replaced in signal.handling.supersedes:
            self._superseded[replaced].append(entry)

    def _enqueue(self, entry: Entry) -> None:
        bisect.insort(self._queues[entry.signal.handling.exercise, entry.unread], entry, key=_priority)

    def mark_read(self, entry: Entry) -> bool:
        """Whether it was unread until now."""
        if not entry.unread:
            return False
        queue = self._queues[entry.signal.handling.exercise, True]
        del queue[bisect.bisect_left(queue, entry.priority, key=_priority)]
        entry.unread = False
        self._counts[entry.signal.handling.exercise]["unread"][entry.ref.theme] -= 1
        self._enqueue(entry)
        self.version += 1
        return True

    def note_audited(self, audited: Audited, at_ms: int) -> None:
        """A quorum's word covers more of a log."""
        log = self.log(audited.period, str(audited.compartment))
        log.audited, log.confirmed_ms, log.note = audited.size, at_ms, audited.note
        self.version += 1

    def note_alarm(self, alarm: Alarm) -> None:
        """Something is wrong with the feed."""
        self.alarms.append(alarm)
        del self.alarms[:-_KEPT_ALARMS]
        self.version += 1

    def log(self, period: str, compartment: str) -> LogHealth:
        """One period's log. They come in order: what is told of last is the newest."""
        if (period, compartment) not in self._logs:
            self._logs[period, compartment] = self.logs[compartment] = LogHealth(compartment=compartment)
        return self._logs[period, compartment]

    # -- what is asked ----------------------------------------------------------------------------

    def get(self, ref: Ref) -> Entry | None:
        """The signal at a place, if there is one."""
        return self._entries.get(ref)

    def __len__(self) -> int:
        return len(self._places)

    def count(self, *, exercise: bool, unread: bool | None = None) -> int:
        """How many there are."""
        if unread is None:
            return len(self._newest[exercise])
        return len(self._queues[exercise, unread])

    def since(self, place: int) -> Sequence[Entry]:
        """What came at a place or after it, as it came: what a search has not looked at yet."""
        return self._places[place:]

    def queue(self, filters: Filters, found: frozenset[int] | set[int] | None = None) -> Page:
        """One page; ``found`` holds the places that a search found."""
        ordered = self._ordered(filters)
        if filters.narrows:
            matching = [e for e in ordered if _matches(e, filters) and (found is None or e.place in found)]
            total = len(matching)
        else:
            total = self.count(exercise=filters.exercise)
            matching = []
        pages = max(1, -(-total // PAGE_ROWS))
        page = min(filters.page, pages)
        start = (page - 1) * PAGE_ROWS
        if filters.narrows:
            return Page(matching[start : start + PAGE_ROWS], total, page, pages)
        return Page(self._slice(filters, start), total, page, pages)

    def _ordered(self, filters: Filters) -> Iterator[Entry]:
        if filters.order == "newest":
            return iter(self._newest[filters.exercise])
        unread, read = self._queues[filters.exercise, True], self._queues[filters.exercise, False]
        return (entry for queue in ((unread,) if filters.unread else (unread, read)) for entry in queue)

    def _slice(self, filters: Filters, start: int) -> list[Entry]:
        end = start + PAGE_ROWS
        if filters.order == "newest":
            return self._newest[filters.exercise][start:end]
        unread, read = self._queues[filters.exercise, True], self._queues[filters.exercise, False]
        return unread[start:end] + read[max(0, start - len(unread)) : max(0, end - len(unread))]

    def techniques(self) -> list[tuple[str, int]]:
        """Each technique with its number of signals, the most used first."""
        counted = [(technique, len(entries)) for technique, entries in self._by_technique.items()]
        return sorted(counted, key=lambda item: (-item[1], item[0]))

    def related(self, entry: Entry) -> list[Related]:
        """Other signals with a shared indicator or technique; what few share weighs most."""
        weights: dict[int, float] = defaultdict(float)
        indicators: Counter[int] = Counter()
        techniques: dict[int, list[str]] = defaultdict(list)
        for indicator in {(i.type, i.value.casefold()) for i in entry.signal.indicators}:
            for other in self._sharing(self._by_indicator[indicator]):
                weights[other.place] += 100 / len(self._by_indicator[indicator])
                indicators[other.place] += 1
        for technique in dict.fromkeys(entry.signal.report.techniques):
            for other in self._sharing(self._by_technique[technique]):
                weights[other.place] += 1 / len(self._by_technique[technique])
                techniques[other.place].append(technique)
        weights.pop(entry.place, None)
        best = sorted(weights, key=lambda place: (-weights[place], -place))[:_MAX_RELATED]
        return [Related(self._places[p], indicators[p], tuple(techniques[p])) for p in best]

    @staticmethod
    def _sharing(entries: list[Entry]) -> list[Entry]:
        return entries if len(entries) <= _MAX_SHARED else []

    def superseded_by(self, entry: Entry) -> list[Entry]:
        """Newer signals of the same sender that say they replace this one."""
        replacing = self._superseded.get(entry.signal.id or "", [])
        return [e for e in replacing if e.delivery.sender == entry.delivery.sender]

    def named(self, signal_id: str) -> list[Entry]:
        """The signals with an id."""
        return list(self._by_id.get(signal_id, []))

    def at_table(self, entry: Entry) -> AtTable | None:
        """What the own party last said is done with it; ``None`` while nobody did."""
        return self._at_table.get(entry.signal.id or "")

    def table_acts(self, entry: Entry) -> list[tuple[Delivery, Act]]:
        """Every status and assignment that the own party gave it, as it came."""
        return list(self._table_acts.get(entry.signal.id or "", []))

    def acts(self, entry: Entry) -> list[tuple[Delivery, Act]]:
        """What parties did about it, as it came."""
        return list(self._acts.get(entry.signal.id or "", []))

    def timeline(self, today: dt.date, days: int, *, exercise: bool) -> dict[str, list[int]]:
        """Per theme, how many came on each of the last days, the oldest first."""
        counts: dict[str, list[int]] = defaultdict(lambda: [0] * days)
        for number in range(days):
            day = today - dt.timedelta(days=days - 1 - number)
            for theme, count in Counter(
                e.ref.theme for e in self.between(day, day, exercise=exercise)
            ).items():
                counts[theme][number] = count
        return dict(counts)

    def between(self, first: dt.date, last: dt.date, *, exercise: bool) -> list[Entry]:
        """What was admitted from the first to the last day, in this machine's time zone."""
        begin, end = (
            dt.datetime.combine(day, dt.time()).astimezone().timestamp() * 1000
            for day in (first, last + dt.timedelta(days=1))
        )
        entries = self._newest[exercise]
        # The newest stand first: what was admitted before the end begins where -admitted rises above -end.
        return entries[
            bisect.bisect_right(entries, -end, key=_admitted) : bisect.bisect_right(
                entries, -begin, key=_admitted
            )
        ]

    def counts(self, *, exercise: bool) -> dict[str, Counter[str]]:
        """How many per theme, sender and technique; and of them, unread per theme."""
        return self._counts[exercise]

    def _count(self, entry: Entry) -> None:
        counts = self._counts[entry.signal.handling.exercise]
        counts["theme"][entry.ref.theme] += 1
        counts["unread"][entry.ref.theme] += entry.unread
        counts["sender"][entry.delivery.sender] += 1
        counts["technique"].update(dict.fromkeys(entry.signal.report.techniques, 1))


def ref_of(delivery: Delivery) -> Ref:
    """Where a delivery stands."""
    compartment = delivery.compartment
    return Ref(
        delivery.period,
        compartment.classification.token,
        compartment.theme.token,
        delivery.index,
        delivery.number,
    )


def _priority(entry: Entry) -> tuple[int, int, int]:
    return entry.priority


def _admitted(entry: Entry) -> int:
    return -entry.delivery.admitted_ms


def _newness(entry: Entry) -> tuple[int, int]:
    return entry.newness


def _matches(entry: Entry, filters: Filters) -> bool:
    ref, signal = entry.ref, entry.signal
    return (
        (not filters.theme or ref.theme == filters.theme)
        and (not filters.classification or ref.classification == filters.classification)
        and (not filters.severity or entry.severity >= filters.severity)
        and (not filters.sender or entry.delivery.sender == filters.sender)
        and (not filters.unread or entry.unread)
        and (not filters.election or signal.handling.election == filters.election)
        and (not filters.technique or filters.technique in signal.report.techniques)
    )
