# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The pages as an official sees them, in a real browser on a real feed."""

from __future__ import annotations

import io
import re
import time
from pathlib import Path

import pytest
from browsing import Stage, Watched, set_view, to_the_wall, violations
from feed_samples import HOSTILE, signal
from playwright.sync_api import Page, expect
from pypdf import PdfReader

pytestmark = [pytest.mark.nats]
SERIOUS = "Nagemaakte stempas in omloop"


def open_signal(page: Page, stage: Stage, title: str = SERIOUS) -> None:
    page.goto(stage.url("/"))
    page.get_by_role("link", name=title).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(title)


def test_the_most_serious_signal_stands_first_with_all_that_is_said_of_it(page: Page, stage: Stage) -> None:
    page.goto(stage.url("/?sender=ncsc"))
    first = page.locator(".row").first
    expect(first).to_contain_text(SERIOUS)
    for word in ("kritiek", "Dep. VERTROUWELIJK", "Verkiezingsproces", "NCSC", "incident", "ongelezen"):
        expect(first).to_contain_text(word)
    expect(first.locator("abbr")).to_have_attribute("title", "Nationaal Cyber Security Centrum")
    expect(first.locator(".proof")).to_have_text("bevestigd", timeout=30_000)
    # What is as it should be needs no sentence.
    assert first.locator(".row__why").count() == 0
    assert page.locator(".row--exercise").count() == 0
    expect(page.locator(".marking")).to_contain_text("Departementaal VERTROUWELIJK")


def test_exercises_stand_apart_and_say_so_on_every_row(page: Page, stage: Stage) -> None:
    page.get_by_role("link", name="Oefeningen").click()
    expect(page.locator(".exercise-band")).to_contain_text("OEFENING")
    rows = page.locator(".row")
    assert rows.count() >= 1
    expect(rows.first).to_contain_text("OEFENING")


def test_a_signal_shows_its_sections_its_techniques_by_name_and_its_indicators_defanged(
    page: Page, stage: Stage
) -> None:
    open_signal(page, stage)
    main = page.locator("main")
    for text in (
        "De kiezer wordt naar een andere datum gelokt.", "De uitslag staat al vast.", "telegram", "News Outlet Persona",
        "Geloofwaardigheid opbouwen", "webadres", "B2", "stembureau-info[.]example", "hxxps://stembureau-info[.]example/stempas.png",
        "meestal betrouwbaar", "waarschijnlijk waar", "Laat weten of u dit ook ziet.", "TK2025",
    ):  # fmt: skip
        expect(main).to_contain_text(text)
    hrefs = page.locator("a").evaluate_all("links => links.map(a => a.href)")
    assert all(href.startswith(stage.url("/")) for href in hrefs)
    assert page.locator("img, iframe, object, embed, video, audio").count() == 0


def test_an_opened_signal_is_unread_no_more(page: Page, stage: Stage) -> None:
    open_signal(page, stage, "Storing bij een gemeente")
    page.goto(stage.url("/"))
    row = page.locator(".row", has_text="Storing bij een gemeente")
    expect(row).not_to_contain_text("ongelezen")
    page.get_by_label("alleen ongelezen").check()
    page.get_by_role("button", name="Filter", exact=True).click()
    assert page.locator(".row", has_text="Storing bij een gemeente").count() == 0


def test_the_protected_section_is_shown_once_on_request_and_that_is_logged(page: Page, stage: Stage) -> None:
    open_signal(page, stage)
    secret = "Melding van een stembureaulid"
    assert secret not in page.content()
    address = page.url
    page.get_by_role("button", name="Beschermd deel openen").click()
    expect(page.locator("#protected")).to_contain_text(secret)
    expect(page.locator("#protected")).to_contain_text("vastgelegd")
    page.goto(page.url.partition("#")[0])
    assert page.url == address
    assert secret not in page.content()
    page.get_by_role("link", name="Wie opende wat").click()
    expect(page.locator("tbody tr").first).to_contain_text("tafel-1")
    expect(page.locator("tbody tr").first).to_contain_text("depv/process")


