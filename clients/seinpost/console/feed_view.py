# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The signals as the table reads them: a queue in order, filters, relations and counts. Pure.

Keeps a few dozen bytes of each signal in memory; the signals themselves are with ``rows``, and are taken from there
for as long as a page needs them.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence

from seinpost.delivery import Alarm, Audited, Delivery
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.kinds import Kind
from seinpost_schemas.signal import TABLE_STATUS, Act, Signal

from .entries import AtTable, Entry, LogHealth, Page, Ref, Related, ref_of
from .filters import Filters
from .index.columns import Columns
from .index.postings import ValueKeys
from .index.row_facts import (
    ASSIGN,
    SIGNAL,
    Spot,
    facts_of,
    indicator_keys,
    status_code,
)
from .index.rows import MemoryRows, Rows, TextPart
from .index.states import States
from .index.tally import per_day
from .index.time_order import BUCKET_MS
from .matching import Matcher, Meant

__all__ = ["AtTable", "Entry", "FeedView", "LogHealth", "Page", "Ref", "Related", "ref_of"]
PAGE_ROWS = 50
_MAX_RELATED = 8
_MAX_SHARED = 2_000
"""What more signals than this share says nothing about any of them."""
_MAX_ACTS = 1_000
"""Acts on one signal that a page gets, the newest."""
_KEPT_ALARMS = 1_000
_STATUS_CODES = frozenset(status_code(status) for status in TABLE_STATUS)
NOTHING_MORE = Meant()


