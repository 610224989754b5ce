# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What every page's handler needs: the session that asks, and going on to another page."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from .sessions import Session

_OWN_PATH = re.compile(r"/(?![/\\])[A-Za-z0-9/?&=:._%-]*(#[a-z-]+)?")


def session_of(request: Request) -> Session:
    """Whose request it is."""
    session: Session = request.state.session
    return session


def see_other(path: str) -> Response:
    """Go on to a page of the console, and nowhere else."""
    return RedirectResponse(path if _OWN_PATH.fullmatch(path) else "/", 303)
