# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The book of names: what this console calls the officials behind the numbers. Sealed, on this machine only.

The log, the register and every other console know numbers. Nothing here leaves this process.
"""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from seinpost._storage_seal import StorageSeal
from seinpost_schemas.errors import MalformedError, SetupError

MAX_NAME_CHARACTERS = 80
MAX_PEOPLE = 1_000
_FILE = "people.sealed"
_NUMBER = re.compile(r"[A-Za-z0-9-]{1,40}")


class People:
    """Names by number, in one file of the identity's state folder."""

    def __init__(self, folder: Path, storage_key: bytes) -> None:
        self._path = folder / _FILE
        self._seal = StorageSeal(storage_key, _FILE)
        self._names = self._load()

    @property
    def names(self) -> dict[str, str]:
        """The names by number; a number without one is not in it."""
        return {number: name for number, name in self._names.items() if name}

    @property
    def numbers(self) -> list[str]:
        """Every number that was put into the book."""
        return sorted(self._names)

    def put(self, number: str, name: str) -> None:
        """Call a number something; raises ``MalformedError`` for what is no number, or a book that is full."""
        if not _NUMBER.fullmatch(number):
            raise MalformedError("an official's number has 1 to 40 letters, digits and hyphens")
        if number not in self._names and len(self._names) >= MAX_PEOPLE:
            raise MalformedError(f"the book of names holds {MAX_PEOPLE} at most")
        self._names[number] = " ".join(name.split())[:MAX_NAME_CHARACTERS]
        self._store()

    def drop(self, number: str) -> None:
        """Forget a number and its name."""
        if self._names.pop(number, None) is not None:
            self._store()

    def _store(self) -> None:
        sealed = self._seal.seal(msgspec.msgpack.encode(self._names), b"people")
        fresh = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            fresh.touch(mode=0o600)
            fresh.write_bytes(sealed)
            fresh.replace(self._path)
        except OSError as error:
            raise SetupError(f"cannot write {self._path}: {error.strerror}") from None

    def _load(self) -> dict[str, str]:
        try:
            sealed = self._path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise SetupError(f"cannot read {self._path}: {error.strerror}") from None
        try:
            return msgspec.msgpack.decode(self._seal.open(sealed, b"people"), type=dict[str, str])
        except msgspec.MsgspecError:
            raise SetupError(f"{self._path} was changed: remove it to start over") from None
