# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Every form asks who sends it: a reader reads, a coordinator acts, a wall screen does neither."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from browsing import Stage
from feed_samples import signal
from harness.enclave import run
from playwright.sync_api import Browser, Page, expect
from starlette.routing import Route

from seinpost.console.app import Console
from seinpost.console.marks import Marks
from seinpost.console.officials import Officials
from seinpost.console.people import People
from seinpost.console.table import Table

pytestmark = [pytest.mark.nats]
SIGNAL = "/signal/{period}/{level}/{theme}/{leaf_index:int}/{number:int}"
READERS = {
    "/login", "/settings", "/leave", "/search", "/search/stop", "/indicator", "/filters", "/filters/forget",
    SIGNAL + "/indicator", SIGNAL + "/protected", SIGNAL + "/proof",
}  # fmt: skip
COORDINATORS = {
    SIGNAL + "/export", SIGNAL + "/acknowledge", SIGNAL + "/status", SIGNAL + "/assign", SIGNAL + "/feedback",
    "/report", "/overview/resolve", "/people", "/people/drop",
}  # fmt: skip
ON_A_WALL = {"/login", "/settings", "/leave", SIGNAL + "/protected"}
"""A wall's protected section is answered by the page itself: it is not found."""
FIELDS = {
    "status": "in-hand", "assignee": "", "kind": "dispute", "text": "Dit mag niet.", "number": "2041", "name": "Iemand",
    "code": "split-view", "step": "preview", "theme": "process", "classification": "ong", "title": "Dit mag niet",
}  # fmt: skip


def test_every_form_says_for_whom_it_is(tmp_path: Path) -> None:
    marks = Marks(tmp_path, bytes(32))
    table = Table(marks, People(tmp_path, bytes(32)))
    routes = Console(table, Officials(tmp_path / "officials.json"), 1).routes
    posts = [route for route in routes if isinstance(route, Route) and "POST" in (route.methods or ())]
    assert {route.path for route in posts if route.name == f"reader {route.path}"} == READERS
    assert {route.path for route in posts if route.name == f"coordinator {route.path}"} == COORDINATORS
    assert len(posts) == len(READERS) + len(COORDINATORS)
    marks.close()


def add_official(stage: Stage, party: str, number: str, role: str, folder: Path) -> None:
    secret = folder / number
    secret.write_text(f"wachtwoord-van-{number}\n")
    secret.chmod(0o600)
    config = stage.enclave.config(party)
    made = run("official", number, "--role", role, "--config", config, "--password-file", secret)
    assert made.status == 0, made


def log_in(page: Page, number: str) -> None:
    page.get_by_label("Ambtenaarnummer").fill(number)
    page.get_by_label("Wachtwoord").fill(f"wachtwoord-van-{number}")
    page.get_by_role("button", name="Inloggen").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("ignalen")


