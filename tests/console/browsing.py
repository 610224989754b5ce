# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A console on an enclave, and browser pages that note all that goes wrong in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from feed_samples import HOSTILE, full_signal, signal
from harness.enclave import Enclave, Running, run, start
from playwright.sync_api import Browser, Page

from seinpost import format_signal
from seinpost_schemas.signal import Indicator, Signal

HERE = Path(__file__).parent
CHROMIUM = "/usr/bin/chromium"
AXE = HERE / "vendor" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
ROOMY = {"width": 1280, "height": 900}


class Stage:
    """An enclave whose table has a console."""

    def __init__(self, enclave: Enclave) -> None:
        self.enclave = enclave
        self.console: Running | None = None
        self._folder = enclave.path / "to-publish"
        self._folder.mkdir()
        self._links: list[str] = []

    def publish(self, party: str, theme: str, classification: str, *signals: Signal) -> None:
        """As `seinpost publish` does it."""
        source = self._folder / f"{party}.jsonl"
        source.write_text("\n".join(format_signal(one) for one in signals))
        done = self.enclave.publish(party, source, "--theme", theme, "--classification", classification)
        assert done.status == 0, done

    def take_back(self, party: str, theme: str, classification: str, made: Signal) -> None:
        """Publish a signal, and recall it."""
        source = self._folder / f"{party}-recalled.jsonl"
        source.write_text(format_signal(made))
        where = ("--theme", theme, "--classification", classification, "--json")
        (row,) = self.enclave.publish(party, source, *where).rows
        done = run("recall", row["signal"], "--reason", "mistake", "--config", self.enclave.config(party))
        assert done.status == 0, done

    def open(self, party: str = "tafel", *options: str) -> Running:
        """Start a console; its first link is the next one."""
        self.console = start("console", "--config", self.enclave.config(party), "--no-browser", *options)
        self._links = [self._read_link()]
        return self.console

    def _read_link(self) -> str:
        assert self.console is not None
        return self.console.wait_for("stdout", "\n").split()[-1]

    def link(self) -> str:
        """A start link that was not used; using it makes the next one come."""
        if not self._links:
            self._links.append(self._read_link())
        return self._links.pop()

    @property
    def port(self) -> int:
        """Where the console listens."""
        return int(self._base.rsplit(":", 1)[1])

    _base = ""

    def enter(self, page: Page) -> Page:
        """Go in by a start link."""
        link = self.link()
        self._base = link.partition("/start")[0]
        page.goto(link)
        return page

    def url(self, path: str = "/") -> str:
        """An address of the console."""
        return self._base + path


def feed() -> list[tuple[str, str, str, list[Signal]]]:
    """What partners published: real and exercise, of every theme, and hostile text in every field."""
    hostile = [
        signal(
            text[:200],
            text=text * 3,
            narrative=text,
            channels=(text[:400],),
            attribution=text[:400],
            severity=1,
            indicators=(Indicator(type="url", value=text, role=text[:400]),),
        )
        for text in HOSTILE
    ]
    return [
        ("ncsc", "process", "depv", [full_signal(), signal("Storing bij een gemeente", severity=2)]),
        ("cvdm", "debate", "ong", [signal("Nepaccounts over het debat", severity=4, techniques=("disarm:T0049",))]),
        ("aivd", "debate", "depv", [signal("Beïnvloeding van buiten", severity=3), *hostile]),
        ("aivd", "international", "depv", [signal("Oefensignaal noordzee", severity=5, exercise=True)]),
    ]  # fmt: skip


def set_view(page: Page, language: str, scheme: str) -> None:
    """Choose a language and a scheme with the page's own buttons."""
    for name, value in (("language", language), ("scheme", scheme)):
        page.locator(".menu summary").click()
        page.locator(f"button[name={name}][value={value}]").click()


def to_the_wall(page: Page) -> None:
    """Make this browser a wall screen."""
    page.locator(".menu summary").click()
    page.locator("button[name=wall]").click()


def violations(page: Page) -> list[str]:
    """What axe finds; run beside the page's own scripts, which its policy does not touch."""
    page.wait_for_load_state("load")
    page.context.new_cdp_session(page).send("Runtime.evaluate", {"expression": AXE.read_text()})
    found = page.evaluate("tags => axe.run(document, {runOnly: tags})", TAGS)
    return [f"{v['id']}: {n['html'][:150]} {n['any'][:1]}" for v in found["violations"] for n in v["nodes"]]


def violations_light_and_dark(page: Page) -> list[str]:
    """What axe finds in either colour scheme of a page that follows the device."""
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        found += [f"{scheme}: {violation}" for violation in violations(page)]
    page.emulate_media(color_scheme=None)
    return found


class Watched:
    """Pages in one browser context, with all that went wrong in them."""

    def __init__(self, browser: Browser, base: Callable[[], str]) -> None:
        self.context = browser.new_context(viewport=ROOMY)  # type: ignore[arg-type]
        self.faults: list[str] = []
        self._base = base

    def page(self) -> Page:
        """A new page, listened to."""
        page = self.context.new_page()
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("request", lambda request: self._outside(request.url))
        page.on("dialog", lambda dialog: self.faults.append(f"dialog: {dialog.message}"))
        return page

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.faults.append(f"{kind}: {text}")

    def _outside(self, url: str) -> None:
        if not url.startswith(("http://127.0.0.1:", "about:")):
            self.faults.append(f"outside: {url}")
