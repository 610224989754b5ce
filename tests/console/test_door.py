# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Those who try to get in otherwise: by raw requests, and from pages of others in the official's own browser."""

from __future__ import annotations

import http.client
import http.server
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from browsing import CHROMIUM, Stage, Watched, set_view, to_the_wall, violations, violations_light_and_dark
from feed_samples import signal
from harness.enclave import make_enclave, run, start
from playwright.sync_api import Browser, Page, expect

pytestmark = [pytest.mark.nats]


class Answer:
    """Status, headers and text."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.text = response.read().decode()


def ask(stage: Stage, method: str, path: str, body: str | None = None, **headers: str) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", stage.port, timeout=10)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = Answer(connection.getresponse())
    connection.close()
    return answer


@pytest.fixture
def inside(stage: Stage) -> tuple[str, str]:
    """The cookie and the form token of a session."""
    token = stage.link().partition("/start")[2]
    entered = ask(stage, "GET", "/start" + token)
    assert entered.status == 303
    cookie = entered.headers["set-cookie"].split(";")[0]
    page = ask(stage, "GET", "/", cookie=cookie)
    found = re.search('name="csrf" value="([^"]+)"', page.text)
    assert found is not None
    return cookie, found[1]


@pytest.fixture(autouse=True)
def at(stage: Stage, browser: Browser) -> None:
    """The stage knows its port once someone went in."""
    if not stage.url().startswith("http"):
        stage.enter(browser.new_page()).close()


def test_it_listens_on_loopback_only(stage: Stage) -> None:
    with socket.socket() as probe:
        probe.settimeout(2)
        addresses = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
        for address in addresses - {"127.0.0.1", "127.0.1.1"}:
            assert probe.connect_ex((str(address), stage.port)) != 0
    assert ask(stage, "GET", "/").status == 401


def test_a_start_link_works_once_and_its_cookie_is_for_no_script(stage: Stage) -> None:
    path = "/start" + stage.link().partition("/start")[2]
    first, second = ask(stage, "GET", path), ask(stage, "GET", path)
    assert (first.status, second.status) == (303, 401)
    assert first.headers["set-cookie"].endswith("; Path=/; HttpOnly; SameSite=Strict")
    assert "set-cookie" not in second.headers
    assert ask(stage, "GET", "/start?token=guessed").status == 401


def test_a_session_that_was_planted_is_not_taken(stage: Stage) -> None:
    planted = f"seinpost_console_{stage.port}=planted-by-another-page"
    path = "/start" + stage.link().partition("/start")[2]
    entered = ask(stage, "GET", path, cookie=planted)
    assert "planted" not in entered.headers["set-cookie"]
    assert ask(stage, "GET", "/", cookie=planted).status == 401


def test_a_rebound_name_gets_nothing(stage: Stage, inside: tuple[str, str]) -> None:
    answer = ask(stage, "GET", "/", cookie=inside[0], host=f"evil.example:{stage.port}")
    assert answer.status == 421
    assert "row__title" not in answer.text


@pytest.mark.parametrize(
    "path", ["/settings", "/leave", "/report", "/search", "/signal/2026q4/depv/process/1/0/protected"]
)
def test_a_form_without_its_token_or_from_elsewhere_does_nothing(
    stage: Stage, inside: tuple[str, str], path: str
) -> None:
    cookie, csrf = inside
    kind = "application/x-www-form-urlencoded"
    own = f"http://127.0.0.1:{stage.port}"
    body = urlencode({"csrf": csrf})
    assert ask(stage, "POST", path, "", cookie=cookie, origin=own, content_type=kind).status == 403
    assert (
        ask(stage, "POST", path, body, cookie=cookie, origin="http://evil.example", content_type=kind).status
        == 403
    )
    assert ask(stage, "POST", path, body, cookie=cookie, content_type=kind).status == 403
    assert ask(stage, "GET", "/", cookie=cookie).status == 200


def test_going_back_leads_nowhere_else(stage: Stage, inside: tuple[str, str]) -> None:
    cookie, csrf = inside
    headers = {
        "cookie": cookie,
        "origin": f"http://127.0.0.1:{stage.port}",
        "content_type": "application/x-www-form-urlencoded",
    }
    for target in (
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "/%0d%0aX: y\r\nX: y",
    ):
        answer = ask(stage, "POST", "/settings", urlencode({"csrf": csrf, "back": target}), **headers)
        assert (answer.status, answer.headers["location"]) == (303, "/")
    answer = ask(stage, "POST", "/settings", urlencode({"csrf": csrf, "back": "/?theme=debate"}), **headers)
    assert answer.headers["location"] == "/?theme=debate"


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static//etc/passwd"]
)
def test_nothing_but_the_static_files_is_served(stage: Stage, inside: tuple[str, str], path: str) -> None:
    assert ask(stage, "GET", path, cookie=inside[0]).status == 404


def test_leaving_closes_the_door_behind_one(page: Page, stage: Stage, watched: Watched) -> None:
    page.get_by_role("button", name="Uitloggen").click()
    answer = page.goto(stage.url("/"))
    assert answer is not None
    assert answer.status == 401
    watched.faults[:] = [fault for fault in watched.faults if "401" not in fault]


class OtherSite:
    """A page of someone else, on another port of the same machine."""

    def __init__(self, html: str) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("content-type", "text/html")
                self.end_headers()
                self.wfile.write(html.encode())

            def log_message(self, *_arguments: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        self._thread = threading.Thread(target=self.server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


@pytest.fixture
def other_site(stage: Stage) -> Iterator[OtherSite]:
    target = stage.url("/settings")
    made = OtherSite(
        f"""<form id=f method=post action="{target}"><input name=language value=en></form>
        <iframe id=frame src="{stage.url("/")}"></iframe><img id=i src="{stage.url("/overview")}">
        <a id=l href="{stage.url("/")}">link</a>"""
    )
    yield made
    made.close()


def test_a_page_on_another_port_can_neither_read_nor_act_nor_frame(
    page: Page, stage: Stage, other_site: OtherSite, watched: Watched
) -> None:
    """Cookies are shared by all ports of a host and sites ignore ports: SameSite alone would not stop this."""
    evil = watched.context.new_page()
    evil.goto(other_site.url)
    read = evil.evaluate(
        "u => fetch(u, {credentials: 'include'}).then(r => r.text()).catch(e => 'stopped')", stage.url("/")
    )
    assert read == "stopped"
    post = "fetch(u, {method: 'POST', mode: 'no-cors', credentials: 'include', body: new URLSearchParams(f)})"
    evil.evaluate(f"([u, f]) => {post}.catch(() => null)", [stage.url("/settings"), {"language": "en"}])
    frame = evil.frames[1]
    assert "Wachtrij" not in frame.content()
    evil.evaluate("document.getElementById('f').submit()")
    evil.wait_for_url(stage.url("/settings"))
    expect(evil.locator("main")).to_contain_text("kwam niet van de console zelf")
    page.reload()
    assert page.locator("html").get_attribute("lang") == "nl"


def test_a_link_on_another_site_does_not_open_the_console(
    page: Page, stage: Stage, other_site: OtherSite, watched: Watched
) -> None:
    evil = watched.context.new_page()
    evil.goto(other_site.url)
    evil.locator("#l").click()
    expect(evil.locator("main")).to_contain_text("kwam niet van de console zelf")


def test_a_name_that_points_here_gets_nothing_in_a_browser(stage: Stage) -> None:
    """DNS rebinding: the browser believes that evil.example is this machine."""
    with_rules = ["--host-resolver-rules=MAP evil.example 127.0.0.1", "--no-sandbox"]
    code = f"http://evil.example:{stage.port}/"
    import subprocess

    done = subprocess.run(
        [CHROMIUM, "--headless", "--dump-dom", *with_rules, code], capture_output=True, text=True, timeout=60
    )
    assert "eigen adres" in done.stdout
    assert "row__title" not in done.stdout


def test_a_partner_reports_a_signal_sees_its_readers_and_is_refused_on_a_basis(
    stage: Stage, browser: Browser
) -> None:
    partner = Stage.__new__(Stage)
    partner.enclave, partner._links, partner.console = stage.enclave, [], None
    console = partner.open("kiesraad")
    watched = Watched(browser, partner.url)
    page = partner.enter(watched.page())
    page.goto(partner.url("/report"))
    expect(page.locator("main")).to_contain_text("Uw mandaten")
    # Only what its mandates allow is there to choose.
    assert page.get_by_label("Thema").locator("option").all_inner_texts() == ["Verkiezingsproces"]
    page.get_by_role("button", name="Bekijk wie het kan lezen").click()
    summary = page.get_by_role("alert", name="Dit klopt nog niet; er is niets verstuurd.")
    expect(summary).to_be_focused()
    summary.get_by_role("link", name="Er is een titel nodig").click()
    expect(page.get_by_label("Titel")).to_be_focused()
    expect(page.get_by_label("Titel")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Titel").fill("Valse stempassen bij het stadhuis")
    page.get_by_label("Tekst").fill("Gemeld door a@voorbeeld.example")
    page.get_by_label("Techniek 1").fill("flood information space")
    page.get_by_role("button", name="Bekijk wie het kan lezen").click()
    readers = page.get_by_role("region", name="Wie dit kan lezen")
    expect(readers).to_contain_text("Verkiezingstafel")
    expect(readers).to_contain_text("ook het beschermde deel")
    expect(readers).to_contain_text("persoonsgegevens buiten het beschermde deel, in: Tekst")
    assert "Informatiebeveiligingsdienst" not in readers.inner_text()
    shown = page.get_by_role("article", name="Zoals de lezers het zien")
    expect(shown).to_contain_text("Valse stempassen bij het stadhuis")
    expect(shown).to_contain_text("T0049")
    assert violations(page) == []
    # What was not seen so is not published: someone changes a field behind the page.
    page.locator("input[name=title]").evaluate("field => field.value = 'Iets anders'")
    page.get_by_role("button", name="Nu publiceren").click()
    expect(page.locator("main")).to_contain_text("Dit is niet wat u eerder zag")
    expect(page.get_by_role("article", name="Zoals de lezers het zien")).to_contain_text("Iets anders")
    page.get_by_role("button", name="Wijzigen").click()
    page.get_by_label("Titel").fill("Valse stempassen bij het stadhuis")
    page.get_by_role("button", name="Bekijk wie het kan lezen").click()
    page.get_by_role("button", name="Nu publiceren").click()
    expect(page.locator("main")).to_contain_text("ong/process")
    assert violations(page) == []
    an_assessment_is_refused(page, partner)
    watched.context.close()
    assert [fault for fault in watched.faults if "422" not in fault] == []
    assert console.interrupt().status in (0, 130)
    table = stage.enter(Watched(browser, stage.url).page())
    expect(table.get_by_role("link", name="Valse stempassen bij het stadhuis")).to_be_visible(timeout=15_000)
    table.context.close()


def an_assessment_is_refused(page: Page, partner: Stage) -> None:
    page.goto(partner.url("/report"))
    page.get_by_label("Titel").fill("Analyse")
    page.get_by_label("Tekst").fill("Wat wij ervan vinden")
    page.get_by_label("Soort").select_option("assessment")
    page.get_by_role("button", name="Bekijk wie het kan lezen").click()
    refusal = page.locator("main [role=alert]")
    expect(refusal).to_contain_text("Geweigerd; er is niets verstuurd.")
    expect(refusal).to_contain_text("Uw organisatie mag dit uitdrukkelijk niet.")
    expect(refusal).to_contain_text("Grondslag: Beslisnota")
    assert violations(page) == []


def test_every_page_of_a_report_is_accessible_in_both_languages_and_schemes(
    stage: Stage, browser: Browser
) -> None:
    partner = Stage.__new__(Stage)
    partner.enclave, partner._links, partner.console = stage.enclave, [], None
    console = partner.open("kiesraad")
    page = partner.enter(browser.new_context().new_page())
    found = []
    for language in ("nl", "en"):
        set_view(page, language, "auto")
        page.goto(partner.url("/report"))
        found += violations_light_and_dark(page)
        page.locator("button[name=step]").click()
        expect(page.locator("#faults")).to_be_visible()
        found += violations_light_and_dark(page)
        page.locator("#r-title").fill(f"Toegankelijk {language}")
        page.locator("#r-text").fill("Van a@voorbeeld.example")
        page.locator("#r-indicators").fill("hxxps://voorbeeld[.]example/x")
        page.locator("#r-source_description").fill("Een melder")
        page.locator("#r-technique_1").fill("T0049")
        page.locator("button[value=preview]").click()
        expect(page.locator(".preview")).to_be_visible()
        found += violations_light_and_dark(page)
        page.locator("button[value=publish]").click()
        expect(page.locator("main")).to_contain_text("ong/process")
        found += violations_light_and_dark(page)
        page.goto(partner.url("/report"))
        page.locator("#r-title").fill("Analyse")
        page.locator("#r-text").fill("Wat wij ervan vinden")
        page.locator("#r-signal_type").select_option("assessment")
        page.locator("button[value=preview]").click()
        expect(page.locator("main [role=alert]")).to_be_visible()
        found += violations_light_and_dark(page)
    page.context.close()
    assert found == []
    assert console.interrupt().status in (0, 130)


def test_with_accounts_nobody_reads_without_logging_in(
    stage: Stage, browser: Browser, tmp_path: Path
) -> None:
    desk = Stage.__new__(Stage)
    desk.enclave, desk._links = stage.enclave, []
    for number, role in (("2041", "coordinator"), ("2042", "reader")):
        (tmp_path / number).write_text(f"wachtwoord-van-{number}\n")
        (tmp_path / number).chmod(0o600)
        made = run(
            "official",
            number,
            "--role",
            role,
            "--config",
            stage.enclave.config("politie"),
            "--password-file",
            tmp_path / number,
        )
        assert (made.status, made.stdout) == (0, f"{number}: {role}\n")
    console = desk.open("politie")
    watched = Watched(browser, desk.url)
    page = desk.enter(watched.page())
    assert page.url == desk.url("/login")
    assert violations_light_and_dark(page) == []
    page.get_by_role("button", name="English").click()
    assert violations_light_and_dark(page) == []
    page.get_by_role("button", name="Nederlands").click()
    before = watched.context.cookies()[0]["value"]
    for path in ("/", "/overview", "/signal/2026q4/depv/process/1/0", "/views", "/people", "/live"):
        page.goto(desk.url(path))
        assert page.url == desk.url("/login")
    page.get_by_label("Ambtenaarnummer").fill("2042")
    page.get_by_label("Wachtwoord").fill("verkeerd wachtwoord")
    page.get_by_role("button", name="Inloggen").click()
    expect(page.get_by_role("alert")).to_contain_text("klopt niet")
    page.get_by_label("Ambtenaarnummer").fill("2042")
    page.get_by_label("Wachtwoord").fill("wachtwoord-van-2042")
    page.get_by_role("button", name="Inloggen").click()
    page.wait_for_url(desk.url("/"))
    assert watched.context.cookies()[0]["value"] != before
    page.locator(".row", has_text="Nagemaakte stempas").get_by_role("link").click()
    page.get_by_role("button", name="Beschermd deel openen").click()
    expect(page.locator("#protected")).to_contain_text("stembureaulid")
    page.goto(desk.url("/views"))
    expect(page.locator("tbody tr").first).to_contain_text("2042")
    expect(page.locator("footer")).to_contain_text("ambtenaar 2042, lezer")
    to_the_wall(page)
    page.get_by_role("button", name="Wandscherm verlaten").click()
    page.wait_for_url(desk.url("/login"))
    watched.context.close()
    assert [fault for fault in watched.faults if "403" not in fault] == []
    assert console.interrupt().status in (0, 130)


def test_an_alarm_about_the_feed_is_on_every_page(stage: Stage, browser: Browser) -> None:
    """A second table, whose broker stops: within 15 s (a minute, outside this test) no checkpoint is fresh."""
    alarmed = Stage.__new__(Stage)
    enclave = make_enclave(stage.enclave.path.parent / "alarmed", "ncsc", "tafel", witnesses=True)
    broker = enclave.start(witnesses=True)
    alarmed.enclave, alarmed._links = enclave, []
    alarmed._folder = enclave.path
    alarmed.publish("ncsc", "process", "depv", signal("Voor het alarm", severity=4))
    alarmed.console = start(
        "console",
        "--config",
        enclave.config("tafel"),
        "--no-browser",
        patch="import seinpost._audit as a; a.FRESH_MS = 15_000",
    )
    alarmed._links = [alarmed._read_link()]
    page = alarmed.enter(browser.new_page())
    try:
        expect(page.locator(".proof")).to_have_text("bevestigd", timeout=30_000)
        broker.terminate()
        broker.communicate(timeout=20)
        nats = enclave.start_nats()
        alert = page.get_by_role("alert").first
        expect(alert).to_contain_text("niet als geheel te vertrouwen", timeout=60_000)
        # Drawn again with every message: it may be away for the moment in which it is measured.
        boxes = (alert.bounding_box() for _ in range(20))
        box = next(b for b in boxes if b is not None)
        assert box["width"] == page.viewport_size["width"]  # type: ignore[index]
        it_is_on_every_page_and_stays_in_sight(page, alarmed)
        page.goto(alarmed.url("/overview"))
        board = page.get_by_role("region", name="Alarmen")
        expect(board).to_contain_text("Wat te doen: Wacht een minuut")
        expect(board).to_contain_text("Dit duurt nog voort.")
        assert board.get_by_role("button").count() == 0
        # It is over once the logs are confirmed again; then someone puts it aside, and it stays on record.
        nats.terminate()
        nats.wait(20)
        enclave.start(witnesses=True)
        aside = board.get_by_role("button", name="Uitgezocht: opzijzetten")
        expect(aside.first).to_be_visible(timeout=90_000)
        expect(page.get_by_role("alert").first).to_contain_text("het is voorbij")
        while (left := aside.count()) > 0:
            # On a slow machine the directory's was late too, and has an alarm of its own.
            aside.first.click()
            expect(aside).to_have_count(left - 1, timeout=90_000)
        expect(page.locator(".crown [role=alert]")).to_have_count(0)
        expect(board).to_contain_text("Opzijgezet op")
        expect(page.locator("html")).to_have_attribute("lang", "nl")
    finally:
        page.context.close()
        assert alarmed.console.interrupt().status in (1, 130)
        enclave.stop()


def it_is_on_every_page_and_stays_in_sight(page: Page, alarmed: Stage) -> None:
    for path in ("/overview", "/views", "/report", "/?exercise=1"):
        page.goto(alarmed.url(path))
        expect(page.get_by_role("alert").first).to_contain_text("stale-checkpoint")
        assert violations_light_and_dark(page) == []
    set_view(page, "en", "auto")
    page.goto(alarmed.url("/overview"))
    assert violations_light_and_dark(page) == []
    set_view(page, "nl", "auto")
    # However far one scrolls, it stays in sight.
    page.goto(alarmed.url("/report"))
    page.mouse.wheel(0, 5_000)
    page.wait_for_function("scrollY > 0 || document.documentElement.scrollHeight <= innerHeight")
    expect(page.get_by_role("alert").first).to_be_in_viewport()
