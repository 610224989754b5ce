# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Logging in with one's own number, where the console has accounts; everything else waits for it."""

from __future__ import annotations

import asyncio
import time

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from .drawing import Draw
from .officials import Officials, WaitError
from .security import START, session_cookie
from .sessions import Door

_OPEN = ("/login", "/settings", "/leave", START)


class LoginGate:
    """Sends whoever has not logged in to the login page."""

    def __init__(self, app: ASGIApp, officials: Officials) -> None:
        self._app = app
        self._officials = officials

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        session = scope.get("state", {}).get("session")
        path: str = scope["path"]
        if session is not None and session.account and not self._officials.is_current(session.account):
            # Removed, or given another role or password: whoever this was logs in again.
            session.forget_official()
        waits = session is not None and session.official is None and self._officials.asked
        if waits and path not in _OPEN and not path.startswith("/static/"):
            await RedirectResponse("/login", 303)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class LoginPage:
    """The page itself."""

    def __init__(self, officials: Officials, door: Door, cookie: str, draw: Draw) -> None:
        self._officials = officials
        self._door = door
        self._cookie = cookie
        self._draw = draw
        # A password takes 64 MiB to look at: one after the other, whoever sends many.
        self._looking = asyncio.Lock()

    async def show(self, request: Request) -> Response:
        """The form."""
        return self._draw(request, "login.html", {"wrong": False, "wait": False})

    async def take(self, request: Request) -> Response:
        """A number and a password."""
        form, session = request.state.form, request.state.session
        number, password = form.get("number", ""), form.get("password", "")
        try:
            async with self._looking:
                official = await asyncio.to_thread(self._officials.log_in, number, password, time.monotonic())
        except WaitError:
            return self._draw(request, "login.html", {"wrong": False, "wait": True}, 429)
        if official is None:
            return self._draw(request, "login.html", {"wrong": True, "wait": False}, 403)
        session.become(official)
        response = RedirectResponse("/", 303)
        # What was known before the login is worth nothing after it.
        renewed = self._door.renew(request.cookies[self._cookie])
        response.headers["set-cookie"] = session_cookie(self._cookie, renewed)
        return response
