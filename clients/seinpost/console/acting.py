# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What an official does with a signal. Every act is the organisation's: signed, in the log, under their number."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from starlette.requests import Request
from starlette.responses import Response

from seinpost.answer import Answer
from seinpost_schemas.errors import RefusedError, SeinpostError
from seinpost_schemas.signal import TABLE_STATUS

from .answering import session_of
from .drawing import Drawing
from .feed_view import Entry
from .officials import Officials
from .signal_page import ACT_SECONDS, SignalPage
from .table import Table
from .words import DONE, FEEDBACK, reason_sentence


class Acting:
    """The forms on a signal's page."""

    def __init__(self, table: Table, officials: Officials, page: SignalPage, drawing: Drawing) -> None:
        self._table = table
        self._officials = officials
        self._page = page
        self._drawing = drawing

    async def acknowledge(self, request: Request) -> Response:
        """Tell the sender that someone takes it up."""
        entry = self._page.entry(request)
        if entry is None or self._table.status(entry) == "recalled":
            return self._drawing.missing(request)
        self._table.acknowledge(entry)
        return self._drawing.done(request, entry.ref.path, DONE["acknowledge"], "answer")

    async def feedback(self, request: Request) -> Response:
        """Say something of a signal to everyone who may read it, under the official's number."""
        entry, form = self._entry(request), request.state.form
        kind = form.get("kind", "")
        if entry is None:
            return self._drawing.missing(request)
        if kind not in FEEDBACK:
            return self._drawing.done(request, entry.ref.path, DONE["choose"], "answer")
        work = self._table.connection.feedback(
            entry.signal.id or "",
            kind,
            text=form.get("text", "").strip() or None,
            official=session_of(request).official,
            sender=entry.delivery.sender,
        )
        return await self._sent(request, entry, work, "feedback", "answer")

    async def status(self, request: Request) -> Response:
        """Say among colleagues what is done with a signal, under the official's number."""
        entry = self._entry(request)
        status = request.state.form.get("status", "")
        if entry is None or status not in TABLE_STATUS:
            return self._drawing.missing(request)
        work = self._table.connection.set_status(
            entry.signal.id or "",
            status,
            official=session_of(request).official,
            sender=entry.delivery.sender,
        )
        return await self._sent(request, entry, work, "status", "at-table")

    async def assign(self, request: Request) -> Response:
        """Say among colleagues who takes it on."""
        entry = self._entry(request)
        assignee = request.state.form.get("assignee", "")
        known = self._table.colleagues(self._officials.accounts)
        if entry is None or (assignee and assignee not in known):
            return self._drawing.missing(request)
        work = self._table.connection.assign(
            entry.signal.id or "",
            assignee or None,
            official=session_of(request).official,
            sender=entry.delivery.sender,
        )
        return await self._sent(request, entry, work, "assign", "at-table")

    def _entry(self, request: Request) -> Entry | None:
        """The signal, unless there is nothing more to be done with it."""
        entry = self._page.entry(request)
        if entry is None or entry.signal.id is None or self._table.status(entry) == "recalled":
            return None
        return entry

    async def _sent(
        self, request: Request, entry: Entry, work: Awaitable[Answer], what: str, at: str
    ) -> Response:
        texts = self._drawing.texts(request)
        try:
            async with asyncio.timeout(ACT_SECONDS):
                await work
        except RefusedError as error:
            said = f"{reason_sentence(error.reason, texts)} {error.basis or ''}".strip()
            return self._drawing.done(
                request, entry.ref.path, texts("Refused: {reason}").format(reason=said), at
            )
        except (SeinpostError, TimeoutError):
            return self._drawing.done(request, entry.ref.path, reason_sentence("unavailable", texts), at)
        return self._drawing.done(request, entry.ref.path, DONE[what], at)
