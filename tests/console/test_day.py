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
from playwright.sync_api import Browser, Page, expect
from pypdf import PdfReader

from seinpost.config import load_config
from seinpost_schemas.signal import Protected

pytestmark = [pytest.mark.nats]


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


def test_a_new_official_finds_trusts_disputes_and_reports(stage: Stage, browser: Browser) -> None:
    """From the table's own identity; the order of the queue alone shows what comes first."""
    watched = Watched(browser, stage.url)
    page = stage.enter(watched.page())
    # The most serious unread signal on the debate.
    page.get_by_role("navigation", name="Snelle filters").get_by_role("link", name="Publiek debat").click()
    first = page.get_by_role("listitem").filter(has=page.get_by_role("heading", level=2)).first
    expect(first).to_contain_text("ernstig")
    expect(first).to_contain_text("ongelezen")
    first.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Nepaccounts over het debat")
    # Can it be trusted, and why?
    trust = page.get_by_role("region", name="Is dit te vertrouwen?")
    expect(trust).to_contain_text("ja, want genoeg getuigen hebben het logboek bevestigd", timeout=30_000)
    expect(trust).to_contain_text("Geen andere organisatie betwist of bevestigt het.")
    page.get_by_role("button", name="Bewijs opnieuw controleren").click()
    steps = page.get_by_role("list", name="Stappen van het bewijs").get_by_role("listitem")
    expect(steps).to_have_count(10)
    assert all(text.startswith("klopt") for text in steps.all_inner_texts())
    # Who has not opened it?
    readers = page.get_by_role("region", name="Wie heeft het geopend?")
    expect(readers).to_contain_text(re.compile(r"Geopend door \d+ van \d+ andere organisaties"))
    expect(readers).to_contain_text(re.compile(r"Niet geopend door .*ACM"))
    expect(readers).to_contain_text("Uw eigen organisatie: geopend")
    # Tell the sender, and dispute it: beside the act it says what was done.
    page.get_by_role("button", name="Ontvangst bevestigen").click()
    answer = page.get_by_role("region", name="Antwoorden")
    expect(answer.get_by_role("status")).to_contain_text(
        "De afzender hoort bij onze volgende ontvangstmelding"
    )
    expect(answer).to_contain_text("De afzender weet dat u het oppakte.")
    assert answer.get_by_role("button", name="Ontvangst bevestigen").count() == 0
    assert page.get_by_label("Antwoord, aan iedereen").input_value() == ""
    page.get_by_label("Antwoord, aan iedereen").select_option(label="Betwisten")
    page.get_by_label("Toelichting").fill("Deze accounts zijn van een satirisch programma.")
    page.get_by_role("button", name="Antwoord versturen").click()
    expect(answer.get_by_role("status")).to_contain_text("Uw antwoord is verstuurd.")
    # Without a reload: the thread, the verdict and the history follow the log.
    thread = page.get_by_role("region", name="Wat anderen ermee deden")
    expect(thread).to_contain_text("Verkiezingstafel betwist het", timeout=15_000)
    expect(thread).to_contain_text("satirisch programma")
    expect(trust).to_contain_text("Betwist door Verkiezingstafel")
    history = page.get_by_role("region", name="Geschiedenis")
    expect(history).to_contain_text("CvdM stuurde het.")
    expect(history).to_contain_text("Verkiezingstafel betwist het")
    # In the end the log says that this organisation took it up: a receipt goes at most every 30 s.
    expect(readers).to_contain_text(re.compile(r"Uw eigen organisatie: opgepakt [0-9]"), timeout=90_000)
    page.get_by_role("link", name="Terug naar de wachtrij").click()
    row = page.get_by_role("listitem").filter(has_text="Nepaccounts over het debat")
    expect(row).to_contain_text("betwist door Verkiezingstafel")
    the_report_of_the_day_says_so(page)
    watched.context.close()
    assert watched.faults == []


def the_report_of_the_day_says_so(page: Page) -> None:
    page.get_by_role("link", name="Situatiebeeld").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(
        re.compile(r"Situatiebeeld van \d+ [a-z]+ \d{4}$")
    )
    expect(page.get_by_role("region", name="Wat vraagt aandacht")).to_contain_text(
        "Betwist door andere organisaties"
    )
    with page.expect_download() as download:
        page.get_by_role("link", name="Als PDF").click()
    text = " ".join(" ".join(p.extract_text().split()) for p in PdfReader(download.value.path()).pages)
    assert "Verkiezingstafel betwist het." in text
    assert re.search(r"Niet geopend door [^.]*ACM", text)


def test_the_sender_sees_who_opened_and_acknowledged(desk: Stage) -> None:
    deadline = time.monotonic() + 60
    while True:
        done = run("receipts", "--config", desk.enclave.config("cvdm"), "--json")
        assert done.status == 0, done
        if re.search(r'"tafel"[^}]*acknowledged|acknowledged[^}]*"tafel"', done.stdout):
            break
        assert time.monotonic() < deadline, done
        time.sleep(1)