def test_a_wall_screen_shows_no_protected_section(page: Page, stage: Stage, watched: Watched) -> None:
    open_signal(page, stage)
    address = page.url
    csrf = page.locator("input[name=csrf]").first.input_value()
    to_the_wall(page)
    page.goto(address)
    expect(page.locator("#protected")).to_contain_text("Niet getoond op een wandscherm.")
    # Nothing to press but the way out of it.
    assert page.get_by_role("button").all_inner_texts() == ["Wandscherm verlaten"]
    expect(page.locator("#clock")).to_have_text(re.compile("^[0-9]{2}:[0-9]{2}$"))
    status = page.evaluate(
        "async ([u, c]) => (await fetch(u, {method: 'POST', body: new URLSearchParams({csrf: c})})).status",
        [address + "/protected", csrf],
    )
    assert status == 404
    assert any("404" in fault for fault in watched.faults)
    watched.faults.clear()
    page.get_by_role("button", name="Wandscherm verlaten").click()


def test_the_proof_is_verified_again_step_by_step(page: Page, stage: Stage) -> None:
    open_signal(page, stage)
    expect(page.locator("#proof")).to_contain_text(
        "ja, want genoeg getuigen hebben het logboek bevestigd", timeout=30_000
    )
    page.get_by_role("button", name="Bewijs opnieuw controleren").click()
    steps = page.locator(".step")
    assert steps.count() == 10
    assert page.locator(".step--good").count() == 10
    expect(steps.nth(7)).to_contain_text("van ten minste 3")
    expect(steps.nth(9).locator("code")).to_have_text(re.compile("[0-9a-f]{64}$"))


def test_a_search_finds_text_and_its_link_holds_none(page: Page, stage: Stage, watched: Watched) -> None:
    page.get_by_label("Zoek in de tekst").fill("nagemaakte STEMPAS")
    page.keyboard.press("Enter")
    expect(page.locator(".row")).to_have_count(1)
    expect(page.locator(".row")).to_contain_text(SERIOUS)
    assert re.fullmatch(re.escape(stage.url("/?search=")) + "[0-9a-f]{8}", page.url)
    link = page.url
    other = stage.enter(watched.page())
    other.goto(link)
    expect(other.locator("main")).to_contain_text("andere sessie")
    expect(other.locator(".row")).to_have_count(0)


def test_filters_are_links_that_hold_codes_only(page: Page, stage: Stage) -> None:
    page.get_by_label("Thema").select_option("debate")
    page.get_by_label("Ernst, ten minste").select_option("3")
    page.get_by_role("button", name="Filter", exact=True).click()
    expect(page.locator(".row")).to_have_count(2)
    titles = page.locator(".row__title a").all_inner_texts()
    assert sorted(t.strip() for t in titles) == ["Beïnvloeding van buiten", "Nepaccounts over het debat"]
    assert "theme=debate" in page.url
    page.get_by_role("link", name="Alles wissen").click()
    assert page.locator(".row").count() > 2


def test_a_new_signal_appears_by_itself_and_is_said(page: Page, stage: Stage) -> None:
    expect(page.locator(".row").first).to_be_visible()
    stage.publish("kiesraad", "process", "ong", signal("Zojuist gemeld", severity=5))
    expect(page.get_by_role("link", name="Zojuist gemeld")).to_be_visible(timeout=15_000)
    expect(page.locator("#said")).to_have_text(re.compile("nieuw"))


