# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The situation report: the signals of a period and a set of themes, with marking, duration and proof. Pure."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from seinpost_schemas.compartment import CARRIED, Theme

from .feed_view import Entry, FeedView

MAX_SIGNALS = 500
"""More than this is no report; it says how many it left out."""
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
StatusOf = Callable[[Entry], str]
_LEVELS = [level.token for level in CARRIED]


class Asked(NamedTuple):
    """What a report is to be about; both days are part of it."""

    first: dt.date
    last: dt.date
    themes: tuple[str, ...]
    exercise: bool

    @property
    def query(self) -> str:
        """The same as the query of a link."""
        fields = [
            ("first", f"{self.first}"),
            ("last", f"{self.last}"),
            ("exercise", "1" if self.exercise else "0"),
        ]
        return urlencode(fields + [("theme", theme) for theme in self.themes])


class Situation(NamedTuple):
    """A report: per theme its signals, the most severe first."""

    asked: Asked
    themes: list[tuple[str, list[Entry]]]
    total: int
    left_out: int
    marking: str
    until: str | None
    """Until when its highest classification holds; ``None`` when its signals say it differently."""


def parse_asked(fields: Mapping[str, str], themes: Sequence[str], today: dt.date, *, exercise: bool) -> Asked:
    """What a link asks for; without dates, today."""
    first, last = (_date(fields.get(name, ""), today) for name in ("first", "last"))
    known = [theme.token for theme in Theme]
    chosen = tuple(token for token in known if token in themes) or tuple(known)
    wants = fields.get("exercise")
    return Asked(min(first, last), max(first, last), chosen, exercise if wants is None else wants == "1")


def _date(text: str, default: dt.date) -> dt.date:
    try:
        return dt.date.fromisoformat(text) if _DATE.fullmatch(text) else default
    except ValueError:
        return default


def make_situation(view: FeedView, asked: Asked) -> Situation:
    """The report on what is known now, without what was taken back."""
    kept, total = view.between(asked.first, asked.last, asked.themes, MAX_SIGNALS, exercise=asked.exercise)
    marking = max((entry.ref.classification for entry in kept), key=_LEVELS.index, default=_LEVELS[0])
    highest = {e.signal.handling.classified_until for e in kept if e.ref.classification == marking}
    return Situation(
        asked=asked,
        themes=[(theme, [e for e in kept if e.ref.theme == theme]) for theme in asked.themes],
        total=total,
        left_out=total - len(kept),
        marking=marking,
        until=_latest(highest),
    )


def _latest(untils: set[str | None]) -> str | None:
    named = {until for until in untils if until is not None}
    if named != untils or not named:
        return None
    if len(named) == 1:
        return named.pop()
    return max(named) if all(_DATE.fullmatch(until) for until in named) else None
