# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Counts of what the overview and the lists of the filters show, kept as rows come. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from .row_facts import SIGNAL, RowFacts
from .time_order import BUCKET_MS

MAX_NAMED = 10_000
"""Distinct techniques or elections that are listed by name; any other can be filtered on all the same."""


class SignalTally(msgspec.Struct, array_like=True):
    """What signals of one kind, real ones or exercises, count up to."""

    techniques: dict[str, int] = {}
    quarters: dict[str, dict[int, int]] = {}
    """By theme: how many in each quarter of an hour."""


class Tally(msgspec.Struct, array_like=True):
    """What a run of rows counts up to."""

    real: SignalTally = msgspec.field(default_factory=SignalTally)
    exercise: SignalTally = msgspec.field(default_factory=SignalTally)
    elections: dict[str, int] = {}
    heard: dict[str, int] = {}
    """By sender: when its newest signal was admitted."""

    def of(self, *, exercise: bool) -> SignalTally:
        """The half of real signals or of exercises."""
        return self.exercise if exercise else self.real

    def add(self, facts: RowFacts) -> None:
        """Count a row; an act counts for nothing."""
        if facts.code != SIGNAL:
            return
        half = self.of(exercise="exercise" in facts.sets)
        _count(half.techniques, ((name, 1) for name in facts.techniques))
        quarters = half.quarters.setdefault(facts.theme, {})
        number = facts.admitted_ms // BUCKET_MS
        quarters[number] = quarters.get(number, 0) + 1
        if facts.election is not None:
            _count(self.elections, ((facts.election, 1),))
        self._hear(facts.sender, facts.admitted_ms)

    def merge(self, other: Tally) -> None:
        """Count the rows of another one too."""
        for exercise in (False, True):
            half, more = self.of(exercise=exercise), other.of(exercise=exercise)
            _count(half.techniques, more.techniques.items())
            for theme, quarters in more.quarters.items():
                held = half.quarters.setdefault(theme, {})
                for number, count in quarters.items():
                    held[number] = held.get(number, 0) + count
        _count(self.elections, other.elections.items())
        for sender, at_ms in other.heard.items():
            self._hear(sender, at_ms)

    def _hear(self, sender: str, at_ms: int) -> None:
        self.heard[sender] = max(at_ms, self.heard.get(sender, 0))


def per_day(quarters: Mapping[int, int], first: int, last: int) -> int:
    """How many in the quarters of an hour from ``first`` up to ``last``."""
    return sum(quarters.get(number, 0) for number in range(first, last))


def _count(into: dict[str, int], counts: Iterable[tuple[str, int]]) -> None:
    for name, count in counts:
        if name in into or len(into) < MAX_NAMED:
            into[name] = into.get(name, 0) + count