def test_a_saved_filter_counts_its_unread_signals_and_notifies_without_content(
    stage: Stage, watched: Watched
) -> None:
    watched.context.grant_permissions(["notifications"])
    watched.context.add_init_script(
        "window.told = []; window.Notification = class { static permission = 'granted';"
        " constructor(title, options) { told.push([title, options.body]); } }"
    )
    page = stage.enter(watched.page())
    page.goto(stage.url("/?theme=process&severity=4&sender=kiesraad"))
    page.get_by_label("Naam van deze weergave").fill("Ernstig van de Kiesraad")
    page.get_by_role("button", name="Bewaar").click()
    saved = page.locator("#saved li", has_text="Ernstig van de Kiesraad")
    before = int(saved.get_attribute("data-count") or "")
    page.goto(stage.url("/"))
    stage.publish("kiesraad", "process", "ong", signal("Voor wie het bewaarde", severity=4))
    expect(saved).to_have_attribute("data-count", str(before + 1), timeout=15_000)
    assert page.evaluate("told") == [["Nieuw signaal in een bewaard filter", "Ernstig van de Kiesraad"]]
    saved.get_by_role("link").click()
    expect(page.locator(".row", has_text="Voor wie het bewaarde")).to_be_visible()
    saved.get_by_role("button", name="Verwijder").click()
    expect(saved).to_have_count(0)


def test_updates_can_be_paused(page: Page, stage: Stage) -> None:
    page.get_by_role("button", name="Bijwerken pauzeren").click()
    stage.publish("kiesraad", "process", "ong", signal("Tijdens de pauze", severity=5))
    page.wait_for_timeout(2_000)
    assert page.get_by_role("link", name="Tijdens de pauze").count() == 0
    page.get_by_role("button", name="Weer bijwerken").click()
    expect(page.get_by_role("link", name="Tijdens de pauze")).to_be_visible()


def test_a_page_that_lost_the_stream_catches_up(page: Page, stage: Stage, watched: Watched) -> None:
    watched.context.set_offline(True)
    page.wait_for_timeout(500)
    stage.publish("kiesraad", "process", "ong", signal("Toen de lijn weg was", severity=5))
    watched.context.set_offline(False)
    expect(page.get_by_role("link", name="Toen de lijn weg was")).to_be_visible(timeout=20_000)
    watched.faults[:] = [fault for fault in watched.faults if "ERR_INTERNET_DISCONNECTED" not in fault]


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_text_stays_text(page: Page, stage: Stage, number: int) -> None:
    page.goto(stage.url("/?theme=debate&sender=aivd&order=newest"))
    rows = page.locator(".row")
    paths = rows.locator(".row__title a").evaluate_all("links => links.map(a => a.getAttribute('href'))")
    ours = sorted((p for p in paths), key=lambda p: int(p.rsplit("/", 1)[1]))[1:]
    page.goto(stage.url(ours[number]))
    assert "taken" not in page.title()
    shown = page.get_by_role("heading", level=1).inner_text()
    expected = HOSTILE[number][:200]
    for character, name in (("\u202e", "RLO"), ("\u200b", "ZWSP")):
        assert character not in page.content()
        expected = expected.replace(character, name)
    if number < 8:
        assert shown.split() == expected.split()
    assert page.locator("main script, main img, main svg[onload]").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if "pаypal" in HOSTILE[number]:
        expect(page.locator("main")).to_contain_text("alfabetten die op elkaar lijken")


PAGES = (
    "/",
    "/?exercise=1",
    "/?theme=debate&severity=3&unread=1",
    "/overview",
    "/situation",
    "/report",
    "/people",
    "/views",
    "/signal/2026q4/nergens/x/1/1",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["nl", "en"])
def test_no_page_breaks_a_rule_of_accessibility(
    page: Page, stage: Stage, watched: Watched, language: str, scheme: str
) -> None:
    set_view(page, language, scheme)
    signal_path, recalled_path = (
        page.locator(where).first.get_attribute("href")
        for where in (f".row__title a:has-text('{SERIOUS}')", ".row--gone a")
    )
    found = []
    for path in (*PAGES, recalled_path, signal_path):
        page.goto(stage.url(path))
        assert page.locator("html").get_attribute("lang") == language
        found += [f"{path}: {violation}" for violation in violations(page)]
    page.get_by_role("button", name=re.compile("Bewijs opnieuw|Verify the proof")).click()
    expect(page.locator(".step")).to_have_count(10)
    found += violations(page)
    page.get_by_role("button", name=re.compile("Beschermd deel|protected section")).click()
    expect(page.locator("#protected .facts")).to_be_visible()
    found += violations(page)
    page.locator(".menu summary").click()
    found += violations(page)
    found += search_and_wall(page, stage, signal_path or "")
    watched.faults[:] = [fault for fault in watched.faults if "404" not in fault]
    assert found == []


