# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Keys on disk: there when they are needed, sealed, and gone when they are destroyed."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from seinpost._keyring import FILE, HeldPrekey, Keyring
from seinpost_schemas.errors import SetupError

from .trial.enclave import identity

TAFEL, NCSC = identity("tafel-1"), identity("ncsc-1")
SECRETS = b"epoch secrets that nobody else may see"
E = b"e" * 16


@pytest.fixture
def keyring(tmp_path: Path) -> Iterator[Keyring]:
    keyring = Keyring(tmp_path, TAFEL)
    yield keyring
    keyring.close()


def everything_on_disk(path: Path) -> bytes:
    """All files of a state directory, the write-ahead log among them."""
    return b"".join(p.read_bytes() for p in sorted(path.rglob("*")) if p.is_file())


def keep(keyring: Keyring, number: int) -> tuple[bytes, bytes]:
    key, seed = keyring.make_prekey()
    keyring.keep_prekey(HeldPrekey(key.key_id, number, b"statement %d" % number, 0), seed)
    return key.key_id, seed


def test_a_new_keyring_holds_the_identitys_own_key_and_nothing_else(keyring: Keyring) -> None:
    assert keyring.prekeys() == []
    assert keyring.private_key(TAFEL.kem.key_id) is TAFEL.kem
    assert keyring.private_key(NCSC.kem.key_id) is None
    assert keyring.load_epoch(E) is None


def test_what_is_kept_comes_back(tmp_path: Path, keyring: Keyring) -> None:
    (second, _), (first, _) = keep(keyring, 7), keep(keyring, 3)
    keyring.store_epoch(E, "2026q4", SECRETS)
    keyring.close()
    again = Keyring(tmp_path, TAFEL)
    assert [(h.key_id, h.number, h.statement) for h in again.prekeys()] == [
        (first, 3, b"statement 3"),
        (second, 7, b"statement 7"),
    ]
    key = again.private_key(first)
    assert key is not None
    assert key.key_id == first
    assert again.load_epoch(E) == SECRETS
    again.close()


def test_two_keys_are_never_the_same(keyring: Keyring) -> None:
    assert keyring.make_prekey()[0].key_id != keyring.make_prekey()[0].key_id


