# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`make demo` ends at a console: a browser opens where there is a display, the link is printed where there is none."""

from __future__ import annotations

import os
import pty
import re
import select
import signal as signals
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import violations
from playwright.sync_api import Browser, expect

pytestmark = [pytest.mark.nats]
DEMO_SECONDS = 200.0


class Demo:
    """The demonstration in a terminal, with a browser that writes down where it was sent."""

    def __init__(self, folder: Path, **more: str) -> None:
        self.opened = folder / "opened"
        browser = folder / "browser"
        browser.write_text(f'#!/bin/sh\nprintf "%s" "$1" > {self.opened}\n')
        browser.chmod(0o700)
        environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
        environment |= {"BROWSER": f"{browser} %s", **more}
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "seinpost", "demo"],
            env=environment, stdout=slave, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        os.close(slave)

    def link(self) -> str:
        """The console's first link, once it is printed."""
        read, deadline = b"", time.monotonic() + DEMO_SECONDS
        while not (found := re.search(rb"http://127\.0\.0\.1:\d+/start\?token=[\w-]{43}", read)):
            assert select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))[0], read[
                -2_000:
            ]
            read += os.read(self._master, 65_536)
        return found[0].decode()

    def end(self) -> int:
        """Ctrl-C, and its status."""
        if self.process.poll() is None:
            self.process.send_signal(signals.SIGINT)
        try:
            return self.process.wait(60)
        finally:
            os.close(self._master)


@pytest.fixture
def demos() -> Iterator[list[Demo]]:
    started: list[Demo] = []
    yield started
    for demo in started:
        if demo.process.poll() is None:
            demo.process.kill()
            demo.process.wait(20)


def test_without_a_display_the_link_is_printed_and_leads_to_a_day_at_work(
    demos: list[Demo], tmp_path: Path, browser: Browser
) -> None:
    demos.append(demo := Demo(tmp_path))
    link = demo.link()
    page = browser.new_context().new_page()
    page.goto(link)
    rows = page.locator(".row:not(.row--gone)")
    expect(rows.first).to_contain_text("OEFENING", timeout=30_000)
    expect(rows.first).to_contain_text("kritiek")
    expect(page.locator(".flag--table").first).to_be_visible()
    page.get_by_role("navigation", name="Snelle filters").get_by_role("link", name="Betwist").click()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("betwist door AIVD")
    page.get_by_role("link", name="Situatiebeeld").click()
    expect(page.get_by_role("region", name="Ingetrokken of vervangen").get_by_role("listitem")).to_have_count(
        2
    )
    assert violations(page) == []
    page.context.close()
    assert not demo.opened.exists()
    assert demo.end() in (0, 130)


def test_with_a_display_a_browser_opens_by_itself_and_no_argument_holds_the_link(
    demos: list[Demo], tmp_path: Path, browser: Browser
) -> None:
    """Who sees the processes of this machine sees the name of a file, which is for its owner only."""
    demos.append(demo := Demo(tmp_path, DISPLAY=":987"))
    link = demo.link()
    deadline = time.monotonic() + 20
    while not demo.opened.exists() or not demo.opened.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    address = demo.opened.read_text()
    assert address.startswith("file:///")
    assert "token" not in address
    file = Path(address.removeprefix("file://"))
    assert file.stat().st_mode & 0o777 == 0o600
    assert link in file.read_text()
    page = browser.new_context().new_page()
    page.goto(address)
    # From the file to the start link, and from there in, with nothing to press.
    expect(page.get_by_role("link", name="Situatiebeeld")).to_be_visible(timeout=30_000)
    assert page.url == f"{link.partition('/start')[0]}/"
    assert not file.exists()
    page.context.close()
    assert demo.end() in (0, 130)
