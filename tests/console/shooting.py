# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The pictures of the README: the console on a day of the demonstration, in a real browser."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path
from typing import NamedTuple

from browsing import set_view, to_the_wall
from harness.enclave import Enclave, Running, start
from playwright.sync_api import Browser, Page, expect

import seinpost
from seinpost.demo.day import live_a_day
from seinpost.demo.incidents import load_publications

PARTIES = ("ncsc", "ibd", "aivd", "kiesraad", "cvdm", "tafel", "ap", "toezicht")
SIZE = {"width": 1360, "height": 900}
AN_HOUR_LATER = "import seinpost.receipts as r; r.OPEN_WITHIN_MS['immediate'] = 1_000"
"""For this console the quarter of an hour within which the most urgent is opened has passed."""


class Shot(NamedTuple):
    """One picture: a page in a language and a scheme."""

    page: str
    language: str
    scheme: str

    @property
    def name(self) -> str:
        """Its file."""
        return f"console-{self.page}-{self.language}-{self.scheme}.png"


SHOTS = [
    Shot("queue", "nl", "light"), Shot("queue", "nl", "dark"), Shot("queue", "en", "light"),
    Shot("queue", "en", "dark"),
    Shot("signal", "nl", "light"), Shot("signal", "en", "dark"), Shot("overview", "nl", "light"),
    Shot("overview", "en", "dark"), Shot("wall", "nl", "dark"), Shot("wall", "en", "light"),
]  # fmt: skip


async def fill(enclave: Enclave) -> None:
    """Every incident of the demonstration, and what partners and the table then do with it."""
    publications, _ = load_publications(dt.datetime.now(dt.UTC).replace(microsecond=0))
    admitted = []
    for party in sorted({p.party for p in publications}):
        async with seinpost.connect(enclave.config(party)) as post:
            theirs = [p for p in publications if p.party == party]
            answers = [
                await post.submit(p.signal, theme=p.theme, classification=p.classification) for p in theirs
            ]
            admitted += [answer.signal for answer in await asyncio.gather(*answers)]
    await live_a_day(enclave.path, admitted)


def begin(enclave: Enclave) -> tuple[Running, str]:
    """The table's console, and its first link."""
    config = enclave.config("tafel")
    console = start("console", "--config", config, "--no-browser", patch=AN_HOUR_LATER)
    return console, console.wait_for("stdout", "\n").split()[-1]


def shoot(browser: Browser, link: str, folder: Path) -> None:
    """Every picture, into a folder."""
    base = link.partition("/start")[0]
    page = browser.new_context(viewport=SIZE).new_page()  # type: ignore[arg-type]
    page.goto(link)
    page.goto(f"{base}/people")
    for number, name in (("2041", "J. de Vries"), ("2042", "M. Bakker"), ("2043", "F. Yılmaz")):
        page.get_by_label("Ambtenaarnummer").fill(number)
        page.get_by_label("Naam").fill(name)
        page.get_by_role("button", name="Bewaar").click()
    page.goto(f"{base}/?exercise=1")
    expect(page.locator(".proof--audited")).to_have_count(
        page.locator(".row:not(.row--gone)").count(), timeout=90_000
    )
    # Some of it was read already.
    for path in page.locator(".row__title a").evaluate_all("links => links.map(a => a.getAttribute('href'))")[
        3:50:3
    ]:
        page.goto(base + path)
    page.goto(f"{base}/?exercise=1&disputed=1")
    disputed = page.locator(".row__title a").first.get_attribute("href")
    paths = {
        "queue": "/?exercise=1",
        "wall": "/?exercise=1",
        "overview": "/overview?exercise=1",
        "signal": disputed,
    }
    for shot in SHOTS:
        set_view(page, shot.language, shot.scheme)
        if shot.page == "wall":
            to_the_wall(page)
        page.goto(f"{base}{paths[shot.page]}")
        still(page)
        page.screenshot(path=folder / shot.name)
        if shot.page == "wall":
            page.locator("button[name=wall]").click()
    page.context.close()


def still(page: Page) -> None:
    """Wait until nothing loads any more."""
    page.wait_for_load_state("load")
    page.evaluate("document.fonts.ready.then(() => true)")
