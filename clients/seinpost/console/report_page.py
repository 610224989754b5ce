# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Reporting a signal: fill in, see who will read it, publish. What is refused says on what basis."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response

from seinpost_schemas.errors import MalformedError, RefusedError, SeinpostError
from seinpost_schemas.signal import Signal

from .audience_preview import Readers, preview_readers, publish_mandates, usable_audiences
from .report_form import empty_form, personal_data_in, taken, to_signal
from .table import Table, wall_ms
from .techniques import vocabulary

_PUBLISH_SECONDS = 75.0


class Draw(Protocol):
    """Draws a page for a request."""

    def __call__(self, request: Request, name: str, values: dict[str, object], status: int = 200) -> Response:
        """The page."""


class ReportPage:
    """The form and its two steps."""

    def __init__(self, table: Table, draw: Draw) -> None:
        self._table = table
        self._draw = draw

    async def show(self, request: Request) -> Response:
        """The empty form."""
        return self._form(request, empty_form(dt.datetime.now().astimezone().date()))

    async def take(self, request: Request) -> Response:
        """A filled form: its preview first, then, on the second button, the signal itself."""
        form = taken(request.state.form)
        try:
            signal = to_signal(form)
            readers = self._preview(form, signal)
            if request.state.form.get("step") != "publish":
                return self._form(request, form, readers=readers, personal=personal_data_in(signal))
            # Longer than publishing takes by itself: another process may be sending as this identity.
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
            return self._form(request, form, fault=str(error), status=422)
        except (SeinpostError, TimeoutError) as error:
            return self._form(request, form, unanswered=True, fault=str(error), status=503)
        return self._draw(request, "reported.html", {"answer": answer})

    def _preview(self, form: dict[str, str], signal: Signal) -> Readers:
        place = (form["classification"], form["theme"])
        view = self._table.connection.directory.view
        kind = signal.handling.signal_type
        return preview_readers(view, self._table.party, place, kind, form["audience"], wall_ms())

    def _form(
        self,
        request: Request,
        form: dict[str, str],
        *,
        readers: Readers | None = None,
        personal: list[str] | None = None,
        refusal: RefusedError | None = None,
        fault: str = "",
        unanswered: bool = False,
        status: int = 200,
    ) -> Response:
        view = self._table.connection.directory.view
        values: dict[str, object] = {
            "form": form,
            "readers": readers,
            "personal": personal or [],
            "refusal": refusal,
            "fault": fault,
            "unanswered": unanswered,
            "mandates": publish_mandates(self._table.party),
            "audiences": usable_audiences(view),
            "vocabulary": vocabulary(),
        }
        return self._draw(request, "report.html", values, status)
