# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Accounts: who may log in, how often one may try, and what is on disk."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
from starlette.responses import Response

from seinpost.console.login import LoginPage
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


def test_tries_at_one_time_are_counted_like_those_one_after_another(path: Path) -> None:
    """None has been found wrong yet when the last one begins: a password is long looked at."""
    officials = Officials(path)
    officials.add("2041", "reader", PASSWORD)
    begun = threading.Barrier(4 * TRIES)

    def looked_at(n: int) -> bool:
        begun.wait(30)
        try:
            assert officials.log_in("2041", f"geraden wachtwoord {n}", 1) is None
        except WaitError:
            return False
        return True

    with ThreadPoolExecutor(begun.parties) as pool:
        assert list(pool.map(looked_at, range(begun.parties))).count(True) == TRIES
    with pytest.raises(WaitError):
        officials.log_in("2041", PASSWORD, 1)


def test_who_is_in_has_all_tries_again(path: Path) -> None:
    officials = Officials(path)
    officials.add("2041", "reader", PASSWORD)
    for _ in range(3):
        for _ in range(TRIES - 1):
            assert officials.log_in("2041", "verkeerd", 1) is None
        assert officials.log_in("2041", PASSWORD, 1) is not None


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


def test_an_account_that_is_removed_or_changed_is_not_what_it_was(path: Path) -> None:
    officials = Officials(path)
    for number in ("2041", "2042", "2043"):
        officials.add(number, "coordinator", PASSWORD)
    held = {official.number: official for official in officials.accounts}
    other = Officials(path)
    other.remove("2042")
    other.add("2043", "reader", PASSWORD)
    assert officials.is_current(held["2041"])
    assert not officials.is_current(held["2042"])
    assert not officials.is_current(held["2043"])
    assert officials.log_in("2042", PASSWORD, 0) is None
    assert [official.number for official in officials.accounts] == ["2041", "2043"]


def test_accounts_that_are_made_while_it_runs_are_asked_for(path: Path) -> None:
    officials = Officials(path)
    assert not officials.asked
    Officials(path).add("2041", "reader", PASSWORD)
    assert officials.asked
    assert officials.log_in("2041", PASSWORD, 0) is not None


@pytest.mark.parametrize("harm", ["gone", "emptied", "garbled", "readable"])
def test_what_happens_to_the_file_never_opens_the_console(path: Path, harm: str) -> None:
    Officials(path).add("2041", "reader", PASSWORD)
    officials = Officials(path)
    if harm == "gone":
        path.unlink()
    elif harm == "readable":
        path.write_text(path.read_text() + "\n")
        path.chmod(0o644)
    else:
        path.write_text("[]" if harm == "emptied" else "not an account")
    assert officials.asked
    assert officials.accounts == []
    assert officials.log_in("2041", PASSWORD, 0) is None


def test_the_last_account_and_one_that_is_not_there_are_not_removed(path: Path) -> None:
    officials = Officials(path)
    officials.add("2041", "reader", PASSWORD)
    with pytest.raises(MalformedError, match="last account"):
        officials.remove("2041")
    with pytest.raises(MalformedError, match="no account"):
        officials.remove("2042")
    assert Officials(path).log_in("2041", PASSWORD, 0) is not None


class _Slow:
    """Officials whose passwords take long to look at; counts how many are looked at together."""

    def __init__(self) -> None:
        self.together = self.most = 0
        self._counting = threading.Lock()

    def log_in(self, _number: str, _password: str, _now: float) -> None:
        with self._counting:
            self.together += 1
            self.most = max(self.most, self.together)
        time.sleep(0.02)
        with self._counting:
            self.together -= 1


async def test_one_password_at_a_time_is_looked_at() -> None:
    """Each takes 64 MiB: under many made-up numbers, many would fill the machine."""
    slow = _Slow()
    page = LoginPage(slow, None, "cookie", lambda *_: Response())  # type: ignore[arg-type]
    state = SimpleNamespace(form={"number": "1", "password": "x"}, session=None)
    request = SimpleNamespace(state=state)
    await asyncio.gather(*(page.take(request) for _ in range(8)))  # type: ignore[arg-type]
    assert slow.most == 1
