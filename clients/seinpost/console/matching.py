# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Which rows a filter keeps, and those of one page in order: sets of rows, put together bit by bit. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from .filters import Filters
from .index.columns import Columns
from .index.postings import ValueKeys
from .index.row_facts import indicator_keys
from .index.row_set import RowSet, mask_of, rows_of
from .index.states import States

_FEW = 2_000
"""So many rows are put in order by themselves; more are picked out of the order of all."""
_MAX_SEVERITY = 5


class IndicatorSought(NamedTuple):
    """An indicator by its value; of any kind when none is named."""

    kind: str
    value: str


class Meant(NamedTuple):
    """What a filter's session numbers stand for, and when it is asked."""

    found: RowSet | None = None
    """What its search has found; ``None`` for a search that this session does not know."""
    indicator: IndicatorSought | None = None
    now_ms: int = 0


class Matcher:
    """Answers filters over the rows of an index."""

    def __init__(self, columns: Columns, states: States, keys: ValueKeys) -> None:
        self._columns = columns
        self._states = states
        self._keys = keys

    def bits(self, filters: Filters, meant: Meant) -> int:
        """The signals that a filter keeps, as a set's integer."""
        columns, states = self._columns, self._states
        bits = columns.bits("exercise" if filters.exercise else "real")
        for kind, value in (
            ("theme", filters.theme),
            ("level", filters.classification),
            ("sender", filters.sender),
        ):
            if value:
                bits &= columns.bits(f"{kind}:{value}")
        if filters.severity:
            bits &= self._severity_from(filters.severity)
        if filters.unread:
            bits &= states.unread.bits
        if filters.status:
            bits &= self._at_table(filters.status)
        if filters.disputed:
            bits &= states.disputed.bits
        if filters.late:
            bits &= states.late(meant.now_ms)
        return self._by_content(bits, filters, meant)

    def _by_content(self, bits: int, filters: Filters, meant: Meant) -> int:
        """What depends on the content of signals: it finds none that was taken back."""
        narrowed = bits
        if filters.technique:
            narrowed &= self._holding("technique", filters.technique)
        if filters.election:
            narrowed &= self._holding("election", filters.election)
        if filters.indicator:
            narrowed &= self._with_indicator(meant.indicator)
        if filters.search:
            narrowed &= meant.found.bits if meant.found is not None else 0
        by_content = filters.technique or filters.election or filters.indicator or filters.search
        return narrowed & ~self._states.recalled.bits if by_content else bits

    def _severity_from(self, least: int) -> int:
        bits = 0
        for severity in range(least, _MAX_SEVERITY + 1):
            bits |= self._columns.bits(f"severity:{severity}")
        return bits

    def _at_table(self, status: str) -> int:
        if status != "new":
            return self._states.at_table[status].bits
        # What nobody spoke of is new too.
        elsewhere = 0
        for other, rows in self._states.at_table.items():
            elsewhere |= rows.bits if other != "new" else 0
        return ~elsewhere

    def _holding(self, kind: str, value: str) -> int:
        return self._columns.postings.row_set(self._keys.key(kind, value)).bits

    def _with_indicator(self, sought: IndicatorSought | None) -> int:
        if sought is None:
            return 0
        typed, untyped = indicator_keys(self._keys, sought.kind, sought.value)
        return self._columns.postings.row_set(typed if sought.kind else untyped).bits

    # -- order ------------------------------------------------------------------------------------

    def newest(self, bits: int, start: int, rows: int) -> list[int]:
        """Rows of a set, the newest first."""
        return self._in_turn((bits,), start, rows)

    def most_urgent(self, bits: int, start: int, rows: int) -> list[int]:
        """Rows of a set: what is unread first, of that the most severe, of those the newest."""
        unread = self._states.unread.bits
        return self._in_turn(
            (part for half in (bits & unread, bits & ~unread) for part in self._by_severity(half)),
            start,
            rows,
        )

    def most_severe(self, bits: int, start: int, rows: int) -> list[int]:
        """Rows of a set: the most severe first, of those the newest."""
        return self._in_turn(self._by_severity(bits), start, rows)

    def _by_severity(self, bits: int) -> Iterator[int]:
        for severity in range(_MAX_SEVERITY, -1, -1):
            yield bits & self._columns.bits(f"severity:{severity}")

    def _in_turn(self, parts: Iterable[int], start: int, rows: int) -> list[int]:
        found: list[int] = []
        for bits in parts:
            size = bits.bit_count()
            if start < size:
                found += self._newest_of(bits, size, start, rows - len(found))
            start = max(0, start - size)
            if len(found) == rows:
                break
        return found

    def _newest_of(self, bits: int, size: int, start: int, rows: int) -> list[int]:
        columns = self._columns
        if size <= _FEW:
            times = columns.admitted_ms
            ordered = sorted(rows_of(bits), key=lambda row: (times[row], row), reverse=True)
            return ordered[start : start + rows]
        mask = mask_of(bits, len(columns))
        return list(islice(columns.order.newest_first(mask), start, start + rows))
