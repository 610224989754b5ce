# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The situation report on a period and a set of themes: its signals, how each stands, what asks for attention. Pure.

What was taken back is named, never shown. What was replaced is named, and what replaced it is shown.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from seinpost_schemas.compartment import Theme

from .feed_view import Entry, FeedView
from .marking import Marking, marking_of
from .standing import Standing

MAX_SIGNALS = 500
"""More than this is no report; it says how many it left out."""
SERIOUS = 4
"""From this severity on a signal that nobody has in hand asks for attention."""
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
StandingOf = Callable[[Entry], Standing]


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


class Line(NamedTuple):
    """A signal in a report: its number there, and how it stands."""

    number: int
    entry: Entry
    standing: Standing


class Situation(NamedTuple):
    """A report: per theme its signals, the most severe first."""

    asked: Asked
    themes: list[tuple[str, list[Line]]]
    total: int
    left_out: int
    marking: Marking
    withdrawn: list[Line]
    """What senders took back, without its content."""
    replaced: list[Line]
    """What newer signals replace."""

    @property
    def lines(self) -> list[Line]:
        """Every signal that is shown, by its number."""
        return sorted((line for _, lines in self.themes for line in lines), key=lambda line: line.number)

    def count(self, what: Callable[[Line], object]) -> int:
        """How many of the shown signals something holds for."""
        return sum(bool(what(line)) for line in self.lines)

    @property
    def figures(self) -> dict[str, int]:
        """The key figures."""
        return {
            "serious": self.count(lambda line: line.entry.severity >= SERIOUS),
            "suspect": self.count(lambda line: line.standing.suspect is not None),
            "disputed": self.count(lambda line: line.standing.opinion.disputed_by),
            "open": self.count(is_open),
            "late": self.count(lambda line: line.standing.late),
            "unconfirmed": self.count(lambda line: line.standing.status != "audited"),
            "withdrawn": len(self.withdrawn),
            "replaced": len(self.replaced),
        }

    @property
    def attention(self) -> dict[str, list[Line]]:
        """What asks for attention, by why; only what there is."""
        found = {
            "alarm": [line for line in self.lines if line.standing.status == "alarm"],
            "suspect": [line for line in self.lines if line.standing.suspect is not None],
            "disputed": [line for line in self.lines if line.standing.opinion.disputed_by],
            "waiting": [line for line in self.lines if line.entry.severity >= SERIOUS and is_open(line)],
            "late": [line for line in self.lines if line.standing.late],
            "unconfirmed": [line for line in self.lines if line.standing.status == "pending"],
        }
        return {why: lines for why, lines in found.items() if lines}


def is_open(line: Line) -> bool:
    """Whether nobody at the table has it in hand."""
    return line.standing.at_table is None or line.standing.at_table.status == "new"


def parse_asked(fields: Mapping[str, str], themes: Sequence[str], today: dt.date, *, exercise: bool) -> Asked:
    """What a link asks for; without dates, today."""
    first, last = (_date(fields.get(name, ""), today) for name in ("first", "last"))
    known = [theme.token for theme in Theme]
    chosen = tuple(token for token in known if token in themes) or tuple(known)
    wants = fields.get("exercise")
    return Asked(min(first, last), max(first, last), chosen, exercise if wants is None else wants == "1")


def _date(text: str, default: dt.date) -> dt.date:
    try:
        found = dt.date.fromisoformat(text) if _DATE.fullmatch(text) else default
    except ValueError:
        return default
    # At the ends of the calendar there is no day before or after, and in some time zone no midnight.
    return found if 1970 < found.year < 9999 else default


def make_situation(view: FeedView, asked: Asked, standing_of: StandingOf) -> Situation:
    """The report on what is known now."""

    def found(*, recalled: bool) -> tuple[list[Entry], int]:
        return view.between(
            asked.first, asked.last, asked.themes, MAX_SIGNALS, exercise=asked.exercise, recalled=recalled
        )

    entries, total = found(recalled=False)
    withdrawn = [Line(0, entry, standing_of(entry)) for entry in found(recalled=True)[0]]
    shown, replaced = [], []
    for entry in entries:
        stands = standing_of(entry)
        if stands.status == "recalled":
            # It was taken back while this report was being made.
            withdrawn.append(Line(0, entry, stands))
        elif stands.replaced_by:
            replaced.append(Line(0, entry, stands))
        else:
            shown.append((entry, stands))
    shown.sort(key=lambda pair: asked.themes.index(pair[0].ref.theme))
    lines = [Line(number, entry, stands) for number, (entry, stands) in enumerate(shown, 1)]
    return Situation(
        asked=asked,
        themes=[(theme, [line for line in lines if line.entry.ref.theme == theme]) for theme in asked.themes],
        total=total - len(entries) + len(lines),
        left_out=total - len(entries),
        marking=marking_of(line.entry for line in (*lines, *replaced)),
        withdrawn=withdrawn,
        replaced=replaced,
    )
