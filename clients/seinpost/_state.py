# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What an identity keeps on disk: two SQLite files beside their locks.

sending.db: per compartment, the highest seq reserved and the last admitted header. Not secret. A lost file
costs a refused envelope (the broker names the head); it never makes a seq be used twice unnoticed.
reading.db: positions, chain heads, epoch secrets sealed under the storage key, and which signals were
delivered. It is not trusted: a changed or older file can make signals be delivered again, not believed.
No signal is ever stored.
"""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import msgspec
from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag

from seinpost_schemas.errors import SetupError

_CONTEXT = b"seinpost/keyring/v1"


class _Database:
    def __init__(self, path: Path, schema: str, synchronous: str) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute(f"PRAGMA synchronous={synchronous}")
            self._db.executescript(schema)
        except (sqlite3.Error, OSError) as error:
            raise SetupError(f"cannot use {path}: {error}") from None

    def close(self) -> None:
        """Close the file."""
        self._db.close()


class SendingState(_Database):
    """Seqs and heads of this identity's own chains."""

    def __init__(self, directory: Path) -> None:
        # FULL: a reserved seq must survive a power cut, or it could be used twice.
        super().__init__(
            directory / "sending.db",
            "CREATE TABLE IF NOT EXISTS chain"
            "(compartment TEXT PRIMARY KEY, reserved INTEGER NOT NULL, head BLOB NOT NULL);"
            "CREATE TABLE IF NOT EXISTS answers(id INTEGER PRIMARY KEY CHECK(id=1), next_seq INTEGER NOT NULL)",
            "FULL",
        )

    def load(self, compartment: str) -> tuple[int, bytes]:
        """(highest reserved seq, hash of the last admitted header), 0 and zeros at first."""
        row = self._db.execute(
            "SELECT reserved, head FROM chain WHERE compartment=?", (compartment,)
        ).fetchone()
        return (int(row[0]), bytes(row[1])) if row else (0, bytes(32))

    def reserve(self, compartment: str, upto: int) -> None:
        """Store that seqs up to ``upto`` may be used; durable on return."""
        self._db.execute(
            "INSERT INTO chain VALUES(?1, ?2, zeroblob(32)) ON CONFLICT(compartment) DO UPDATE SET reserved=?2",
            (compartment, upto),
        )

    def store_head(self, compartment: str, head: bytes) -> None:
        """Store the last admitted header's hash."""
        self._db.execute("UPDATE chain SET head=? WHERE compartment=?", (head, compartment))

    def answers_from(self) -> int:
        """The next stream sequence of answers to read, from 1."""
        row = self._db.execute("SELECT next_seq FROM answers").fetchone()
        return int(row[0]) if row else 1

    def store_answers_from(self, next_seq: int) -> None:
        """Store where reading answers goes on."""
        self._db.execute("INSERT OR REPLACE INTO answers VALUES(1,?)", (next_seq,))


class Seen(msgspec.Struct, frozen=True):
    """A delivered signal: its party, 16-byte id, and a keyed digest of its content."""

    party: str
    signal_id: bytes
    digest: bytes


