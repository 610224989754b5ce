# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A console that is killed, started again, and finds its index changed; and what it left on the disk."""

from __future__ import annotations

import signal as signals
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import Stage, Watched, violations
from feed_samples import full_signal, signal
from harness.enclave import run, start
from playwright.sync_api import Browser, Page, expect

from seinpost.config import load_config
from seinpost.console.index.sealed_rows import FILE
from seinpost_schemas.signal import Indicator

pytestmark = [pytest.mark.nats]
PARTY = "nctv"
SHARED = Indicator(type="domain-name", value="gedeeld-domein.example")
COUNT_ENTRIES = """
from seinpost._opening import Opening
take = Opening.take
def counted(self, *entry):
    with open({file!r}, "a") as file:
        file.write("x")
    return take(self, *entry)
Opening.take = counted
"""


class Desk(Stage):
    """A console of one party that is started again and again."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.enclave, self._folder = stage.enclave, stage._folder
        self.console = None
        self._counted = folder / "entries"
        self.state = load_config(self.enclave.config(PARTY)).state

    def begin(self, patch: str = "") -> Desk:
        self._counted.write_text("")
        patch += COUNT_ENTRIES.format(file=str(self._counted))
        self.console = start("console", "--config", self.enclave.config(PARTY), "--no-browser", patch=patch)
        self._links = [self._read_link()]
        return self

    @property
    def entries(self) -> int:
        """Log entries that were read since it began."""
        return len(self._counted.read_text())

    def end(self, *, kill: bool = False) -> None:
        assert self.console is not None
        if self.console.process.poll() is None:
            self.console.process.send_signal(signals.SIGKILL if kill else signals.SIGINT)
            self.console.process.wait(20)


@pytest.fixture
def desk(stage: Stage, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(stage, tmp_path)
    yield made
    made.end()


def seen(page: Page, title: str) -> None:
    expect(page.get_by_role("link", name=title)).to_have_count(1, timeout=20_000)


def number_in(page: Page) -> int:
    """How many signals the tab says that there are."""
    return int("".join(c for c in page.locator("#tabs a").first.inner_text() if c.isdigit()))


def test_after_a_kill_only_what_is_new_is_read_and_every_signal_is_there_once(
    desk: Desk, browser: Browser
) -> None:
    desk.publish("ncsc", "process", "ong", signal("Voor het einde", severity=3))
    page = desk.begin().enter(browser.new_page())
    seen(page, "Voor het einde")
    page.get_by_role("link", name="Voor het einde").click()
    page.goto(desk.url("/"))
    total = number_in(page)
    first = desk.entries
    desk.end(kill=True)
    desk.publish("ncsc", "process", "ong", signal("Na het einde", severity=3))
    page = desk.begin().enter(browser.new_page())
    seen(page, "Na het einde")
    seen(page, "Voor het einde")
    expect(page.locator(".row", has_text="Voor het einde")).not_to_contain_text("ongelezen")
    assert number_in(page) == total + 1
    assert 0 < desk.entries < first / 2
    # What was read earlier is proven as well as ever.
    expect(page.locator(".row", has_text="Voor het einde").locator(".proof")).to_have_text(
        "bevestigd", timeout=30_000
    )
    page.close()


def test_an_index_that_was_changed_is_built_again_and_said_to_be(desk: Desk, browser: Browser) -> None:
    desk.publish("ncsc", "process", "ong", signal("Blijft bewaard", severity=4))
    page = desk.begin().enter(browser.new_page())
    seen(page, "Blijft bewaard")
    desk.end()
    database = sqlite3.connect(desk.state / FILE, isolation_level=None)
    database.execute("UPDATE head SET sealed=zeroblob(300)")
    database.close()
    page = desk.begin().enter(browser.new_page())
    expect(page.locator("#queue")).to_contain_text("is gewijzigd of beschadigd")
    seen(page, "Blijft bewaard")
    assert violations(page) == []
    page.close()


def test_an_index_that_is_changed_under_a_running_console_is_built_again(
    desk: Desk, browser: Browser
) -> None:
    desk.publish("ncsc", "process", "ong", signal("Onder handen", severity=4))
    page = desk.begin().enter(browser.new_page())
    seen(page, "Onder handen")
    desk.end()
    desk.begin()
    database = sqlite3.connect(desk.state / FILE, isolation_level=None)
    database.execute("UPDATE row SET sealed=zeroblob(300)")
    database.close()
    page = desk.enter(browser.new_page())
    expect(page.locator("#queue")).to_contain_text("is gewijzigd of beschadigd", timeout=20_000)
    seen(page, "Onder handen")
    page.close()


def test_an_indicator_leads_to_who_has_it_too_and_no_link_holds_it(desk: Desk, browser: Browser) -> None:
    for title, theme in (("Eerste melding", "process"), ("Tweede melding", "parties")):
        desk.publish("ncsc", theme, "ong", signal(title, severity=2, indicators=(SHARED,)))
    desk.begin()
    watched = Watched(browser, desk.url)
    page = desk.enter(watched.page())
    seen(page, "Tweede melding")
    page.get_by_role("link", name="Eerste melding").click()
    page.get_by_role("button", name="Wie heeft dit ook?").click()
    expect(page.locator(".row")).to_have_count(2)
    expect(page.locator("#queue")).to_contain_text("gedeeld-domein[.]example")
    link = page.url
    assert "gedeeld" not in link
    assert violations(page) == []
    page.get_by_label("Thema").select_option("parties")
    page.get_by_role("button", name="Filter", exact=True).click()
    expect(page.locator(".row")).to_have_count(1)
    page.get_by_label("De volledige waarde").fill("HXXPS://gedeeld-domein[.]example")
    page.get_by_role("button", name="Opzoeken").click()
    expect(page.locator(".row")).to_have_count(0)
    # In another session the link opens nothing, and says so.
    other = desk.enter(browser.new_context().new_page())
    other.goto(link)
    expect(other.locator("#queue")).to_contain_text("hoort bij een indicator in een andere sessie")
    expect(other.locator(".row")).to_have_count(0)
    other.context.close()
    watched.context.close()
    assert watched.faults == []


SLOW_TEXTS = """
import time
import seinpost.console.searching as searching
from seinpost.console.index.rows import TextPart
from seinpost.console.index.sealed_rows import IndexFile
searching.FIRST_LOOK_SECONDS = searching.TELL_SECONDS = 0.1
texts = IndexFile.texts
def slowly(self, first):
    for part in texts(self, first):
        for row, text in enumerate(part.texts.split(b"\\0"), part.first):
            if row >= first:
                time.sleep(0.03)
                yield TextPart(row, 1, text)
