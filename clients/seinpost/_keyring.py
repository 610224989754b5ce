# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What opens an identity's past: keys.db, sealed under its storage key.

KEM prekeys, each until it is destroyed, and the secrets of the epochs that they opened, each until its period
is no longer retained. Every process of the identity shares it. What is destroyed is overwritten in the file;
whether the disk below keeps old blocks, or a backup was made, is beyond this program.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path

import msgspec

from seinpost_schemas.statements import decode_prekey

from ._database import Database
from ._storage_seal import StorageSeal
from .identity import Identity
from .kem import SEED_BYTES, KemPrivateKey

FILE = "keys.db"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS prekey(key_id BLOB PRIMARY KEY, number INTEGER NOT NULL, sealed BLOB NOT NULL,
    statement BLOB NOT NULL, made_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS epoch(epoch_id BLOB PRIMARY KEY, period TEXT NOT NULL, sealed BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS epoch_period ON epoch(period);
CREATE TABLE IF NOT EXISTS ended(id BLOB PRIMARY KEY, at_ms INTEGER NOT NULL) WITHOUT ROWID;
"""


class HeldPrekey(msgspec.Struct, frozen=True):
    """A prekey whose private half is here; ``statement`` is what the directory is to log of it.

    ``made_ms`` is this machine's own time, Unix milliseconds.
    """

    key_id: bytes
    number: int
    statement: bytes
    made_ms: int


class Keyring(Database):
    """One identity, its prekeys and epoch secrets."""

    def __init__(self, directory: Path, identity: Identity) -> None:
        # FULL: a prekey that others seal to must survive a power cut.
        super().__init__(directory / FILE, _SCHEMA, "FULL")
        self._take_over()
        self._db.execute("PRAGMA secure_delete=ON")
        self._seal = StorageSeal(identity.storage_key, FILE)
        self.identity = identity
        # What an earlier process deleted may still be in its write-ahead log.
        self._wiped = False
        self.wipe()

    def _take_over(self) -> None:
        """Take over a file of an earlier version; a key of an unknown time counts as old, and is followed at once."""
        if "made_ms" not in self._columns("prekey"):
            self._db.execute("ALTER TABLE prekey ADD COLUMN made_ms INTEGER NOT NULL DEFAULT 0")
        if "sender_id" in self._columns("ended"):
            self._db.execute("ALTER TABLE ended RENAME COLUMN sender_id TO id")

    def _columns(self, table: str) -> set[str]:
        return {str(row[1]) for row in self._db.execute(f"PRAGMA table_info({table})")}

    # -- prekeys ----------------------------------------------------------------------------------

    def make_prekey(self) -> tuple[KemPrivateKey, bytes]:
        """A new key, not kept yet, and its 96-byte seed."""
        seed = os.urandom(SEED_BYTES)
        return KemPrivateKey(seed), seed

    def keep_prekey(self, held: HeldPrekey, seed: bytes) -> None:
        """Keep a prekey; durable on return: only then may its statement leave this machine."""
        self._db.execute(
            "INSERT INTO prekey VALUES(?,?,?,?,?)",
            (
                held.key_id,
                held.number,
                self._seal.seal(seed, b"prekey", held.key_id),
                held.statement,
                held.made_ms,
            ),
        )

    def prekeys(self) -> list[HeldPrekey]:
        """Those of this identity that are here, lowest number first."""
        return self._prekeys_of(self.identity.sender_id)

    def past_prekeys(self) -> list[tuple[bytes, list[HeldPrekey]]]:
        """Those of each identity that this one succeeds, by its 16-byte sender_id."""
        return [(p.sender_id, self._prekeys_of(p.sender_id)) for p in self.identity.predecessors]

    def _prekeys_of(self, sender_id: bytes) -> list[HeldPrekey]:
        rows = self._db.execute(
            "SELECT key_id, number, statement, made_ms FROM prekey ORDER BY number"
        ).fetchall()
        if self.identity.predecessors:
            rows = [r for r in rows if decode_prekey(r[2]).sender_id == sender_id]
        return [HeldPrekey(*row) for row in rows]

    def ended_ms(self, id_: bytes, at_ms: int) -> int:
        """When a key gave way, or an identity was not in force any more: the time given with the first question."""
        self._db.execute("INSERT OR IGNORE INTO ended VALUES(?,?)", (id_, at_ms))
        row = self._db.execute("SELECT at_ms FROM ended WHERE id=?", (id_,)).fetchone()
        return int(row[0])

    def private_key(self, key_id: bytes) -> KemPrivateKey | None:
        """The private half of a KEM key of this identity, or of one that it succeeds.

        ``None`` once destroyed, or if it never was here.
        """
        for key in (self.identity.kem, *(p.kem for p in self.identity.predecessors)):
            if key_id == key.key_id:
                return key
        row = self._db.execute("SELECT sealed FROM prekey WHERE key_id=?", (key_id,)).fetchone()
        return KemPrivateKey(self._seal.open(row[0], b"prekey", key_id)) if row else None

    def destroy(self, key_ids: Iterable[bytes]) -> None:
        """Forget private halves for good."""
        self._db.executemany("DELETE FROM prekey WHERE key_id=?", [(k,) for k in key_ids])
        self._wiped = False
        self.wipe()

    # -- epochs -----------------------------------------------------------------------------------

    def store_epoch(self, epoch_id: bytes, period: str, secrets: bytes) -> None:
        """Keep the secrets of an epoch of one period."""
        self._db.execute(
            "INSERT OR REPLACE INTO epoch VALUES(?,?,?)",
            (epoch_id, period, self._seal.seal(secrets, b"epoch", epoch_id)),
        )

    def load_epoch(self, epoch_id: bytes) -> bytes | None:
        """An epoch's secrets; ``None`` if not held."""
        row = self._db.execute("SELECT sealed FROM epoch WHERE epoch_id=?", (epoch_id,)).fetchone()
        return self._seal.open(row[0], b"epoch", epoch_id) if row else None

    def keep_periods(self, periods: Collection[str]) -> int:
        """Forget the secrets of all other periods for good; how many epochs that were."""
        held = {str(row[0]) for row in self._db.execute("SELECT DISTINCT period FROM epoch")}
        gone = [(p,) for p in held.difference(periods)]
        if not gone:
            return 0
        count = self._db.executemany("DELETE FROM epoch WHERE period=?", gone).rowcount
        self._wiped = False
        self.wipe()
        return count

    def wipe(self) -> None:
        """Let no copy of what was deleted stay in the file; to be called again, as others may be reading it just now.

        Deleted rows are zeroed in their pages; the write-ahead log must not keep the pages as they were.
        """
        if not self._wiped:
            busy, *_ = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            self._wiped = not busy
