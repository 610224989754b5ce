# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What a witness has seen of every log, on disk before it signs anything on it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from seinpost_schemas.errors import SetupError
from seinpost_schemas.trusted_log import Position

_SCHEMA = """
CREATE TABLE IF NOT EXISTS log (
    origin TEXT PRIMARY KEY,
    tree_size INTEGER NOT NULL CHECK (tree_size >= 0),
    root_hash BLOB NOT NULL CHECK (length(root_hash) = 32)
) STRICT;
CREATE TABLE IF NOT EXISTS doubt (
    origin TEXT PRIMARY KEY,
    tree_size INTEGER NOT NULL,
    root_hash BLOB NOT NULL
) STRICT
"""


class WitnessState:
    """One file per witness; a store returns when it is on disk (``synchronous = EXTRA``)."""

    def __init__(self, folder: Path) -> None:
        path = folder / "witness.db"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.execute("PRAGMA journal_mode = DELETE")
            self._db.execute("PRAGMA synchronous = EXTRA")
            self._db.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise SetupError(f"cannot use the witness's state {path}: {error}") from None

    def load(self, origin: str) -> Position:
        """The newest position stored, or the empty one."""
        row = self._db.execute("SELECT tree_size, root_hash FROM log WHERE origin = ?", (origin,)).fetchone()
        return Position(*row) if row else Position()

    def store(self, origin: str, position: Position) -> None:
        """Move forward; a smaller size than the one stored changes nothing and raises ``SetupError``."""
        changed = self._db.execute(
            "INSERT INTO log VALUES (?, ?, ?) ON CONFLICT (origin) DO UPDATE SET "
            "tree_size = excluded.tree_size, root_hash = excluded.root_hash "
            "WHERE excluded.tree_size > tree_size "
            "OR (excluded.tree_size = tree_size AND excluded.root_hash = root_hash)",
            (origin, position.tree_size, position.root_hash),
        ).rowcount
        if changed != 1:
            raise SetupError(f"the witness's state of {origin} would go back: is a copy of it running?")

    def doubt(self, origin: str, said: Position) -> None:
        """Remember that this witness said more of a log than it knows, until it is resumed."""
        self._db.execute(
            "INSERT INTO doubt VALUES (?, ?, ?) ON CONFLICT (origin) DO UPDATE SET tree_size = excluded.tree_size, "
            "root_hash = excluded.root_hash WHERE excluded.tree_size > tree_size",
            (origin, said.tree_size, said.root_hash),
        )

    def doubted(self, origin: str) -> Position | None:
        """What it said, of a log that is in doubt."""
        row = self._db.execute(
            "SELECT tree_size, root_hash FROM doubt WHERE origin = ?", (origin,)
        ).fetchone()
        return Position(*row) if row else None

    def resume(self, origin: str, said: Position) -> None:
        """Take up what it said; raises ``SetupError`` when that goes back, as with two roots of one size."""
        self.store(origin, said)
        self._db.execute("DELETE FROM doubt WHERE origin = ?", (origin,))

    def close(self) -> None:
        """Close the file."""
        self._db.close()
