# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A SQLite file of an identity: made private, in WAL mode, with its errors in one sentence."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from seinpost_schemas.errors import SetupError


class Database:
    """One file; ``synchronous`` is SQLite's: FULL survives a power cut, NORMAL a crash of this process."""

    def __init__(self, path: Path, schema: str, synchronous: str) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600, exist_ok=True)
            self._path = path
            self._db = self._connect(synchronous)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.executescript(schema)
        except (sqlite3.Error, OSError) as error:
            raise SetupError(f"cannot use {path}: {error}") from None

    def _connect(self, synchronous: str) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None)
        connection.execute(f"PRAGMA synchronous={synchronous}")
        return connection

    def close(self) -> None:
        """Close the file."""
        self._db.close()
