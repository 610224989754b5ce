# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Who may do what: every form is for readers, or for coordinators only, and says so where its address is given.

A wall screen has nobody before it who could be held to account: it may do nothing but be left.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .sessions import Session
from .words import COORDINATORS_ONLY, NOT_ON_A_WALL

Handler = Callable[[Request], Awaitable[Response]]
Refuse = Callable[[Request, str], Response]
Who = Literal["reader", "coordinator"]


def may_act(session: Session) -> bool:
    """Whether whoever holds a session may act for the organisation."""
    return session.role == "coordinator" and not session.wall


def form(path: str, handler: Handler, who: Who, refuse: Refuse, *, on_a_wall: bool = False) -> Route:
    """The address of a form; ``refuse`` draws the page for whoever may not send it."""

    async def guarded(request: Request) -> Response:
        session: Session | None = getattr(request.state, "session", None)
        if session is not None and session.wall and not on_a_wall:
            return refuse(request, NOT_ON_A_WALL)
        if who == "coordinator" and (session is None or session.role != "coordinator"):
            return refuse(request, COORDINATORS_ONLY)
        return await handler(request)

    return Route(path, guarded, methods=["POST"], name=f"{who} {path}")
