# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Who sits at the table: the numbers that signals can be given to, and the names that this console has for them."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from seinpost_schemas.errors import MalformedError, SetupError

from .drawing import Drawing
from .officials import Officials
from .table import Table
from .words import DONE


class PeoplePage:
    """The page of numbers and names."""

    def __init__(self, table: Table, officials: Officials, drawing: Drawing) -> None:
        self._table = table
        self._officials = officials
        self._drawing = drawing

    async def show(self, request: Request) -> Response:
        """The page."""
        accounts = {official.number: official.role for official in self._officials.accounts}
        people = self._table.people
        rows = [
            (number, people.names.get(number, ""), accounts.get(number))
            for number in sorted({*accounts, *people.numbers})
        ]
        return self._drawing.page(request, "people.html", {"rows": rows, "asked": self._officials.asked})

    async def put(self, request: Request) -> Response:
        """Give a number a name."""
        form = request.state.form
        try:
            self._table.people.put(form.get("number", "").strip(), form.get("name", ""))
        except (MalformedError, SetupError):
            return self._drawing.done(request, "/people", DONE["no-number"])
        self._table.people_changed()
        return self._drawing.done(request, "/people", DONE["people"])

    async def drop(self, request: Request) -> Response:
        """Forget a number's name."""
        self._table.people.drop(request.state.form.get("number", ""))
        self._table.people_changed()
        return self._drawing.done(request, "/people", DONE["people"])
