# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The pages' addresses: takes a request, asks the table, draws the answer."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from seinpost_schemas.compartment import CARRIED, Theme
from seinpost_schemas.errors import InvalidError, RefusedError, SeinpostError
from seinpost_schemas.signal import TABLE_STATUS

from .answering import see_other, session_of
from .audience_preview import publish_mandates
from .feed_view import Entry, Ref
from .filters import Filters
from .index.index_seal import IndexChangedError
from .login import LoginGate, LoginPage
from .officials import Officials
from .pages import Pages, moment
from .paper import duration_words, margin_style
from .proof_steps import Gathered, Step, verify_steps
from .queue_page import QueuePage
from .report_page import ReportPage
from .security import Guard, cookie_name, session_cookie
from .sessions import Session
from .situation import Situation, make_situation, parse_asked
from .situation_pdf import make_pdf
from .table import Table, wall_ms
from .techniques import named, tactics
from .words import DONE, FEEDBACK, REFUSALS, classification_name, reason_sentence, theme_short

TIMELINE_DAYS = 14
_ACT_SECONDS = 75.0
_LEVELS = [level.token for level in CARRIED]
_SCHEMES = ("auto", "light", "dark")


class Console:
    """The web application of one table."""

    def __init__(
        self, table: Table, officials: Officials, port: int, *, on_entered: Callable[[], None] = lambda: None
    ) -> None:
        self._table = table
        self._pages = Pages()
        self._on_entered = on_entered
        queue = QueuePage(table, self._draw, self._entry)
        report = ReportPage(table, self._draw)
        login = LoginPage(officials, table.door, cookie_name(port), self._draw)
        app = Starlette(
            routes=[
                Route("/start", self._start),
                Route("/login", login.show),
                Route("/login", login.take, methods=["POST"]),
                Route("/", queue.show),
                Route("/search", queue.search, methods=["POST"]),
                Route("/search/stop", queue.stop, methods=["POST"]),
                Route("/indicator", queue.indicator, methods=["POST"]),
                Route("/filters", queue.save, methods=["POST"]),
                Route("/filters/forget", queue.forget, methods=["POST"]),
                Route("/live", self._live),
                Route("/overview", self._overview),
                Route("/situation", self._situation),
                Route("/situation.pdf", self._situation_pdf),
                Route("/views", self._views),
                Route("/settings", self._settings, methods=["POST"]),
                Route("/leave", self._leave, methods=["POST"]),
                Route("/marking/{level}.css", self._margins),
                Route("/situation/marking.css", self._situation_margins),
                Route(_SIGNAL + "/marking.css", self._signal_margins),
                Route(_SIGNAL, self._signal),
                Route(_SIGNAL + "/{act:str}", self._back, methods=["GET"]),
                Route(_SIGNAL + "/indicator", queue.pivot, methods=["POST"]),
                Route(_SIGNAL + "/protected", self._protected, methods=["POST"]),
                Route(_SIGNAL + "/proof", self._proof, methods=["POST"]),
                Route(_SIGNAL + "/export", self._export, methods=["POST"]),
                Route(_SIGNAL + "/acknowledge", self._acknowledge, methods=["POST"]),
                Route(_SIGNAL + "/status", self._status, methods=["POST"]),
                Route(_SIGNAL + "/feedback", self._feedback, methods=["POST"]),
                Route("/report", report.show),
                Route("/report", report.take, methods=["POST"]),
                Mount("/static", StaticFiles(directory=Path(str(files(__package__) / "static")))),
            ],
            exception_handlers={
                404: self._missing,
                405: self._missing,
                IndexChangedError: self._index_changed,
                Exception: self._broken,
            },
        )
        self.guard = Guard(LoginGate(app, officials), table.door, port, self._refusal)

    # -- coming in --------------------------------------------------------------------------------

    async def _start(self, request: Request) -> Response:
        entered = self._table.door.enter(request.query_params.get("token", ""), time.monotonic())
        if entered is None:
            return self._refusal(401)
        response = RedirectResponse("/", 303)
        response.headers["set-cookie"] = session_cookie(self.guard.cookie, entered[0])
        self._on_entered()
        return response

    async def _leave(self, request: Request) -> Response:
        self._table.door.leave(request.cookies[self.guard.cookie])
        return self._refusal(401)

    async def _settings(self, request: Request) -> Response:
        session, form = session_of(request), request.state.form
        if form.get("language") in ("nl", "en"):
            session.language = form["language"]
        if form.get("scheme") in _SCHEMES:
            session.scheme = form["scheme"]
        if "wall" in form:
            if session.wall and form["wall"] != "1":
                # Many stood before that screen: what is not for all of them asks for a login again.
                session.official = None
            session.wall = form["wall"] == "1"
        return see_other(form.get("back", "/"))

    def _refusal(self, status: int) -> Response:
        return self._pages.draw(
            "refused.html", "nl", {"sentence": REFUSALS[status], "english": self._pages.texts("en")}, status
        )

    async def _missing(self, request: Request, _error: Exception) -> Response:
        session: Session | None = getattr(request.state, "session", None)
        if session is None:
            return self._refusal(404)
        return self._draw(request, "missing.html", {}, 404)

    async def _index_changed(self, _request: Request, _error: Exception) -> Response:
        """A page found that the index does not fit together: it is built again, and the queue says so."""
        self._table.index_changed()
        return see_other("/")

    async def _broken(self, _request: Request, _error: Exception) -> Response:
        return self._refusal(500)

    # -- pages ------------------------------------------------------------------------------------

    def _draw(self, request: Request, name: str, values: dict[str, object], status: int = 200) -> Response:
        session, table = session_of(request), self._table
        back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        common: dict[str, object] = {
            "session": session,
            "notice": session.take_notice(),
            "table": table,
            "view": table.view,
            "party": table.party,
            "alarms": table.alarm_lines(),
            "version": table.live.current,
            "now_ms": wall_ms(),
            "themes": [theme.token for theme in Theme],
            "levels": [level.token for level in CARRIED],
            "back": back if request.method == "GET" else "/",
            "path": request.url.path,
            "marking": "ong",
        }
        return self._pages.draw(name, session.language, common | values, status)

    def _entry(self, request: Request) -> Entry | None:
        path = request.path_params
        return self._table.view.get(
            Ref(*(path[p] for p in ("period", "level", "theme", "leaf_index", "number")))
        )

    async def _signal(self, request: Request) -> Response:
        return self._show(request)

    async def _back(self, request: Request) -> Response:
        """Whoever comes back to the address of an act finds the signal."""
        return RedirectResponse(request.url.path.rpartition("/")[0], 303)

    async def _protected(self, request: Request) -> Response:
        """The protected section, once, in the answer to a request that says so; on no wall screen."""
        entry = self._entry(request)
        if (
            entry is None
            or entry.signal.protected is None
            or self._table.is_hidden(entry, session_of(request))
        ):
            return self._draw(request, "missing.html", {}, 404)
        self._table.open_protected(entry, session_of(request))
        return self._show(request, opened=True)

    async def _proof(self, request: Request) -> Response:
        entry = self._entry(request)
        if entry is None:
            return self._draw(request, "missing.html", {}, 404)
        language, connection = session_of(request).language, self._table.connection
        evidence: Gathered
        try:
            async with asyncio.timeout(_ACT_SECONDS):
                evidence = await connection.evidence(entry.delivery)
        except (InvalidError, RefusedError) as error:
            evidence = error
        except (SeinpostError, TimeoutError):
            return self._done(request, entry, DONE["unverified"])
        names = self._party_names(language)
        steps = verify_steps(
            evidence,
            connection.directory.directory.enclave_id,
            lambda token: names.get(token, token),
            self._pages.texts(language),
        )
        return self._show(request, steps=steps)

    async def _export(self, request: Request) -> Response:
        """A proof that anyone can check offline, as a file; never with the protected section."""
        entry = self._entry(request)
        if entry is None or entry.signal.id is None or self._table.status(entry) == "recalled":
            return self._draw(request, "missing.html", {}, 404)
        try:
            async with asyncio.timeout(_ACT_SECONDS):
                proof = await self._table.connection.prove(entry.signal.id, sender=entry.delivery.sender)
        except (SeinpostError, TimeoutError):
            return self._done(request, entry, DONE["unproven"])
        name = f'attachment; filename="{entry.signal.id}.proof.json"'
        return Response(proof.encode(), media_type="application/json", headers={"content-disposition": name})

    async def _acknowledge(self, request: Request) -> Response:
        entry = self._entry(request)
        if entry is None:
            return self._draw(request, "missing.html", {}, 404)
        self._table.connection.acknowledge(entry.delivery)
        return self._done(request, entry, DONE["acknowledge"])

    async def _feedback(self, request: Request) -> Response:
        """Say something of a signal to everyone who may read it, under the official's number."""
        entry, session, form = self._entry(request), session_of(request), request.state.form
        kind = form.get("kind", "")
        if entry is None or entry.signal.id is None or kind not in FEEDBACK:
            return self._draw(request, "missing.html", {}, 404)
        texts = self._pages.texts(session.language)
        try:
            async with asyncio.timeout(_ACT_SECONDS):
                await self._table.connection.feedback(
                    entry.signal.id,
                    kind,
                    text=form.get("text", "").strip() or None,
                    official=session.official,
                    sender=entry.delivery.sender,
                )
        except RefusedError as error:
            sentence = reason_sentence(error.reason, texts)
            notice = texts("Refused: {reason}").format(reason=f"{sentence} {error.basis or ''}")
            return self._done(request, entry, notice)
        except (SeinpostError, TimeoutError) as error:
            return self._done(request, entry, f"{reason_sentence('unavailable', texts)} {error}")
        return self._done(request, entry, DONE["feedback"])

    async def _status(self, request: Request) -> Response:
        """Say among colleagues what is done with a signal, under the official's number."""
        entry, session = self._entry(request), session_of(request)
        status = request.state.form.get("status", "")
        if entry is None or entry.signal.id is None or status not in TABLE_STATUS:
            return self._draw(request, "missing.html", {}, 404)
        texts = self._pages.texts(session.language)
        try:
            async with asyncio.timeout(_ACT_SECONDS):
                await self._table.connection.set_status(
                    entry.signal.id, status, official=session.official, sender=entry.delivery.sender
                )
        except (SeinpostError, TimeoutError) as error:
            reason = error.reason if isinstance(error, RefusedError) else "unavailable"
            return self._done(request, entry, f"{reason_sentence(reason, texts)} {error}")
        return self._done(request, entry, DONE["status"])

    def _done(self, request: Request, entry: Entry, notice: str) -> Response:
        session = session_of(request)
        session.notice = self._pages.texts(session.language)(notice)
        return see_other(entry.ref.path)

    def _show(self, request: Request, *, opened: bool = False, steps: list[Step] | None = None) -> Response:
        entry, view = self._entry(request), self._table.view
        if entry is None:
            return self._draw(request, "missing.html", {}, 404)
        if "x-seinpost-live" not in request.headers:
            self._table.open(entry)
        return self._draw(
            request,
            "signal.html",
            {
                "entry": entry,
                "signal": entry.signal,
                "related": view.related(entry),
                "superseded_by": view.superseded_by(entry),
                "supersedes": [e for i in entry.signal.handling.supersedes for e in view.named(i)],
                "refers_to": [e for i in entry.signal.handling.refers_to for e in view.named(i)],
                "acts": view.acts(entry),
                "names": self._party_names(session_of(request).language),
                "opened": opened,
                "steps": steps,
                "back": entry.ref.path,
                "marking": entry.ref.classification,
                "can_answer": self._table.may_answer(entry),
            },
        )

    def _party_names(self, language: str) -> dict[str, str]:
        parties = self._table.connection.directory.view.register.parties
        return {p.token: p.name_nl if language == "nl" else p.name_en for p in parties}

    async def _overview(self, request: Request) -> Response:
        view = self._table.view
        exercise = request.query_params.get("exercise") == "1" or not view.count(exercise=False)
        today = dt.datetime.now().astimezone().date()
        counts = view.counts(exercise=exercise)
        return self._draw(
            request,
            "overview.html",
            {
                "exercise": exercise,
                "counts": counts,
                "timeline": view.timeline(today, TIMELINE_DAYS, exercise=exercise),
                "days": [today - dt.timedelta(days=n) for n in reversed(range(TIMELINE_DAYS))],
                "tactics": _tactic_counts(counts["technique"]),
                "register": (register := self._table.connection.directory.view.register),
                "partners": [p for p in register.parties if p.identities and publish_mandates(p)],
                "filters": Filters(exercise=exercise),
                "theme_short": theme_short,
            },
        )

    def _asked(self, request: Request) -> Situation:
        today = dt.datetime.now().astimezone().date()
        fields = request.query_params
        exercise = not self._table.view.count(exercise=False)
        asked = parse_asked(fields, fields.getlist("theme"), today, exercise=exercise)
        return make_situation(self._table.view, asked)

    def _made(self, session: Session) -> str:
        texts, language = self._pages.texts(session.language), session.language
        party = self._table.party.name_nl if language == "nl" else self._table.party.name_en
        return texts("Made on {moment} for {party}.").format(moment=moment(wall_ms(), language), party=party)

    async def _situation(self, request: Request) -> Response:
        situation = self._asked(request)
        values: dict[str, object] = {
            "situation": situation,
            "marking": situation.marking,
            "made": self._made(session_of(request)),
        }
        return self._draw(request, "situation.html", values)

    async def _situation_pdf(self, request: Request) -> Response:
        session, situation = session_of(request), self._asked(request)
        texts = self._pages.texts(session.language)
        made = self._made(session)
        pdf = await asyncio.to_thread(make_pdf, situation, self._table.status, made, session.language, texts)
        name = f"situatie-{situation.asked.first}-{situation.asked.last}.pdf"
        return Response(
            pdf,
            media_type="application/pdf",
            headers={"content-disposition": f'attachment; filename="{name}"'},
        )

    async def _views(self, request: Request) -> Response:
        session, views = session_of(request), self._table.marks.views()
        if session.role != "coordinator":
            views = [view for view in views if view.official == session.official]
        return self._draw(request, "views.html", {"views": views})

    def _style(self, request: Request, level: str, until: str | None) -> Response:
        word = self._pages.texts(session_of(request).language)("until")
        style = margin_style(classification_name(level), duration_words(until, word))
        return Response(style, media_type="text/css")

    async def _margins(self, request: Request) -> Response:
        level = request.path_params["level"]
        if level not in _LEVELS:
            return self._draw(request, "missing.html", {}, 404)
        return self._style(request, level, None)

    async def _signal_margins(self, request: Request) -> Response:
        entry = self._entry(request)
        if entry is None:
            return self._draw(request, "missing.html", {}, 404)
        return self._style(request, entry.ref.classification, entry.signal.handling.classified_until)

    async def _situation_margins(self, request: Request) -> Response:
        situation = self._asked(request)
        texts = self._pages.texts(session_of(request).language)
        return self._style(request, situation.marking, situation.until or texts("see each signal"))

    async def _live(self, request: Request) -> Response:
        stream = self._table.live.stream(request.headers.get("last-event-id"))
        return EventSourceResponse(stream, ping=15)


_SIGNAL = "/signal/{period}/{level}/{theme}/{leaf_index:int}/{number:int}"


def _tactic_counts(techniques: dict[str, int]) -> list[tuple[str, str, int]]:
    counts: dict[str, int] = {}
    for technique, count in techniques.items():
        tactic = named(technique).tactic
        counts[tactic] = counts.get(tactic, 0) + count
    return [(tactic.id, tactic.name, counts.get(tactic.name, 0)) for tactic in tactics()]
