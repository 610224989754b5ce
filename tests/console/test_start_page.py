# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The file by which the start link comes to the browser; a real browser goes through it in test_demo_console."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import pytest

from seinpost.console.start_page import StartPage

LINK = "http://127.0.0.1:8443/start?token=geheim-van-deze-start"


@pytest.mark.parametrize("opens", [True, False])
def test_the_link_is_in_a_file_of_its_owner_and_in_no_argument(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opens: bool
) -> None:
    seen: list[tuple[str, int, str]] = []

    def browse(address: str) -> bool:
        file = Path(address.removeprefix("file://"))
        seen.append((address, file.stat().st_mode & 0o777, file.read_text()))
        return opens

    monkeypatch.setattr(webbrowser, "open", browse)
    page = StartPage(tmp_path)
    page.open(LINK)
    ((address, mode, text),) = seen
    assert address.startswith("file:///")
    assert "geheim" not in address
    assert mode == 0o600
    assert LINK in text
    # Nobody comes for it where no browser was started.
    assert bool(list(tmp_path.iterdir())) is opens
    page.remove()
    page.remove()
    assert not list(tmp_path.iterdir())


def test_one_that_a_stopped_console_left_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda _address: True)
    for link in (LINK, LINK.replace("geheim", "nieuw")):
        StartPage(tmp_path).open(link)
    (file,) = tmp_path.iterdir()
    assert "geheim" not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
