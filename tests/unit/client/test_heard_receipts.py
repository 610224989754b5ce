# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What receipts say is kept by stretches: who said what first, at the price of what is said and not of the log."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seinpost import _heard_receipts
from seinpost._heard_receipts import SCHEMA, HeardReceipts, LastReceipt, ReceiptRow
from seinpost._reading_state import MAX_COUNTED, READING, ReadingState
from seinpost_schemas.clear_bodies import ReceiptState
from seinpost_schemas.kinds import Kind

STREAM = "FEED_2026q4_depv_process"
KEY = b"k" * 32


def database() -> sqlite3.Connection:
    made = sqlite3.connect(":memory:", isolation_level=None)
    made.executescript(SCHEMA)
    return made


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    made = database()
    yield made
    made.close()


def run(
    at: int, first: tuple[int, int], last: tuple[int, int], state: int = 2, party: str = "ibd"
) -> ReceiptRow:
    return ReceiptRow(STREAM, at, party, first[0], last[0], first[1], last[1], state, 1_000 + at)


def whole_log(at: int, leaves: int, party: str = "ibd") -> list[ReceiptRow]:
    """The most that a legal receipt says: all of a log, in every state."""
    return [run(at, (0, 0), (leaves - 1, 1_023), state, party) for state in ReceiptState]


def steps_of(db: sqlite3.Connection, work: Callable[[], object]) -> int:
    """How many instructions SQLite's machine took."""
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    db.set_progress_handler(step, 1)
    work()
    db.set_progress_handler(None, 1)
    return steps


# -- what is known --------------------------------------------------------------------------------


PLACES = st.tuples(st.integers(0, 6), st.sampled_from([0, 1, 2, 65_535]))
RUNS = st.builds(
    lambda party, state, ends: (party, state, *sorted(ends)),
    st.sampled_from(["ibd", "tafel"]),
    st.sampled_from([1, 2]),
    st.tuples(PLACES, PLACES),
)


@given(st.lists(RUNS, max_size=12))
def test_of_each_party_and_state_the_first_word_is_known(
    said: list[tuple[str, int, tuple[int, int], tuple[int, int]]],
) -> None:
    db, spots = database(), [(leaf, n) for leaf in range(8) for n in (0, 1, 2, 3, 65_535)]
    heard, naive = HeardReceipts(db), {}
    for at, (party, state, first, last) in enumerate(said):
        fresh = heard.hear([run(at, first, last, state, party)])
        new = {s for s in spots if first <= s <= last and (s, party, state) not in naive}
        naive.update({(s, party, state): at for s in new})
        told = [
            s
            for r in fresh
            for s in spots
            if (r.first_leaf, r.first_signal) <= s <= (r.last_leaf, r.last_signal)
        ]
        assert sorted(told) == sorted(new)
    for spot in spots:
        found = [(r.at_index, r.state, r.party) for r in heard.of(STREAM, *spot)]
        assert sorted(found) == sorted((at, state, p) for (s, p, state), at in naive.items() if s == spot)
        assert [f[:2] for f in found] == sorted(f[:2] for f in found)
    db.close()


def test_a_reader_that_says_nothing_new_was_heard_all_the_same(db: sqlite3.Connection) -> None:
    heard = HeardReceipts(db)
    heard.hear(whole_log(5, 5))
    assert heard.hear(whole_log(9, 4)) == []
    assert heard.last(STREAM) == [LastReceipt("ibd", 4, 1_009)]
    assert heard.last("FEED_2026q3_depv_process") == []


def test_a_stream_that_is_forgotten_is_heard_anew(db: sqlite3.Connection) -> None:
    heard = HeardReceipts(db)
    heard.hear(whole_log(5, 5))
    heard.forget(STREAM)
    assert (heard.of(STREAM, 1, 0), list(heard.every(1)), heard.last(STREAM)) == ([], [], [])
    assert len(heard.hear(whole_log(5, 5))) == 4


def test_what_an_earlier_version_kept_is_taken_over(tmp_path: Path) -> None:
    ReadingState(tmp_path, KEY).close()
    earlier = sqlite3.connect(tmp_path / READING)
    earlier.execute(
        "CREATE TABLE receipt(stream TEXT, at_index INTEGER, run INTEGER, party TEXT, first_leaf INTEGER, "
        "last_leaf INTEGER, first_signal INTEGER, last_signal INTEGER, state INTEGER, admitted_ms INTEGER, "
        "PRIMARY KEY(stream, at_index, run)) WITHOUT ROWID"
    )
    rows = [(STREAM, at, 0, "ibd", 0, at - 1, 0, 3, 2, 1_000 + at) for at in (9, 7)]
    earlier.executemany("INSERT INTO receipt VALUES(?,?,?,?,?,?,?,?,?,?)", rows)
    earlier.commit()
    earlier.close()
    for _ in range(2):
        state = ReadingState(tmp_path, KEY)
        assert [r.at_index for leaf in (6, 7) for r in state.receipts(STREAM, leaf, 0)] == [7, 9]
        assert state.last_receipts(STREAM) == [LastReceipt("ibd", 8, 1_009)]
        state.close()


