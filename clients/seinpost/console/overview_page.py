# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The overview: alarms, partners and logs first, then what came, per theme, sender and technique."""

from __future__ import annotations

import datetime as dt

from starlette.requests import Request
from starlette.responses import Response

from .answering import see_other, session_of
from .drawing import Drawing
from .filters import Filters
from .marking import Marking, highest
from .table import Table, wall_ms
from .techniques import named, tactics

TIMELINE_DAYS = 14


class OverviewPage:
    """The page, and putting an alarm aside."""

    def __init__(self, table: Table, drawing: Drawing) -> None:
        self._table = table
        self._drawing = drawing

    async def show(self, request: Request) -> Response:
        """The page."""
        table, view = self._table, self._table.view
        exercise = request.query_params.get("exercise") == "1" or not view.count(exercise=False)
        today = dt.datetime.now().astimezone().date()
        counts = view.counts(exercise=exercise)
        timeline = view.timeline(today, TIMELINE_DAYS, exercise=exercise)
        now_ms = wall_ms()
        partners, logs = table.partners(exercise=exercise), table.log_healths()
        values: dict[str, object] = {
            "exercise": exercise,
            "counts": counts,
            "timeline": timeline,
            "most": max((n for line in timeline.values() for n in line), default=0),
            "days": [today - dt.timedelta(days=n) for n in reversed(range(TIMELINE_DAYS))],
            "tactics": _tactic_counts(counts["technique"]),
            "register": table.register,
            "expires_in_days": table.connection.expires_in_days(),
            "partners": partners,
            "behind": [p for p in partners if p.is_behind(now_ms)],
            "logs": logs,
            "stale": [log for log in logs if log.is_stale(now_ms)],
            "board": table.board.all(),
            "filters": Filters(exercise=exercise),
            "marking": Marking(highest(log.level for log in logs if log.received), None),
        }
        return self._drawing.page(request, "overview.html", values)

    async def resolve(self, request: Request) -> Response:
        """Put an alarm aside, once it is over or was looked into."""
        form = request.state.form
        self._table.resolve_alarm(form.get("code", ""), session_of(request))
        return see_other(form.get("back", "/overview"))


def _tactic_counts(techniques: dict[str, int]) -> list[tuple[str, str, int]]:
    counts: dict[str, int] = {}
    for technique, count in techniques.items():
        tactic = named(technique).tactic
        counts[tactic] = counts.get(tactic, 0) + count
    return [(tactic.id, tactic.name, counts.get(tactic.name, 0)) for tactic in tactics()]