def search_and_wall(page: Page, stage: Stage, signal_path: str) -> list[str]:
    page.goto(stage.url("/"))
    page.locator("#text").fill("stempas")
    page.keyboard.press("Enter")
    expect(page.locator(".notice").first).to_be_visible()
    found = violations(page)
    to_the_wall(page)
    for path in ("/", "/overview", signal_path):
        page.goto(stage.url(path))
        found += [f"wall {path}: {violation}" for violation in violations(page)]
    page.get_by_role("button", name=re.compile("Wandscherm verlaten|Leave the wall")).click()
    return found


def test_axe_sees_what_is_wrong(page: Page, stage: Stage) -> None:
    page.evaluate("document.querySelector('main').append(document.createElement('input'))")
    assert any(violation.startswith("label") for violation in violations(page))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_closed_door_is_accessible_too(stage: Stage, page: Page, scheme: str) -> None:
    browser = page.context.browser
    assert browser is not None
    other = browser.new_context(color_scheme=scheme).new_page()  # type: ignore[arg-type]
    answer = other.goto(stage.url("/"))
    assert answer is not None
    assert answer.status == 401
    expect(other.locator("main")).to_contain_text("elke link werkt één keer")
    expect(other.locator("main")).to_contain_text("each link works once")
    assert violations(other) == []
    other.context.close()


def tab_to(page: Page, wanted: str, presses: int = 80) -> None:
    """Press Tab until what has the focus is called so; nothing on the way is without a visible outline."""
    for _ in range(presses):
        page.keyboard.press("Tab")
        outline, name, html = page.evaluate(
            """() => {
                const e = document.activeElement;
                const name = e.getAttribute('aria-label') || e.labels?.[0]?.innerText || e.innerText || '';
                return [getComputedStyle(e).outlineStyle, name, e.outerHTML.slice(0, 200)];
            }"""
        )
        # After the last element the browser's own bar comes, and then the page again.
        assert outline != "none" or html.startswith("<body"), html
        if not html.startswith("<body") and wanted in " ".join(name.split()):
            return
    raise AssertionError(f"{wanted} is out of reach of the keyboard")


def test_everything_is_within_reach_of_the_keyboard(page: Page, stage: Stage) -> None:
    """Queue, filter, signal, acknowledge, dispute, report: not once the mouse."""
    stage.publish("cvdm", "debate", "ong", signal("Met het toetsenbord", severity=3))
    expect(page.get_by_role("link", name="Met het toetsenbord")).to_be_visible(timeout=15_000)
    page.reload()
    tab_to(page, "Naar de inhoud", 1)
    # It slides in.
    expect(page.locator(":focus")).to_be_in_viewport(ratio=1)
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    tab_to(page, "Publiek debat")
    page.keyboard.press("Enter")
    page.wait_for_url("**theme=debate**")
    tab_to(page, "Met het toetsenbord")
    page.keyboard.press("Enter")
    page.wait_for_url("**/signal/**")
    tab_to(page, "Bewijs opnieuw controleren")
    page.keyboard.press("Enter")
    expect(page.locator(".step")).to_have_count(10)
    tab_to(page, "Ontvangst bevestigen")
    page.keyboard.press("Enter")
    expect(page.locator("#done")).to_be_focused()
    tab_to(page, "Antwoord, aan iedereen")
    page.keyboard.type("Betwisten")
    tab_to(page, "Toelichting")
    page.keyboard.type("Zonder muis.")
    tab_to(page, "Antwoord versturen")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Wat anderen ermee deden")).to_contain_text(
        "Zonder muis.", timeout=15_000
    )
    tab_to(page, "Weergave")
    page.keyboard.press("Enter")
    tab_to(page, "English", 3)
    page.keyboard.press("Escape")
    expect(page.locator(".menu summary")).to_be_focused()
    assert page.get_by_role("button", name="English").count() == 0
    page.goto(stage.url("/situation"))
    tab_to(page, "Als PDF")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename.endswith(".pdf")


