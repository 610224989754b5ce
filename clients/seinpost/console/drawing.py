# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What every page shares: who looks, in which language, what stands at the top; and going on to a page."""

from __future__ import annotations

from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response

from seinpost.texts import Texts
from seinpost_schemas.compartment import Theme

from .answering import see_other, session_of
from .called import name_of
from .marking import LEVELS, LOWEST, Marking
from .pages import Pages
from .roles import may_act
from .table import Table, wall_ms
from .words import STOPPED

UNMARKED = Marking(LOWEST, None)


class Draw(Protocol):
    """Draws a page for a request."""

    def __call__(self, request: Request, name: str, values: dict[str, object], status: int = 200) -> Response:
        """The page."""


class Drawing:
    """Draws pages of one table."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.pages = Pages()

    def texts(self, request: Request) -> Texts:
        """The translation for whoever asks."""
        return self.pages.texts(session_of(request).language)

    def page(self, request: Request, name: str, values: dict[str, object], status: int = 200) -> Response:
        """A page; ``values`` may say its marking."""
        session, table = session_of(request), self._table
        back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        texts = self.pages.texts(session.language)
        # What a page fetches by itself shows it to nobody: whoever sent the form is still on the way here.
        notice, notice_at = ("", "") if "x-seinpost-live" in request.headers else session.take_notice()
        confirmed = table.confirmed_ms()
        common: dict[str, object] = {
            "session": session,
            "may_act": may_act(session),
            "notice": notice,
            "notice_at": notice_at,
            "table": table,
            "view": table.view,
            "own": table.party.token,
            "party_name": name_of(table.party, session.language),
            "called": table.called(session.language, texts),
            "alarms": [(group, group.is_over(confirmed)) for group in table.board.open()],
            "resolvable": {g.code for g in table.board.open() if g.may_be_resolved(confirmed)},
            "version": table.live.current,
            "now_ms": wall_ms(),
            "themes": [theme.token for theme in Theme],
            "levels": LEVELS,
            "back": back if request.method == "GET" else "/",
            "path": request.url.path,
            "marking": UNMARKED,
        }
        return self.pages.draw(name, session.language, common | values, status)

    def rehearse(self, request: Request, name: str, values: dict[str, object]) -> None:
        """Draw a page for nobody, to see that it can be drawn; a notice waits for the one that somebody gets."""
        session = session_of(request)
        kept = session.notice, session.notice_at
        try:
            self.page(request, name, values)
        finally:
            session.notice, session.notice_at = kept

    def missing(self, request: Request) -> Response:
        """What is not here, or not shown in this mode."""
        return self.stopped(request, STOPPED["missing"], 404)

    def stopped(self, request: Request, sentence: str, status: int = 403) -> Response:
        """What may not be done, with why."""
        return self.page(request, "stopped.html", {"sentence": sentence, "status": status}, status)

    def done(self, request: Request, path: str, notice: str, at: str = "") -> Response:
        """Go on to a page that says, beside the part it belongs to, what was done."""
        session = session_of(request)
        session.notice, session.notice_at = self.pages.texts(session.language)(notice), at
        return see_other(f"{path}#{at}" if at else path)
