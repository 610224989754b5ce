# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Each thing that stands before the pages: taken away, its test fails."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from seinpost.console import sessions
from seinpost.console.security import HEADERS, MAX_FORM_BYTES, Guard, cookie_name, session_cookie
from seinpost.console.sessions import IDLE_SECONDS, SESSION_SECONDS, TOKEN_SECONDS, Door

PORT = 4711
HOST = f"127.0.0.1:{PORT}"


class Asked:
    """A guarded application that says yes, and how to ask it."""

    def __init__(self) -> None:
        self.door = Door()
        self.reached: list[Scope] = []
        self.guard = Guard(self._page, self.door, PORT, lambda status: PlainTextResponse("no", status))
        entered = self.door.enter(self.door.new_token(time.monotonic()), time.monotonic())
        assert entered is not None
        self.number, self.session = entered

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.reached.append(scope)
        await PlainTextResponse("yes")(scope, receive, send)

    def ask(
        self, method: str = "GET", path: str = "/", body: bytes | list[bytes] = b"", **headers: str | None
    ) -> tuple[int, dict[str, str]]:
        """Status and headers of an answer; a header set to None is left out."""
        given: dict[str, str | None] = {"host": HOST, "cookie": f"{cookie_name(PORT)}={self.number}"}
        if method == "POST":
            given |= {"origin": f"http://{HOST}", "content-type": "application/x-www-form-urlencoded"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        parts = [body] if isinstance(body, bytes) else body
        messages = [
            {"type": "http.request", "body": part, "more_body": i < len(parts) - 1}
            for i, part in enumerate(parts)
        ]
        sent: list[Any] = []

        async def receive() -> Any:
            return messages.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http", "method": method, "path": path, "query_string": b"", "http_version": "1.1",
            "headers": [(k.encode(), v.encode()) for k, v in given.items() if v is not None],
        }  # fmt: skip
        asyncio.run(self.guard(scope, receive, send))
        return sent[0]["status"], {k.decode(): v.decode() for k, v in sent[0]["headers"]}

    def post(self, fields: str = "", **options: Any) -> int:
        body = options.pop("body", f"csrf={self.session.csrf}&{fields}".encode())
        return self.ask("POST", "/x", body, **options)[0]


@pytest.fixture
def asked() -> Asked:
    return Asked()


def test_a_session_gets_its_page(asked: Asked) -> None:
    assert asked.ask()[0] == 200
    assert asked.post("a=b") == 200
    assert asked.reached[-1]["state"]["form"]["a"] == "b"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        f"evil.example:{PORT}",
        "127.0.0.1",
        "127.0.0.1:1",
        f"127.0.0.1.evil.example:{PORT}",
        "",
        None,
    ],
)
def test_another_host_name_is_refused(asked: Asked, host: str | None) -> None:
    assert asked.ask(host=host)[0] == 421
    assert asked.post(host=host, origin=f"http://{host}") == 421
    assert not asked.reached


@pytest.mark.parametrize(
    "cookie", [None, "", "x=y", f"{cookie_name(PORT)}=guessed", f"{cookie_name(PORT + 1)}=x", 'a="b']
)
def test_without_a_session_there_is_nothing(asked: Asked, cookie: str | None) -> None:
    assert asked.ask(cookie=cookie)[0] == 401
    assert asked.post(cookie=cookie) == 401
    assert asked.ask(path="/live", cookie=cookie)[0] == 401
    assert not asked.reached


def test_the_start_and_the_style_are_open_to_read_only(asked: Asked) -> None:
    assert asked.ask(path="/start", cookie=None)[0] == 200
    assert asked.ask(path="/static/console.css", cookie=None)[0] == 200
    assert asked.ask("POST", "/start", cookie=None)[0] == 401
    assert asked.ask("POST", "/static/x", cookie=None)[0] == 401


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "https://evil.example",
        "http://127.0.0.1:1",
        f"https://{HOST}",
        f"http://localhost:{PORT}",
    ],
)
def test_a_form_from_elsewhere_is_refused(asked: Asked, origin: str | None) -> None:
    assert asked.post(origin=origin) == 403
    assert not asked.reached


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_or_port_cannot_ask_for_a_page(asked: Asked, site: str) -> None:
    assert asked.ask(sec_fetch_site=site)[0] == 403
    assert asked.ask(sec_fetch_site="same-origin")[0] == 200
    assert asked.ask(sec_fetch_site="none")[0] == 200


@pytest.mark.parametrize("body", [b"", b"csrf=", b"csrf=guessed", b"csrf=%00", b"other=1"])
def test_a_form_without_the_sessions_token_is_refused(asked: Asked, body: bytes) -> None:
    assert asked.post(body=body) == 403
    assert not asked.reached


def test_another_sessions_token_is_refused(asked: Asked) -> None:
    other = asked.door.enter(asked.door.new_token(time.monotonic()), time.monotonic())
    assert other is not None
    assert asked.post(body=f"csrf={other[1].csrf}".encode()) == 403