def test_a_process_that_is_killed_has_kept_its_prekey(tmp_path: Path) -> None:
    code = f"""
import hashlib, os, signal
from pathlib import Path
from seinpost._keyring import HeldPrekey, Keyring
from seinpost.identity import Identity
identity = Identity("tafel", "tafel-1", hashlib.shake_256(b"tafel-1").digest(224))
keyring = Keyring(Path({str(tmp_path)!r}), identity)
key, seed = keyring.make_prekey()
keyring.keep_prekey(HeldPrekey(key.key_id, 1, b"statement", 0), seed)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], timeout=60)
    assert done.returncode == -signal.SIGKILL
    keyring = Keyring(tmp_path, TAFEL)
    (held,) = keyring.prekeys()
    assert keyring.private_key(held.key_id) is not None
    keyring.close()


def test_nothing_on_disk_shows_a_key_or_a_secret(tmp_path: Path, keyring: Keyring) -> None:
    key_id, seed = keep(keyring, 1)
    keyring.store_epoch(E, "2026q4", SECRETS)
    whole = everything_on_disk(tmp_path)
    assert key_id in whole  # the control: this does see what is there
    for secret in (seed, seed[:32], seed[64:], SECRETS, TAFEL.storage_key):
        assert secret not in whole


def test_what_is_destroyed_is_not_on_disk_any_more(tmp_path: Path, keyring: Keyring) -> None:
    """Not even sealed: whoever steals storage key and disk later finds nothing to open."""
    gone, stays = keep(keyring, 1)[0], keep(keyring, 2)[0]
    sealed = bytes(keyring._db.execute("SELECT sealed FROM prekey WHERE number=1").fetchone()[0])
    keyring.store_epoch(E, "2026q3", SECRETS)
    keyring.store_epoch(b"f" * 16, "2026q4", SECRETS)
    old = bytes(keyring._db.execute("SELECT sealed FROM epoch WHERE period='2026q3'").fetchone()[0])
    assert sealed[40:90] in everything_on_disk(tmp_path)
    assert old[40:90] in everything_on_disk(tmp_path)
    keyring.destroy([gone])
    assert keyring.private_key(gone) is None
    assert keyring.private_key(stays) is not None
    assert sealed[40:90] not in everything_on_disk(tmp_path)
    assert keyring.keep_periods(["2026q4", "2027q1"]) == 1
    assert keyring.keep_periods(["2026q4", "2027q1"]) == 0
    assert keyring.load_epoch(E) is None
    assert keyring.load_epoch(b"f" * 16) == SECRETS
    assert old[40:90] not in everything_on_disk(tmp_path)


def test_what_is_destroyed_while_another_process_reads_goes_with_the_next_look(
    tmp_path: Path, keyring: Keyring
) -> None:
    gone = keep(keyring, 1)[0]
    sealed = bytes(keyring._db.execute("SELECT sealed FROM prekey WHERE number=1").fetchone()[0])
    reader = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM prekey").fetchall()
    keyring._db.execute("PRAGMA busy_timeout=50")
    keyring.destroy([gone])
    reader.execute("COMMIT")
    assert sealed[40:90] in everything_on_disk(tmp_path)
    keyring.wipe()
    assert sealed[40:90] not in everything_on_disk(tmp_path)
    reader.close()


def test_what_a_process_that_was_killed_had_destroyed_goes_at_the_next_start(tmp_path: Path) -> None:
    first = Keyring(tmp_path, TAFEL)
    gone = keep(first, 1)[0]
    sealed = bytes(first._db.execute("SELECT sealed FROM prekey WHERE number=1").fetchone()[0])
    first._db.execute("DELETE FROM prekey WHERE key_id=?", (gone,))
    assert sealed[40:90] in everything_on_disk(tmp_path)
    Keyring(tmp_path, TAFEL).close()
    assert sealed[40:90] not in everything_on_disk(tmp_path)
    first.close()


def test_the_file_is_its_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        keyring = Keyring(tmp_path / "s", TAFEL)
        keep(keyring, 1)
    finally:
        os.umask(before)
    files = [p for p in (tmp_path / "s").iterdir() if p.is_file()]
    assert FILE in {p.name for p in files}
    assert {stat.S_IMODE(p.stat().st_mode) for p in files} == {0o600}
    keyring.close()


@pytest.mark.parametrize("at", [0, 30, -1])
@pytest.mark.parametrize("table", ["prekey", "epoch"])
def test_a_changed_byte_is_noticed(keyring: Keyring, table: str, at: int) -> None:
    key_id, _ = keep(keyring, 1)
    keyring.store_epoch(E, "2026q4", SECRETS)
    sealed = bytearray(keyring._db.execute(f"SELECT sealed FROM {table}").fetchone()[0])  # noqa: S608
    sealed[at] ^= 1
    keyring._db.execute(f"UPDATE {table} SET sealed=?", (bytes(sealed),))  # noqa: S608
    with pytest.raises(SetupError, match=r"was changed: remove keys\.db"):
        keyring.private_key(key_id) if table == "prekey" else keyring.load_epoch(E)


def test_a_value_at_another_place_is_noticed(keyring: Keyring) -> None:
    one, two = keep(keyring, 1)[0], keep(keyring, 2)[0]
    keyring._db.execute("UPDATE prekey SET sealed=(SELECT sealed FROM prekey WHERE number=2) WHERE number=1")
    with pytest.raises(SetupError):
        keyring.private_key(one)
    assert keyring.private_key(two) is not None


def test_another_identitys_keyring_is_noticed(tmp_path: Path, keyring: Keyring) -> None:
    key_id, _ = keep(keyring, 1)
    keyring.close()
    other = Keyring(tmp_path, NCSC)
    with pytest.raises(SetupError, match="belongs to another identity"):
        other.private_key(key_id)
    other.close()


def test_one_key_is_kept_once(keyring: Keyring) -> None:
    key, seed = keyring.make_prekey()
    keyring.keep_prekey(HeldPrekey(key.key_id, 1, b"statement", 0), seed)
    with pytest.raises(sqlite3.IntegrityError):
        keyring.keep_prekey(HeldPrekey(key.key_id, 2, b"statement", 0), seed)


def test_a_corrupt_file_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"this is not a database" * 100)
    with pytest.raises(SetupError, match="cannot use"):
        Keyring(tmp_path, TAFEL)


EARLIER = """
CREATE TABLE prekey(key_id BLOB PRIMARY KEY, number INTEGER NOT NULL, sealed BLOB NOT NULL,
    statement BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE epoch(epoch_id BLOB PRIMARY KEY, period TEXT NOT NULL, sealed BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE ended(sender_id BLOB PRIMARY KEY, at_ms INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO prekey VALUES(x'01', 7, x'02', x'03');
INSERT INTO ended VALUES(x'04', 5);
"""


def test_a_file_of_an_earlier_version_is_taken_over(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / FILE)) as database:
        database.executescript(EARLIER)
    for _ in range(2):
        keyring = Keyring(tmp_path, identity("tafel-1"))
        assert keyring.prekeys() == [HeldPrekey(b"\1", 7, b"\3", 0)]
        assert keyring.ended_ms(b"\4", 9) == 5
        keyring.close()
