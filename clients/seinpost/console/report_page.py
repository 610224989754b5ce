# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Reporting a signal: fill in, see it as its readers will and who they are, publish exactly that."""

from __future__ import annotations

import asyncio
import datetime as dt
import hmac

from starlette.requests import Request
from starlette.responses import Response

from seinpost_schemas.errors import MalformedError, RefusedError, SeinpostError
from seinpost_schemas.signal import Signal

from .answering import session_of
from .audience_preview import Choices, Readers, choices_of, preview_readers, publish_mandates
from .drawing import Drawing
from .marking import LEVELS, LOWEST, Marking
from .report_form import FIELDS, empty_form, faults_in, form_digest, personal_data_in, taken, to_signal
from .table import Table, wall_ms
from .techniques import vocabulary

_PUBLISH_SECONDS = 75.0
"""Longer than publishing takes by itself: another process may be sending as this identity."""


class ReportPage:
    """The form, its preview and its publication."""

    def __init__(self, table: Table, drawing: Drawing) -> None:
        self._table = table
        self._drawing = drawing

    async def show(self, request: Request) -> Response:
        """The empty form."""
        return self._form(request, empty_form(_today(), self._choices()))

    async def take(self, request: Request) -> Response:
        """A filled form: its preview first, then, on that page's button, the signal itself."""
        step, form = request.state.form.get("step", ""), taken(request.state.form)
        if step == "edit":
            return self._form(request, form)
        faults = faults_in(form, self._choices(), _today())
        if faults:
            return self._form(request, form, faults=faults, status=422)
        try:
            signal = to_signal(form)
            readers = self._readers(form, signal)
            seen = hmac.compare_digest(self._digest(request, form), request.state.form.get("digest", ""))
            if step != "publish" or not seen:
                return self._preview(request, form, signal, readers, changed=step == "publish")
            async with asyncio.timeout(_PUBLISH_SECONDS):
                answer = await self._table.connection.publish(
                    signal,
                    theme=form["theme"],
                    classification=form["classification"],
                    audience=form["audience"] or None,
                )
        except RefusedError as error:
            return self._form(request, form, refusal=error, status=422)
        except MalformedError as error:
            return self._form(request, form, faults={"form": "other"}, fault=str(error), status=422)
        except (SeinpostError, TimeoutError) as error:
            return self._form(request, form, unanswered=True, fault=str(error), status=503)
        values = {"answer": answer, "form": form, "marking": _marking(form)}
        return self._drawing.page(request, "reported.html", values)

    def _choices(self) -> Choices:
        return choices_of(self._table.connection.directory.view, self._table.party)

    def _digest(self, request: Request, form: dict[str, str]) -> str:
        return form_digest(form, session_of(request).csrf.encode())

    def _readers(self, form: dict[str, str], signal: Signal) -> Readers:
        place = (form["classification"], form["theme"])
        view = self._table.connection.directory.view
        kind = signal.handling.signal_type
        return preview_readers(view, self._table.party, place, kind, form["audience"], wall_ms())

    def _preview(
        self, request: Request, form: dict[str, str], signal: Signal, readers: Readers, *, changed: bool
    ) -> Response:
        values: dict[str, object] = {
            "form": form,
            "fields": FIELDS,
            "signal": signal,
            "readers": readers,
            "personal": personal_data_in(signal),
            "changed": changed,
            "digest": self._digest(request, form),
            "marking": _marking(form),
        }
        return self._drawing.page(request, "preview.html", values)

    def _form(
        self,
        request: Request,
        form: dict[str, str],
        *,
        faults: dict[str, str] | None = None,
        refusal: RefusedError | None = None,
        fault: str = "",
        unanswered: bool = False,
        status: int = 200,
    ) -> Response:
        values: dict[str, object] = {
            "form": form,
            "faults": faults or {},
            "refusal": refusal,
            "fault": fault,
            "unanswered": unanswered,
            "choices": self._choices(),
            "mandates": publish_mandates(self._table.party),
            "vocabulary": vocabulary(),
            "marking": _marking(form),
        }
        return self._drawing.page(request, "report.html", values, status)


def _today() -> dt.date:
    return dt.datetime.now().astimezone().date()


def _marking(form: dict[str, str]) -> Marking:
    level = form["classification"] if form["classification"] in LEVELS else LOWEST
    return Marking(level, form["classified_until"] or None)
