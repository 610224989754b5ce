# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A hundred thousand signals in a real console and browser, against the times that were promised.

Each time is the second best of seven or more in one run: what else this machine does can only add to it.
"""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from browsing import HERE, Stage, Watched
from harness.enclave import start
from playwright.sync_api import Browser, Page, expect

from seinpost.config import load_config

pytestmark = [pytest.mark.nats]
MANY = 100_000
ROUNDS = 7
FIRST_PAGE_MS = 1_000
FILTER_MS = 100
SEARCH_MS = 2_000
SEEN_MS = 200
FEED = """
import sys, time, asyncio, pathlib
sys.path.append({here!r})
import seinpost.connection as c
from feed_samples import delivery, identifier, signal
from index_filling import PLACES, sample, seen, store, make_texts
async def signals(self, *, from_start=False):
    texts = make_texts()
    folder = pathlib.Path({folder!r})
    for begin in range(0, {many}, 250):
        made = [sample(n, texts) for n in range(begin, begin + 250)]
        for one in made:
            yield one
        store(self._read, PLACES[0], begin // 250 + 1, [seen(one) for one in made])
    (folder / "ready").touch()
    n = {many}
    while True:
        if (folder / "one-more").exists():
            (folder / "one-more").unlink()
            (folder / "verified").write_text(str(time.time() * 1000))
            made = delivery(n, signal("Nog een " + str(n), id=identifier(n), severity=5), minutes=n)
            yield made
            store(self._read, PLACES[0], n, [seen(made)])
            n += 1
        await asyncio.sleep(0.002)
c.Connection.signals = signals
c.Connection.audience = lambda self, made: ["bzk", "tafel"]
"""
"""Stands in for the network only: verified deliveries come as fast as they can be taken, and are stored."""


@pytest.fixture(scope="module")
def many(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, Path]]:
    folder = tmp_path_factory.mktemp("many")
    desk = Stage.__new__(Stage)
    desk.enclave = stage.enclave
    patch = FEED.format(here=str(HERE), many=MANY, folder=str(folder))
    desk.console = start("console", "--config", stage.enclave.config("aivd"), "--no-browser", patch=patch)
    desk._links = [desk._read_link()]
    yield desk, folder
    desk.console.interrupt()
    # Nobody published those: another console of this party is to find none of them.
    for path in load_config(stage.enclave.config("aivd")).state.glob("console*"):
        path.unlink()


@pytest.fixture
def page(many: tuple[Stage, Path], browser: Browser) -> Iterator[Page]:
    watched = Watched(browser, many[0].url)
    made = many[0].enter(watched.page())
    yield made
    watched.context.close()
    assert watched.faults == []


class Asking:
    """Raw requests of a session, as its browser would make them: what the console takes, and no drawing."""

    def __init__(self, desk: Stage, page: Page) -> None:
        self._desk = desk
        cookie = page.context.cookies()[0]
        self._headers = {"cookie": f"{cookie['name']}={cookie['value']}"}  # type: ignore[typeddict-item]
        found = re.search('name="csrf" value="([^"]+)"', self.get("/"))
        assert found is not None
        self._csrf = found[1]

    def _ask(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> tuple[int, str, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self._desk.port, timeout=60)
        connection.request(method, path, body, self._headers | headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, answer.getheader("location", ""), text

    def get(self, path: str) -> str:
        status, _, text = self._ask("GET", path, None, {})
        assert status == 200, path
        return text

    def post(self, path: str, **fields: str) -> str:
        """Where it leads."""
        headers = {
            "origin": self._desk.url("").rstrip("/"),
            "content-type": "application/x-www-form-urlencoded",
        }
        status, location, _ = self._ask("POST", path, urlencode({"csrf": self._csrf, **fields}), headers)
        assert status == 303
        return location


@pytest.fixture
def asking(many: tuple[Stage, Path], page: Page) -> Asking:
    return Asking(many[0], page)


def second_best(taken: list[float]) -> float:
    return sorted(taken)[1]


def time_ms(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        taken.append((time.perf_counter() - started) * 1_000)
    return second_best(taken)


def wait_until_all_are_there(folder: Path) -> None:
    deadline = time.monotonic() + 240
    while not (folder / "ready").exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def matching(text: str) -> int:
    """How many a page says that match."""
    found = re.search(r"([0-9]+) (?:past|passen) bij de filters", text)
    assert found is not None
    return int(found[1])


def test_pages_answer_while_the_feed_is_being_read(many: tuple[Stage, Path], page: Page) -> None:
    started = time.perf_counter()
    page.goto(many[0].url("/overview"))
    assert time.perf_counter() - started < 3
    assert not (many[1] / "ready").exists()


def test_the_first_page_and_the_last_come_within_a_second(
    many: tuple[Stage, Path], asking: Asking, page: Page
) -> None:
    wait_until_all_are_there(many[1])
    for path in ("/", "/overview", "/?page=2000", "/?order=newest&page=1000"):
        assert time_ms(lambda p=path: asking.get(p)) < FIRST_PAGE_MS, path  # type: ignore[misc]
    # As a person feels it: in the browser, until the rows stand there.
    assert time_ms(lambda: page.goto(many[0].url("/"))) < FIRST_PAGE_MS
    expect(page.locator(".row")).to_have_count(50)
    expect(page.locator(".pages")).to_contain_text("Pagina 1 van 2000")
    assert page.evaluate("document.querySelectorAll('*').length") < 5_000


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("theme=debate&severity=4", MANY // 10),
        ("classification=depv&sender=ncsc&unread=1", None),
        ("technique=disarm:T0201", None),
        ("election=TK2025&theme=parties", None),
        ("status=new&severity=5", MANY // 5),
        ("late=1", MANY),
        ("disputed=1", 0),
    ],
)
def test_a_filter_is_not_felt(
    many: tuple[Stage, Path], asking: Asking, query: str, expected: int | None
) -> None:
    """The page that a filter gives, against the queue as it is: the difference is what filtering takes."""
    wait_until_all_are_there(many[1])
    found = matching(asking.get(f"/?{query}"))
    assert found == expected if expected is not None else 0 < found < MANY
    filtered = time_ms(lambda: asking.get(f"/?{query}"))
    print(f"{query}: {filtered:.0f} ms")
    assert filtered < FILTER_MS


def test_an_indicator_is_found_by_its_value_and_its_link_does_not_hold_it(
    many: tuple[Stage, Path], asking: Asking
) -> None:
    wait_until_all_are_there(many[1])
    link = asking.post("/indicator", kind="", value="host77[.]example")
    assert "host77" not in link
    assert matching(asking.get(link)) == 2
    assert time_ms(lambda: asking.get(link)) < FILTER_MS


def test_saved_filters_do_not_make_the_queue_slow(many: tuple[Stage, Path], asking: Asking) -> None:
    wait_until_all_are_there(many[1])
    for severity in range(1, 6):
        asking.post("/filters", name=f"ernst {severity}", severity=str(severity), theme="debate")
    taken = time_ms(lambda: asking.get("/?theme=debate"))
    print(f"with five saved filters: {taken:.0f} ms")
    assert taken < FILTER_MS


def test_all_text_is_searched_within_two_seconds(
    many: tuple[Stage, Path], asking: Asking, page: Page
) -> None:
    wait_until_all_are_there(many[1])

    def search(text: str, expected: int) -> None:
        link = asking.post("/search", text=text)
        while "wordt nog gezocht" in (text := asking.get(link)):
            pass
        assert matching(text) == expected

    for text, expected in (("nummer 99998", 1), ("stembureau", MANY // 50), ("signaal", MANY)):
        taken = time_ms(lambda t=text, e=expected: search(t, e))  # type: ignore[misc]
        print(f"{text}: {taken:.0f} ms")
        assert taken < SEARCH_MS
    page.get_by_label("Zoek in de tekst").fill("nummer 99998")
    page.keyboard.press("Enter")
    expect(page.locator(".row")).to_have_count(1)


def test_one_more_is_seen_soon_after_it_was_verified(many: tuple[Stage, Path], page: Page) -> None:
    desk, folder = many
    wait_until_all_are_there(folder)
    page.goto(desk.url("/?order=newest"))
    expect(page.locator(".row")).to_have_count(50)
    page.evaluate("""() => {
        window.seen = 0;
        const look = () => {
            const title = document.querySelector(".row__title").innerText;
            if (title.includes("Nog een") && title !== window.last) { window.last = title; window.seen = Date.now(); }
        };
        new MutationObserver(look).observe(document.body, {childList: true, subtree: true});
    }""")
    taken = []
    for number in range(MANY, MANY + 11):
        page.wait_for_timeout(500)
        (folder / "one-more").touch()
        expect(page.get_by_role("link", name=f"Nog een {number}")).to_be_visible(timeout=10_000)
        taken.append(page.evaluate("seen") - float((folder / "verified").read_text()))
    print(f"seen after {taken} ms")
    assert second_best(taken) < SEEN_MS
