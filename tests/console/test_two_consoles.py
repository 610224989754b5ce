# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Two consoles of one table: two processes on two identities, which agree through the log and nothing else."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import tomli_w
from browsing import Stage
from feed_samples import signal
from harness.enclave import Enclave, make_enclave, run, start
from harness.registrar import Desk, make_request
from playwright.sync_api import Browser, Page, expect

pytestmark = [pytest.mark.nats]
TITLE = "Voor twee collega's"


class Seat(Stage):
    """A console on a configuration of its own."""

    def __init__(self, enclave: Enclave, config: Path) -> None:
        self.enclave = enclave
        self.console = start("console", "--config", config, "--no-browser")
        self._links = [self._read_link()]


def second_identity(enclave: Enclave, folder: Path) -> Path:
    """The configuration of another machine of the table, which the registrars have let in."""
    desk = Desk(enclave, folder)
    request, fingerprint = make_request(folder, "tafel", "tafel-2")

    def added(draft: Path) -> None:
        done = run("register", "add", request, "--to", draft, "--fingerprint", fingerprint)
        assert done.status == 0, done

    done = desk.publish(desk.sign(desk.draft(added)), "--request", request)
    assert done.status == 0, done
    base = tomllib.loads(enclave.config("tafel").read_text())
    base |= {
        "identity": str(folder / "tafel-2.key"),
        "passphrase_file": str(folder / "tafel-2.pass"),
        "state": str(folder / "tafel-2-state"),
    }
    config = folder / "tafel-2.toml"
    config.write_text(tomli_w.dumps(base))
    return config


@pytest.fixture(scope="module")
def seats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Seat, Seat]]:
    folder = tmp_path_factory.mktemp("two")
    enclave = make_enclave(folder / "e", "ncsc", "nctv", "tafel", witnesses=True)
    enclave.start(witnesses=True)
    second = second_identity(enclave, folder)
    made = Seat(enclave, enclave.config("tafel")), Seat(enclave, second)
    publisher = Stage.__new__(Stage)
    publisher.enclave, publisher._folder = enclave, folder
    publisher.publish("ncsc", "process", "ong", signal(TITLE, severity=4))
    yield made
    for seat in made:
        assert seat.console is not None
        seat.console.interrupt()
    enclave.stop()


@pytest.fixture
def pages(seats: tuple[Seat, Seat], browser: Browser) -> Iterator[list[Page]]:
    made = [seat.enter(browser.new_context().new_page()) for seat in seats]
    for page, number, name in zip(made, ("2041", "2050"), ("J. de Vries", "M. Bakker"), strict=True):
        page.goto(page.url + "people")
        page.get_by_label("Ambtenaarnummer").fill(number)
        page.get_by_label("Naam").fill(name)
        page.get_by_role("button", name="Bewaar").click()
        page.get_by_role("link", name="Wachtrij").click()
        page.get_by_role("link", name=TITLE).click(timeout=20_000)
    yield made
    for page in made:
        page.context.close()


def test_what_one_does_the_other_sees_and_names_stay_where_they_are(pages: list[Page]) -> None:
    one, two = pages
    tables = [page.get_by_role("region", name="Aan onze eigen tafel") for page in pages]
    tables[0].get_by_role("button", name="In behandeling nemen").click()
    for table in tables:
        expect(table).to_contain_text("in behandeling", timeout=20_000)
    one.get_by_label("Geef het aan").select_option(label="J. de Vries (ambtenaar 2041)")
    one.get_by_role("button", name="Geef", exact=True).click()
    expect(tables[0]).to_contain_text("gegeven aan J. de Vries (ambtenaar 2041)", timeout=20_000)
    # The other machine has the number, and no name for it.
    expect(tables[1]).to_contain_text("gegeven aan ambtenaar 2041", timeout=20_000)
    assert "Vries" not in two.content()
    # Back and forth: the newest in the log holds for both.
    two.get_by_label("Geef het aan").select_option(label="M. Bakker (ambtenaar 2050)")
    two.get_by_role("button", name="Geef", exact=True).click()
    expect(tables[0]).to_contain_text("gegeven aan ambtenaar 2050", timeout=20_000)
    two.get_by_label("Geef het aan").select_option(label="niemand")
    two.get_by_role("button", name="Geef", exact=True).click()
    for table in tables:
        expect(table).not_to_contain_text("gegeven aan", timeout=20_000)
        expect(table).to_contain_text("in behandeling")
    tables[1].get_by_role("button", name="Afhandelen").click()
    histories = []
    for page, table in zip(pages, tables, strict=True):
        expect(table).to_contain_text("afgehandeld", timeout=20_000)
        lines = page.get_by_role("region", name="Geschiedenis").get_by_role("listitem")
        expect(lines.filter(has_text="Aan onze tafel: afgehandeld")).to_have_count(1)
        histories.append(lines.count())
    assert histories[0] == histories[1]


def test_no_other_party_learns_of_it(seats: tuple[Seat, Seat]) -> None:
    done = seats[0].enclave.watch("nctv", "--from-start", "--idle", "5")
    assert [row["signal"]["report"].get("title") for row in done.rows] == [TITLE]
    for words in ("in-hand", "assign", "2041", "2050"):
        assert words not in done.stdout
