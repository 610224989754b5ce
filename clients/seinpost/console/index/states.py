# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What became of signals since they came: opened, disputed, in hand, recalled, late. Pure; takes the time.

All of it follows from the logs (acts, recalls, receipts) and from what was opened at this console, and is worked
out again from those at each start.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

from seinpost_schemas.signal import TABLE_STATUS

from .columns import Columns
from .row_facts import ASSIGN, SIGNAL, feedback_code, status_code
from .row_set import RowSet

_DISPUTES = frozenset(map(feedback_code, ("dispute", "false-positive")))
"""Feedback that says that a signal does not hold."""
_CORROBORATES = feedback_code("corroborate")
_STATUS_OF = {status_code(status): status for status in TABLE_STATUS}
_MINUTE_S = 60
MAX_AWAITED = 10_000
"""Acts that are about a signal which has not come, and are applied when it does."""


class States:
    """Follows the rows of ``columns``; every act and receipt is told here in the order of its log."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self.unread = RowSet()
        self.disputed = RowSet()
        self._disputing: dict[int, set[str]] = {}
        """By signal: the parties whose last word on it is that it does not hold."""
        self.recalled = RowSet()
        self.at_table = {status: RowSet() for status in TABLE_STATUS}
        self._opened: dict[str, RowSet] = {}
        """By party: what it said that it opened."""
        self.last_status = array("I")
        """By row: the act that gave its status, plus one; 0 for none."""
        self.last_assign = array("I")
        self._awaited: dict[int, list[int]] = {}
        self._due: dict[int, array[int]] = {}
        """By minute: what falls due in it; what fell due earlier is in ``_overdue``."""
        self._overdue = RowSet()
        self._passed_s = 0

    # -- rows -------------------------------------------------------------------------------------

    def came(self, row: int, *, unread: bool) -> None:
        """A row was added to the columns; an act is applied by ``acted``."""
        self._widen()
        if self._columns.codes[row] != SIGNAL:
            return
        if unread:
            self.unread.add(row)
        self._fall_due(row)

    def restore(self, read: RowSet, abouts: Iterable[tuple[int, int]], now_ms: int) -> None:
        """The rows that the columns took over, what was read of them, and what their acts are about."""
        columns, self._passed_s = self._columns, now_ms // 1000
        self._widen()
        signals = columns.bits("real") | columns.bits("exercise")
        self.unread = RowSet.of(signals & ~read.bits)
        later = [row for row, due_s in enumerate(columns.due_s) if due_s > self._passed_s]
        self._overdue = RowSet.of(signals & ~RowSet(later).bits)
        for row in later:
            self._fall_due(row)
        acts = list(abouts)
        rows = columns.postings.find_all({key for _, key in acts})
        for act, key in acts:
            self._apply_to(act, key, rows.get(key, ()))

    def _widen(self) -> None:
        for column in (self.last_status, self.last_assign):
            column.extend([0] * (len(self._columns) - len(column)))

    def _fall_due(self, row: int) -> None:
        due_s = self._columns.due_s[row]
        if due_s <= self._passed_s:
            self._overdue.add(row)
        else:
            self._due.setdefault(due_s // _MINUTE_S, array("I")).append(row)

    def identified(self, key: int, row: int) -> None:
        """A signal with this id came: what was said of it before counts now."""
        for act in self._awaited.pop(key, ()):
            self._apply(act, row)

    def read(self, row: int) -> bool:
        """Whether it was unread until now."""
        return self.unread.discard(row)

    # -- acts, recalls and receipts ---------------------------------------------------------------

    def acted(self, act: int, key: int) -> None:
        """An act about the signals with an id."""
        self._apply_to(act, key, list(self._columns.postings.rows(key)))

    def _apply_to(self, act: int, key: int, rows: Sequence[int]) -> None:
        for row in rows:
            self._apply(act, row)
        if not rows and len(self._awaited) < MAX_AWAITED:
            self._awaited.setdefault(key, []).append(act)

    def _apply(self, act: int, row: int) -> None:
        code = self._columns.codes[act]
        if code in _STATUS_OF:
            self.last_status[row] = act + 1
            for status, rows in self.at_table.items():
                (rows.add if status == _STATUS_OF[code] else rows.discard)(row)
        elif code == ASSIGN:
            self.last_assign[row] = act + 1
        elif code in _DISPUTES or code == _CORROBORATES:
            self._judge(self._columns.sender(act), row, disputes=code in _DISPUTES)

    def _judge(self, party: str, row: int, *, disputes: bool) -> None:
        """The last word of each party holds."""
        parties = self._disputing.setdefault(row, set())
        (parties.add if disputes else parties.discard)(party)
        if parties:
            self.disputed.add(row)
        else:
            self.disputed.discard(row)
            del self._disputing[row]

    def recall(self, log: str, leaf_index: int, key: int) -> None:
        """The sender took back the signal with this id in the envelope at a place."""
        for row in self._columns.postings.rows(key):
            spot = self._columns.spot(row)
            if (spot.log, spot.leaf_index) == (log, leaf_index):
                self.recalled.add(row)

    def opened(self, party: str, log: str, first: tuple[int, int], last: tuple[int, int]) -> None:
        """A party opened the signals of a log from one (leaf, number) to another."""
        opened = self._opened.setdefault(party, RowSet())
        for row in self._columns.covered(log, first, last):
            opened.add(row)

    # -- what is asked ----------------------------------------------------------------------------

    def late(self, now_ms: int) -> int:
        """The signals that someone of their audience should have opened by now and has not, as a set's integer."""
        self._pass(now_ms // 1000)
        overdue = self._overdue.bits & ~self.recalled.bits
        late = 0
        for parties, rows in self._columns.audiences():
            late |= overdue & rows & ~self._opened_by_all(parties)
        return late

    def _opened_by_all(self, parties: Iterable[str]) -> int:
        rows = -1
        for party in parties:
            opened = self._opened.get(party)
            rows &= opened.bits if opened is not None else 0
        return rows

    def _pass(self, now_s: int) -> None:
        """What fell due since the last look."""
        if now_s <= self._passed_s:
            return
        self._passed_s = now_s
        for minute in sorted(m for m in self._due if m <= now_s // _MINUTE_S):
            for row in self._due.pop(minute):
                self._fall_due(row)
