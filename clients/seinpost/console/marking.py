# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The classification of a page and how long it holds, from the signals that it shows. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from seinpost_schemas.compartment import CARRIED

from .feed_view import Entry

LEVELS = [level.token for level in CARRIED]
"""The classifications that are carried, the lowest first."""
LOWEST = LEVELS[0]
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Marking(NamedTuple):
    """The highest classification on a page; ``until`` is ``None`` when its signals say it differently."""

    level: str
    until: str | None

    @property
    def query(self) -> str:
        """How a style sheet's link says it: a date or nothing, never the words of a signal."""
        return self.until if self.until is not None and DATE.fullmatch(self.until) else "each"


def marking_of(entries: Iterable[Entry]) -> Marking:
    """The highest classification, until the latest of the dates that stand at it."""
    shown = list(entries)
    level = highest(entry.ref.classification for entry in shown)
    untils = {e.signal.handling.classified_until for e in shown if e.ref.classification == level}
    return Marking(level, _latest(untils))


def highest(levels: Iterable[str]) -> str:
    """The highest of some classifications."""
    return max(levels, key=LEVELS.index, default=LOWEST)


def _latest(untils: set[str | None]) -> str | None:
    named = {until for until in untils if until is not None}
    if named != untils or not named:
        return None
    if len(named) == 1:
        return named.pop()
    return max(named) if all(DATE.fullmatch(until) for until in named) else None