# -- what it costs ---------------------------------------------------------------------------------


def test_a_receipt_over_a_million_entries_costs_what_one_over_ten_does(db: sqlite3.Connection) -> None:
    heard = HeardReceipts(db)
    costs = [
        steps_of(db, lambda p=party, n=leaves: heard.hear(whole_log(n, n, p)))  # type: ignore[misc]
        for party, leaves in (("aivd", 10), ("bzk", 1_000_000))
    ]
    again = steps_of(db, lambda: heard.hear(whole_log(1_000_001, 1_000_000, "bzk")))
    assert costs[1] < 2 * costs[0]
    assert again < costs[0]


def test_a_party_that_says_everything_again_and_again_adds_nothing(db: sqlite3.Connection) -> None:
    """Asking who opened a signal costs the same after a day of it."""
    heard = HeardReceipts(db)
    heard.hear(whole_log(100, 100))
    asked = steps_of(db, lambda: heard.of(STREAM, 50, 3))
    for at in range(101, 400):
        assert heard.hear(whole_log(at, 100)) == []
    assert steps_of(db, lambda: heard.of(STREAM, 50, 3)) == asked
    assert db.execute("SELECT count(*) FROM said").fetchone() == (4,)


def test_a_run_over_many_earlier_ones_joins_each_once(db: sqlite3.Connection) -> None:
    """4,096 runs with holes, and then one run over all of them: the holes are new, once."""
    heard = HeardReceipts(db)
    holes = [run(9_000, (leaf, 0), (leaf, 0)) for leaf in range(0, 8_192, 2)]
    heard.hear(holes)
    fresh = heard.hear([run(9_001, (0, 0), (8_191, 0))])
    assert len(fresh) == 4_096
    assert db.execute("SELECT count(*) FROM covered").fetchone() == (1,)
    few = steps_of(db, lambda: heard.hear([run(9_002, (0, 0), (8_191, 0))]))
    assert few < 100
    assert steps_of(db, lambda: heard.of(STREAM, 8_000, 0)) < 1_000


@pytest.mark.parametrize("kind", [Kind.SIGNALS, Kind.END_OF_EPOCH])
def test_who_stopped_reading_costs_a_page_no_look_through_the_log(tmp_path: Path, kind: Kind) -> None:
    """However much it misses, and whatever kind of entry it is that it misses."""
    state = ReadingState(tmp_path, KEY)
    costs = []
    for size in (12_000, 48_000):
        rows = ((STREAM, index, bytes(32), bytes(32), bytes(16), kind, 1) for index in range(size))
        with state._db:
            state._db.execute("BEGIN")
            state._db.executemany("INSERT OR IGNORE INTO entry VALUES(?,?,?,?,?,?,?)", rows)
        costs.append(steps_of(state._db, lambda: state.signals_after(STREAM, 0)))
    found = state.signals_after(STREAM, 0)
    assert found == ((MAX_COUNTED, 1) if kind == Kind.SIGNALS else (0, None))
    assert costs[1] <= 2 * costs[0]
    state.close()


def test_what_comes_in_too_many_pieces_is_not_kept_until_they_are_joined(
    db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_heard_receipts, "MAX_COVERED", 10)
    heard = HeardReceipts(db)
    pieces = [run(n, (0, 2 * n), (0, 2 * n)) for n in range(20)]
    assert len(heard.hear(pieces)) == 10
    # It is about that party alone.
    assert len(heard.hear([run(30, (0, 0), (0, 0), party="ap")])) == 1
    (_, *rest) = heard.hear([run(31, (0, 0), (0, 40))])
    assert rest
    assert heard.hear([run(32, (0, 41), (0, 50)), run(33, (5, 0), (5, 0))]) != []
    assert heard.hear([run(34, (7, 0), (7, 0))])[0].first_leaf == 7


def test_no_more_is_kept_of_a_party_than_any_reader_says(
    db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_heard_receipts, "MAX_SAID", 10)
    heard = HeardReceipts(db)
    assert len(heard.hear([run(n, (n, 0), (n, 0)) for n in range(20)])) == 10
    # Counted in the database too: a restart forgets nothing.
    again = HeardReceipts(db)
    assert again.hear([run(30, (30, 0), (30, 0))]) == []
    again.forget(STREAM)
    assert len(again.hear([run(31, (30, 0), (30, 0))])) == 1
