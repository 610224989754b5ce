# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A day at the table: what a new official does without a manual, two windows at once, and a console that stops."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import Stage, Watched
from feed_samples import signal
from harness.enclave import run
from playwright.sync_api import Browser, expect
from pypdf import PdfReader

from seinpost.console.acts import Acknowledging, GivingFeedback

pytestmark = [pytest.mark.nats, pytest.mark.timeout(180)]

ACTS = """
import seinpost.connection as c
def keep(line):
    with open({path!r}, "a") as file:
        file.write(line + chr(10))
async def acknowledge(self, delivery):
    keep("acknowledge " + delivery.signal.report.title)
async def feedback(self, delivery, kind, text):
    if text == "weiger":
        from seinpost_schemas.errors import Reason, RefusedError
        raise RefusedError(Reason.MANDATE, "no", "Artikel 1")
    keep(kind + " " + delivery.signal.report.title + ": " + str(text))
c.Connection.acknowledge = acknowledge
c.Connection.feedback = feedback
"""


@pytest.fixture(scope="module")
def acting(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, Path]]:
    """A console whose connection can act; what it did is in the file."""
    from harness.enclave import start

    done = tmp_path_factory.mktemp("acts") / "done"
    desk = Stage.__new__(Stage)
    desk.enclave, desk._folder = stage.enclave, stage._folder
    config = stage.enclave.config("bzk")
    desk.console = start("console", "--config", config, "--no-browser", patch=ACTS.format(path=str(done)))
    desk._links = [desk._read_link()]
    yield desk, done
    if desk.console.process.poll() is None:
        desk.console.interrupt()


def test_buttons_are_there_for_what_the_connection_can_do_and_nothing_else() -> None:
    class Able:
        async def acknowledge(self, delivery: object) -> None: ...

        async def feedback(self, delivery: object, kind: str, text: str | None) -> None: ...

    assert isinstance(Able(), Acknowledging)
    assert isinstance(Able(), GivingFeedback)


def test_a_new_official_finds_trusts_disputes_and_reports(
    acting: tuple[Stage, Path], browser: Browser
) -> None:
    desk, done = acting
    watched = Watched(browser, desk.url)
    page = desk.enter(watched.page())
    # The most serious unread signal on the debate.
    page.get_by_text("Filters", exact=True).click()
    page.get_by_label("Thema").select_option(label="Publiek debat")
    page.get_by_label("alleen ongelezen").check()
    page.get_by_role("button", name="Filter", exact=True).click()
    first = page.get_by_role("listitem").filter(has=page.get_by_role("heading", level=2)).first
    expect(first).to_contain_text("ernstig")
    expect(first).to_contain_text("ongelezen")
    first.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Nepaccounts over het debat")
    # Can it be trusted, and why?
    trust = page.get_by_role("region", name="Is dit te vertrouwen?")
    expect(trust).to_contain_text("Genoeg getuigen hebben het logboek bevestigd", timeout=30_000)
    page.get_by_role("button", name="Bewijs opnieuw controleren").click()
    expect(page.get_by_role("list", name="Stappen van het bewijs").get_by_role("listitem")).to_have_count(5)
    # Tell the sender, and dispute it.
    page.get_by_role("button", name="Ontvangst bevestigen").click()
    expect(page.get_by_text("Ontvangst bevestigd.")).to_be_visible()
    page.get_by_label("Antwoord").select_option(label="Betwisten")
    page.get_by_label("Toelichting").fill("Deze accounts zijn van een satirisch programma.")
    page.get_by_role("button", name="Antwoord versturen").click()
    expect(page.get_by_text("Uw antwoord is verstuurd.")).to_be_visible()
    assert done.read_text().splitlines() == [
        "acknowledge Nepaccounts over het debat",
        "dispute Nepaccounts over het debat: Deze accounts zijn van een satirisch programma.",
    ]
    # The situation report of the day.
    page.get_by_role("link", name="Situatiebeeld").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Als PDF").click()
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF")
    watched.context.close()
    assert watched.faults == []


def test_a_refused_act_says_on_what_basis(acting: tuple[Stage, Path], browser: Browser) -> None:
    desk, done = acting
    before = done.read_text() if done.exists() else ""
    page = desk.enter(browser.new_page())
    page.locator(".row__title a").first.click()
    page.get_by_label("Toelichting").fill("weiger")
    page.get_by_role("button", name="Antwoord versturen").click()
    expect(page.get_by_role("status").first).to_contain_text("geen mandaat voor. Artikel 1")
    assert (done.read_text() if done.exists() else "") == before
    page.context.close()


def test_two_windows_stay_in_step_and_say_so_when_the_console_stops(
    acting: tuple[Stage, Path], browser: Browser
) -> None:
    desk, _ = acting
    one, two = (desk.enter(browser.new_context().new_page()) for _ in range(2))
    title = "Voor twee vensters tegelijk"
    desk.publish("ncsc", "international", "ong", signal(title, severity=2))
    for page in (one, two):
        expect(page.get_by_role("link", name=title)).to_be_visible(timeout=15_000)
    unread = int(re.sub(r"\D", "", two.locator("#unread").inner_text()))
    one.get_by_role("link", name=title).click()
    expect(two.locator("#unread")).to_contain_text(str(unread - 1))
    expect(two.locator(".row", has_text=title)).not_to_contain_text("ongelezen")
    assert desk.console is not None
    desk.console.interrupt()
    expect(two.locator("#stopped")).to_contain_text("De console antwoordt niet", timeout=15_000)
    assert two.locator("#stopped").get_attribute("role") == "alert"
    for page in (one, two):
        page.context.close()


def test_one_command_writes_the_situation_report(stage: Stage, tmp_path: Path) -> None:
    target = tmp_path / "beeld.pdf"
    command = ["situation", target, "--config", stage.enclave.config("mivd"), "--theme", "process"]
    done = run(*command)
    assert done.status == 0, done
    text = " ".join(page.extract_text() for page in PdfReader(target).pages)
    assert "Nagemaakte stempas in omloop" in text
    assert "Bevestigd door getuigen. depv/process" in " ".join(text.split())
    assert "Nepaccounts over het debat" not in text
    assert target.stat().st_mode & 0o777 == 0o600
    again = run(*command)
    assert (again.status, again.error.endswith("a report is never overwritten")) == (4, True)
    wrong = run(
        "situation", tmp_path / "x.pdf", "--config", stage.enclave.config("mivd"), "--first", "gisteren"
    )
    assert "2026-11-24" in wrong.error


def test_after_a_restart_what_was_opened_is_read_and_old_sessions_are_over(
    stage: Stage, browser: Browser
) -> None:
    desk = Stage.__new__(Stage)
    desk.enclave, desk._folder = stage.enclave, stage._folder
    port = 0
    for turn in range(2):
        console = desk.open("ap", "--port", str(port))
        context = browser.new_context() if turn == 0 else context  # noqa: F821
        page = context.new_page()
        if turn == 1:
            answer = page.goto(desk.url("/"))
            assert answer is not None
            assert answer.status == 401
        desk.enter(page)
        port = desk.port
        row = page.locator(".row", has_text="Nepaccounts over het debat")
        if turn == 0:
            expect(row).to_contain_text("ongelezen", timeout=15_000)
            row.get_by_role("link").click()
            page.wait_for_url("**/signal/**")
        else:
            expect(row).to_be_visible(timeout=15_000)
            expect(row).not_to_contain_text("ongelezen")
        console.interrupt()
    context.close()
