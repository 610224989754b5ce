# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What this console remembers on disk: what was opened, who opened protected sections, and saved filters.

Nothing of a signal is here, and nothing that tells without the identity's storage key which signals there are.
"""

from __future__ import annotations

import hashlib
import hmac
import sqlite3
from pathlib import Path
from typing import TypeVar

import msgspec
from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag

from seinpost.delivery import Delivery
from seinpost_schemas.errors import SetupError

_CONTEXT = b"seinpost/console/v1"
MAX_FILTERS = 100
MAX_NAME_CHARACTERS = 60
_Sealed = TypeVar("_Sealed", bound=msgspec.Struct)


class ProtectedView(msgspec.Struct, frozen=True, array_like=True):
    """One opening of a protected section."""

    at_ms: int
    official: str
    """The number of the official, or the identity's name where the console has no accounts."""
    signal_id: str
    path: str


class SavedFilter(msgspec.Struct, frozen=True, array_like=True):
    """A view of the queue under a name of its owner's choice."""

    name: str
    link: str
    official: str | None
    indicator: tuple[str, str] | None = None
    """The kind (empty for any) and value of an indicator, which no link holds."""


class IndexSeen(msgspec.Struct, frozen=True, array_like=True):
    """The index as it was at an earlier moment: which building of it, and how many rows."""

    generation: bytes
    rows: int


class Marks:
    """The file ``console.db`` in the identity's state folder."""

    def __init__(self, folder: Path, storage_key: bytes) -> None:
        self._key = storage_key
        self._digest_key = hmac.digest(storage_key, _CONTEXT + b"/digest", "sha256")
        path = folder / "console.db"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.executescript(
                "CREATE TABLE IF NOT EXISTS seen(digest BLOB PRIMARY KEY) WITHOUT ROWID;"
                "CREATE TABLE IF NOT EXISTS views(number INTEGER PRIMARY KEY, sealed BLOB NOT NULL);"
                "CREATE TABLE IF NOT EXISTS index_seen(number INTEGER PRIMARY KEY, sealed BLOB NOT NULL);"
                "CREATE TABLE IF NOT EXISTS filters(number INTEGER PRIMARY KEY AUTOINCREMENT, sealed BLOB)"
            )
        except (sqlite3.Error, OSError) as error:
            raise SetupError(f"cannot use {path}: {error}") from None

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def index_seen(self) -> IndexSeen | None:
        """The index as it was remembered last; ``None`` before the first time."""
        row = self._db.execute("SELECT sealed FROM index_seen WHERE number=1").fetchone()
        return self._unseal(b"index", 1, row[0], IndexSeen) if row else None

    def remember_index(self, seen: IndexSeen) -> None:
        """Remember how far the index has come, to notice one that is put back from before."""
        self._db.execute("INSERT OR REPLACE INTO index_seen VALUES(1,?)", (self._seal(b"index", 1, seen),))

    def is_read(self, delivery: Delivery) -> bool:
        """Whether someone opened it here."""
        row = self._db.execute("SELECT 1 FROM seen WHERE digest=?", (self._digest(delivery),)).fetchone()
        return row is not None

    def mark_read(self, delivery: Delivery) -> None:
        """Remember that it was opened."""
        self._db.execute("INSERT OR IGNORE INTO seen VALUES(?)", (self._digest(delivery),))

    def _digest(self, delivery: Delivery) -> bytes:
        place = delivery.object_hash + delivery.number.to_bytes(4, "big")
        return hmac.new(self._digest_key, place, hashlib.sha256).digest()

    def log_view(self, view: ProtectedView) -> None:
        """Write down who opens a protected section, before it is shown."""
        number = self._db.execute("SELECT COALESCE(MAX(number), 0) + 1 FROM views").fetchone()[0]
        self._db.execute("INSERT INTO views VALUES(?,?)", (number, self._seal(b"view", number, view)))

    def views(self, limit: int = 500) -> list[ProtectedView]:
        """The newest openings; raises ``SetupError`` for a file that was changed."""
        rows = self._db.execute("SELECT number, sealed FROM views ORDER BY number DESC LIMIT ?", (limit,))
        return [self._unseal(b"view", number, sealed, ProtectedView) for number, sealed in rows.fetchall()]

    def save_filter(self, saved: SavedFilter) -> None:
        """Keep a view; the oldest go when there are too many."""
        number = self._db.execute("INSERT INTO filters(sealed) VALUES(NULL)").lastrowid or 0
        self._db.execute(
            "UPDATE filters SET sealed=? WHERE number=?", (self._seal(b"filter", number, saved), number)
        )
        self._db.execute("DELETE FROM filters WHERE number <= ?", (number - MAX_FILTERS,))

    def filters(self, official: str | None) -> list[tuple[int, SavedFilter]]:
        """An official's saved views, by number."""
        rows = self._db.execute("SELECT number, sealed FROM filters ORDER BY number").fetchall()
        found = [(number, self._unseal(b"filter", number, sealed, SavedFilter)) for number, sealed in rows]
        return [(number, saved) for number, saved in found if saved.official == official]

    def forget_filter(self, number: int, official: str | None) -> None:
        """Drop one of one's own."""
        if any(number == own for own, _ in self.filters(official)):
            self._db.execute("DELETE FROM filters WHERE number=?", (number,))

    def _seal(self, kind: bytes, number: int, value: msgspec.Struct) -> bytes:
        encryptor = Cobblestone256Encryptor(self._key, _place(kind, number))
        return encryptor.update(msgspec.msgpack.encode(value)) + encryptor.finalize()

    def _unseal(self, kind: bytes, number: int, sealed: bytes, type_: type[_Sealed]) -> _Sealed:
        decryptor = Cobblestone256Decryptor(self._key, _place(kind, number))
        try:
            return msgspec.msgpack.decode(decryptor.update(sealed) + decryptor.finalize(), type=type_)
        except (InvalidTag, ValueError, msgspec.MsgspecError):
            raise SetupError("console.db belongs to another identity or was changed") from None


def _place(kind: bytes, number: int) -> bytes:
    return _CONTEXT + b"/" + kind + b"/" + number.to_bytes(8, "big")
