# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A live enclave with a console on it, and Debian's own chromium to look at it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

HERE = Path(__file__).parent
sys.path += [str(HERE), str(HERE.parent / "integration")]

from browsing import CHROMIUM, Stage, Watched, feed  # noqa: E402
from feed_samples import signal  # noqa: E402
from harness.enclave import make_enclave  # noqa: E402

# What goes by broker, server and log before it is on the page; a wait ends as soon as it is there.
expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The console of the table, on a feed with witnesses."""
    enclave = make_enclave(tmp_path_factory.mktemp("console") / "e", witnesses=True)
    enclave.start(witnesses=True)
    made = Stage(enclave)
    try:
        for party, theme, classification, signals in feed():
            made.publish(party, theme, classification, *signals)
        made.take_back("acm", "debate", "ong", signal("Teruggenomen", severity=1))
        made.open().outlive_tests()
        yield made
    finally:
        if made.console is not None:
            made.console.end()
        enclave.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's chromium; nothing is downloaded. Its event loop must be gone before another module's async tests."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def watched(browser: Browser, stage: Stage) -> Iterator[Watched]:
    """A browser of one's own; a violated policy, an error or an outside request fails the test."""
    made = Watched(browser, stage.url)
    yield made
    made.context.close()
    assert made.faults == []


@pytest.fixture
def page(stage: Stage, watched: Watched) -> Page:
    """A page that is in."""
    return stage.enter(watched.page())
