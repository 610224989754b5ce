# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A signal that is on the page when its sender's machine is revoked: the row says so by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import Stage, Watched, set_view, violations_light_and_dark
from feed_samples import signal
from harness.enclave import make_enclave
from harness.registrar import Desk
from playwright.sync_api import Browser, expect

pytestmark = [pytest.mark.nats]


@pytest.fixture
def own_stage(tmp_path: Path) -> Iterator[Stage]:
    """A console on an enclave whose register may change."""
    enclave = make_enclave(tmp_path / "e", "ncsc", "bzk", "tafel")
    enclave.start()
    made = Stage(enclave)
    try:
        made.publish("ncsc", "process", "depv", signal("Mogelijk vervalst bericht", severity=4))
        made.publish("bzk", "process", "depv", signal("Bericht van een ander", severity=4))
        made.open()
        yield made
    finally:
        if made.console is not None:
            made.console.interrupt()
        enclave.stop()


def test_a_row_becomes_suspect_while_it_is_looked_at(
    own_stage: Stage, browser: Browser, tmp_path: Path
) -> None:
    watched = Watched(browser, own_stage.url)
    page = own_stage.enter(watched.page())
    row = page.locator(".row", has_text="Mogelijk vervalst bericht")
    expect(row).to_be_visible()
    expect(row).not_to_contain_text("mogelijk vervalst", ignore_case=False)
    desk = Desk(own_stage.enclave, tmp_path)
    assert desk.publish(desk.revoke("ncsc-1")).status == 0
    expect(row).to_contain_text("sleutel ingetrokken: mogelijk vervalst", timeout=30_000)
    other = page.locator(".row", has_text="Bericht van een ander")
    expect(other).not_to_contain_text("ingetrokken")
    expect(row).to_contain_text("bel de afzender voor u iets doet")
    expect(row.locator(".proof")).to_have_count(0)
    expect(other.locator(".proof")).to_have_count(1)
    # In the report of the situation it asks for attention, by its reason.
    page.goto(own_stage.url("/situation"))
    expect(page.locator("main")).to_contain_text("Ondertekend met een sleutel die sindsdien is ingetrokken")
    standing = page.locator(".situation__signal", has_text="Mogelijk vervalst bericht").locator(
        "[class$=standing]"
    )
    expect(standing).to_contain_text("Of de afzender het heeft gemaakt, kan niemand zeggen")
    expect(standing).not_to_contain_text("evestigd door getuigen")
    # On its own page it stands on top, with the registrars' words; that it is unchanged does not make it genuine.
    page.get_by_role("link", name="Mogelijk vervalst bericht").last.click()
    expect(page.locator("#suspect")).to_contain_text("laptop gestolen")
    trust = page.locator("#trust")
    expect(trust).to_contain_text("Echt: dat kan niemand zeggen.")
    expect(trust).to_contain_text("Bel de afzender voor u ernaar handelt.")
    expect(trust).to_contain_text("Ongewijzigd sinds het is vastgelegd:")
    expect(trust.locator(".proof")).to_have_count(0)
    expect(page.locator("#history")).to_contain_text("Verstuurd met een sleutel van NCSC.")
    assert "Echt en ongewijzigd" not in page.content()
    assert violations_light_and_dark(page) == []
    set_view(page, "en", "light")
    expect(trust).to_contain_text("Genuine: nobody can tell.")
    expect(trust).to_contain_text("Call the sender before you act on it.")
    watched.context.close()
    assert watched.faults == []
