# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What an identity keeps on disk of its reading: reading.db.

Positions, chain heads, which signals were delivered, and what the log says of them; what opens them is in keys.db.
It is not trusted: a changed or older file can make signals be delivered again, not believed. No signal is ever
stored.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from seinpost_schemas.errors import SetupError
from seinpost_schemas.kinds import Kind

from ._database import Database
from ._heard_receipts import SCHEMA as HEARD
from ._heard_receipts import HeardReceipts, LastReceipt, ReceiptRow
from ._reading_mark import ReadingMark
from ._storage_seal import StorageSeal
from ._trusted_feed import PastEpoch

READING = "reading.db"
_MARK_SECONDS = 5.0
_DIRECTORY = "DIRECTORY"
MAX_COUNTED = 10_000
"""Envelopes that a reader is said to be behind."""
_IS_SIGNALS = f"kind={int(Kind.SIGNALS)}"
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS position(stream TEXT PRIMARY KEY, next_seq INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS feed(stream TEXT PRIMARY KEY, state BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS seen(party TEXT, signal_id BLOB, digest BLOB NOT NULL,
    PRIMARY KEY(party, signal_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS audit(origin TEXT PRIMARY KEY, sealed BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS floor(id INTEGER PRIMARY KEY CHECK(id=1), size INTEGER, root BLOB);
CREATE TABLE IF NOT EXISTS entry(stream TEXT, log_index INTEGER, leaf BLOB, object_hash BLOB, sender_id BLOB,
    kind INTEGER, count INTEGER, PRIMARY KEY(stream, log_index)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS signals_entry ON entry(stream, log_index) WHERE {_IS_SIGNALS};
CREATE TABLE IF NOT EXISTS place(signal_id BLOB, party TEXT, stream TEXT, log_index INTEGER, number INTEGER,
    epoch_id BLOB, PRIMARY KEY(signal_id, party)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS past_epoch(stream TEXT, epoch_id BLOB, sender_id BLOB, origin TEXT, audience INTEGER,
    log_index INTEGER, directory_size INTEGER, admitted_ms INTEGER, commitment BLOB, protected_commitment BLOB,
    PRIMARY KEY(stream, epoch_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS given(epoch_id BLOB, reader BLOB, PRIMARY KEY(epoch_id, reader)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS recall(stream TEXT, log_index INTEGER, signal_id BLOB, reason INTEGER,
    admitted_ms INTEGER, PRIMARY KEY(stream, log_index, signal_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS owed(stream TEXT, log_index INTEGER, first_signal INTEGER, last_signal INTEGER,
    state INTEGER, PRIMARY KEY(stream, log_index, first_signal, state)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS claimed(stream TEXT PRIMARY KEY, tree_size INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS delivered(stream TEXT PRIMARY KEY, log_index INTEGER NOT NULL);
"""


_AT_ONCE = 256
"""Ids in one query; SQLite's own limit is 32,766."""


class Seen(msgspec.Struct, frozen=True):
    """A delivered signal: its party, 16-byte id, and a keyed digest of its content."""

    party: str
    signal_id: bytes
    digest: bytes


class EntryRow(msgspec.Struct, frozen=True):
    """One verified log entry: its leaf hash, envelope, sender, kind and number of signals."""

    index: int
    leaf: bytes
    object_hash: bytes
    sender_id: bytes
    kind: int
    count: int


class Place(msgspec.Struct, frozen=True):
    """Where an opened signal is: its envelope's log index, its number within it, and the epoch it came in."""

    signal_id: bytes
    party: str
    stream: str
    index: int
    number: int
    epoch_id: bytes


class RecallRow(msgspec.Struct, frozen=True):
    """A signal that its originator took back."""

    stream: str
    index: int
    signal_id: bytes
    reason: int
    admitted_ms: int


class Owed(msgspec.Struct, frozen=True):
    """What we have still to say of signals ``first`` to ``last`` of one entry, in a receipt."""

    index: int
    first: int
    last: int
    state: int


class Given(msgspec.Struct, frozen=True):
    """A past epoch was shared with an identity, by its 16-byte sender_id."""

    epoch_id: bytes
    reader: bytes


class Facts(msgspec.Struct, frozen=True):
    """What one log entry says beside its content; stored together with the position after it."""

    entry: EntryRow | None = None
    places: tuple[Place, ...] = ()
    receipts: tuple[ReceiptRow, ...] = ()
    recall: RecallRow | None = None
    epoch: PastEpoch | None = None
    given: tuple[Given, ...] = ()


class ReadingState(Database):
    """Positions, feeds and delivered signals."""

    def __init__(
        self,
        directory: Path,
        storage_key: bytes,
        name: str = READING,
        *,
        marked: bool = True,
        tells_receipts: bool = True,
    ) -> None:
        # Whoever notices by itself that its file was put back keeps no mark beside it.
        mark = ReadingMark(directory / f"{name}.mark", StorageSeal(storage_key, f"{name}.mark"))
        self._mark = mark if marked else None
        self._unmarked: dict[str, int] = {}
        self._marked_at = time.monotonic()
        super().__init__(
            directory / name,
            _SCHEMA + HEARD,
            "NORMAL",
        )
        self._heard = HeardReceipts(self._db)
        self._heard.take_over()
        self.tells_receipts = tells_receipts
        """Whether what this identity says in receipts is remembered here: not where it only looks things up."""
        self._key = storage_key
        self._seal = StorageSeal(storage_key, name)

    def put_back(self, stream: str) -> int | None:
        """How many entries of a log were read once, when this database knows of fewer; ``None`` when it knows all."""
        marked = self._marked().get(stream, 0)
        return marked if marked > self.position(stream) - 1 else None

    def _marked(self) -> dict[str, int]:
        return self._mark.load() if self._mark is not None else {}

    def _mark_read(self, stream: str, next_seq: int) -> None:
        self._unmarked[stream] = next_seq - 1
        if time.monotonic() - self._marked_at > _MARK_SECONDS:
            self._store_mark()

    def _store_mark(self) -> None:
        """Everything marked is on the disk before the mark is: a power cut must not look like a state put back."""
        if not self._unmarked or self._mark is None:
            return
        (busy, _, _) = self._db.execute("PRAGMA wal_checkpoint(FULL)").fetchone()
        if busy:
            return
        marked = self._mark.load()
        read = {s: max(n, marked.get(s, 0)) for s, n in self._unmarked.items()}
        self._mark.store(marked | read)
        self._unmarked, self._marked_at = {}, time.monotonic()

    def close(self) -> None:
        """Close the file, with how far was read beside it."""
        self._store_mark()
        super().close()

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
        return self._seal.open(row[0], b"feed", stream.encode()) if row else None

    def load_audit(self, origin: str) -> bytes | None:
        """What was audited of a log; sealed."""
        row = self._db.execute("SELECT sealed FROM audit WHERE origin=?", (origin,)).fetchone()
        return self._seal.open(row[0], b"audit", origin.encode()) if row else None

    def store_audit(self, origin: str, state: bytes) -> None:
        """Store what was audited of a log."""
        self._db.execute(
            "INSERT OR REPLACE INTO audit VALUES(?,?)",
            (origin, self._seal.seal(state, b"audit", origin.encode())),
        )

    def commit(
        self,
        stream: str,
        next_seq: int,
        feed: bytes,
        seen: Sequence[Seen],
        facts: Facts = Facts(),  # noqa: B008 - frozen
        owed: Sequence[Owed] = (),
    ) -> None:
        """Position, feed state, delivered signals and what is said of them: together or not at all."""
        with self._db:
            self._db.execute("BEGIN")
            self.store_position(stream, next_seq)
            self._db.execute(
                "INSERT OR REPLACE INTO feed VALUES(?,?)",
                (stream, self._seal.seal(feed, b"feed", stream.encode())),
            )
            fresh = self._see(seen)
            said = self._store_facts(stream, facts)
            self._owe(stream, owed)
            self._commit_more({stream: next_seq}, fresh)
        self._committed(said)
        self._mark_read(stream, next_seq)

    def _commit_more(self, positions: dict[str, int], fresh: int) -> None:
        """For a reader that stores more of its own in the same transaction.

        ``positions`` are those that it stores, ``fresh`` the deliveries that it is the first to know of.
        """

    def _committed(self, said: Sequence[ReceiptRow]) -> None:
        """For such a reader: the transaction is in the file, and what receipts in it said for the first time."""

    def commit_late(self, stream: str, seen: Sequence[Seen], facts: Facts, owed: Sequence[Owed]) -> None:
        """As ``commit``, for what was opened long after it was read: the position stays."""
        with self._db:
            self._db.execute("BEGIN")
            fresh = self._see(seen)
            said = self._store_facts(stream, facts)
            self._owe(stream, owed)
            self._commit_more({}, fresh)
        self._committed(said)

    def _see(self, seen: Sequence[Seen]) -> int:
        """How many were not known yet."""
        rows = [(s.party, s.signal_id, s.digest) for s in seen]
        return max(0, self._db.executemany("INSERT OR IGNORE INTO seen VALUES(?,?,?)", rows).rowcount)

    def _store_facts(self, stream: str, facts: Facts) -> list[ReceiptRow]:
        """What its receipts say that was not said before."""
        astuple = msgspec.structs.astuple
        if facts.entry is not None:
            self._db.execute(
                "INSERT OR REPLACE INTO entry VALUES(?,?,?,?,?,?,?)", (stream, *astuple(facts.entry))
            )
        self._db.executemany(
            "INSERT OR IGNORE INTO place VALUES(?,?,?,?,?,?)", [astuple(p) for p in facts.places]
        )
        if facts.recall is not None:
            self._db.execute("INSERT OR IGNORE INTO recall VALUES(?,?,?,?,?)", astuple(facts.recall))
        self._db.executemany("INSERT OR IGNORE INTO given VALUES(?,?)", [astuple(g) for g in facts.given])
        if facts.epoch is not None:
            self._db.execute(
                "INSERT OR IGNORE INTO past_epoch VALUES(?,?,?,?,?,?,?,?,?,?)",
                (stream, *astuple(facts.epoch)),
            )
        return self._heard.hear(facts.receipts)

    # -- what the log says of signals -------------------------------------------------------------

    def entry(self, stream: str, index: int) -> EntryRow | None:
        """A verified entry; ``None`` if it was not read, or refused."""
        row = self._db.execute(
            "SELECT log_index, leaf, object_hash, sender_id, kind, count FROM entry WHERE stream=? AND log_index=?",
            (stream, index),
        ).fetchone()
        return EntryRow(*row) if row else None

    def newest_of(self, stream: str, sender_id: bytes, below: int | None = None) -> bytes | None:
        """The object hash of a sender's newest verified entry, below an index if one is given."""
        row = self._db.execute(
            "SELECT object_hash FROM entry WHERE stream=?1 AND sender_id=?2 AND (?3 IS NULL OR log_index<?3) "
            "ORDER BY log_index DESC LIMIT 1",
            (stream, sender_id, below),
        ).fetchone()
        return bytes(row[0]) if row else None

    def kinds(self, stream: str, first: int, last: int) -> Iterator[int]:
        """The kinds of the verified entries from ``first`` to ``last``, both included, as they are asked for."""
        rows = self._db.execute(
            "SELECT kind FROM entry WHERE stream=? AND log_index BETWEEN ? AND ?", (stream, first, last)
        )
        return (int(row[0]) for row in rows)

    def leaves(self, stream: str, size: int) -> list[bytes]:
        """The leaf hashes of the first ``size`` entries; fewer where one was refused."""
        rows = self._db.execute(
            "SELECT leaf FROM entry WHERE stream=? AND log_index<? ORDER BY log_index", (stream, size)
        )
        return [bytes(row[0]) for row in rows]

    def places(self, signal_id: bytes) -> list[Place]:
        """Where signals with this id are: one per party that used it."""
        rows = self._db.execute("SELECT * FROM place WHERE signal_id=?", (signal_id,)).fetchall()
        return [Place(*row) for row in rows]

    def past_epoch(self, stream: str, epoch_id: bytes) -> PastEpoch | None:
        """An epoch of this log, ended or not."""
        row = self._db.execute(
            "SELECT * FROM past_epoch WHERE stream=? AND epoch_id=?", (stream, epoch_id)
        ).fetchone()
        return PastEpoch(*row[1:]) if row else None

    def past_epochs(self, stream: str) -> list[PastEpoch]:
        """Every epoch of this log, in log order."""
        rows = self._db.execute("SELECT * FROM past_epoch WHERE stream=? ORDER BY log_index", (stream,))
        return [PastEpoch(*row[1:]) for row in rows]

    def was_given(self, epoch_id: bytes, reader: bytes) -> bool:
        """Whether the log holds a share of an epoch with an identity."""
        row = self._db.execute(
            "SELECT 1 FROM given WHERE epoch_id=? AND reader=?", (epoch_id, reader)
        ).fetchone()
        return row is not None

    def receipts(self, stream: str, index: int, number: int) -> list[ReceiptRow]:
        """What was said of one signal, in log order: of each party each state once, when it first said so."""
        return self._heard.of(stream, index, number)

    def every_recall(self) -> list[RecallRow]:
        """Every recall of every log."""
        return [RecallRow(*row) for row in self._db.execute("SELECT * FROM recall").fetchall()]

    def every_receipt(self, least_state: int) -> Iterator[ReceiptRow]:
        """Everything that was said of this state or a later one, of every log."""
        return self._heard.every(least_state)

    def recalls(self, stream: str) -> list[RecallRow]:
        """Every recall of this log, in log order."""
        rows = self._db.execute(
            "SELECT * FROM recall WHERE stream=? ORDER BY admitted_ms", (stream,)
        ).fetchall()
        return [RecallRow(*row) for row in rows]

    def recall(self, stream: str, index: int, signal_id: bytes) -> RecallRow | None:
        """The first recall of one signal."""
        row = self._db.execute(
            "SELECT * FROM recall WHERE stream=? AND log_index=? AND signal_id=? ORDER BY admitted_ms LIMIT 1",
            (stream, index, signal_id),
        ).fetchone()
        return RecallRow(*row) if row else None

    def last_receipts(self, stream: str) -> list[LastReceipt]:
        """Per party, how far into this log its receipts reach and when the newest of them was admitted."""
        return self._heard.last(stream)

    def signals_after(self, stream: str, index: int) -> tuple[int, int | None]:
        """(how many envelopes of signals a log holds beyond an index, the index of the first of them).

        At most 10,000 are counted: who stopped reading long ago costs a page no look through the whole log.
        """
        count, first = self._db.execute(
            "SELECT COUNT(*), MIN(log_index) FROM (SELECT log_index FROM entry INDEXED BY signals_entry "  # noqa: S608
            f"WHERE stream=? AND log_index>? AND {_IS_SIGNALS} ORDER BY log_index LIMIT {MAX_COUNTED})",
            (stream, index),
        ).fetchone()
        return int(count), first

    # -- what we have to say in receipts ----------------------------------------------------------

    def owe(self, stream: str, owed: Sequence[Owed]) -> None:
        """Remember what the next receipt has to say."""
        with self._db:
            self._db.execute("BEGIN")
            self._owe(stream, owed)

    def _owe(self, stream: str, owed: Sequence[Owed]) -> None:
        self._db.executemany(
            "INSERT OR REPLACE INTO owed VALUES(?,?,?,?,?)",
            [(stream, *msgspec.structs.astuple(o)) for o in owed],
        )

    def first_delivery(self, stream: str, index: int) -> bool:
        """Whether an entry is given to the application for the first time; remembers that it is."""
        row = self._db.execute("SELECT log_index FROM delivered WHERE stream=?", (stream,)).fetchone()
        if row and index <= row[0]:
            return False
        self._db.execute("INSERT OR REPLACE INTO delivered VALUES(?,?)", (stream, index))
        return True

    def owed(self, stream: str, limit: int) -> list[Owed]:
        """What is still to be said of a log, in log order, at most ``limit`` of it."""
        rows = self._db.execute(
            "SELECT log_index, first_signal, last_signal, state FROM owed WHERE stream=? "
            "ORDER BY state, log_index, first_signal LIMIT ?",
            (stream, limit),
        ).fetchall()
        return [Owed(*row) for row in rows]

    def owes(self, stream: str, index: int, number: int) -> int:
        """The highest state that is still to be said of one signal; 0 when nothing is."""
        row = self._db.execute(
            "SELECT MAX(state) FROM owed WHERE stream=? AND log_index=? AND ? BETWEEN first_signal AND last_signal",
            (stream, index, number),
        ).fetchone()
        return int(row[0] or 0)

    def said(self, stream: str, owed: Sequence[Owed]) -> None:
        """A receipt that says this was admitted."""
        self._db.executemany(
            "DELETE FROM owed WHERE stream=? AND log_index=? AND first_signal=? AND state=?",
            [(stream, o.index, o.first, o.state) for o in owed],
        )

    def claim(self, stream: str, tree_size: int) -> None:
        """About to say in a receipt that ``tree_size`` entries were read; never goes down."""
        self._db.execute(
            "INSERT INTO claimed VALUES(?1,?2) ON CONFLICT(stream) DO UPDATE SET tree_size=max(tree_size,?2)",
            (stream, tree_size),
        )

    def claimed(self, stream: str) -> int:
        """The most entries that a receipt of ours ever said."""
        row = self._db.execute("SELECT tree_size FROM claimed WHERE stream=?", (stream,)).fetchone()
        return int(row[0]) if row else 0

    def seen_digests(self, party: str, signal_ids: Sequence[bytes]) -> dict[bytes, bytes]:
        """The digests, by id, of those of a party's signals that were delivered before."""
        found: dict[bytes, bytes] = {}
        for at in range(0, len(signal_ids), _AT_ONCE):
            some = signal_ids[at : at + _AT_ONCE]
            marks = ",".join("?" * len(some))
            found.update(
                self._db.execute(
                    f"SELECT signal_id, digest FROM seen WHERE party=? AND signal_id IN ({marks})",  # noqa: S608
                    (party, *some),
                )
            )
        return found

    def digest(self, sections: Sequence[bytes | None]) -> bytes:
        """A 16-byte keyed digest of a signal's sections; says nothing to who lacks the storage key."""
        parts = [b"seinpost/seen/v1"]
        for section in sections:
            parts += (b"\0",) if section is None else (b"\1", len(section).to_bytes(4, "big"), section)
        return hmac.digest(self._key, b"".join(parts), "sha256")[:16]

    def forget(self, streams: Sequence[str]) -> None:
        """Start these streams over: deliver everything again."""
        # First: who asks for it has not lost anything.
        self._unmarked = {s: n for s, n in self._unmarked.items() if s not in streams}
        marked = self._marked()
        if self._mark is not None and marked.keys() & set(streams):
            self._mark.store({s: n for s, n in marked.items() if s not in streams})
        with self._db:
            self._db.execute("BEGIN")
            for stream in streams:
                self._db.execute("DELETE FROM position WHERE stream=?", (stream,))
                self._db.execute("DELETE FROM feed WHERE stream=?", (stream,))
                self._db.execute("DELETE FROM entry WHERE stream=?", (stream,))
                self._heard.forget(stream)
                self._db.execute("DELETE FROM place WHERE stream=?", (stream,))
            self._db.execute("DELETE FROM seen")

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
        if size < (marked := self._marked().get(_DIRECTORY, 0)):
            raise SetupError(
                f"the directory has {size} entries where this machine saw {marked}: it was rolled back"
            )
        self._mark_read(_DIRECTORY, size + 1)
        self._db.execute("INSERT OR REPLACE INTO floor VALUES(1,?,?)", (size, root))
