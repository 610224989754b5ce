# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What a reader asked of the queue. As a link it names codes only, never a word of a signal or a search."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlencode

import msgspec

from seinpost_schemas.compartment import CARRIED, Theme
from seinpost_schemas.signal import TABLE_STATUS

Order = Literal["priority", "newest"]
_TOKEN = re.compile(r"[a-z0-9-]{1,40}")
_TECHNIQUE = re.compile(r"(disarm|attack):T[0-9]{4}(\.[0-9]{3})?")
_ELECTION = re.compile(r"[A-Z]{2,4}[0-9]{4}")
_SESSION_NUMBER = re.compile(r"[0-9a-f]{8}")
_MAX_PAGE = 100_000


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """One view of the queue; an empty field does not filter."""

    theme: str = ""
    classification: str = ""
    sender: str = ""
    severity: int = 0
    """The least severity."""
    technique: str = ""
    election: str = ""
    indicator: str = ""
    """The number under which the session keeps the indicator that was asked for."""
    status: str = ""
    """What the own table does with it: new, in-hand or closed."""
    late: bool = False
    """Only what someone should have opened by now and has not."""
    disputed: bool = False
    unread: bool = False
    exercise: bool = False
    search: str = ""
    """The number under which the session keeps the text that was searched for."""
    order: Order = "priority"
    page: int = 1

    @property
    def narrows(self) -> bool:
        """Whether anything is filtered out."""
        return bool(self.narrowing)

    @property
    def narrowing(self) -> dict[str, str]:
        """The fields that filter, with their values as text."""
        fields = {
            "theme": self.theme,
            "classification": self.classification,
            "sender": self.sender,
            "severity": str(self.severity) if self.severity else "",
            "technique": self.technique,
            "election": self.election,
            "indicator": self.indicator,
            "status": self.status,
            "late": "1" if self.late else "",
            "disputed": "1" if self.disputed else "",
            "unread": "1" if self.unread else "",
            "search": self.search,
        }
        return {name: value for name, value in fields.items() if value}

    def query(self, **changes: object) -> str:
        """The link to this view, with changes; another view starts at its first page."""
        changed = msgspec.structs.replace(self, **{"page": 1, **changes})
        fields = changed.narrowing
        if changed.exercise:
            fields["exercise"] = "1"
        if changed.order != "priority":
            fields["order"] = changed.order
        if changed.page > 1:
            fields["page"] = str(changed.page)
        return "/?" + urlencode(fields) if fields else "/"


def parse_filters(fields: Mapping[str, str]) -> Filters:
    """What a link asks for; a value that cannot be meant does not filter."""
    return Filters(
        theme=_one_of(fields.get("theme", ""), [t.token for t in Theme]),
        classification=_one_of(fields.get("classification", ""), [c.token for c in CARRIED]),
        sender=_matching(fields.get("sender", ""), _TOKEN),
        severity=int(_one_of(fields.get("severity", ""), list("12345")) or 0),
        technique=_matching(fields.get("technique", ""), _TECHNIQUE),
        election=_matching(fields.get("election", ""), _ELECTION),
        indicator=_matching(fields.get("indicator", ""), _SESSION_NUMBER),
        status=_one_of(fields.get("status", ""), list(TABLE_STATUS)),
        late=fields.get("late") == "1",
        disputed=fields.get("disputed") == "1",
        unread=fields.get("unread") == "1",
        exercise=fields.get("exercise") == "1",
        search=_matching(fields.get("search", ""), _SESSION_NUMBER),
        order="newest" if fields.get("order") == "newest" else "priority",
        page=_page(fields.get("page", "1")),
    )


def _one_of(value: str, known: list[str]) -> str:
    return value if value in known else ""


def _matching(value: str, pattern: re.Pattern[str]) -> str:
    return value if pattern.fullmatch(value) else ""


def _page(value: str) -> int:
    return min(int(value), _MAX_PAGE) if re.fullmatch("[1-9][0-9]{0,5}", value) else 1
