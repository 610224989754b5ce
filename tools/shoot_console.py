# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Writes docs/images/console-{nl,en}-{light,dark}.png: the console on a demonstration's signals, in a real browser."""

from __future__ import annotations

import asyncio
import datetime as dt
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

import seinpost
from seinpost.demo.incidents import load_publications

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "docs" / "images"
sys.path.append(str(ROOT / "tests" / "integration"))

from harness.enclave import Enclave, Running, make_enclave, start  # noqa: E402

CHROMIUM = "/usr/bin/chromium"
PARTIES = ("ncsc", "ibd", "aivd", "kiesraad", "cvdm", "tafel", "ap", "toezicht")


async def publish(enclave: Enclave) -> None:
    """Every incident of the demonstration, as the party that it suits."""
    publications, _ = load_publications(dt.datetime.now(dt.UTC).replace(microsecond=0))
    for party in {p.party for p in publications}:
        async with seinpost.connect(enclave.config(party)) as post:
            theirs = [p for p in publications if p.party == party]
            answers = [
                await post.submit(p.signal, theme=p.theme, classification=p.classification) for p in theirs
            ]
            await asyncio.gather(*answers)


def shoot(browser: Browser, link: str, folder: Path) -> None:
    """Each language and scheme, of the queue; and of the other pages once."""
    page = browser.new_page(viewport={"width": 1360, "height": 900})
    page.goto(link)
    page.locator(".row").first.wait_for()
    page.locator(".proof--audited").first.wait_for(timeout=60_000)
    page.wait_for_timeout(3_000)
    others(page, folder)
    for language in ("nl", "en"):
        for scheme in ("light", "dark"):
            set_view(page, language, scheme)
            page.goto(link.split("/start", maxsplit=1)[0] + "/?exercise=1")
            page.screenshot(path=folder / f"console-{language}-{scheme}.png")
    page.close()


def others(page: Page, folder: Path) -> None:
    """For whoever changes the pages: the other pages, beside the four of the README."""
    if folder == TARGET:
        return
    base = page.url.partition("/?")[0].rstrip("/")
    page.locator(".row__title a").first.click()
    page.screenshot(path=folder / "signal.png", full_page=True)
    for name in ("overview", "report", "views", "situation"):
        page.goto(f"{base}/{name}")
        page.screenshot(path=folder / f"{name}.png", full_page=True)
    with page.expect_download() as download:
        page.get_by_role("link", name="Als PDF").click()
    download.value.save_as(folder / "situation.pdf")
    page.set_viewport_size({"width": 320, "height": 800})
    page.goto(base)
    page.screenshot(path=folder / "narrow.png")
    page.set_viewport_size({"width": 1360, "height": 900})


def set_view(page: Page, language: str, scheme: str) -> None:
    """Choose a language and a scheme with the page's own buttons."""
    for name, value in (("language", language), ("scheme", scheme)):
        page.locator(".menu summary").click()
        page.locator(f"button[name={name}][value={value}]").click()


def main() -> int:
    """Make an enclave, publish, serve, shoot."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="seinpost-shoot-") as temporary:
        enclave = make_enclave(Path(temporary) / "e", *PARTIES, witnesses=True)
        enclave.start(witnesses=True)
        try:
            asyncio.run(publish(enclave))
            console = start("console", "--config", enclave.config("tafel"), "--no-browser")
            link = console.wait_for("stdout", "\n").split()[-1]
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
                shoot(browser, link, folder)
                browser.close()
        finally:
            Running.end_all()
            enclave.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