@pytest.fixture(scope="module")
def desk(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A console of the OM with a coordinator and a reader."""
    folder = tmp_path_factory.mktemp("officials")
    for number, role in (("3001", "coordinator"), ("3002", "reader")):
        add_official(stage, "om", number, role, folder)
    made = Stage.__new__(Stage)
    made.enclave, made._folder = stage.enclave, folder
    made.open("om")
    yield made
    assert made.console is not None
    if made.console.process.poll() is None:
        made.console.interrupt()


@pytest.fixture
def page(desk: Stage, browser: Browser) -> Iterator[Page]:
    made = browser.new_context().new_page()
    yield desk.enter(made)
    made.context.close()


def post(desk: Stage, page: Page, path: str) -> int:
    """Send a form by hand, with all that the session gives it."""
    csrf = page.locator("input[name=csrf]").first.get_attribute("value") or ""
    cookie = "; ".join(f"{c['name']}={c['value']}" for c in page.context.cookies())
    connection = http.client.HTTPConnection("127.0.0.1", desk.port, timeout=20)
    headers = {
        "cookie": cookie, "origin": f"http://127.0.0.1:{desk.port}",
        "content-type": "application/x-www-form-urlencoded",
    }  # fmt: skip
    connection.request("POST", path, urlencode(FIELDS | {"csrf": csrf}), headers)
    status = connection.getresponse().status
    connection.close()
    return status


def address_of(desk: Stage, page: Page) -> str:
    link = page.locator(".row__title a").first
    link.wait_for(timeout=20_000)
    return link.get_attribute("href") or ""


def test_a_reader_sends_no_form_that_acts(desk: Stage, page: Page) -> None:
    log_in(page, "3002")
    address = address_of(desk, page)
    for path in sorted(COORDINATORS):
        assert post(desk, page, path.replace(SIGNAL, address)) == 403, path
    page.goto(desk.url(address))
    for name in (
        "In behandeling nemen",
        "Ontvangst bevestigen",
        "Antwoord versturen",
        "Bewijs als bestand",
        "Geef",
    ):
        assert page.get_by_role("button", name=name).count() == 0, name
    expect(page.get_by_role("region", name="Aan onze eigen tafel")).to_contain_text(
        "Nog niemand heeft het opgepakt."
    )
    expect(page.get_by_role("region", name="Aan onze eigen tafel")).to_contain_text(
        "Dit mag alleen een coördinator."
    )
    page.goto(desk.url("/report"))
    assert page.locator("form.report").count() == 0
    page.goto(desk.url("/people"))
    assert "Iemand" not in page.content()
    page.goto(desk.url("/views"))
    expect(page.locator("main")).to_contain_text("een coördinator ziet alles")


def test_a_coordinator_may_and_their_number_goes_with_it(desk: Stage, page: Page) -> None:
    log_in(page, "3001")
    page.goto(desk.url("/people"))
    page.get_by_label("Ambtenaarnummer").fill("3002")
    page.get_by_label("Naam").fill("A. Jansen")
    page.get_by_role("button", name="Bewaar").click()
    expect(page.get_by_role("row").filter(has_text="3002")).to_contain_text("A. Jansen")
    page.goto(desk.url(address_of(desk, page_with_queue(desk, page))))
    table = page.get_by_role("region", name="Aan onze eigen tafel")
    page.get_by_label("Geef het aan").select_option(label="A. Jansen (ambtenaar 3002)")
    page.get_by_role("button", name="Geef", exact=True).click()
    expect(table).to_contain_text("gegeven aan A. Jansen (ambtenaar 3002)", timeout=15_000)
    expect(page.get_by_role("region", name="Geschiedenis")).to_contain_text("door ambtenaar 3001")


def page_with_queue(desk: Stage, page: Page) -> Page:
    page.goto(desk.url("/"))
    return page


def test_a_wall_screen_sends_no_form_at_all(desk: Stage, page: Page) -> None:
    log_in(page, "3001")
    address = address_of(desk, page)
    page.locator(".menu summary").click()
    page.locator("button[name=wall]").click()
    for path in sorted((READERS | COORDINATORS) - ON_A_WALL):
        assert post(desk, page, path.replace(SIGNAL, address)) == 403, path
    assert post(desk, page, address + "/protected") == 404
    # What is on a wall was opened by nobody in particular.
    page.goto(desk.url(address))
    assert page.get_by_role("button").all_inner_texts() == ["Wandscherm verlaten"]


def test_an_account_that_is_removed_or_demoted_is_out_at_once(
    desk: Stage, page: Page, tmp_path: Path
) -> None:
    add_official(desk, "om", "3003", "coordinator", tmp_path)
    log_in(page, "3003")
    add_official(desk, "om", "3003", "reader", tmp_path)
    page.goto(desk.url("/overview"))
    assert page.url == desk.url("/login")
    log_in(page, "3003")
    expect(page.locator("footer")).to_contain_text("lezer")
    gone = run("official", "3003", "--remove", "--config", desk.enclave.config("om"))
    assert (gone.status, gone.stdout) == (0, "3003: removed\n")
    page.reload()
    assert page.url == desk.url("/login")
    page.get_by_label("Ambtenaarnummer").fill("3003")
    page.get_by_label("Wachtwoord").fill("wachtwoord-van-3003")
    page.get_by_role("button", name="Inloggen").click()
    expect(page.get_by_role("alert")).to_contain_text("klopt niet")


def test_names_and_passwords_are_nowhere_in_the_clear(desk: Stage) -> None:
    state = desk.enclave.path / "state" / "om-1"
    files = [path for path in state.rglob("*") if path.is_file()]
    assert any(path.name == "people.sealed" for path in files)
    for path in files:
        content = path.read_bytes()
        for secret in (
            "Jansen",
            "wachtwoord-van",
            signal().report.title,
            "Nagemaakte stempas",
            "Nepaccounts",
        ):
            assert secret.encode() not in content, (path.name, secret)
    assert re.search(rb"argon2id", (state / "officials.json").read_bytes())
