# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The README's pictures are what the console looks like: the same hands take them here."""

from __future__ import annotations

import asyncio
import re
import struct
import zlib
from pathlib import Path

import pytest
from harness.enclave import make_enclave
from playwright.sync_api import Browser
from shooting import PARTIES, SHOTS, SIZE, begin, fill, shoot

pytestmark = [pytest.mark.nats]
ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"


def test_the_day_of_the_demonstration_is_shot_and_looks_like_one(
    browser_before: None, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    enclave = make_enclave(tmp_path / "e", *PARTIES, witnesses=True)
    enclave.start(witnesses=True)
    try:
        asyncio.run(fill(enclave))
        console, link = begin(enclave)
        browser: Browser = request.getfixturevalue("browser")
        folder = tmp_path / "shots"
        folder.mkdir()
        shoot(browser, link, folder)
        assert console.interrupt().status in (0, 130)
    finally:
        enclave.stop()
    assert sorted(path.name for path in folder.iterdir()) == sorted(shot.name for shot in SHOTS)
    for shot in SHOTS:
        width, height, colours = looked_at(folder / shot.name)
        assert (width, height) == (SIZE["width"], SIZE["height"])
        assert colours > 50, shot.name


@pytest.fixture
def browser_before() -> None:
    """The enclave is filled before a browser runs: each wants the event loop for itself."""


def looked_at(path: Path) -> tuple[int, int, int]:
    """Width, height, and how many different values a sample of its bytes has: an empty page has few."""
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", data[16:24])
    chunks, at = b"", 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        if data[at + 4 : at + 8] == b"IDAT":
            chunks += data[at + 8 : at + 8 + length]
        at += length + 12
    return width, height, len(set(zlib.decompress(chunks)))


def test_every_picture_of_the_console_is_in_the_readme_and_in_its_folder() -> None:
    shown = set(re.findall(r"docs/images/(console-[a-z-]+\.png)", (ROOT / "README.md").read_text()))
    assert shown == {shot.name for shot in SHOTS} == {path.name for path in IMAGES.glob("console-*.png")}