def test_what_a_sender_takes_back_leaves_every_open_page_by_itself(desk: Stage, browser: Browser) -> None:
    """One page shows the signal with its protected section open and an answer half written; others only name it."""
    title, secret, source = (
        "Een vergissing van de afzender",
        "Wat er niet had mogen staan",
        "Een bron in het protocol",
    )
    shared = ("disarm:T0110",)
    desk.publish(
        "cvdm", "debate", "ong",
        signal(title, text=secret, severity=2, techniques=shared, protected=Protected(source_description=source)),
        signal("Een verwant signaal", severity=2, techniques=shared),
    )  # fmt: skip
    watched = Watched(browser, desk.url)
    page = desk.enter(watched.page())
    page.get_by_role("link", name=title).click(timeout=15_000)
    number = page.locator("dd", has_text=re.compile("^ *[0-9a-f]{8}-[0-9a-f-]{27} *$")).inner_text().strip()
    page.get_by_label("Toelichting").fill("Half geschreven")
    others = {path: watched.page() for path in ("/?theme=debate", "/situation")}
    for path, other in others.items():
        other.goto(desk.url(path))
        expect(other.get_by_text(title).first).to_be_visible()
    related = watched.page()
    related.goto(desk.url("/?theme=debate"))
    related.get_by_role("link", name="Een verwant signaal").click()
    expect(related.get_by_role("region", name="Verwante signalen")).to_contain_text(title)
    done = run("recall", number, "--reason", "mistake", "--config", desk.enclave.config("cvdm"))
    assert done.status == 0, done
    expect(page.get_by_role("heading", level=1)).to_have_text("Door de afzender ingetrokken.", timeout=20_000)
    expect(page.get_by_role("alert")).to_contain_text("het was een vergissing")
    expect(page.locator("#said")).to_have_text("De afzender heeft dit signaal ingetrokken.")
    expect(page.get_by_role("region", name="Geschiedenis")).to_contain_text(
        "CvdM trok het in: het was een vergissing."
    )
    for words in (title, secret, source):
        assert words not in page.content()
    for button in (
        "Bewijs als bestand",
        "Antwoord versturen",
        "Ontvangst bevestigen",
        "In behandeling nemen",
    ):
        assert page.get_by_role("button", name=button).count() == 0
    for path, other in (*others.items(), ("related", related)):
        expect(other.get_by_text(title)).to_have_count(0, timeout=20_000)
        assert title not in other.content(), path
    row = others["/?theme=debate"].get_by_role("listitem").filter(has_text="Signaal van CvdM")
    expect(row).to_contain_text("ingetrokken")
    expect(row).not_to_contain_text("ongelezen")
    watched.context.close()
    assert watched.faults == []


def test_what_a_newer_signal_replaces_says_so_and_steps_back(desk: Stage, browser: Browser) -> None:
    page = desk.enter(browser.new_context().new_page())
    desk.publish("ncsc", "process", "ong", signal("Wordt aangevuld", severity=3))
    page.get_by_role("link", name="Wordt aangevuld").click(timeout=15_000)
    number = page.locator("dd", has_text=re.compile("^ *[0-9a-f]{8}-[0-9a-f-]{27} *$")).inner_text().strip()
    desk.publish("ncsc", "process", "ong", signal("De aanvulling", severity=3, supersedes=(number,)))
    newer = page.get_by_role("link", name="De aanvulling").first
    expect(newer).to_be_visible(timeout=15_000)
    expect(page.get_by_role("region", name="Geschiedenis")).to_contain_text(
        "NCSC verving het door een nieuwer signaal."
    )
    page.get_by_role("link", name="Terug naar de wachtrij").click()
    row = page.get_by_role("listitem").filter(has_text="vervangen door een nieuwer signaal")
    expect(row).to_contain_text("Wordt aangevuld")
    assert row.get_by_role("heading").count() == 0
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


def test_what_the_table_does_with_a_signal_shows_in_every_window(desk: Stage, browser: Browser) -> None:
    title = "Wie pakt dit op"
    desk.publish("ncsc", "process", "ong", signal(title, severity=2))
    one, two = (desk.enter(browser.new_context().new_page()) for _ in range(2))
    one.goto(desk.url("/people"))
    one.get_by_label("Ambtenaarnummer").fill("2041")
    one.get_by_label("Naam").fill("J. de Vries")
    one.get_by_role("button", name="Bewaar").click()
    one.goto(desk.url("/"))
    one.get_by_role("link", name=title).click(timeout=15_000)
    table = one.get_by_role("region", name="Aan onze eigen tafel")
    expect(table).to_contain_text("Nog niemand heeft het opgepakt.")
    row = two.locator(".row", has_text=title)
    for button, status, none in (
        ("In behandeling nemen", "in behandeling", "In behandeling nemen"),
        ("Afhandelen", "afgehandeld", "Afhandelen"),
    ):
        table.get_by_role("button", name=button).click()
        expect(table.get_by_role("status")).to_have_text("Uw collega's zien het nu.")
        expect(table).to_contain_text(status, timeout=15_000)
        # No button that would change nothing.
        expect(table.get_by_role("button", name=none, exact=True)).to_have_count(0)
        expect(row).to_contain_text(status, timeout=15_000)
    table.get_by_label("Geef het aan").select_option(label="J. de Vries (ambtenaar 2041)")
    table.get_by_role("button", name="Geef", exact=True).click()
    expect(table).to_contain_text("afgehandeld, gegeven aan J. de Vries (ambtenaar 2041)", timeout=15_000)
    expect(row).to_contain_text("J. de Vries", timeout=15_000)
    expect(one.get_by_role("region", name="Geschiedenis")).to_contain_text("Gegeven aan J. de Vries")
    # Nobody but the own party reads it, and nobody at all reads the name.
    done = desk.enclave.watch("nctv", "--from-start", "--idle", "3")
    assert title in done.stdout
    for words in ("in-hand", "2041", "Vries"):
        assert words not in done.stdout
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
    assert "Bevestigd door getuigen. Aan tafel: nieuw." in " ".join(text.split())
    assert "depv/process" in text
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
