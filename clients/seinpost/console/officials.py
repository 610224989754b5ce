# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The officials who may use this console: a local file with a number, a role and an Argon2id hash for each.

Names are not here: the number is what the log of views and the table's acts carry.
"""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from msgspec import Meta

from seinpost_schemas.errors import MalformedError, SetupError

MIN_PASSWORD_CHARACTERS = 12
MAX_PASSWORD_CHARACTERS = 1_000
TRIES = 5
TRIES_SECONDS = 60.0
Role = Literal["reader", "coordinator"]
_NUMBER = re.compile(r"[A-Za-z0-9-]{1,40}")
_HASHER = PasswordHasher()


class Official(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One account."""

    number: Annotated[str, Meta(pattern=r"^[A-Za-z0-9-]{1,40}$(?!\n)")]
    role: Role
    hash: Annotated[str, Meta(max_length=500)]


class WaitError(Exception):
    """Too many tries for one number within a minute, of which none was right."""


class Officials:
    """The accounts of one console; none at its start means that nobody is asked to log in.

    The file is read again whenever it has changed. Once there were accounts, a file that is gone, empty or
    unreadable lets nobody in: it never opens the console.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = _stamp(path)
        self._accounts = {official.number: official for official in _load(path)}
        self._asked = bool(self._accounts)
        # When each number was tried, until it is right; a try counts from its beginning on.
        self._misses: dict[str, list[float]] = {}
        self._counting = threading.Lock()
        self._nobody = _HASHER.hash("nobody has this password")

    def __len__(self) -> int:
        return len(self._accounts)

    @property
    def asked(self) -> bool:
        """Whether one has to log in."""
        self._refresh()
        return self._asked

    @property
    def accounts(self) -> list[Official]:
        """Everyone who has an account, by number."""
        self._refresh()
        return sorted(self._accounts.values(), key=lambda official: official.number)

    def is_current(self, official: Official) -> bool:
        """Whether an account is still exactly what it was: not removed, nor with another role or password."""
        self._refresh()
        return self._accounts.get(official.number) == official

    def _refresh(self) -> None:
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        try:
            self._accounts = {official.number: official for official in _load(self._path)}
        except SetupError:
            self._accounts = {}
        self._stamp = stamp
        self._asked = self._asked or bool(self._accounts)

    def add(self, number: str, role: Role, password: str) -> None:
        """Make an account, or give one another role and password; raises ``MalformedError``."""
        if not _NUMBER.fullmatch(number):
            raise MalformedError("an official's number has 1 to 40 letters, digits and hyphens")
        if not MIN_PASSWORD_CHARACTERS <= len(password) <= MAX_PASSWORD_CHARACTERS:
            raise MalformedError(f"a password has at least {MIN_PASSWORD_CHARACTERS} characters")
        self._accounts[number] = Official(number, role, _HASHER.hash(password))
        self._store()

    def remove(self, number: str) -> None:
        """End an account, and every session of it within a request; raises ``MalformedError``.

        Not the last one: without accounts the console asks nobody who they are.
        """
        if number not in self._accounts:
            raise MalformedError(f"there is no account {number[:40]}")
        if len(self._accounts) == 1:
            raise MalformedError(
                f"{number} is the last account, and without any nobody is asked to log in: "
                f"make another first, or remove {self._path.name} yourself"
            )
        del self._accounts[number]
        self._store()

    def _store(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self._path.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_bytes(msgspec.json.encode(list(self._accounts.values())))
        fresh.replace(self._path)

    def log_in(self, number: str, password: str, now: float) -> Official | None:
        """The official with this number and password; raises ``WaitError`` after too many wrong ones.

        An unknown number takes as long as a wrong password. Called from several threads at once.
        """
        self._refresh()
        self._count_try(number, now)
        official = self._accounts.get(number)
        try:
            _HASHER.verify(official.hash if official else self._nobody, password[:MAX_PASSWORD_CHARACTERS])
        except (VerificationError, InvalidHashError):
            official = None
        if official is not None:
            with self._counting:
                self._misses.pop(number, None)
        return official

    def _count_try(self, number: str, now: float) -> None:
        """Before the password is looked at, which takes long: tries that come meanwhile are counted too."""
        with self._counting:
            tries = [at for at in self._misses.get(number, []) if now - at < TRIES_SECONDS]
            if len(tries) >= TRIES:
                raise WaitError
            self._misses = {n: at for n, at in self._misses.items() if now - at[-1] < TRIES_SECONDS}
            self._misses[number] = [*tries, now]


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What changes with every writing of the file; ``None`` while there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _load(path: Path) -> list[Official]:
    try:
        if path.exists() and path.stat().st_mode & 0o077:
            raise SetupError(f"{path} must be readable by its owner only (mode 0600)")
        return msgspec.json.decode(path.read_bytes(), type=list[Official])
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SetupError(f"cannot read {path}: {error.strerror}") from None
    except msgspec.MsgspecError as error:
        raise SetupError(f"{path}: {error}") from None
