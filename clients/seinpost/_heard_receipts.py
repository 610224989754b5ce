# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What parties said in receipts, kept so that nobody can make it more work than it says.

One legal receipt may cover a log of a million entries in four states, every 30 s. So only what a party had not said
yet is kept: per party, log and state, stretches that do not overlap. A run costs a look-up, one step for each earlier
run that it joins (each is joined once), and what it says for the first time; never the size of the log.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Iterator

import msgspec

MAX_SAID = 1 << 20
"""Stretches per party, log and state that are kept: four receipts a minute of an honest reader for half a year."""
MAX_COVERED = 1 << 16
"""Stretches that do not touch. Who reads a log leaves few; to join all of these takes some tenths of a second, once."""
_SIGNAL_BITS = 16
"""A signal's number within its leaf is a u16."""
_SIGNALS = (1 << _SIGNAL_BITS) - 1
SCHEMA = """
CREATE TABLE IF NOT EXISTS said(stream TEXT, party TEXT, state INTEGER, begins INTEGER, ends INTEGER,
    at_index INTEGER, admitted_ms INTEGER, PRIMARY KEY(stream, party, state, begins)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS covered(stream TEXT, party TEXT, state INTEGER, begins INTEGER, ends INTEGER,
    PRIMARY KEY(stream, party, state, begins)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reach(stream TEXT, party TEXT, last_leaf INTEGER, admitted_ms INTEGER,
    PRIMARY KEY(stream, party)) WITHOUT ROWID;
"""
"""``said``: what was said for the first time, and when. ``covered``: the same places, joined. Both without overlap;
places are leaf * 2^16 + signal."""
_log = logging.getLogger("seinpost")
_SAID = "stream, at_index, party, begins, ends, state, admitted_ms"


class ReceiptRow(msgspec.Struct, frozen=True):
    """What one run of a party's receipt, logged at ``at_index``, says: a state of signals from (leaf, signal) on."""

    stream: str
    at_index: int
    party: str
    first_leaf: int
    last_leaf: int
    first_signal: int
    last_signal: int
    state: int
    admitted_ms: int

    @property
    def begins(self) -> int:
        """The first place that it covers."""
        return _place(self.first_leaf, self.first_signal)

    @property
    def ends(self) -> int:
        """The last place that it covers."""
        return _place(self.last_leaf, self.last_signal)


class LastReceipt(msgspec.Struct, frozen=True):
    """How far a party's receipts reach in one log, and when the newest of them was admitted."""

    party: str
    last_leaf: int
    admitted_ms: int


