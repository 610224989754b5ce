# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""One signal: all that is known of it, its protected section on request, and its proof."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from seinpost_schemas.errors import InvalidError, RefusedError, SeinpostError

from .answering import session_of
from .drawing import Drawing
from .feed_view import Entry, Ref
from .marking import Marking
from .officials import Officials
from .proof_steps import Gathered, Step, verify_steps
from .table import Table
from .words import DONE

ADDRESS = "/signal/{period}/{level}/{theme}/{leaf_index:int}/{number:int}"
ACT_SECONDS = 75.0
"""Longer than an act takes by itself: another process may be sending as this identity."""


class SignalPage:
    """The page of one signal."""

    def __init__(self, table: Table, officials: Officials, drawing: Drawing) -> None:
        self._table = table
        self._officials = officials
        self._drawing = drawing

    def entry(self, request: Request) -> Entry | None:
        """The signal that an address names."""
        path = request.path_params
        return self._table.view.get(
            Ref(*(path[p] for p in ("period", "level", "theme", "leaf_index", "number")))
        )

    async def show(self, request: Request) -> Response:
        """The page."""
        return self._show(request)

    async def back(self, request: Request) -> Response:
        """Whoever comes back to the address of an act finds the signal."""
        return RedirectResponse(request.url.path.rpartition("/")[0], 303)

    async def protected(self, request: Request) -> Response:
        """The protected section, once, in the answer to a request that says so; on no wall screen."""
        entry = self.entry(request)
        if entry is None or entry.signal.protected is None:
            return self._drawing.missing(request)
        if self._table.is_hidden(entry, session_of(request)):
            return self._drawing.missing(request)
        self._table.open_protected(entry, session_of(request))
        return self._show(request, opened=True)

    async def verify(self, request: Request) -> Response:
        """Go through its proof once more, step by step."""
        entry = self.entry(request)
        if entry is None or entry.signal.id is None:
            return self._drawing.missing(request)
        texts, connection = self._drawing.texts(request), self._table.connection
        evidence: Gathered
        try:
            async with asyncio.timeout(ACT_SECONDS):
                evidence = await connection.evidence(entry.delivery)
        except (InvalidError, RefusedError) as error:
            evidence = error
        except (SeinpostError, TimeoutError):
            return self._drawing.done(request, entry.ref.path, DONE["unverified"], "proof")
        called = self._table.called(session_of(request).language, texts)
        root = connection.directory.directory.enclave_id
        return self._show(request, steps=verify_steps(evidence, root, called.witness, texts))

    async def export(self, request: Request) -> Response:
        """A proof that anyone can check offline, as a file; never with the protected section."""
        entry = self.entry(request)
        if entry is None or entry.signal.id is None or self._table.status(entry) == "recalled":
            return self._drawing.missing(request)
        try:
            async with asyncio.timeout(ACT_SECONDS):
                proof = await self._table.connection.prove(entry.signal.id, sender=entry.delivery.sender)
        except (SeinpostError, TimeoutError):
            return self._drawing.done(request, entry.ref.path, DONE["unproven"], "proof")
        name = f'attachment; filename="{entry.signal.id}.proof.json"'
        return Response(proof.encode(), media_type="application/json", headers={"content-disposition": name})

    def _show(self, request: Request, *, opened: bool = False, steps: list[Step] | None = None) -> Response:
        entry, table = self.entry(request), self._table
        if entry is None:
            return self._drawing.missing(request)
        # A wall screen is nobody in particular: what it shows was opened by nobody.
        if "x-seinpost-live" not in request.headers and not session_of(request).wall:
            if entry.unread:
                # First: a signal whose page cannot be drawn was seen by nobody, and must not be said to be.
                self._drawing.rehearse(
                    request, "signal.html", self._values(entry, opened=opened, steps=steps)
                )
            table.open(entry)
        return self._drawing.page(request, "signal.html", self._values(entry, opened=opened, steps=steps))

    def _values(self, entry: Entry, *, opened: bool, steps: list[Step] | None) -> dict[str, object]:
        table = self._table
        view, signal = table.view, entry.signal
        return {
            "entry": entry,
            "signal": signal,
            "related": view.related(entry),
            "superseded_by": view.superseded_by(entry),
            "supersedes": [e for i in signal.handling.supersedes for e in view.named(i)],
            "refers_to": [e for i in signal.handling.refers_to for e in view.named(i)],
            "acts": view.acts(entry),
            "opinion": table.opinion(entry),
            "history": table.history(entry),
            "openings": table.openings(entry),
            "own_state": table.own_state(entry),
            "recall": table.connection.recall_of(entry.delivery),
            "suspicion": table.connection.suspicion(entry.delivery),
            "colleagues": table.colleagues(self._officials.accounts),
            "opened": opened,
            "steps": steps,
            "back": entry.ref.path,
            "marking": Marking(entry.ref.classification, signal.handling.classified_until),
            "can_answer": table.may_answer(entry),
        }
