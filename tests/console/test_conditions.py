# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The console under what the world does to it: a slow line, a broker that goes and comes, readers who are late."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browsing import Stage, Watched
from feed_samples import signal
from harness.enclave import make_enclave, start
from playwright.sync_api import Browser, expect

pytestmark = [pytest.mark.nats]
SLOW = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 20_000}
"""Bytes per second, and milliseconds each way: a bad line over a building's network."""
IMPATIENT = "import seinpost.receipts as r; r.OPEN_WITHIN_MS.update(dict.fromkeys(r.OPEN_WITHIN_MS, 2_000))"


@pytest.fixture(scope="module")
def desk(stage: Stage) -> Iterator[Stage]:
    """A console whose readers are late after two seconds."""
    made = Stage.__new__(Stage)
    made.enclave, made._folder = stage.enclave, stage._folder
    made.console = start("console", "--config", stage.enclave.config("mivd"), "--no-browser", patch=IMPATIENT)
    made._links = [made._read_link()]
    yield made
    made.console.interrupt()


def test_on_a_slow_line_it_still_follows_the_feed(stage: Stage, browser: Browser) -> None:
    watched = Watched(browser, stage.url)
    page = stage.enter(watched.page())
    client = page.context.new_cdp_session(page)
    client.send("Network.enable")
    client.send("Network.emulateNetworkConditions", SLOW)
    page.goto(stage.url("/"))
    expect(page.locator(".row").first).to_be_visible(timeout=15_000)
    stage.publish("ncsc", "process", "ong", signal("Over een trage lijn", severity=5))
    link = page.get_by_role("link", name="Over een trage lijn")
    expect(link).to_be_visible(timeout=20_000)
    expect(page.locator("#stopped")).to_be_hidden()
    link.click()
    table = page.get_by_role("region", name="Aan onze eigen tafel")
    table.get_by_role("button", name="In behandeling nemen").click()
    expect(table.get_by_role("status")).to_have_text("Uw collega's zien het nu.", timeout=20_000)
    expect(table).to_contain_text("in behandeling", timeout=20_000)
    watched.context.close()
    assert watched.faults == []


def test_who_is_late_stands_out_on_the_row_on_the_signal_and_in_a_filter(
    desk: Stage, browser: Browser
) -> None:
    page = desk.enter(browser.new_context().new_page())
    desk.publish("ncsc", "process", "ong", signal("Wie is hier te laat", severity=3))
    row = page.get_by_role("listitem").filter(has_text="Wie is hier te laat")
    expect(row).to_contain_text("te laat", timeout=15_000)
    # The page renews its ages each minute; a reader need not wait for that.
    page.wait_for_timeout(2_500)
    page.reload()
    expect(row.locator(".row__late")).to_contain_text("te laat")
    row.get_by_role("link").click()
    readers = page.get_by_role("region", name="Wie heeft het geopend?")
    expect(readers).to_contain_text("Te laat:")
    page.get_by_role("link", name="Terug naar de wachtrij").click()
    page.get_by_role("navigation", name="Snelle filters").get_by_role("link", name="Te laat").click()
    expect(page.locator("#active")).to_contain_text("Te laat")
    page.context.close()


def test_a_broker_that_goes_and_comes_back_is_waited_for(stage: Stage, browser: Browser) -> None:
    """The whole of it: the broker and its NATS, under a console that goes on running."""
    enclave = make_enclave(stage.enclave.path.parent / "restarted", "ncsc", "tafel", witnesses=True)
    broker = enclave.start(witnesses=True)
    made = Stage.__new__(Stage)
    made.enclave, made._folder = enclave, enclave.path
    made.publish("ncsc", "process", "depv", signal("Voor de storing", severity=4))
    console = made.open("tafel")
    page = made.enter(browser.new_context().new_page())
    try:
        expect(page.get_by_role("link", name="Voor de storing")).to_be_visible(timeout=20_000)
        broker.terminate()
        broker.communicate(timeout=20)
        # It still shows what it has.
        page.reload()
        page.get_by_role("link", name="Voor de storing").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Voor de storing")
        enclave.start(witnesses=True)
        made.publish("ncsc", "process", "depv", signal("Na de storing", severity=4))
        page.goto(made.url("/"))
        expect(page.get_by_role("link", name="Na de storing")).to_be_visible(timeout=60_000)
        row = page.get_by_role("listitem").filter(has_text="Na de storing")
        expect(row.locator(".proof")).to_have_text("bevestigd", timeout=60_000)
    finally:
        page.context.close()
        console.interrupt()
        enclave.stop()