def test_an_indicator_is_copied_defanged(stage: Stage, watched: Watched) -> None:
    watched.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = stage.enter(watched.page())
    open_signal(page, stage)
    row = page.get_by_role("row").filter(has_text="webadres")
    row.get_by_role("button", name="Kopieer").click()
    expect(row.get_by_role("button", name="Gekopieerd")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "hxxps://stembureau-info[.]example/stempas.png"


@pytest.mark.parametrize("path", ["/", "/overview"])
def test_lists_are_printed_with_their_marking_and_without_buttons(
    page: Page, stage: Stage, path: str
) -> None:
    page.goto(stage.url(path))
    sheets = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True))).pages
    texts = [" ".join(sheet.extract_text().split()) for sheet in sheets]
    for text in texts:
        assert text.count("Departementaal VERTROUWELIJK") >= 2
    until = {"/": "tot 18 maart 2099", "/overview": "(tot wanneer: zie elk signaal)"}[path]
    assert until.replace(" ", "") in texts[0].replace(" ", "")
    whole = " ".join(texts)
    for words in ("Weergave", "Zoek", "Snelle filters", "Uitloggen", "Bijwerken pauzeren"):
        assert words not in whole
    assert {"/": SERIOUS, "/overview": "Zijn de logboeken te vertrouwen?"}[path] in whole


@pytest.mark.parametrize(("width", "height"), [(320, 640), (640, 450)])
def test_a_narrow_or_enlarged_page_scrolls_one_way_only(
    page: Page, stage: Stage, width: int, height: int
) -> None:
    """640 by 450 is a window of 1280 by 900 at 200 %."""
    path = page.locator(".row__title a").first.get_attribute("href")
    page.set_viewport_size({"width": width, "height": height})
    for target in ("/", "/?exercise=1", "/overview", "/report", "/views", "/people", "/situation", path):
        page.goto(stage.url(target))
        assert page.evaluate("document.documentElement.scrollWidth") <= width, target


@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_sheet_of_paper_has_the_classification_its_duration_and_its_number(
    page: Page, stage: Stage, language: str
) -> None:
    set_view(page, language, "dark")
    open_signal(page, stage)
    sheets = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True, width="148mm", height="105mm"))).pages
    texts = [" ".join(sheet.extract_text().split()) for sheet in sheets]
    assert len(texts) > 1
    until, day = {"nl": ("tot", "18 maart 2099"), "en": ("until", "18 March 2099")}[language]
    for number, text in enumerate(texts, 1):
        assert text.count(f"Departementaal VERTROUWELIJK {until} {day}") == 2
        assert f"{number} / {len(texts)}" in text
        assert "Weergave" not in text
        assert "View" not in text
    page.goto(stage.url("/situation"))
    (first, *_) = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True))).pages
    assert f"Departementaal VERTROUWELIJK {until} {day}" in " ".join(first.extract_text().split())


def test_the_situation_report_of_the_day_is_a_page_and_a_pdf(page: Page, stage: Stage) -> None:
    page.get_by_role("link", name="Situatiebeeld").click()
    report = page.locator(".situation")
    expect(report).to_contain_text(SERIOUS)
    expect(report).to_contain_text("depv/process")
    expect(page.locator(".marking")).to_contain_text("Departementaal VERTROUWELIJK tot 18 maart 2099")
    page.get_by_label("Publiek debat").uncheck()
    page.get_by_role("button", name="Maak het beeld").click()
    expect(report).not_to_contain_text("Nepaccounts over het debat")
    with page.expect_download() as download:
        page.get_by_role("link", name="Als PDF").click()
    content = Path(download.value.path()).read_bytes()
    assert content.startswith(b"%PDF")
    assert download.value.suggested_filename.startswith("situatie-")


def test_the_first_page_comes_within_a_second(page: Page, stage: Stage) -> None:
    started = time.perf_counter()
    page.goto(stage.url("/"))
    expect(page.locator(".row").first).to_be_visible()
    assert time.perf_counter() - started < 2  # the target is 1 s on a machine of one's own
