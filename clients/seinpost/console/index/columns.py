# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""All rows in columns: a few dozen bytes for each, in memory, in the order in which they came. Pure.

Rows are laid down in segments of ``SEGMENT_ROWS``; one that is whole never changes, and is kept as it is. What
becomes of signals later (opened, recalled, disputed) is in ``states``.
"""

from __future__ import annotations

import bisect
from array import array
from collections.abc import Callable, Iterator

import msgspec

from .postings import SEGMENT_ROWS, Postings
from .row_facts import RowFacts, Spot, audience_named
from .row_set import RowSet
from .tally import Tally
from .time_order import TimeOrder


class Segment(msgspec.Struct, array_like=True):
    """Whole columns of ``SEGMENT_ROWS`` rows, as they are kept."""

    admitted_ms: bytes
    due_s: bytes
    codes: bytes
    log_names: list[str]
    logs: bytes
    leaves: bytes
    numbers: bytes
    sets: dict[str, bytes]
    parts: int
    """Of the postings of these rows."""
    about_rows: bytes
    about_keys: bytes
    tally: Tally


class Columns:
    """Every row there is, by number from 0 on."""

    def __init__(self, load_part: Callable[[int], bytes]) -> None:
        self.admitted_ms = array("Q")
        self.due_s = array("I")
        self.codes = array("B")
        self.log_names: list[str] = []
        self._log_numbers: dict[str, int] = {}
        self._logs = array("H")
        self._leaves = array("I")
        self._numbers = array("H")
        self._by_log: dict[str, array[int]] = {}
        self._sets: dict[str, RowSet] = {}
        self.postings = Postings(load_part)
        self.order = TimeOrder(self.admitted_ms)
        self._abouts: list[tuple[int, int]] = []
        """(row, key) of what acts of the open segment are about."""
        self.tally = Tally()
        self._open_tally = Tally()

    def __len__(self) -> int:
        return len(self.codes)

    # -- what comes in ----------------------------------------------------------------------------

    def add(self, facts: RowFacts) -> int:
        """The number of the new row."""
        row = len(self)
        self.admitted_ms.append(facts.admitted_ms)
        self.due_s.append(min(facts.due_ms // 1000, 0xFFFF_FFFF))
        self.codes.append(facts.code)
        self._logs.append(self._log_number(facts.spot.log))
        self._leaves.append(facts.spot.leaf_index)
        self._numbers.append(facts.spot.number)
        self._place(facts.spot.log, row)
        for name in facts.sets:
            self.set(name).add(row)
        for key in facts.keys:
            self.postings.add(key, row)
        self.postings.row_added()
        self._abouts.extend((row, key) for key in facts.about)
        self.order.add(row)
        self.tally.add(facts)
        self._open_tally.add(facts)
        return row

    def _log_number(self, log: str) -> int:
        number = self._log_numbers.get(log)
        if number is None:
            number = self._log_numbers[log] = len(self.log_names)
            self.log_names.append(log)
            self._by_log[log] = array("I")
        return number

    def _place(self, log: str, row: int) -> None:
        rows = self._by_log[log]
        if rows and self._spot_key(rows[-1]) > self._spot_key(row):
            bisect.insort(rows, row, key=self._spot_key)
        else:
            rows.append(row)

    def _spot_key(self, row: int) -> tuple[int, int]:
        return self._leaves[row], self._numbers[row]

    # -- segments ---------------------------------------------------------------------------------

    def close_segment(self) -> tuple[Segment, list[bytes]] | None:
        """The last segment and its postings, when the row that was just added made it whole."""
        if not self.codes or len(self) % SEGMENT_ROWS:
            return None
        first = len(self) - SEGMENT_ROWS
        parts = self.postings.close_segment()
        rows, about_keys = array("H"), array("Q")
        for row, key in self._abouts:
            rows.append(row - first)
            about_keys.append(key)
        self._abouts = []
        tally, self._open_tally = self._open_tally, Tally()
        segment = Segment(
            admitted_ms=self.admitted_ms[first:].tobytes(),
            due_s=self.due_s[first:].tobytes(),
            codes=self.codes[first:].tobytes(),
            log_names=list(self.log_names),
            logs=self._logs[first:].tobytes(),
            leaves=self._leaves[first:].tobytes(),
            numbers=self._numbers[first:].tobytes(),
            sets={
                name: packed
                for name, rows_in in self._sets.items()
                if any(packed := rows_in.packed(first, SEGMENT_ROWS))
            },
            parts=len(parts),
            about_rows=rows.tobytes(),
            about_keys=about_keys.tobytes(),
            tally=tally,
        )
        return segment, parts

    def load_segment(self, segment: Segment) -> Iterator[tuple[int, int]]:
        """Take over a segment, the next in order; what its acts are about, as (row, key)."""
        first = len(self)
        for log in segment.log_names[len(self.log_names) :]:
            self._log_number(log)
        for column, data in (
            (self.admitted_ms, segment.admitted_ms),
            (self.due_s, segment.due_s),
            (self.codes, segment.codes),
            (self._logs, segment.logs),
            (self._leaves, segment.leaves),
            (self._numbers, segment.numbers),
        ):
            column.frombytes(data)
        for name, packed in segment.sets.items():
            self.set(name).lay(first, packed)
        self.postings.load_segment(segment.parts)
        for row in range(first, len(self)):
            self._place(self.log_names[self._logs[row]], row)
            self.order.add(row)
        self.tally.merge(segment.tally)
        about_rows, about_keys = array("H"), array("Q")
        about_rows.frombytes(segment.about_rows)
        about_keys.frombytes(segment.about_keys)
        return ((first + row, key) for row, key in zip(about_rows, about_keys, strict=True))

    # -- what is asked ----------------------------------------------------------------------------

    def set(self, name: str) -> RowSet:
        """The set of a name; empty when no row was ever in it."""
        found = self._sets.get(name)
        if found is None:
            found = self._sets[name] = RowSet()
        return found

    def bits(self, name: str) -> int:
        """The set of a name as an integer, without making one."""
        found = self._sets.get(name)
        return found.bits if found is not None else 0

    def names(self, kind: str) -> list[str]:
        """The sets of one kind (theme, sender, …), without the kind."""
        start = f"{kind}:"
        return [name.removeprefix(start) for name in self._sets if name.startswith(start)]

    def sender(self, act: int) -> str:
        """The party whose act a row is."""
        return next((name for name in self.names("by") if act in self.set(f"by:{name}")), "")

    def audiences(self) -> Iterator[tuple[tuple[str, ...], int]]:
        """Every audience that there is, with its rows as a set's integer."""
        for name, rows in self._sets.items():
            if (parties := audience_named(name)) is not None:
                yield parties, rows.bits

    def admitted_between(self, begin_ms: int, end_ms: int) -> int:
        """The rows that were admitted from one moment up to another, as a set's integer."""
        return RowSet(self.order.between(begin_ms, end_ms)).bits

    def spot(self, row: int) -> Spot:
        """Where a row stands."""
        return Spot(self.log_names[self._logs[row]], self._leaves[row], self._numbers[row])

    def find(self, spot: Spot) -> int | None:
        """The row that stands there."""
        rows = self._by_log.get(spot.log)
        if rows is None:
            return None
        key = (spot.leaf_index, spot.number)
        at = bisect.bisect_left(rows, key, key=self._spot_key)
        return rows[at] if at < len(rows) and self._spot_key(rows[at]) == key else None

    def covered(self, log: str, first: tuple[int, int], last: tuple[int, int]) -> array[int]:
        """The rows of a log from one (leaf, number) to another, both included."""
        rows = self._by_log.get(log)
        if rows is None:
            return array("I")
        begin = bisect.bisect_left(rows, first, key=self._spot_key)
        return rows[begin : bisect.bisect_right(rows, last, key=self._spot_key)]

    def received(self, log: str) -> int:
        """One beyond the highest leaf that a row of a log came from."""
        rows = self._by_log.get(log)
        return self._leaves[rows[-1]] + 1 if rows else 0
