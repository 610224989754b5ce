# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What stands before every page: who asks, from where, and what a browser may do with the answer.

Refuses a request under another host name (DNS rebinding), from another site or another port of this machine,
without a session, or a form without the session's token. Every answer forbids storing, framing, sniffing and
anything that does not come from here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .sessions import Door, Session, is_own_form

MAX_FORM_BYTES = 256 * 1024
MAX_FORM_FIELDS = 1_000
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types seinpost"
)
HEADERS = {
    "content-security-policy": POLICY,
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "x-robots-tag": "noindex",
}
START = "/start"
_OPEN = ("/static/",)
"""Style and script are no secret; a page that says that the door is closed needs them."""
Refuse = Callable[[int], ASGIApp]


class Guard:
    """Lets a request through to the application, or answers with ``refuse(status)``."""

    def __init__(self, app: ASGIApp, door: Door, port: int, refuse: Refuse) -> None:
        self._app = app
        self._door = door
        self._refuse = refuse
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self.cookie = cookie_name(port)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        guarded = _with_headers(send, stored=scope["path"].startswith(_OPEN))
        status = self._origin_fault(scope)
        form: dict[str, str] = {}
        if status is None:
            session = self._session(scope)
            if scope["method"] == "POST" and session is not None:
                body = await _read_form(scope, receive)
                if isinstance(body, int):
                    status = body
                else:
                    form = body
                    status = None if is_own_form(session, form.get("csrf", "")) else 403
            if status is None and session is None and not self._is_open(scope):
                status = 401
            scope.setdefault("state", {})
            scope["state"].update(session=session, form=form)
        await (self._app if status is None else self._refuse(status))(scope, receive, guarded)

    def _origin_fault(self, scope: Scope) -> int | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if host not in self._hosts:
            return 421
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return 405
        if headers.get("sec-fetch-site", "none") not in ("same-origin", "none") and scope["path"] != START:
            return 403
        if scope["method"] == "POST" and headers.get("origin") != f"http://{host}":
            return 403
        return None

    def _session(self, scope: Scope) -> Session | None:
        number = read_cookie(Headers(scope=scope), self.cookie)
        now = time.monotonic()
        session = self._door.find(number, now) if number else None
        if session is not None and "x-seinpost-live" not in Headers(scope=scope):
            # What the page fetches by itself does not keep an unattended session alive.
            session.used = now
        return session

    @staticmethod
    def _is_open(scope: Scope) -> bool:
        path: str = scope["path"]
        return scope["method"] != "POST" and (path == START or path.startswith(_OPEN))


def cookie_name(port: int) -> str:
    """Cookies are shared by all ports of a host: two consoles must not take each other's."""
    return f"seinpost_console_{port}"


def read_cookie(headers: Mapping[str, str], name: str) -> str | None:
    """One cookie's value."""
    try:
        cookie = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return None
    return cookie[name].value if name in cookie else None


def session_cookie(name: str, number: str) -> str:
    """The header that hands out a session's number, to this host and to no script."""
    return f"{name}={number}; Path=/; HttpOnly; SameSite=Strict"


async def _read_form(scope: Scope, receive: Receive) -> dict[str, str] | int:
    kind = Headers(scope=scope).get("content-type", "")
    if kind.split(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        return 415
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_FORM_BYTES:
            return 413
        more = message.get("more_body", False)
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS))
    except ValueError:
        return 400


def _with_headers(send: Send, *, stored: bool) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            headers["cache-control"] = "no-cache" if stored else "no-store"
        await send(message)

    return guarded
