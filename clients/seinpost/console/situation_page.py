# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The situation report as a page and as a PDF."""

from __future__ import annotations

import asyncio
import datetime as dt

from starlette.requests import Request
from starlette.responses import Response

from .answering import session_of
from .drawing import Drawing
from .situation import Situation, make_situation, parse_asked
from .situation_pdf import make_pdf
from .table import Table, wall_ms
from .words import moment


class SituationPage:
    """The report on a period and a set of themes."""

    def __init__(self, table: Table, drawing: Drawing) -> None:
        self._table = table
        self._drawing = drawing

    def asked(self, request: Request) -> Situation:
        """The report that a link asks for."""
        today = dt.datetime.now().astimezone().date()
        fields = request.query_params
        exercise = not self._table.view.count(exercise=False)
        asked = parse_asked(fields, fields.getlist("theme"), today, exercise=exercise)
        return make_situation(self._table.view, asked, self._table.standing)

    def _made(self, request: Request) -> str:
        session, texts = session_of(request), self._drawing.texts(request)
        name = self._table.called(session.language, texts).full(self._table.party.token)
        said = texts("Made on {moment} for {party}.")
        return said.format(moment=moment(wall_ms(), session.language), party=name)

    async def show(self, request: Request) -> Response:
        """The page."""
        situation = self.asked(request)
        values: dict[str, object] = {
            "situation": situation,
            "marking": situation.marking,
            "made": self._made(request),
        }
        return self._drawing.page(request, "situation.html", values)

    async def pdf(self, request: Request) -> Response:
        """The same as PDF/UA."""
        session, situation = session_of(request), self.asked(request)
        texts = self._drawing.texts(request)
        called = self._table.called(session.language, texts)
        made = self._made(request)
        pdf = await asyncio.to_thread(make_pdf, situation, called, made, session.language, texts)
        name = f"situatie-{situation.asked.first}-{situation.asked.last}.pdf"
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return Response(pdf, media_type="application/pdf", headers=headers)