IndexFile.texts = slowly
"""
"""As if every signal were ten thousand."""


def test_a_search_shows_how_far_it_is_and_can_be_stopped(desk: Desk, browser: Browser) -> None:
    desk.publish("ncsc", "process", "ong", *(signal(f"Een van velen, {n}", severity=1) for n in range(300)))
    desk.begin(SLOW_TEXTS)
    watched = Watched(browser, desk.url)
    page = desk.enter(watched.page())
    expect(page.locator(".row")).to_have_count(50, timeout=20_000)
    box = page.get_by_label("Zoek in de tekst")
    box.fill("gezien")
    page.keyboard.press("Enter")
    notice = page.locator("form.notice")
    expect(notice).to_contain_text("Er wordt nog gezocht")
    first = page.get_by_role("progressbar").get_attribute("value")
    # By itself, and while other pages answer as ever.
    page.wait_for_function("first => document.querySelector('progress').value > Number(first)", arg=first)
    page.get_by_role("button", name="Stop met zoeken").click()
    expect(notice).to_contain_text("Het zoeken is gestopt")
    looked = notice.inner_text()
    other = watched.page()
    other.goto(desk.url("/overview"))
    other.close()
    page.wait_for_timeout(1_000)
    assert notice.inner_text() == looked
    assert violations(page) == []
    # One that is not stopped ends by itself, and then says nothing more.
    box = page.get_by_label("Zoek in de tekst")
    box.fill("aanwezig in geen signaal")
    page.keyboard.press("Enter")
    expect(notice).to_contain_text("Er wordt nog gezocht")
    expect(notice).to_have_count(0, timeout=90_000)
    expect(page.locator("#queue")).to_contain_text("Geen signaal past bij deze filters")
    watched.context.close()
    assert watched.faults == []


def test_a_second_console_of_one_identity_waits_for_the_first(desk: Desk) -> None:
    desk.begin()
    second = start("console", "--config", desk.enclave.config(PARTY), "--no-browser")
    said = second.wait_for("stderr", "\n")
    assert "another console is running as nctv-1; waiting until it has finished" in said
    desk.end()
    assert "/start?token=" in second.wait_for("stdout", "\n")
    second.interrupt()


def test_nothing_of_a_session_stands_in_the_clear_on_the_disk(
    desk: Desk, browser: Browser, tmp_path: Path
) -> None:
    """A whole session: reading, opening, searching, filtering, saving, answering, a protected section, a report."""
    made = signal(
        "Zeldzaamwoord in de titel",
        text="Uitzonderlijketekst",
        severity=5,
        narrative="Vreemdverhaal",
        targets=("Doelwitnaam",),
        indicators=(SHARED,),
        protected=full_signal().protected,
    )
    desk.publish("ncsc", "process", "depv", made)
    page = desk.begin().enter(browser.new_page())
    seen(page, "Zeldzaamwoord in de titel")
    page.get_by_label("Zoek in de tekst").fill("uitzonderlijketekst")
    page.keyboard.press("Enter")
    expect(page.locator(".row")).to_have_count(1)
    page.get_by_role("link", name="Zeldzaamwoord in de titel").click()
    page.locator("form[action$='/protected#protected'] button").click()
    page.get_by_label("Toelichting").fill("Antwoordvantafel")
    page.locator("form[action$='/feedback'] button").click()
    page.get_by_role("button", name="Wie heeft dit ook?").first.click()
    page.get_by_label("Naam van deze weergave").fill("Zelfgekozennaam")
    page.keyboard.press("Enter")
    expect(page.locator("#saved")).to_contain_text("Zelfgekozennaam")
    page.goto(desk.url("/situation"))
    page.close()
    desk.end()
    done = run("situation", tmp_path / "beeld.pdf", "--config", desk.enclave.config(PARTY))
    assert done.status == 0, done
    files = [path for path in desk.state.rglob("*") if path.is_file()]
    assert {FILE, "console.db", "reading.db", "keys.db"} <= {path.name for path in files}
    held = b"".join(path.read_bytes() for path in files)
    for text in (
        "Zeldzaamwoord", "Uitzonderlijketekst", "Vreemdverhaal", "Doelwitnaam", "gedeeld-domein", "Stembureaulid",
        "stempas", "piket@ncsc", "Antwoordvantafel", "Zelfgekozennaam", "Nepaccounts", "TK2025", "T0097", "telegram",
    ):  # fmt: skip
        for form in (text, text.lower(), text.upper()):
            assert form.encode() not in held, text
            assert form.encode("utf-16-le") not in held, text