class HeardReceipts:
    """The receipts in one database; whoever calls holds the transaction."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database
        # By stream, party and state: how many stretches there are, said and covered.
        self._counts: dict[tuple[str, str, int], tuple[int, int]] = {}
        self._full: set[tuple[str, str, int]] = set()

    def hear(self, runs: Iterable[ReceiptRow]) -> list[ReceiptRow]:
        """Take in runs, in log order; what of them was not said before.

        What a party says in more pieces than any reader would is not kept: it is about that party alone.
        """
        fresh: list[ReceiptRow] = []
        for run in runs:
            gaps = self._join(run)
            self._db.executemany(
                "INSERT INTO said VALUES(?,?,?,?,?,?,?)",
                [(run.stream, run.party, run.state, *gap, run.at_index, run.admitted_ms) for gap in gaps],
            )
            fresh += [_stretch(run, *gap) for gap in gaps]
            self._db.execute(
                "INSERT INTO reach VALUES(?1,?2,?3,?4) ON CONFLICT(stream, party) DO UPDATE SET "
                "last_leaf=max(last_leaf,?3), admitted_ms=max(admitted_ms,?4)",
                (run.stream, run.party, run.last_leaf, run.admitted_ms),
            )
        return fresh

    def _count(self, run: ReceiptRow) -> tuple[int, int]:
        key = (run.stream, run.party, run.state)
        if key not in self._counts:
            counted = [
                self._db.execute(
                    f"SELECT count(*) FROM {table} WHERE stream=? AND party=? AND state=?",  # noqa: S608 - named here
                    key,
                ).fetchone()[0]
                for table in ("said", "covered")
            ]
            self._counts[key] = (counted[0], counted[1])
        return self._counts[key]

    def _leave_out(self, run: ReceiptRow) -> list[tuple[int, int]]:
        if (key := (run.stream, run.party, run.state)) not in self._full:
            self._full.add(key)
            _log.warning(
                "receipts of %s in %s come in too many pieces; no more are kept", run.party, run.stream
            )
        return []

    def _join(self, run: ReceiptRow) -> list[tuple[int, int]]:
        """The places of a run that were not covered, (first, last); they are from now on."""
        key, begins, ends = (run.stream, run.party, run.state), run.begins, run.ends
        said, pieces = self._count(run)
        if said >= MAX_SAID:
            return self._leave_out(run)
        # Nothing overlaps, so of those that begin before the run only the last can reach into it.
        before = self._db.execute(
            "SELECT begins, ends FROM covered WHERE stream=? AND party=? AND state=? AND begins<=? "
            "ORDER BY begins DESC LIMIT 1",
            (*key, begins),
        ).fetchall()
        if before and before[0][1] >= ends:
            return []
        within = self._db.execute(
            "SELECT begins, ends FROM covered WHERE stream=? AND party=? AND state=? AND begins>? AND begins<=? "
            "ORDER BY begins",
            (*key, begins, ends),
        ).fetchall()
        joined = [*(one for one in before if one[1] >= begins), *within]
        if not joined and pieces >= MAX_COVERED:
            return self._leave_out(run)
        gaps: list[tuple[int, int]] = []
        at = begins
        for first, last in joined:
            if first > at:
                gaps.append((at, first - 1))
            at = last + 1
        if at <= ends:
            gaps.append((at, ends))
        self._db.executemany(
            "DELETE FROM covered WHERE stream=? AND party=? AND state=? AND begins=?",
            [(*key, first) for first, _ in joined],
        )
        first = min(begins, joined[0][0]) if joined else begins
        self._db.execute("INSERT INTO covered VALUES(?,?,?,?,?)", (*key, first, max(ends, at - 1)))
        self._counts[key] = (said + len(gaps), pieces - len(joined) + 1)
        return gaps

    def of(self, stream: str, index: int, number: int) -> list[ReceiptRow]:
        """What was said of one signal, in log order: of each party each state once, when it first said so."""
        # One step to the stretch that begins last before the place: per party and state there is no other.
        rows = self._db.execute(
            f"SELECT {_columns('s')} FROM reach r JOIN (SELECT 1 AS state UNION ALL SELECT 2 UNION ALL SELECT 3 "  # noqa: S608
            "UNION ALL SELECT 4) t JOIN said s ON s.stream=r.stream AND s.party=r.party AND s.state=t.state "
            "AND s.begins=(SELECT max(begins) FROM said WHERE stream=r.stream AND party=r.party "
            "AND state=t.state AND begins<=?2) WHERE r.stream=?1 AND s.ends>=?2 ORDER BY s.at_index, s.state",
            (stream, _place(index, number)),
        )
        return [_row(*row) for row in rows]

    def every(self, least_state: int) -> Iterator[ReceiptRow]:
        """Everything that was said of this state or a later one, of every log."""
        rows = self._db.execute(f"SELECT {_SAID} FROM said WHERE state>=?", (least_state,))  # noqa: S608
        return (_row(*row) for row in rows)

    def last(self, stream: str) -> list[LastReceipt]:
        """Per party, how far into a log its receipts reach."""
        rows = self._db.execute("SELECT party, last_leaf, admitted_ms FROM reach WHERE stream=?", (stream,))
        return [LastReceipt(*row) for row in rows.fetchall()]

    def forget(self, stream: str) -> None:
        """What was said of a log is read again."""
        for key in [k for k in self._counts if k[0] == stream]:
            del self._counts[key]
        for table in ("said", "covered", "reach"):
            self._db.execute(f"DELETE FROM {table} WHERE stream=?", (stream,))  # noqa: S608 - named here

    def take_over(self) -> None:
        """Take over what an earlier version kept: every run of every receipt, in table ``receipt``."""
        if not self._has_earlier():
            return
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            if not self._has_earlier():
                # Another process of this identity was first.
                return
            kept = self._db.execute(
                "SELECT stream, at_index, party, first_leaf, last_leaf, first_signal, last_signal, state, admitted_ms "
                "FROM receipt ORDER BY stream, at_index, run"
            )
            self.hear(ReceiptRow(*row) for row in kept)
            self._db.execute("DROP TABLE receipt")

    def _has_earlier(self) -> bool:
        return self._db.execute("SELECT 1 FROM sqlite_master WHERE name='receipt'").fetchone() is not None


def _place(leaf: int, signal: int) -> int:
    return leaf << _SIGNAL_BITS | signal


def _stretch(run: ReceiptRow, begins: int, ends: int) -> ReceiptRow:
    return _row(run.stream, run.at_index, run.party, begins, ends, run.state, run.admitted_ms)


def _row(
    stream: str, at_index: int, party: str, begins: int, ends: int, state: int, admitted_ms: int
) -> ReceiptRow:
    return ReceiptRow(
        stream=stream,
        at_index=at_index,
        party=party,
        first_leaf=begins >> _SIGNAL_BITS,
        last_leaf=ends >> _SIGNAL_BITS,
        first_signal=begins & _SIGNALS,
        last_signal=ends & _SIGNALS,
        state=state,
        admitted_ms=admitted_ms,
    )


def _columns(table: str) -> str:
    return ", ".join(f"{table}.{column}" for column in _SAID.split(", "))