@pytest.mark.parametrize("kind", [None, "text/plain", "application/json", "multipart/form-data; boundary=x"])
def test_only_plain_forms_are_read(asked: Asked, kind: str | None) -> None:
    assert asked.post(content_type=kind) == 415


def test_a_form_is_read_no_further_than_its_limit(asked: Asked) -> None:
    head = f"csrf={asked.session.csrf}&a=".encode()
    assert asked.post(body=[head, b"x" * (MAX_FORM_BYTES - len(head))]) == 200
    assert asked.post(body=[head, b"x" * MAX_FORM_BYTES, b"never read"]) == 413
    assert asked.post(body=head + b"&" * 2_000 + b"=1" + b"&a=1" * 2_000) == 400
    assert asked.post(body=b"csrf=" + b"\xff\xfe") == 400


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT"])
def test_other_methods_are_refused(asked: Asked, method: str) -> None:
    assert asked.ask(method)[0] == 405


@pytest.mark.parametrize("path", ["/", "/start"])
@pytest.mark.parametrize("host", [HOST, "evil.example"])
def test_every_answer_says_what_a_browser_may_do_with_it(asked: Asked, path: str, host: str) -> None:
    _, headers = asked.ask(path=path, host=host)
    assert headers.items() >= HEADERS.items()
    assert headers["cache-control"] == "no-store"
    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert {
        policy[name] for name in ("script-src", "style-src", "img-src", "connect-src", "form-action")
    } == {"'self'"}
    assert policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["referrer-policy"] == "same-origin"
    assert headers["x-content-type-options"] == "nosniff"


def test_a_cookie_is_for_this_host_and_for_no_script() -> None:
    cookie = session_cookie("seinpost_console_1", "n")
    assert cookie == "seinpost_console_1=n; Path=/; HttpOnly; SameSite=Strict"


# -- the door -----------------------------------------------------------------------------------------


@pytest.fixture
def door() -> Iterator[Door]:
    return Door()


def test_a_start_token_is_good_once(door: Door) -> None:
    token = door.new_token(0)
    assert door.enter(token, 1) is not None
    assert door.enter(token, 1) is None
    assert door.enter("guessed", 1) is None
    assert door.enter("", 1) is None


def test_a_start_token_ends(door: Door) -> None:
    assert door.enter(door.new_token(0), TOKEN_SECONDS + 1) is None
    assert door.enter(door.new_token(0), TOKEN_SECONDS) is not None


def test_each_entering_is_a_session_of_its_own(door: Door) -> None:
    first, second = (door.enter(door.new_token(0), 0) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first[0] != second[0]
    assert first[1].csrf != second[1].csrf
    assert first[1].searches is not second[1].searches


def test_a_session_ends_when_it_is_left_idle_or_old(door: Door) -> None:
    number, session = door.enter(door.new_token(0), 0) or pytest.fail("closed")
    assert door.find(number, IDLE_SECONDS) is session
    assert door.find(number, IDLE_SECONDS + 1) is None
    assert door.find(number, 0) is None
    number, session = door.enter(door.new_token(0), 0) or pytest.fail("closed")
    session.used = SESSION_SECONDS
    assert door.find(number, SESSION_SECONDS) is session
    assert door.find(number, SESSION_SECONDS + 1) is None


def test_a_wall_screen_is_not_idle_but_grows_old(door: Door) -> None:
    number, session = door.enter(door.new_token(0), 0) or pytest.fail("closed")
    session.wall = True
    assert door.find(number, SESSION_SECONDS) is session
    assert door.find(number, SESSION_SECONDS + 1) is None


def test_a_new_number_ends_the_old_one(door: Door) -> None:
    number, session = door.enter(door.new_token(0), 0) or pytest.fail("closed")
    csrf = session.csrf
    renewed = door.renew(number)
    assert door.find(number, 0) is None
    assert door.find(renewed, 0) is session
    assert session.csrf != csrf


def test_leaving_ends_the_session(door: Door) -> None:
    number, _ = door.enter(door.new_token(0), 0) or pytest.fail("closed")
    door.leave(number)
    assert door.find(number, 0) is None


def test_what_a_page_fetches_by_itself_keeps_no_session_alive(asked: Asked) -> None:
    asked.session.used = -1_000.0
    asked.session.wall = True
    asked.ask(x_seinpost_live="1")
    assert asked.session.used == -1_000.0
    asked.ask()
    assert asked.session.used > 0


def test_neither_tokens_nor_numbers_are_kept(door: Door) -> None:
    token = door.new_token(0)
    number, _ = door.enter(door.new_token(0), 0) or pytest.fail("closed")
    held = repr(vars(door))
    assert token not in held
    assert number not in held


def test_searches_are_few_and_have_numbers_without_words() -> None:
    session = sessions.Session(csrf="x", began=0, used=0)
    numbers = [session.add_search(f"woord {n}") for n in range(30)]
    assert len(session.searches) == 20
    assert session.searches[numbers[-1]].text == "woord 29"
    assert all(set(number) <= set("0123456789abcdef") for number in numbers)
