# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The officials who may use this console: a local file with a number, a role and an Argon2id hash for each.

Names are not here: the number is what the log of views and the table's acts carry.
"""

from __future__ import annotations

import re
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
    """Too many wrong passwords for one number within a minute."""


class Officials:
    """The accounts of one console; none means that nobody is asked to log in."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._accounts = {official.number: official for official in _load(path)}
        self._misses: dict[str, list[float]] = {}
        self._nobody = _HASHER.hash("nobody has this password")

    def __len__(self) -> int:
        return len(self._accounts)

    def add(self, number: str, role: Role, password: str) -> None:
        """Make an account, or give one another role and password; raises ``MalformedError``."""
        if not _NUMBER.fullmatch(number):
            raise MalformedError("an official's number has 1 to 40 letters, digits and hyphens")
        if not MIN_PASSWORD_CHARACTERS <= len(password) <= MAX_PASSWORD_CHARACTERS:
            raise MalformedError(f"a password has at least {MIN_PASSWORD_CHARACTERS} characters")
        self._accounts[number] = Official(number, role, _HASHER.hash(password))
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self._path.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_bytes(msgspec.json.encode(list(self._accounts.values())))
        fresh.replace(self._path)

    def log_in(self, number: str, password: str, now: float) -> Official | None:
        """The official with this number and password; raises ``WaitError`` after too many wrong ones.

        An unknown number takes as long as a wrong password.
        """
        misses = [at for at in self._misses.get(number, []) if now - at < TRIES_SECONDS]
        if len(misses) >= TRIES:
            raise WaitError
        official = self._accounts.get(number)
        try:
            _HASHER.verify(official.hash if official else self._nobody, password[:MAX_PASSWORD_CHARACTERS])
        except (VerificationError, InvalidHashError):
            official = None
        if official is None:
            self._misses = {n: at for n, at in self._misses.items() if now - at[-1] < TRIES_SECONDS}
            self._misses[number] = [*misses, now]
        else:
            self._misses.pop(number, None)
        return official


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