class ReadingState(_Database):
    """Positions, feeds, keyring and delivered signals."""

    def __init__(self, directory: Path, storage_key: bytes) -> None:
        super().__init__(
            directory / "reading.db",
            """
            CREATE TABLE IF NOT EXISTS position(stream TEXT PRIMARY KEY, next_seq INTEGER NOT NULL);
            CREATE TABLE IF NOT EXISTS feed(stream TEXT PRIMARY KEY, state BLOB NOT NULL);
            CREATE TABLE IF NOT EXISTS epoch(epoch_id BLOB PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID;
            CREATE TABLE IF NOT EXISTS seen(party TEXT, signal_id BLOB, digest BLOB NOT NULL,
                PRIMARY KEY(party, signal_id)) WITHOUT ROWID;
            CREATE TABLE IF NOT EXISTS audit(origin TEXT PRIMARY KEY, sealed BLOB NOT NULL);
            CREATE TABLE IF NOT EXISTS floor(id INTEGER PRIMARY KEY CHECK(id=1), size INTEGER, root BLOB);
            """,
            "NORMAL",
        )
        self._key = storage_key

    def position(self, stream: str) -> int:
        """The next stream sequence to read, from 1."""
        row = self._db.execute("SELECT next_seq FROM position WHERE stream=?", (stream,)).fetchone()
        return int(row[0]) if row else 1

    def store_position(self, stream: str, next_seq: int) -> None:
        """Store a position that has no feed state beside it."""
        self._db.execute("INSERT OR REPLACE INTO position VALUES(?,?)", (stream, next_seq))

    def load_feed(self, stream: str) -> bytes | None:
        """The feed's state as it was stored with its position; sealed, so a foreign one is noticed."""
        row = self._db.execute("SELECT state FROM feed WHERE stream=?", (stream,)).fetchone()
        return self._open(row[0], b"feed", stream.encode()) if row else None

    def load_audit(self, origin: str) -> bytes | None:
        """What was audited of a log; sealed."""
        row = self._db.execute("SELECT sealed FROM audit WHERE origin=?", (origin,)).fetchone()
        return self._open(row[0], b"audit", origin.encode()) if row else None

    def store_audit(self, origin: str, state: bytes) -> None:
        """Store what was audited of a log."""
        self._db.execute(
            "INSERT OR REPLACE INTO audit VALUES(?,?)", (origin, self._seal(state, b"audit", origin.encode()))
        )

    def commit(self, stream: str, next_seq: int, feed: bytes, seen: Sequence[Seen]) -> None:
        """Position, feed state and delivered signals, together or not at all."""
        with self._db:
            self._db.execute("BEGIN")
            self.store_position(stream, next_seq)
            self._db.execute(
                "INSERT OR REPLACE INTO feed VALUES(?,?)",
                (stream, self._seal(feed, b"feed", stream.encode())),
            )
            self._db.executemany(
                "INSERT OR IGNORE INTO seen VALUES(?,?,?)", [(s.party, s.signal_id, s.digest) for s in seen]
            )

    def seen_digest(self, party: str, signal_id: bytes) -> bytes | None:
        """The digest of a signal that was delivered before."""
        row = self._db.execute(
            "SELECT digest FROM seen WHERE party=? AND signal_id=?", (party, signal_id)
        ).fetchone()
        return bytes(row[0]) if row else None

    def digest(self, sections: Sequence[bytes | None]) -> bytes:
        """A 16-byte keyed digest of a signal's sections; says nothing to who lacks the storage key."""
        mac = hmac.new(self._key, b"seinpost/seen/v1", "sha256")
        for section in sections:
            mac.update(b"\0" if section is None else b"\1" + len(section).to_bytes(4, "big") + section)
        return mac.digest()[:16]

    def forget(self, streams: Sequence[str]) -> None:
        """Start these streams over: deliver everything again."""
        with self._db:
            self._db.execute("BEGIN")
            for stream in streams:
                self._db.execute("DELETE FROM position WHERE stream=?", (stream,))
                self._db.execute("DELETE FROM feed WHERE stream=?", (stream,))
            self._db.execute("DELETE FROM seen")

    def store_epoch(self, epoch_id: bytes, secrets: bytes) -> None:
        """Keep an epoch's secrets, sealed under the storage key."""
        self._db.execute(
            "INSERT OR REPLACE INTO epoch VALUES(?,?)", (epoch_id, self._seal(secrets, b"epoch", epoch_id))
        )

    def load_epoch(self, epoch_id: bytes) -> bytes | None:
        """An epoch's secrets; ``None`` if not held."""
        row = self._db.execute("SELECT sealed FROM epoch WHERE epoch_id=?", (epoch_id,)).fetchone()
        return self._open(row[0], b"epoch", epoch_id) if row else None

    def verify_directory(self, size: int, root: bytes) -> None:
        """Raise ``SetupError`` when the directory at the stored size is not the one confirmed before."""
        row = self._db.execute("SELECT size, root FROM floor").fetchone()
        if row and size == row[0] and root != bytes(row[1]):
            raise SetupError(
                "the directory is not the one that this machine saw before: it was rolled back or forked"
            )

    def store_directory(self, size: int, root: bytes) -> None:
        """Keep the newest confirmed directory; raises ``SetupError`` when it has become shorter."""
        row = self._db.execute("SELECT size FROM floor").fetchone()
        if row and size < row[0]:
            raise SetupError(
                f"the directory has {size} entries where this machine saw {row[0]}: it was rolled back"
            )
        self._db.execute("INSERT OR REPLACE INTO floor VALUES(1,?,?)", (size, root))

    def _seal(self, data: bytes, *place: bytes) -> bytes:
        encryptor = Cobblestone256Encryptor(self._key, b"\0".join((_CONTEXT, *place)))
        return encryptor.update(data) + encryptor.finalize()

    def _open(self, data: object, *place: bytes) -> bytes:
        """A value as it was stored at this very place; ``SetupError`` for any other."""
        decryptor = Cobblestone256Decryptor(self._key, b"\0".join((_CONTEXT, *place)))
        try:
            if not isinstance(data, bytes):
                raise ValueError
            return decryptor.update(data) + decryptor.finalize()
        except (InvalidTag, ValueError):
            raise SetupError(
                "this state directory belongs to another identity or was changed: remove reading.db to start over"
            ) from None
