# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What an identity keeps on disk of its sending: sending.db.

Per compartment the highest seq reserved and the last admitted header; what was sent and not answered yet; what was
admitted, and the proof that it is in the log. Nothing of a signal but its id. A lost file costs a refused envelope
(the broker names the head); it never makes a seq be used twice unnoticed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from seinpost_schemas.tlog_proof import TlogProof

from ._database import Database

_SCHEMA = """
CREATE TABLE IF NOT EXISTS chain
    (compartment TEXT PRIMARY KEY, reserved INTEGER NOT NULL, head BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS sender(id INTEGER PRIMARY KEY CHECK(id=1), sender_id BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS answers(id INTEGER PRIMARY KEY CHECK(id=1), next_seq INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS sent(object_hash BLOB PRIMARY KEY, compartment TEXT NOT NULL, period TEXT NOT NULL,
    log_index INTEGER NOT NULL, admitted_ms INTEGER NOT NULL, answered_ms INTEGER NOT NULL,
    audience TEXT NOT NULL, directory_size INTEGER NOT NULL, header BLOB NOT NULL, signature_hash BLOB NOT NULL,
    origin TEXT, tree_size INTEGER, proof BLOB, overdue INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS unproven ON sent(answered_ms) WHERE proof IS NULL;
CREATE TABLE IF NOT EXISTS sent_signal(signal_id BLOB, object_hash BLOB, number INTEGER NOT NULL,
    due_ms INTEGER NOT NULL, PRIMARY KEY(signal_id, object_hash)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS unanswered(object_hash BLOB PRIMARY KEY, sent_ms INTEGER NOT NULL, record BLOB NOT NULL)
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS checkpoint(origin TEXT, tree_size INTEGER, note BLOB NOT NULL,
    PRIMARY KEY(origin, tree_size)) WITHOUT ROWID;
"""


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """One admitted envelope of ours with a sealed body; times in Unix milliseconds.

    ``header`` 184 bytes and ``signature_hash`` 32 are what its log entry is made of.
    """

    object_hash: bytes
    compartment: str
    period: str
    index: int
    admitted_ms: int
    answered_ms: int
    audience: str
    directory_size: int
    header: bytes
    signature_hash: bytes


class SentSignal(msgspec.Struct, frozen=True, kw_only=True):
    """Where one of our signals is; ``due_ms`` is when a reader is late with opening it."""

    signal_id: bytes
    sent: Sent
    number: int
    due_ms: int
    proven: bool


_SENT = (
    "object_hash, compartment, period, log_index, admitted_ms, answered_ms, audience, directory_size, "
    "header, signature_hash"
)