class FeedView:
    """Takes deliveries, alarms and confirmations; answers what the pages ask."""

    def __init__(
        self, is_read: Callable[[Delivery], bool] = lambda _: False, rows: Rows | None = None
    ) -> None:
        self._is_read = is_read
        self._rows = rows if rows is not None else MemoryRows()
        self.logs: dict[str, LogHealth] = {}
        """By compartment: its newest log."""
        self._logs: dict[tuple[str, str], LogHealth] = {}
        self.alarms: list[Alarm] = []
        self.version = 0
        """Rises with every change that a page could show."""
        self.built = 0
        """Rises when everything is built again: rows have other numbers then."""
        self._empty()

    def _empty(self) -> None:
        self._keys = ValueKeys(self._rows.secret)
        self._columns = Columns(self._rows.load_part)
        self._states = States(self._columns)
        self._matcher = Matcher(self._columns, self._states, self._keys)
        self._signals = 0

    # -- what comes in ----------------------------------------------------------------------------

    def expect(self, compartments: Sequence[Compartment]) -> None:
        """The logs that this reader follows, also while they are empty."""
        for compartment in compartments:
            self.logs.setdefault(str(compartment), LogHealth(compartment=str(compartment)))

    def restore(self, now_ms: int) -> None:
        """Take over what ``rows`` kept of an earlier run; before anything is added."""
        kept = self._rows.kept()
        abouts = [about for segment in kept.segments for about in self._columns.load_segment(segment)]
        for delivery, audience in kept.rows:
            facts = facts_of(delivery, audience, self._keys)
            row = self._columns.add(facts)
            abouts += [(row, key) for key in facts.about]
        self._signals = self.count(exercise=False) + self.count(exercise=True)
        self._states.restore(kept.read, abouts, now_ms)
        for name in self._columns.log_names:
            period, _, compartment = name.partition("/")
            self.log(period, compartment).received = self._columns.received(name)
        self.version += 1

    def start_over(self) -> None:
        """Nothing is known any more: ``rows`` was emptied, and everything comes again."""
        self._empty()
        self._logs = {}
        self.logs = {name: LogHealth(compartment=name) for name in self.logs}
        self.built += 1
        self.version += 1

    def add(self, delivery: Delivery, audience: Sequence[str] = ()) -> Entry | None:
        """A verified delivery; the entry, or ``None`` for an act or one that is there already.

        ``audience`` are the parties that it is for, beside its sender's.
        """
        self.version += 1
        log = self.log(delivery.period, str(delivery.compartment))
        log.received = max(log.received, delivery.index + 1)
        facts = facts_of(delivery, audience, self._keys)
        if self._columns.find(facts.spot) is not None:
            return None
        row = self._columns.add(facts)
        self._rows.append(delivery, audience)
        if (closed := self._columns.close_segment()) is not None:
            self._rows.close_segment(*closed)
        if isinstance(delivery.signal, Act):
            self._states.came(row, unread=False)
            for key in facts.about:
                self._states.acted(row, key)
            return None
        self._signals += 1
        unread = not self._is_read(delivery)
        self._states.came(row, unread=unread)
        if not unread:
            self._rows.mark_read(row)
        if delivery.signal.id is not None:
            self._states.identified(self._keys.key("id", delivery.signal.id), row)
        return Entry(
            ref=ref_of(delivery), place=row, delivery=delivery, signal=delivery.signal, unread=unread
        )

    def mark_read(self, entry: Entry) -> bool:
        """Whether it was unread until now."""
        if not self._states.read(entry.place):
            return False
        self._rows.mark_read(entry.place)
        self.version += 1
        return True

    def note_recalled(self, log: str, leaf_index: int, signal_id: str) -> None:
        """A sender took a signal back that is in the envelope at a place of a log (period/classification/theme)."""
        self._states.recall(log, leaf_index, self._keys.key("id", signal_id))
        self.version += 1

    def note_opened(self, party: str, log: str, first: tuple[int, int], last: tuple[int, int]) -> None:
        """A party opened the signals of a log (period/classification/theme) between two places, both included."""
        self._states.opened(party, log, first, last)
        self.version += 1

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
        log = f"{ref.period}/{ref.classification}/{ref.theme}"
        row = self._columns.find(Spot(log, ref.leaf_index, ref.number))
        return self._entry(row) if row is not None and self._columns.codes[row] == SIGNAL else None

    def _entry(self, row: int) -> Entry:
        delivery = self._rows.load(row)
        if not isinstance(delivery.signal, Signal):
            raise RuntimeError("an act is no entry of the queue")
        return Entry(
            ref=ref_of(delivery),
            place=row,
            delivery=delivery,
            signal=delivery.signal,
            unread=row in self._states.unread,
        )

    def __len__(self) -> int:
        return self._signals

    @property
    def rows(self) -> int:
        """Signals and acts: the places that a search looks at."""
        return len(self._columns)

    @property
    def periods(self) -> set[str]:
        """The periods of which there is anything."""
        return {name.partition("/")[0] for name in self._columns.log_names}

    def count(self, *, exercise: bool, unread: bool | None = None) -> int:
        """How many there are."""
        bits = self._columns.bits("exercise" if exercise else "real")
        if unread is not None:
            bits &= self._states.unread.bits if unread else ~self._states.unread.bits
        return bits.bit_count()

    def texts(self, first: int) -> Iterator[TextPart]:
        """What a search looks at, from a place on."""
        return self._rows.texts(first)

    def matching(self, filters: Filters, meant: Meant = NOTHING_MORE) -> int:
        """How many signals a filter keeps."""
        return self._matcher.bits(filters, meant).bit_count()

    def queue(self, filters: Filters, meant: Meant = NOTHING_MORE) -> Page:
        """One page of what a filter keeps."""
        bits = self._matcher.bits(filters, meant)
        total = bits.bit_count()
        pages = max(1, -(-total // PAGE_ROWS))
        page = min(filters.page, pages)
        in_order = self._matcher.newest if filters.order == "newest" else self._matcher.most_urgent
        rows = in_order(bits, (page - 1) * PAGE_ROWS, PAGE_ROWS)
        return Page([self._entry(row) for row in rows], total, page, pages)

    def techniques(self) -> list[tuple[str, int]]:
        """Each technique with its number of signals, the most used first."""
        tally = self._columns.tally
        counted = Counter(tally.real.techniques)
        counted.update(tally.exercise.techniques)
        return sorted(counted.items(), key=lambda item: (-item[1], item[0]))

    @property
    def senders(self) -> Counter[str]:
        """How many signals each sender has, exercises too."""
        return Counter(
            {n: self._columns.bits(f"sender:{n}").bit_count() for n in self._columns.names("sender")}
        )

    @property
    def elections(self) -> Counter[str]:
        """How many signals each election has."""
        return Counter(self._columns.tally.elections)

    @property
    def last_heard(self) -> dict[str, int]:
        """When each sender's newest signal was admitted, an exercise's too."""
        return self._columns.tally.heard

    def related(self, entry: Entry) -> list[Related]:
        """Other signals with a shared indicator or technique; what few share weighs most."""
        weights: dict[int, float] = defaultdict(float)
        indicators: Counter[int] = Counter()
        techniques: dict[int, list[str]] = defaultdict(list)
        for key in {indicator_keys(self._keys, i.type, i.value)[0] for i in entry.signal.indicators}:
            for other, share in self._sharing(key):
                weights[other] += 100 * share
                indicators[other] += 1
        for technique in dict.fromkeys(entry.signal.report.techniques):
            for other, share in self._sharing(self._keys.key("technique", technique)):
                weights[other] += share
                techniques[other].append(technique)
        weights.pop(entry.place, None)
        best = sorted(weights, key=lambda row: (-weights[row], -row))[:_MAX_RELATED]
        return [Related(self._entry(row), indicators[row], tuple(techniques[row])) for row in best]

    def _sharing(self, key: int) -> Iterator[tuple[int, float]]:
        shared = self._columns.postings.count(key)
        if shared <= _MAX_SHARED:
            for row in self._columns.postings.rows(key):
                yield row, 1 / shared

    def superseded_by(self, entry: Entry) -> list[Entry]:
        """Newer signals of the same sender that say they replace this one."""
        found = map(self._entry, self._holding("supersedes", entry.signal.id))
        return [e for e in found if e.delivery.sender == entry.delivery.sender]

    def named(self, signal_id: str) -> list[Entry]:
        """The signals with an id."""
        return [self._entry(row) for row in self._holding("id", signal_id)]

    def _holding(self, kind: str, value: str | None) -> Iterator[int]:
        return self._columns.postings.rows(self._keys.key(kind, value)) if value else iter(())

    # -- what was done about it -------------------------------------------------------------------

    def at_table(self, entry: Entry) -> AtTable | None:
        """What the own party last said is done with it; ``None`` while nobody did."""
        status_row = self._states.last_status[entry.place] - 1
        assign_row = self._states.last_assign[entry.place] - 1
        if max(status_row, assign_row) < 0:
            return None
        status = self._act(status_row)[1].report.status if status_row >= 0 else None
        assignee = self._act(assign_row)[1].report.assignee if assign_row >= 0 else None
        last, act = self._act(max(status_row, assign_row))
        return AtTable(status or "new", act.report.official, last.admitted_ms, assignee)

    def table_acts(self, entry: Entry) -> list[tuple[Delivery, Act]]:
        """Every status and assignment that the own party gave it, as it came."""
        return self._acts(entry, lambda code: code in _STATUS_CODES or code == ASSIGN)

    def acts(self, entry: Entry) -> list[tuple[Delivery, Act]]:
        """What parties did about it, as it came."""
        found = self._acts(entry, lambda code: code not in _STATUS_CODES and code != ASSIGN)
        return [(delivery, act) for delivery, act in found if delivery.kind != Kind.TABLE_ACT]

    def _acts(self, entry: Entry, wanted: Callable[[int], bool]) -> list[tuple[Delivery, Act]]:
        rows = [r for r in self._holding("about", entry.signal.id) if wanted(self._columns.codes[r])]
        return [self._act(row) for row in rows[-_MAX_ACTS:]]

    def _act(self, row: int) -> tuple[Delivery, Act]:
        delivery = self._rows.load(row)
        if not isinstance(delivery.signal, Act):
            raise RuntimeError("a signal is no act")
        return delivery, delivery.signal

    def is_recalled(self, entry: Entry) -> bool:
        """Whether its sender took it back."""
        return entry.place in self._states.recalled

    # -- overviews --------------------------------------------------------------------------------

    def timeline(self, today: dt.date, days: int, *, exercise: bool) -> dict[str, list[int]]:
        """Per theme, how many came on each of the last days, the oldest first."""
        starts = [_midnight_ms(today - dt.timedelta(days=days - 1 - n)) // BUCKET_MS for n in range(days + 1)]
        counts: dict[str, list[int]] = {}
        for theme, quarters in self._columns.tally.of(exercise=exercise).quarters.items():
            line = [per_day(quarters, starts[n], starts[n + 1]) for n in range(days)]
            if any(line):
                counts[theme] = line
        return counts

    def between(
        self,
        first: dt.date,
        last: dt.date,
        themes: Sequence[str],
        limit: int,
        *,
        exercise: bool,
        recalled: bool = False,
    ) -> tuple[list[Entry], int]:
        """What was admitted from the first to the last day, in this machine's time zone; what was taken back apart.

        The most severe, at most ``limit`` of them, and how many there are.
        """
        begin_ms, end_ms = _midnight_ms(first), _midnight_ms(last + dt.timedelta(days=1))
        bits = self._columns.admitted_between(begin_ms, end_ms)
        bits &= self._columns.bits("exercise" if exercise else "real")
        bits &= self._states.recalled.bits if recalled else ~self._states.recalled.bits
        of_themes = 0
        for theme in themes:
            of_themes |= self._columns.bits(f"theme:{theme}")
        bits &= of_themes
        return [self._entry(row) for row in self._matcher.most_severe(bits, 0, limit)], bits.bit_count()

    def counts(self, *, exercise: bool) -> dict[str, Counter[str]]:
        """How many per theme, sender and technique; and of them, unread per theme."""
        columns, unread = self._columns, self._states.unread.bits
        kind = columns.bits("exercise" if exercise else "real")
        themes = {name: columns.bits(f"theme:{name}") & kind for name in columns.names("theme")}
        senders = {name: columns.bits(f"sender:{name}") & kind for name in columns.names("sender")}
        return {
            "theme": Counter({name: bits.bit_count() for name, bits in themes.items() if bits}),
            "unread": Counter({name: (bits & unread).bit_count() for name, bits in themes.items() if bits}),
            "sender": Counter({name: bits.bit_count() for name, bits in senders.items() if bits}),
            "technique": Counter(columns.tally.of(exercise=exercise).techniques),
        }


def _midnight_ms(day: dt.date) -> int:
    """When a day begins in this machine's time zone."""
    return int(dt.datetime.combine(day, dt.time()).astimezone().timestamp() * 1000)
