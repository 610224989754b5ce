# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The queue with its filters and searches. A link holds codes and numbers of the session, never a word."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import get_args
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from seinpost_schemas.limits import MAX_VALUE_CHARACTERS
from seinpost_schemas.signal import IndicatorType

from .answering import see_other, session_of
from .defang import refang
from .drawing import Drawing
from .entries import Entry
from .filters import Filters, parse_filters
from .marking import marking_of
from .marks import MAX_NAME_CHARACTERS, SavedFilter
from .matching import IndicatorSought, Meant
from .sessions import Session
from .table import Table, wall_ms

INDICATOR_TYPES: tuple[str, ...] = get_args(IndicatorType)


class QueuePage:
    """Shows the queue, searches, and keeps views of it."""

    def __init__(self, table: Table, drawing: Drawing, find: Callable[[Request], Entry | None]) -> None:
        self._table = table
        self._drawing = drawing
        self._find = find

    async def show(self, request: Request) -> Response:
        """One page of what a link asks for."""
        session, view = session_of(request), self._table.view
        asked = parse_filters(request.query_params)
        if "exercise" not in request.query_params and not view.count(exercise=False):
            # Nothing real has come: show what there is.
            asked = msgspec.structs.replace(asked, exercise=True)
        search = session.searches.get(asked.search)
        if search is not None:
            await self._table.searching.look(search)
        page = view.queue(asked, self._meant(session, asked))
        return self._drawing.page(
            request,
            "queue.html",
            {
                "filters": asked,
                "queue": page,
                "marking": marking_of(page.entries),
                "search": search,
                "sought": session.indicators.get(asked.indicator),
                "indicator_types": INDICATOR_TYPES,
                "techniques": view.techniques(),
                "saved": self._saved(session),
            },
        )

    def _meant(self, session: Session, asked: Filters) -> Meant:
        search = session.searches.get(asked.search)
        return Meant(
            found=search.found if search is not None else None,
            indicator=session.indicators.get(asked.indicator),
            now_ms=wall_ms(),
        )

    async def search(self, request: Request) -> Response:
        """A text was given to search for."""
        session, form = session_of(request), request.state.form
        text = form.get("text", "").strip()
        return see_other(parse_filters(form).query(search=session.add_search(text) if text else ""))

    async def stop(self, request: Request) -> Response:
        """A search is to look no further."""
        asked = parse_filters(request.state.form)
        search = session_of(request).searches.get(asked.search)
        if search is not None:
            search.stopped = True
        return see_other(asked.query())

    async def indicator(self, request: Request) -> Response:
        """An indicator was typed: of a kind, or of any."""
        session, form = session_of(request), request.state.form
        value = refang(form.get("value", "").strip())[:MAX_VALUE_CHARACTERS]
        kind = form.get("kind", "")
        sought = IndicatorSought(kind if kind in INDICATOR_TYPES else "", value)
        return see_other(parse_filters(form).query(indicator=session.add_indicator(sought) if value else ""))

    async def pivot(self, request: Request) -> Response:
        """An indicator of a signal was chosen, by its number there: see who else has it."""
        session, entry = session_of(request), self._find(request)
        number = request.state.form.get("number", "")
        if entry is None or self._table.status(entry) == "recalled" or not re.fullmatch("[0-9]{1,3}", number):
            return self._drawing.missing(request)
        if int(number) >= len(entry.signal.indicators):
            return self._drawing.missing(request)
        chosen = entry.signal.indicators[int(number)]
        number = session.add_indicator(IndicatorSought(chosen.type, chosen.value))
        return see_other(Filters(exercise=entry.signal.handling.exercise).query(indicator=number))

    async def save(self, request: Request) -> Response:
        """Keep a view under a name."""
        session, form = session_of(request), request.state.form
        name = " ".join(form.get("name", "").split())[:MAX_NAME_CHARACTERS]
        # A search belongs to its session: its words are not kept. An indicator is kept apart from the link.
        asked = msgspec.structs.replace(parse_filters(form), search="", page=1)
        sought = session.indicators.get(asked.indicator)
        if name:
            link = asked.query(indicator="")
            self._table.marks.save_filter(
                SavedFilter(name, link, session.official, (sought.kind, sought.value) if sought else None)
            )
        return see_other(asked.query())

    async def forget(self, request: Request) -> Response:
        """Drop a view that was kept."""
        number = request.state.form.get("number", "")
        if re.fullmatch("[0-9]{1,9}", number):
            self._table.marks.forget_filter(int(number), session_of(request).official)
        return see_other(request.state.form.get("back", "/"))

    def _saved(self, session: Session) -> list[tuple[int, SavedFilter, int]]:
        """The saved views, each with its number of unread signals."""
        found = []
        for number, saved in self._table.marks.filters(session.official):
            asked = parse_filters(dict(parse_qsl(saved.link.partition("?")[2])))
            if saved.indicator is not None:
                sought = session.add_indicator(IndicatorSought(*saved.indicator))
                asked = msgspec.structs.replace(asked, indicator=sought)
            unread = msgspec.structs.replace(asked, unread=True)
            shown = msgspec.structs.replace(saved, link=asked.query())
            found.append((number, shown, self._table.view.matching(unread, self._meant(session, unread))))
        return found
