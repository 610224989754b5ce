# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Accounts: who may log in, how often one may try, and what is on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from seinpost.console.officials import TRIES, TRIES_SECONDS, Officials, WaitError
from seinpost_schemas.errors import MalformedError, SetupError

PASSWORD = "een lang wachtwoord"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "officials.json"


def test_an_account_is_there_after_a_restart_and_its_password_is_not_in_the_file(path: Path) -> None:
    Officials(path).add("2041", "coordinator", PASSWORD)
    officials = Officials(path)
    found = officials.log_in("2041", PASSWORD, 0)
    assert found is not None
    assert (found.number, found.role) == ("2041", "coordinator")
    assert path.stat().st_mode & 0o777 == 0o600
    assert PASSWORD not in path.read_text()
    assert "$argon2id$" in path.read_text()


def test_a_wrong_password_or_number_lets_nobody_in(path: Path) -> None:
    officials = Officials(path)
    officials.add("2041", "reader", PASSWORD)
    assert officials.log_in("2041", PASSWORD + " ", 0) is None
    assert officials.log_in("2042", PASSWORD, 0) is None
    assert officials.log_in("2042", "nobody has this password", 0) is None


def test_after_too_many_tries_even_the_right_password_waits(path: Path) -> None:
    officials = Officials(path)
    officials.add("2041", "reader", PASSWORD)
    for _ in range(TRIES):
        assert officials.log_in("2041", "verkeerd", 1) is None
    with pytest.raises(WaitError):
        officials.log_in("2041", PASSWORD, 1 + TRIES_SECONDS - 1)
    assert officials.log_in("2041", PASSWORD, 1 + TRIES_SECONDS) is not None


@pytest.mark.parametrize(
    ("number", "password"), [("a b", PASSWORD), ("", PASSWORD), ("x" * 41, PASSWORD), ("1", "kort")]
)
def test_what_cannot_be_an_account_is_refused(path: Path, number: str, password: str) -> None:
    with pytest.raises(MalformedError):
        Officials(path).add(number, "reader", password)
    assert not path.exists()


def test_a_file_that_others_can_read_or_that_is_not_one_is_refused(path: Path) -> None:
    Officials(path).add("2041", "reader", PASSWORD)
    path.chmod(0o644)
    with pytest.raises(SetupError, match="0600"):
        Officials(path)
    path.chmod(0o600)
    path.write_text('[{"number": "1", "role": "minister", "hash": ""}]')
    with pytest.raises(SetupError, match="role"):
        Officials(path)
