# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The file of the console's index: console-index.db, with the place where its reading goes on.

Rows, texts and columns are written in the transaction that stores the position after their envelope: after any end
of the process both are there, or neither. What stands in the clear beside them is what ``ReadingState`` keeps for
every reader: positions, hashes, ids, receipts. No content does.

A file that does not fit together is emptied and built again from the logs: a value under another key or at another
place, more or fewer rows than the sealed head says, a position that is not the head's. One that was put back whole
from an earlier moment does fit together, and would only be read on from there; ``IndexHistory`` notices it.
"""

from __future__ import annotations

import os
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from seinpost._heard_receipts import ReceiptRow
from seinpost._reading_state import Owed, ReadingState
from seinpost._trusted_feed import stored_size
from seinpost.delivery import Alarm, Delivery
from seinpost_schemas.errors import SetupError

from .columns import Segment
from .index_seal import GENERATION_BYTES, IndexChangedError, IndexSeal
from .postings import SEGMENT_ROWS
from .row_set import RowSet
from .rows import Kept, TextPart, join_texts
from .searchable import text_of
from .stored_delivery import decode_delivery, encode_delivery

FILE = "console-index.db"
_FORMAT = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS head(id INTEGER PRIMARY KEY CHECK(id=1), generation BLOB NOT NULL, sealed BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS row(number INTEGER PRIMARY KEY, sealed BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS text(first INTEGER PRIMARY KEY, sealed BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS segment(number INTEGER PRIMARY KEY, sealed BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS posting(number INTEGER PRIMARY KEY, sealed BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS read_mark(segment INTEGER PRIMARY KEY, sealed BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS alarm(number INTEGER PRIMARY KEY, sealed BLOB NOT NULL);
"""
TEXT_BYTES = 256 * 1024
"""Searchable texts are sealed together once they are this long: what a search has open at a time."""
TEXT_ROWS = 1_024
MAX_ALARMS = 1_000
"""Alarms about entries that are kept, the oldest: the entry where a log went wrong comes before what followed."""
_REMEMBERED = 256
"""Opened rows that are kept in memory, for pages that show them again; 16 MB at the very most."""


class _Head(msgspec.Struct, array_like=True):
    format: int
    enclave_id: bytes
    rows: int
    text_rows: int
    """Rows whose texts are in ``text``; those of the rest are made again."""
    seen: int
    """Signals and acts that were ever delivered: a repeat of one is not delivered again."""
    positions: dict[str, int]
    """By stream: the next sequence to read."""


