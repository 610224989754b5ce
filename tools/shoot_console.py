# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Writes the README's pictures of the console, docs/images/console-*.png, as ``tests/console`` takes them."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "docs" / "images"
sys.path += [str(ROOT / "tests" / "console"), str(ROOT / "tests" / "integration")]

from browsing import CHROMIUM  # noqa: E402
from harness.enclave import Running, make_enclave  # noqa: E402
from shooting import PARTIES, begin, fill, shoot  # noqa: E402


def main() -> int:
    """Make an enclave, publish, serve, shoot."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="seinpost-shoot-") as temporary:
        enclave = make_enclave(Path(temporary) / "e", *PARTIES, witnesses=True)
        enclave.start(witnesses=True)
        try:
            asyncio.run(fill(enclave))
            _, link = begin(enclave)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
                shoot(browser, link, folder)
                browser.close()
        finally:
            Running.end_all()
            enclave.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
