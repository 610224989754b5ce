# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The console's addresses: who may come in, and which page answers what."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from . import signal_page
from .acting import Acting
from .answering import see_other, session_of
from .drawing import Drawing
from .index.index_seal import IndexChangedError
from .login import LoginGate, LoginPage
from .marking import DATE, LEVELS, Marking
from .officials import Officials
from .overview_page import OverviewPage
from .paper import margin_style
from .people_page import PeoplePage
from .queue_page import QueuePage
from .report_page import ReportPage
from .roles import form
from .security import Guard, cookie_name, session_cookie
from .sessions import Session
from .situation_page import SituationPage
from .table import Table
from .views_page import ViewsPage
from .words import REFUSALS, classification_name, until_words

_SCHEMES = ("auto", "light", "dark")
_SIGNAL = signal_page.ADDRESS


class Console:
    """The web application of one table."""

    def __init__(
        self, table: Table, officials: Officials, port: int, *, on_entered: Callable[[], None] = lambda: None
    ) -> None:
        self._table = table
        self._drawing = Drawing(table)
        self._on_entered = on_entered
        self._situation = SituationPage(table, self._drawing)
        self._signal = signal_page.SignalPage(table, officials, self._drawing)
        self.routes = [
            *self._door(officials, port),
            *self._reading(),
            *self._acting(officials),
            Mount("/static", StaticFiles(directory=Path(str(files(__package__) / "static")))),
        ]
        app = Starlette(
            routes=self.routes,
            exception_handlers={
                404: self._missing,
                405: self._missing,
                IndexChangedError: self._index_changed,
                Exception: self._broken,
            },
        )
        self.guard = Guard(LoginGate(app, officials), table.door, port, self._refusal)

    def _door(self, officials: Officials, port: int) -> list[BaseRoute]:
        login = LoginPage(officials, self._table.door, cookie_name(port), self._drawing.page)
        stop = self._drawing.stopped
        return [
            Route("/start", self._start),
            Route("/login", login.show),
            form("/login", login.take, "reader", stop, on_a_wall=True),
            form("/settings", self._settings, "reader", stop, on_a_wall=True),
            form("/leave", self._leave, "reader", stop, on_a_wall=True),
            Route("/live", self._live),
            Route("/marking/{level}/{until}.css", self._margins),
            Route("/situation/marking.css", self._situation_margins),
            Route(_SIGNAL + "/marking.css", self._signal_margins),
        ]

    def _reading(self) -> list[BaseRoute]:
        signal, stop = self._signal, self._drawing.stopped
        queue = QueuePage(self._table, self._drawing, signal.entry)
        return [
            Route("/", queue.show),
            form("/search", queue.search, "reader", stop),
            form("/search/stop", queue.stop, "reader", stop),
            form("/indicator", queue.indicator, "reader", stop),
            form(_SIGNAL + "/indicator", queue.pivot, "reader", stop),
            form("/filters", queue.save, "reader", stop),
            form("/filters/forget", queue.forget, "reader", stop),
            Route("/situation", self._situation.show),
            Route("/situation.pdf", self._situation.pdf),
            Route("/views", ViewsPage(self._table, self._drawing).show),
            Route(_SIGNAL, signal.show),
            Route(_SIGNAL + "/{act:str}", signal.back, methods=["GET"]),
            form(_SIGNAL + "/protected", signal.protected, "reader", stop, on_a_wall=True),
            form(_SIGNAL + "/proof", signal.verify, "reader", stop),
        ]

    def _acting(self, officials: Officials) -> list[BaseRoute]:
        table, drawing, stop = self._table, self._drawing, self._drawing.stopped
        acting = Acting(table, officials, self._signal, drawing)
        report, overview = ReportPage(table, drawing), OverviewPage(table, drawing)
        people = PeoplePage(table, officials, drawing)
        return [
            form(_SIGNAL + "/export", self._signal.export, "coordinator", stop),
            form(_SIGNAL + "/acknowledge", acting.acknowledge, "coordinator", stop),
            form(_SIGNAL + "/status", acting.status, "coordinator", stop),
            form(_SIGNAL + "/assign", acting.assign, "coordinator", stop),
            form(_SIGNAL + "/feedback", acting.feedback, "coordinator", stop),
            Route("/report", report.show),
            form("/report", report.take, "coordinator", stop),
            Route("/overview", overview.show),
            form("/overview/resolve", overview.resolve, "coordinator", stop),
            Route("/people", people.show),
            form("/people", people.put, "coordinator", stop),
            form("/people/drop", people.drop, "coordinator", stop),
        ]

    # -- coming in --------------------------------------------------------------------------------

    async def _start(self, request: Request) -> Response:
        entered = self._table.door.enter(request.query_params.get("token", ""), time.monotonic())
        if entered is None:
            return self._refusal(401)
        response = self._go_on(request)
        response.headers["set-cookie"] = session_cookie(self.guard.cookie, entered[0])
        self._on_entered()
        return response

    def _go_on(self, request: Request) -> Response:
        """To the queue. From the start page, or any other, a browser must go there from here.

        Led on at once it would still be on its way from there: it sends no cookie then, and Guard refuses it.
        """
        if request.headers.get("sec-fetch-site", "none") == "none":
            return RedirectResponse("/", 303)
        response = self._drawing.pages.draw("entered.html", "nl", {"session": None}, 200)
        response.headers["refresh"] = "0; url=/"
        return response

    async def _leave(self, request: Request) -> Response:
        self._table.door.leave(request.cookies[self.guard.cookie])
        return self._refusal(401)

    async def _settings(self, request: Request) -> Response:
        session, fields = session_of(request), request.state.form
        if fields.get("language") in ("nl", "en"):
            session.language = fields["language"]
        if fields.get("scheme") in _SCHEMES:
            session.scheme = fields["scheme"]
        if "wall" in fields:
            if session.wall and fields["wall"] != "1":
                # Many stood before that screen: what is not for all of them asks for a login again.
                session.forget_official()
            session.wall = fields["wall"] == "1"
        return see_other(fields.get("back", "/"))

    def _refusal(self, status: int) -> Response:
        pages = self._drawing.pages
        values: dict[str, object] = {
            "session": None,
            "sentence": REFUSALS[status],
            "english": pages.texts("en"),
        }
        return pages.draw("refused.html", "nl", values, status)

    async def _missing(self, request: Request, _error: Exception) -> Response:
        session: Session | None = getattr(request.state, "session", None)
        return self._refusal(404) if session is None else self._drawing.missing(request)

    async def _index_changed(self, _request: Request, _error: Exception) -> Response:
        """A page found that the index does not fit together: it is built again, and the queue says so."""
        self._table.index_changed()
        return see_other("/")

    async def _broken(self, _request: Request, _error: Exception) -> Response:
        return self._refusal(500)

    # -- paper and change -------------------------------------------------------------------------

    def _style(self, request: Request, marking: Marking) -> Response:
        session, texts = session_of(request), self._drawing.texts(request)
        until = until_words(marking, session.language, texts)
        return Response(margin_style(classification_name(marking.level), until), media_type="text/css")

    async def _margins(self, request: Request) -> Response:
        level, until = request.path_params["level"], request.path_params["until"]
        if level not in LEVELS:
            return self._drawing.missing(request)
        return self._style(request, Marking(level, until if DATE.fullmatch(until) else None))

    async def _signal_margins(self, request: Request) -> Response:
        entry = self._signal.entry(request)
        if entry is None:
            return self._drawing.missing(request)
        return self._style(request, Marking(entry.ref.classification, entry.signal.handling.classified_until))

    async def _situation_margins(self, request: Request) -> Response:
        return self._style(request, self._situation.asked(request).marking)

    async def _live(self, request: Request) -> Response:
        stream = self._table.live.stream(request.headers.get("last-event-id"))
        return EventSourceResponse(stream, ping=15)
