# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Arguments that cannot be meant: one line and exit status 2, before anything is read, made or sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from seinpost.cli import main

pytestmark = pytest.mark.filterwarnings("ignore:Cyclopts application invoked")


class Refused:
    """Runs `seinpost` with words that it must refuse."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capfd = capfd

    def __call__(self, *words: str) -> str:
        """Its only line on standard error."""
        self._monkeypatch.setattr("sys.argv", ["seinpost", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = self._capfd.readouterr()
        assert (ended.value.code, out) == (2, ""), err
        (line,) = err.splitlines()
        return line


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Refused:
    return Refused(monkeypatch, capfd)


@pytest.mark.parametrize("more", [(), ("--json",)])
@pytest.mark.parametrize("name", ["nothing", "file"])
def test_no_export_is_no_verdict(refused: Refused, tmp_path: Path, name: str, more: tuple[str, ...]) -> None:
    (tmp_path / "file").write_bytes(b"no folder")
    line = refused("audit", "verify", str(tmp_path / name), "--enclave", "0" * 32, *more)
    assert f"there is no export at {tmp_path / name}" in line
