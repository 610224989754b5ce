# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A day at the table: what a new official does without a manual, two windows at once, and a console that stops."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import Stage, Watched
from feed_samples import signal
from harness.enclave import run
from playwright.sync_api import Browser, expect
from pypdf import PdfReader

from seinpost.config import load_config

pytestmark = [pytest.mark.nats, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def desk(stage: Stage) -> Iterator[Stage]:
    """A console of the ministry, which reads everything."""
    made = Stage.__new__(Stage)
    made.enclave, made._folder = stage.enclave, stage._folder
    made.open("bzk")
    yield made
    assert made.console is not None
    if made.console.process.poll() is None:
        made.console.interrupt()


def test_a_new_official_finds_trusts_disputes_and_reports(desk: Stage, browser: Browser) -> None:
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
    expect(page.get_by_role("list", name="Stappen van het bewijs").get_by_role("listitem")).to_have_count(10)
    # Who has not opened it?
    readers = page.get_by_role("region", name="Wie heeft het geopend?")
    expect(readers).to_contain_text(re.compile(r"geopend door \d+ van \d+"))
    expect(readers.get_by_role("row").filter(has_text="Autoriteit Consument en Markt")).to_contain_text(
        "niet geopend"
    )
    # Tell the sender, and dispute it.
    page.get_by_role("button", name="Ontvangst bevestigen").click()
    expect(page.get_by_text("Ontvangst bevestigd.")).to_be_visible()
    page.get_by_label("Antwoord").select_option(label="Betwisten")
    page.get_by_label("Toelichting").fill("Deze accounts zijn van een satirisch programma.")
    page.get_by_role("button", name="Antwoord versturen").click()
    expect(page.get_by_text("Uw antwoord is verstuurd.")).to_be_visible()
    page.reload()
    others = page.get_by_role("region", name="Wat anderen ermee deden")
    expect(others).to_contain_text("bzk Betwisten", timeout=15_000)
    expect(others).to_contain_text("satirisch programma")
    # By now the log says that this organisation has opened it.
    own = readers.get_by_role("row").filter(has_text="Binnenlandse Zaken")
    expect(own).to_contain_text("ontvangst bevestigd", timeout=40_000)
    # The situation report of the day.
    page.get_by_role("link", name="Situatiebeeld").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Als PDF").click()
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF")
    watched.context.close()
    assert watched.faults == []


def test_the_sender_sees_who_opened_and_acknowledged(desk: Stage) -> None:
    deadline = time.monotonic() + 60
    while True:
        done = run("receipts", "--config", desk.enclave.config("cvdm"), "--json")
        assert done.status == 0, done
        if re.search(r'"bzk"[^}]*acknowledged|acknowledged[^}]*"bzk"', done.stdout):
            break
        assert time.monotonic() < deadline, done
        time.sleep(1)


def test_what_a_sender_takes_back_is_withdrawn_from_view(desk: Stage, browser: Browser) -> None:
    title = "Een vergissing van de afzender"
    desk.publish("cvdm", "debate", "ong", signal(title, severity=2))
    page = desk.enter(browser.new_page())
    link = page.get_by_role("link", name=title)
    expect(link).to_be_visible(timeout=15_000)
    link.click()
    number = page.locator("dd", has_text=re.compile("^ *[0-9a-f]{8}-[0-9a-f-]{27} *$")).inner_text().strip()
    address = page.url
    page.goto(desk.url("/?theme=debate"))
    done = run("recall", number, "--reason", "mistake", "--config", desk.enclave.config("cvdm"))
    assert done.status == 0, done
    row = page.locator(".row", has_text="Door de afzender ingetrokken.")
    expect(row).to_be_visible(timeout=20_000)
    expect(row.locator(".proof")).to_have_text("ingetrokken")
    page.goto(address)
    expect(page.locator("#proof")).to_contain_text("handel er niet naar")
    assert title not in page.content()
    for path in ("/", "/?theme=debate", "/situation"):
        page.goto(desk.url(path))
        assert title not in page.content()
    page.context.close()


def test_a_proof_is_taken_as_a_file_that_anyone_can_check(
    desk: Stage, browser: Browser, tmp_path: Path
) -> None:
    page = desk.enter(browser.new_page())
    page.get_by_role("link", name="Nagemaakte stempas").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Bewijs als bestand").click()
    target = tmp_path / "stempas.proof.json"
    download.value.save_as(target)
    enclave = load_config(desk.enclave.config("bzk")).enclave
    done = run("proof", "verify", target, "--enclave", enclave)
    assert done.status == 0, done
    assert "stembureaulid" not in target.read_text()
    page.context.close()


def test_what_the_table_does_with_a_signal_shows_in_every_window_and_after_a_restart(
    desk: Stage, browser: Browser
) -> None:
    title = "Wie pakt dit op"
    desk.publish("ncsc", "process", "ong", signal(title, severity=2))
    one, two = (desk.enter(browser.new_context().new_page()) for _ in range(2))
    one.get_by_role("link", name=title).click(timeout=15_000)
    table = one.get_by_role("region", name="Aan onze eigen tafel")
    expect(table).to_contain_text("Nog niemand heeft het opgepakt.")
    row = two.locator(".row", has_text=title)
    for button, status in (("In behandeling nemen", "in behandeling"), ("Afhandelen", "afgehandeld")):
        one.get_by_role("button", name=button).click()
        expect(one.get_by_text("Uw collega's zien het nu.")).to_be_visible()
        expect(table).to_contain_text(status, timeout=15_000)
        expect(row).to_contain_text(f"aan tafel: {status}", timeout=15_000)
    # Nobody but the own party reads it.
    done = desk.enclave.watch("nctv", "--from-start", "--idle", "3")
    assert title in done.stdout
    assert "in-hand" not in done.stdout
    for page in (one, two):
        page.context.close()


def test_two_windows_stay_in_step_and_say_so_when_the_console_stops(desk: Stage, browser: Browser) -> None:
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
