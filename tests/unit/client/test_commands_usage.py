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


@pytest.mark.parametrize(
    "words",
    [
        ("console", "--port", "99999"),
        ("console", "--port", "-1"),
        ("watch", "--idle", "nan"),
        ("watch", "--idle", "inf"),
        ("watch", "--idle", "-3"),
        ("watch", "--count", "0"),
    ],
)
def test_a_number_that_cannot_be_is_refused(refused: Refused, words: tuple[str, ...]) -> None:
    said = refused(*words, "--config", "none.toml")
    assert "Invalid value" in said
    assert f"for {words[1]}. Must be" in said


@pytest.mark.parametrize("moment", ["2099-01-01T00:00:00Z", "1960-01-01T00:00:00Z", "2026-01-01T00:00:00"])
def test_an_identity_is_not_suspect_from_the_future_on(refused: Refused, moment: str) -> None:
    said = refused("revoke", "--config", "none.toml", "--yes", "--suspect-from", moment)
    assert "--suspect-from" in said
    assert "nothing was revoked" in said


@pytest.mark.parametrize(
    "words",
    [
        ("watch", "--lang", "fr"),
        ("receipts", "--lang", "fr"),
        ("console", "--lang", "fr"),
        ("situation", "beeld.pdf", "--lang", "fr"),
        ("receipts", "--limit", "0"),
        ("official", "2041", "--role", "boss"),
        ("situation", "beeld.pdf", "--first", "2026-13-01"),
        ("situation", "beeld.pdf", "--last", "gisteren"),
    ],
)
def test_a_word_that_is_no_choice_is_wrong_usage(refused: Refused, words: tuple[str, ...]) -> None:
    assert "Invalid value" in refused(*words, "--config", "none.toml")


def test_the_register_is_shown_in_no_other_language(refused: Refused) -> None:
    assert 'Invalid value "fr"' in refused("register", "show", "none.note", "--lang", "fr")