class IndexFile(ReadingState):
    """``Rows`` in a file that is also the ``ReadingState`` of the reader that fills them.

    What is owed and said in receipts is the identity's and not this reader's: it stays in ``identity_state``.
    """

    def __init__(
        self, folder: Path, storage_key: bytes, enclave_id: bytes, identity_state: ReadingState
    ) -> None:
        self._folder, self._storage_key, self._enclave_id = folder, storage_key, enclave_id
        self._identity_state = identity_state
        self.on_receipts: Callable[[Sequence[ReceiptRow]], None] = lambda _: None
        """What receipts say for the first time, once it is in the file."""
        self.damaged = False
        """Whether what was there did not fit together, and is built again."""
        try:
            self._open_file()
            self._take_over()
        except (SetupError, sqlite3.DatabaseError, msgspec.MsgspecError) as error:
            if isinstance(error, sqlite3.OperationalError) or isinstance(
                error.__context__, sqlite3.OperationalError | OSError
            ):
                # The file could not be looked at: no reason to throw it away.
                raise SetupError(f"cannot use {self._folder / FILE}: {error}") from None
            self.damaged = True
            self.start_over()

    # -- the file ---------------------------------------------------------------------------------

    def _open_file(self) -> None:
        super().__init__(self._folder, self._storage_key, FILE, marked=False)
        try:
            self._db.executescript(_SCHEMA)
        except sqlite3.Error as error:
            raise SetupError(f"cannot use {self._folder / FILE}: {error}") from None

    def settle(self) -> None:
        """Put everything where a power cut does not reach it."""
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def start_over(self) -> None:
        """Empty the index: everything is to be read and built again. Raises ``SetupError``."""
        if hasattr(self, "_db"):
            self.close()
        try:
            for suffix in ("", "-wal", "-shm"):
                (self._folder / (FILE + suffix)).unlink(missing_ok=True)
        except OSError as error:
            raise SetupError(f"cannot use {self._folder / FILE}: {error.strerror}") from None
        self._open_file()
        self._begin(_Head(_FORMAT, self._enclave_id, 0, 0, 0, {}), os.urandom(GENERATION_BYTES))

    def _begin(self, head: _Head, generation: bytes) -> None:
        self._head = head
        self._index_seal = IndexSeal(self._storage_key, generation)
        self._pending: dict[int, tuple[Delivery, Sequence[str]]] = {}
        self._pending_segments: list[tuple[int, bytes]] = []
        self._parts = 0
        self._pending_parts: dict[int, bytes] = {}
        self._unsealed_texts: list[bytes] = []
        self._remembered: OrderedDict[int, Delivery] = OrderedDict()
        self._read = RowSet()
        self._read_pending: set[int] = set()
        self._alarms: list[Alarm] = []
        self._pending_alarms: list[Alarm] = []

    def _take_over(self) -> None:
        found = self._db.execute("SELECT generation, sealed FROM head").fetchone()
        positions = dict(self._db.execute("SELECT stream, next_seq FROM position").fetchall())
        last = self._db.execute("SELECT max(number) FROM row").fetchone()[0]
        if found is None:
            if positions or last is not None:
                raise IndexChangedError
            self._begin(_Head(_FORMAT, self._enclave_id, 0, 0, 0, {}), os.urandom(GENERATION_BYTES))
            return
        self._begin(_Head(_FORMAT, b"", 0, 0, 0, {}), bytes(found[0]))
        head = msgspec.msgpack.decode(self._index_seal.open(found[1], b"head"), type=_Head)
        seen = self._db.execute("SELECT count(*) FROM seen").fetchone()[0]
        kept = (1 + last if last is not None else 0, seen, positions)
        if (head.format, head.enclave_id) != (_FORMAT, self._enclave_id) or kept != (
            head.rows, head.seen, head.positions
        ):  # fmt: skip
            raise IndexChangedError
        for stream, position in positions.items():
            feed = self.load_feed(stream)
            if feed is None or stored_size(feed) + 1 != position:
                raise IndexChangedError
        for (origin,) in self._db.execute("SELECT origin FROM audit").fetchall():
            self.load_audit(origin)
        for number, sealed in self._db.execute("SELECT number, sealed FROM alarm ORDER BY number").fetchall():
            opened = self._index_seal.open(sealed, b"alarm", number)
            self._alarms.append(msgspec.msgpack.decode(opened, type=Alarm))
        self._head = head

    # -- Rows -------------------------------------------------------------------------------------

    @property
    def secret(self) -> bytes:
        """See ``Rows``."""
        return self._index_seal.value_secret

    @property
    def generation(self) -> bytes:
        """Tells one building of the index from another, 16 bytes."""
        return self._index_seal.generation

    @property
    def stored_rows(self) -> int:
        """Rows that are in the file."""
        return self._head.rows

    def append(self, delivery: Delivery, audience: Sequence[str]) -> None:
        """See ``Rows``; in the file once ``commit`` has stored the position after it."""
        self._pending[self._head.rows + len(self._pending)] = delivery, audience
        self._unsealed_texts.append(text_of(delivery))

    def close_segment(self, segment: Segment, parts: Sequence[bytes]) -> None:
        """See ``Rows``."""
        number = (self._head.rows + len(self._pending)) // SEGMENT_ROWS - 1
        sealed = self._index_seal.seal(msgspec.msgpack.encode(segment), b"segment", number)
        self._pending_segments.append((number, sealed))
        for part in parts:
            self._pending_parts[self._parts] = self._index_seal.seal(part, b"posting", self._parts)
            self._parts += 1

    def load_part(self, number: int) -> bytes:
        """See ``Rows``."""
        sealed: object = self._pending_parts.get(number)
        if sealed is None:
            sealed = self._value("SELECT sealed FROM posting WHERE number=?", number)
        return self._index_seal.open(sealed, b"posting", number)

    def mark_read(self, row: int) -> None:
        """See ``Rows``; of a row that is not in the file yet, together with it."""
        self._read.add(row)
        if row < self._head.rows:
            self._store_read([row])
        else:
            # Its number may come to be another's, if this process ends now.
            self._read_pending.add(row)

    def _store_read(self, rows: Sequence[int]) -> None:
        for segment in {row // SEGMENT_ROWS for row in rows}:
            packed = self._read.packed(segment * SEGMENT_ROWS, SEGMENT_ROWS)
            sealed = self._index_seal.seal(packed, b"read", segment)
            self._db.execute("INSERT OR REPLACE INTO read_mark VALUES(?,?)", (segment, sealed))

    def keep_alarm(self, alarm: Alarm) -> None:
        """An entry that is wrong is not read again: whoever comes later must hear of it too.

        Kept with the next position that is stored; what is about no entry comes again by itself.
        """
        told = msgspec.structs.replace(alarm, evidence=None)
        if alarm.index is not None and told not in self._alarms and len(self._alarms) < MAX_ALARMS:
            self._alarms.append(told)
            self._pending_alarms.append(told)

    def alarms(self) -> list[Alarm]:
        """The alarms about entries that an earlier run kept."""
        return list(self._alarms)

    def load(self, row: int) -> Delivery:
        """See ``Rows``."""
        if (pending := self._pending.get(row)) is not None:
            return pending[0]
        found = self._remembered.pop(row, None)
        if found is None:
            found = self._open_row(row)[0]
        self._remembered[row] = found
        if len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)
        return found

    def _open_row(self, row: int) -> tuple[Delivery, Sequence[str]]:
        sealed = self._value("SELECT sealed FROM row WHERE number=?", row)
        try:
            return decode_delivery(self._index_seal.open(sealed, b"row", row))
        except msgspec.MsgspecError:
            raise IndexChangedError from None

    def _value(self, query: str, number: int) -> object:
        try:
            found = self._db.execute(query, (number,)).fetchone()
        except sqlite3.OperationalError as error:
            raise SetupError(f"cannot read {self._folder / FILE}: {error}") from None
        except sqlite3.DatabaseError:
            raise IndexChangedError from None
        return found[0] if found else None

    def texts(self, first: int) -> Iterator[TextPart]:
        """See ``Rows``."""
        found = self._value("SELECT max(first) FROM text WHERE first<=?", first)
        at = found if isinstance(found, int) else 0
        while at < self._head.text_rows:
            sealed = self._value("SELECT sealed FROM text WHERE first=?", at)
            opened = self._index_seal.open(sealed, b"text", at)
            rows = int.from_bytes(opened[:4], "big")
            if not rows:
                raise IndexChangedError
            yield TextPart(at, rows, opened[4:])
            at += rows
        tail = list(self._unsealed_texts)
        if tail:
            yield join_texts(self._head.text_rows, tail)

    def kept(self) -> Kept:
        """See ``Rows``."""
        for segment, sealed in self._db.execute("SELECT segment, sealed FROM read_mark").fetchall():
            self._read.lay(segment * SEGMENT_ROWS, self._index_seal.open(sealed, b"read", segment))
        whole = self._head.rows // SEGMENT_ROWS
        segments = (self._open_segment(number) for number in range(whole))
        for row in range(self._head.text_rows, self._head.rows):
            self._unsealed_texts.append(text_of(self._open_row(row)[0]))
        return Kept(segments, map(self._open_row, range(whole * SEGMENT_ROWS, self._head.rows)), self._read)

    def _open_segment(self, number: int) -> Segment:
        sealed = self._value("SELECT sealed FROM segment WHERE number=?", number)
        try:
            segment = msgspec.msgpack.decode(self._index_seal.open(sealed, b"segment", number), type=Segment)
        except msgspec.MsgspecError:
            raise IndexChangedError from None
        self._parts += segment.parts
        return segment

    # -- together with the position ---------------------------------------------------------------

    def _commit_more(self, positions: dict[str, int], fresh: int) -> None:
        """The rows of an envelope, in the transaction that stores the position after it."""
        seal, pending = self._index_seal, self._pending
        self._db.executemany(
            "INSERT INTO row VALUES(?,?)",
            [(row, seal.seal(encode_delivery(*one), b"row", row)) for row, one in pending.items()],
        )
        self._db.executemany("INSERT INTO segment VALUES(?,?)", self._pending_segments)
        self._db.executemany("INSERT INTO posting VALUES(?,?)", self._pending_parts.items())
        text_rows = self._head.text_rows + self._seal_texts()
        rows = self._head.rows + len(pending)
        positions = self._head.positions | positions
        head = _Head(_FORMAT, self._enclave_id, rows, text_rows, self._head.seen + fresh, positions)
        sealed = seal.seal(msgspec.msgpack.encode(head), b"head")
        self._db.execute("INSERT OR REPLACE INTO head VALUES(1,?,?)", (seal.generation, sealed))
        if self._read_pending:
            self._store_read(list(self._read_pending))
        for number, alarm in enumerate(self._pending_alarms, len(self._alarms) - len(self._pending_alarms)):
            data = seal.seal(msgspec.msgpack.encode(alarm), b"alarm", number)
            self._db.execute("INSERT INTO alarm VALUES(?,?)", (number, data))
        self._next_head = head

    def _committed(self, said: Sequence[ReceiptRow]) -> None:
        self._unsealed_texts = self._unsealed_texts[self._next_head.text_rows - self._head.text_rows :]
        self._head = self._next_head
        self._pending, self._pending_segments, self._read_pending = {}, [], set()
        self._pending_parts = {}
        self._pending_alarms = []
        if said:
            self.on_receipts(said)

    def _seal_texts(self) -> int:
        """Seal what is long enough; how many rows that were."""
        texts, done = self._unsealed_texts, 0
        while True:
            size, rows = 0, 0
            for text in texts[done : done + TEXT_ROWS]:
                size, rows = size + len(text), rows + 1
                if size >= TEXT_BYTES:
                    break
            if size < TEXT_BYTES and rows < TEXT_ROWS:
                return done
            first = self._head.text_rows + done
            data = rows.to_bytes(4, "big") + join_texts(first, texts[done : done + rows]).texts
            self._db.execute(
                "INSERT INTO text VALUES(?,?)", (first, self._index_seal.seal(data, b"text", first))
            )
            done += rows

    # -- receipts and the directory, which are the identity's -----------------------------------------

    def owe(self, stream: str, owed: Sequence[Owed]) -> None:
        """See ``ReadingState``."""
        self._identity_state.owe(stream, owed)

    def _owe(self, stream: str, owed: Sequence[Owed]) -> None:
        if owed:
            self._identity_state.owe(stream, owed)

    def first_delivery(self, stream: str, index: int) -> bool:
        """See ``ReadingState``."""
        return self._identity_state.first_delivery(stream, index)

    def owed(self, stream: str, limit: int) -> list[Owed]:
        """See ``ReadingState``."""
        return self._identity_state.owed(stream, limit)

    def said(self, stream: str, owed: Sequence[Owed]) -> None:
        """See ``ReadingState``."""
        self._identity_state.said(stream, owed)

    def claim(self, stream: str, tree_size: int) -> None:
        """See ``ReadingState``."""
        self._identity_state.claim(stream, tree_size)

    def claimed(self, stream: str) -> int:
        """See ``ReadingState``."""
        return self._identity_state.claimed(stream)

    def verify_directory(self, size: int, root: bytes) -> None:
        """See ``ReadingState``."""
        self._identity_state.verify_directory(size, root)

    def store_directory(self, size: int, root: bytes) -> None:
        """See ``ReadingState``."""
        self._identity_state.store_directory(size, root)
