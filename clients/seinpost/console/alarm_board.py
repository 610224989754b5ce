# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Alarms as the table works with them: one line per kind, since when, whether it is over, and who looked into it.

Pure; takes the time. Nothing is forgotten: what was dealt with leaves the top of the pages and stays on the overview,
and comes back as soon as it happens again.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from seinpost.delivery import Alarm

PASSING = frozenset(
    {"stale-checkpoint", "missing-log", "withheld-tail", "quorum", "directory-missing", "missing-closing"}
)
"""Kinds that end by themselves, once their log is confirmed again. Of the others each is a fact that stays."""


class AlarmGroup(msgspec.Struct, kw_only=True):
    """Every alarm of one kind."""

    code: str
    first_ms: int
    last_ms: int
    times: int = 0
    places: list[str] = []
    """The compartments that it was about."""
    senders: list[str] = []
    message: str = ""
    """The newest one's own words, in English."""
    resolved_ms: int | None = None
    resolved_by: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether nobody has dealt with it since it last came."""
        return self.resolved_ms is None

    def is_over(self, confirmed_ms: Mapping[str, int]) -> bool:
        """Whether it has passed: every log that it was about was confirmed after it."""
        if self.code not in PASSING or not self.places:
            return False
        return all(confirmed_ms.get(place, 0) > self.last_ms for place in self.places)

    def may_be_resolved(self, confirmed_ms: Mapping[str, int]) -> bool:
        """Whether it may leave the top of the pages: not while it lasts."""
        return self.is_open and (self.code not in PASSING or self.is_over(confirmed_ms))


class AlarmBoard:
    """Takes alarms; answers what stands, the newest first."""

    def __init__(self) -> None:
        self._groups: dict[str, AlarmGroup] = {}

    def note(self, alarm: Alarm, at_ms: int) -> None:
        """One more alarm."""
        group = self._groups.get(alarm.code)
        if group is None or not group.is_open:
            before = group.times if group is not None else 0
            group = AlarmGroup(code=alarm.code, first_ms=at_ms, last_ms=at_ms, times=before)
            self._groups[alarm.code] = group
        group.times += 1
        group.last_ms, group.message = at_ms, alarm.message
        if alarm.compartment not in group.places:
            group.places = sorted([*group.places, alarm.compartment])
        if alarm.sender is not None and alarm.sender not in group.senders:
            group.senders = sorted([*group.senders, alarm.sender])

    def resolve(self, code: str, official: str | None, at_ms: int, confirmed_ms: Mapping[str, int]) -> bool:
        """Whether one was put aside; what still lasts is not."""
        group = self._groups.get(code)
        if group is None or not group.may_be_resolved(confirmed_ms):
            return False
        group.resolved_ms, group.resolved_by = at_ms, official
        return True

    def all(self) -> list[AlarmGroup]:
        """Everything that came since the start: what is open first."""
        return sorted(self._groups.values(), key=lambda group: (not group.is_open, -group.last_ms))

    def open(self) -> list[AlarmGroup]:
        """What belongs at the top of every page."""
        return [group for group in self.all() if group.is_open]