class SendingState(Database):
    """Seqs and heads of this identity's own chains, and what it sent."""

    def __init__(self, directory: Path) -> None:
        # NORMAL: what brokers answered is written at once and reaches the disk a moment later; an fsync for each
        # answer would stop the event loop for milliseconds. Nothing is torn by it: the file has one write-ahead
        # log, and a power cut takes away its end, so that answers, heads and the place in the stream of answers
        # go back together to a moment that was, and the stream is read again from there. An older head costs one
        # refusal, which names the newer one. What is not known again is which signals the lost answers were of:
        # hence ``store_answers_from`` makes all of it durable once a second.
        super().__init__(directory / "sending.db", _SCHEMA, "NORMAL")
        # FULL: a reserved seq must survive a power cut, or it could be used twice. An fsync is of the whole
        # log, so that everything written before is durable too.
        self._durable = self._connect("FULL")

    def close(self) -> None:
        """Close the file."""
        self._durable.close()
        super().close()

    def take_over(self, sender_id: bytes, *, succeeds: bool) -> None:
        """Begin new chains when the 16-byte sender_id is another than that of the chains that are here.

        What was sent stays, and the proofs that are still to come. A file that does not say whose its chains are is of
        the identity that always used it; of one that it ``succeeds``, if there is one.
        """
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            row = self._db.execute("SELECT sender_id FROM sender").fetchone()
            if (row is None and succeeds) or (row is not None and row[0] != sender_id):
                self._db.execute("DELETE FROM chain")
            self._db.execute("INSERT OR REPLACE INTO sender VALUES(1,?)", (sender_id,))

    def load(self, compartment: str) -> tuple[int, bytes]:
        """(highest reserved seq, hash of the last admitted header), 0 and zeros at first."""
        row = self._db.execute(
            "SELECT reserved, head FROM chain WHERE compartment=?", (compartment,)
        ).fetchone()
        return (int(row[0]), bytes(row[1])) if row else (0, bytes(32))

    def reserve(self, compartment: str, upto: int) -> None:
        """Store that seqs up to ``upto`` may be used; durable on return."""
        self._durable.execute(
            "INSERT INTO chain VALUES(?1, ?2, zeroblob(32)) ON CONFLICT(compartment) DO UPDATE SET reserved=?2",
            (compartment, upto),
        )

    def store_head(self, compartment: str, head: bytes) -> None:
        """Store the last admitted header's hash."""
        self._db.execute("UPDATE chain SET head=? WHERE compartment=?", (head, compartment))

    def store_unanswered(self, object_hash: bytes, sent_ms: int, record: bytes) -> None:
        """Store what is to be known of an envelope of ours once it is answered; see ``_unanswered``."""
        self._db.execute("INSERT OR REPLACE INTO unanswered VALUES(?,?,?)", (object_hash, sent_ms, record))

    def unanswered(self, object_hash: bytes) -> bytes | None:
        """What was stored of an envelope that is not answered yet."""
        row = self._db.execute("SELECT record FROM unanswered WHERE object_hash=?", (object_hash,)).fetchone()
        return bytes(row[0]) if row else None

    def all_unanswered(self) -> list[bytes]:
        """What was stored of every one."""
        return [bytes(row[0]) for row in self._db.execute("SELECT record FROM unanswered")]

    def forget_unanswered(self, object_hash: bytes) -> None:
        """It was answered, and is not in the log."""
        self._db.execute("DELETE FROM unanswered WHERE object_hash=?", (object_hash,))

    def forget_unanswered_before(self, at_ms: int) -> None:
        """Nobody will answer what was sent before that time."""
        self._db.execute("DELETE FROM unanswered WHERE sent_ms<?", (at_ms,))

    def store_sent(self, sent: Sent, signals: Sequence[tuple[bytes, int]], *, is_head: bool = True) -> None:
        """Store an admitted header and what it carried, (signal id, due time) in order; together.

        ``is_head``: it is the last one of its chain that was admitted.
        """
        with self._db:
            self._db.execute("BEGIN")
            if is_head:
                self.store_head(sent.compartment, sent.object_hash)
            self._db.execute("DELETE FROM unanswered WHERE object_hash=?", (sent.object_hash,))
            self._db.execute(
                f"INSERT OR IGNORE INTO sent({_SENT}) VALUES(?,?,?,?,?,?,?,?,?,?)",
                msgspec.structs.astuple(sent),
            )
            self._db.executemany(
                "INSERT OR IGNORE INTO sent_signal VALUES(?,?,?,?)",
                [(id_, sent.object_hash, number, due) for number, (id_, due) in enumerate(signals)],
            )

    def find_sent(self, object_hash: bytes) -> Sent | None:
        """An admitted envelope of ours that has no proof yet."""
        row = self._db.execute(
            f"SELECT {_SENT} FROM sent WHERE object_hash=? AND proof IS NULL",  # noqa: S608
            (object_hash,),
        ).fetchone()
        return _sent(row) if row else None

    def store_proofs(
        self, origin: str, tree_size: int, note: bytes, proofs: Sequence[tuple[bytes, bytes]]
    ) -> None:
        """Store a checkpoint and, per object hash, the inclusion proof under it (32-byte hashes, joined)."""
        with self._db:
            self._db.execute("BEGIN")
            self._db.execute("INSERT OR IGNORE INTO checkpoint VALUES(?,?,?)", (origin, tree_size, note))
            self._db.executemany(
                "UPDATE sent SET origin=?, tree_size=?, proof=? WHERE object_hash=?",
                [(origin, tree_size, proof, object_hash) for object_hash, proof in proofs],
            )

    def proof(self, object_hash: bytes) -> TlogProof | None:
        """The proof that an admitted envelope is in its log; ``None`` until it has come."""
        row = self._db.execute(
            "SELECT e.log_index, e.proof, c.note FROM sent e JOIN checkpoint c "
            "ON c.origin = e.origin AND c.tree_size = e.tree_size WHERE e.object_hash=?",
            (object_hash,),
        ).fetchone()
        if row is None:
            return None
        index, proof, note = row
        return TlogProof(index, tuple(proof[i : i + 32] for i in range(0, len(proof), 32)), note)

    def take_unproven(self, answered_before_ms: int) -> list[Sent]:
        """Envelopes admitted before that time whose proof has not come, each given once."""
        rows = self._db.execute(
            f"SELECT {_SENT} FROM sent WHERE proof IS NULL AND overdue=0 AND answered_ms<?",  # noqa: S608
            (answered_before_ms,),
        ).fetchall()
        self._db.executemany("UPDATE sent SET overdue=1 WHERE object_hash=?", [(r[0],) for r in rows])
        return [_sent(row) for row in rows]

    def find_signal(self, signal_id: bytes) -> SentSignal | None:
        """Where a signal of ours is: its newest envelope."""
        found = self._signals("WHERE s.signal_id=? ORDER BY e.admitted_ms DESC LIMIT 1", (signal_id,))
        return found[0] if found else None

    def newest_signals(self, limit: int) -> list[SentSignal]:
        """Our newest signals, newest first."""
        return self._signals("ORDER BY e.admitted_ms DESC, s.number DESC LIMIT ?", (limit,))

    def _signals(self, tail: str, values: tuple[object, ...]) -> list[SentSignal]:
        columns = ", ".join(f"e.{c.strip()}" for c in _SENT.split(","))
        rows = self._db.execute(
            f"SELECT s.signal_id, s.number, s.due_ms, e.proof IS NOT NULL, {columns} FROM sent_signal s "  # noqa: S608
            f"JOIN sent e ON e.object_hash = s.object_hash {tail}",
            values,
        )
        return [
            SentSignal(signal_id=i, number=n, due_ms=d, proven=bool(p), sent=_sent(rest))
            for i, n, d, p, *rest in rows
        ]

    def answers_from(self) -> int:
        """The next stream sequence of answers to read, from 1."""
        row = self._db.execute("SELECT next_seq FROM answers").fetchone()
        return int(row[0]) if row else 1

    def store_answers_from(self, next_seq: int, *, durable: bool = True) -> None:
        """Store where reading answers goes on; ``durable``: with everything before it on disk on return."""
        connection = self._durable if durable else self._db
        connection.execute("INSERT OR REPLACE INTO answers VALUES(1,?)", (next_seq,))


def _sent(row: Sequence[object]) -> Sent:
    return msgspec.convert(dict(zip(Sent.__struct_fields__, row, strict=True)), Sent)
