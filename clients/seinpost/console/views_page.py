# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Who opened what: each opening of a protected section on this console."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from .answering import session_of
from .drawing import Drawing
from .feed_view import Entry, Ref
from .marking import Marking, highest
from .table import Table


class ViewsPage:
    """A reader sees their own openings, a coordinator all of them."""

    def __init__(self, table: Table, drawing: Drawing) -> None:
        self._table = table
        self._drawing = drawing

    async def show(self, request: Request) -> Response:
        """The page."""
        session, views = session_of(request), self._table.marks.views()
        if session.role != "coordinator":
            views = [view for view in views if view.official == session.official]
        shown = [(view, self._entry(view.path)) for view in views]
        entries = [entry for _, entry in shown if entry is not None]
        marking = Marking(highest(entry.ref.classification for entry in entries), None)
        return self._drawing.page(request, "views.html", {"views": shown, "marking": marking})

    def _entry(self, path: str) -> Entry | None:
        """The signal at an address, as far as it was read."""
        parts = path.split("/")
        if len(parts) != 7 or not (parts[5].isdigit() and parts[6].isdigit()):
            return None
        return self._table.view.get(Ref(parts[2], parts[3], parts[4], int(parts[5]), int(parts[6])))
