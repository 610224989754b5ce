# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A hundred thousand signals in a real browser, and how soon one more is seen."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import HERE, Stage, Watched
from harness.enclave import start
from playwright.sync_api import Browser, Page, expect

pytestmark = [pytest.mark.nats, pytest.mark.timeout(300)]
MANY = 100_000
FEED = """
import sys, time, asyncio, pathlib
sys.path.append({here!r})
import msgspec
import seinpost.connection as c
from feed_samples import delivery, identifier, signal
async def signals(self, *, from_start=False):
    for n in range({many}):
        place = ("depv/process", "ong/debate", "depv/parties", "ong/international")[n % 4]
        made = signal("Signaal nummer " + str(n), id=identifier(n), severity=n % 5 + 1, text="Wat er gezien is. " * 20)
        yield delivery(n, made, place=place, sender=("ncsc", "cvdm", "aivd")[n % 3])
    folder = pathlib.Path({folder!r})
    (folder / "ready").touch()
    n = {many}
    while True:
        if (folder / "one-more").exists():
            (folder / "one-more").unlink()
            (folder / "verified").write_text(str(time.time() * 1000))
            yield delivery(n, signal("Nog een " + str(n), id=identifier(n), severity=5), sender="ncsc")
            n += 1
        await asyncio.sleep(0.005)
c.Connection.signals = signals
"""
"""Stands in for the network only: verified deliveries come as fast as they can be taken."""


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


@pytest.fixture
def page(many: tuple[Stage, Path], browser: Browser) -> Iterator[Page]:
    watched = Watched(browser, many[0].url)
    made = many[0].enter(watched.page())
    yield made
    watched.context.close()
    assert watched.faults == []


def wait_until_all_are_there(folder: Path) -> None:
    deadline = time.monotonic() + 120
    while not (folder / "ready").exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_pages_answer_while_the_feed_is_being_read(many: tuple[Stage, Path], page: Page) -> None:
    started = time.perf_counter()
    page.goto(many[0].url("/overview"))
    assert time.perf_counter() - started < 3
    assert not (many[1] / "ready").exists()


def test_a_hundred_thousand_signals_are_paged_filtered_and_searched(
    many: tuple[Stage, Path], page: Page
) -> None:
    desk, folder = many
    wait_until_all_are_there(folder)
    # Twice to three times what is asked for: other work runs on this machine.
    for path, seconds in (("/", 2), ("/?theme=debate&severity=4", 1), ("/overview", 2), ("/?page=2000", 1)):
        started = time.perf_counter()
        page.goto(desk.url(path))
        assert time.perf_counter() - started < seconds, path
    expect(page.locator(".pages")).to_contain_text("2000 van 2000")
    page.goto(desk.url("/"))
    page.get_by_label("Zoek in de tekst").fill("nummer 99998")
    started = time.perf_counter()
    page.keyboard.press("Enter")
    expect(page.locator(".row")).to_have_count(1)
    assert time.perf_counter() - started < 5
    assert page.evaluate("document.querySelectorAll('*').length") < 5_000


def test_one_more_is_seen_soon_after_it_was_verified(many: tuple[Stage, Path], page: Page) -> None:
    desk, folder = many
    wait_until_all_are_there(folder)
    page.goto(desk.url("/"))
    expect(page.locator(".row")).to_have_count(50)
    page.evaluate("""() => {
        window.seen = 0;
        const look = () => { if (!seen && document.body.innerText.includes("Nog een")) seen = Date.now(); };
        new MutationObserver(look).observe(document.body, {childList: true, subtree: true});
    }""")
    page.wait_for_timeout(500)
    (folder / "one-more").touch()
    expect(page.get_by_role("link", name="Nog een")).to_be_visible(timeout=10_000)
    milliseconds = page.evaluate("seen") - float((folder / "verified").read_text())
    print(f"seen after {milliseconds:.0f} ms")
    assert milliseconds < 600  # the target is 200 ms on a machine of one's own
