# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Sets of rows, their order in time and the values that they hold, against the plain way of doing it."""

from __future__ import annotations

import random
from array import array

import pytest
from feed_samples import delivery, signal
from hypothesis import given
from hypothesis import strategies as st

from seinpost.console.feed_view import FeedView
from seinpost.console.index import postings as module
from seinpost.console.index import tally
from seinpost.console.index.postings import SEGMENT_ROWS, Postings, ValueKeys
from seinpost.console.index.row_facts import facts_of
from seinpost.console.index.row_set import RowSet, mask_of, rows_of
from seinpost.console.index.searchable import MAX_TEXT_BYTES, text_of
from seinpost.console.index.time_order import BUCKET_MS, TimeOrder
from seinpost.console.text_search import TextSearch

ROWS = st.sets(st.integers(0, 5_000))


@given(ROWS, ROWS)
def test_a_set_of_rows_is_a_set(one: set[int], other: set[int]) -> None:
    rows = RowSet(one)
    assert (set(rows), len(rows)) == (one, len(one))
    assert set(rows_of(rows.bits & RowSet(other).bits)) == one & other
    assert set(rows_of(rows.bits | RowSet(other).bits)) == one | other
    assert set(rows_of(rows.bits & ~RowSet(other).bits)) == one - other
    assert set(RowSet.of(rows.bits)) == one
    for row in other:
        assert rows.add(row) == (row not in one)
        assert row in rows
        assert rows.discard(row)
        assert not rows.discard(row)
    assert set(rows) == one - other


@given(ROWS)
def test_a_mask_has_a_byte_for_each_row(rows: set[int]) -> None:
    mask = mask_of(RowSet(rows).bits, 5_001)
    assert [n for n, byte in enumerate(mask) if byte] == sorted(rows)
    assert len(mask) == 5_001


@given(ROWS)
def test_a_part_that_was_packed_can_be_laid_down_elsewhere(rows: set[int]) -> None:
    packed = RowSet(rows).packed(800, 1_600)
    laid = RowSet({1, 2_000})
    laid.lay(800, packed)
    assert set(laid) == {1} | {r for r in rows if 800 <= r < 2_400}


@pytest.mark.parametrize("spread_ms", [10, BUCKET_MS // 4, 50 * BUCKET_MS])
@pytest.mark.parametrize("late", [0.0, 0.01, 0.5])
def test_rows_stand_in_the_order_of_their_times_however_they_came(spread_ms: int, late: float) -> None:
    made = random.Random(f"{spread_ms} {late}")
    times = array("Q")
    order = TimeOrder(times)
    for row in range(12_000):
        time = 1_790_000_000_000 + row * spread_ms // 100
        times.append(time - made.randrange(spread_ms + 1) if made.random() < late else time)
        order.add(row)
        if row in (3, 5_000, 9_000):
            check(order, times, made)
    check(order, times, made)


def check(order: TimeOrder, times: array[int], made: random.Random) -> None:
    chosen = {row for row in range(len(times)) if made.random() < 0.7}
    expected = sorted(chosen, key=lambda row: (times[row], row), reverse=True)
    assert list(order.newest_first(mask_of(RowSet(chosen).bits, len(times)))) == expected
    begin, end = sorted(made.choices(times, k=2))
    between = [row for row in range(len(times)) if begin <= times[row] < end]
    assert sorted(order.between(begin, end)) == between


@pytest.mark.parametrize("held_entries", [100, 10_000_000])
def test_values_lead_to_their_rows_across_segments_and_restarts(
    monkeypatch: pytest.MonkeyPatch, held_entries: int
) -> None:
    """Also when next to nothing of it may be in memory."""
    monkeypatch.setattr(module, "PART_ENTRIES", 2_000)
    monkeypatch.setattr(module, "HELD_ENTRIES", held_entries)
    keys = ValueKeys(bytes(32))
    made = random.Random(5)
    held: dict[int, list[int]] = {}
    kept: list[bytes] = []
    counts: list[int] = []
    postings = Postings(kept.__getitem__)
    for row in range(2 * SEGMENT_ROWS + 100):
        for value in {made.randrange(500), made.randrange(100_000)}:
            key = keys.key("indicator", "url", str(value))
            postings.add(key, row)
            held.setdefault(key, []).append(row)
        postings.row_added()
        if (row + 1) % SEGMENT_ROWS == 0:
            parts = postings.close_segment()
            counts.append(len(parts))
            kept += parts
    assert max(counts) > 1
    restored = Postings(kept.__getitem__)
    for parts in counts:
        restored.load_segment(parts)
    whole = 2 * SEGMENT_ROWS
    for key, rows in made.sample(sorted(held.items()), 300):
        assert list(postings.rows(key)) == list(postings.row_set(key)) == rows
        assert postings.count(key) == len(rows)
        assert list(restored.rows(key)) == [row for row in rows if row < whole]
    assert restored._held_entries <= max(held_entries, 2_500)
    wanted = set(list(held)[::50]) | {1}
    assert postings.find_all(wanted) == {key: held[key] for key in wanted if key in held}


def test_a_key_is_of_one_kind_value_and_index() -> None:
    keys, others = ValueKeys(bytes(32)), ValueKeys(bytes(31) + b"\1")
    found = {
        keys.key("indicator", "url", "x"), keys.key("indicator", "urlx", ""), keys.key("indicator", "ur", "lx"),
        keys.key("id", "url", "x"), keys.key("indicatorurl", "x"), others.key("indicator", "url", "x"),
    }  # fmt: skip
    assert len(found) == 6
    assert keys.key("indicator", "url", "x") == ValueKeys(bytes(32)).key("indicator", "url", "x")


def test_names_are_listed_up_to_a_number_and_counted_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "MAX_NAMED", 3)
    counted, more = tally.Tally(), tally.Tally()
    keys = ValueKeys(bytes(32))
    for number in range(6):
        made = delivery(
            number, signal(techniques=("disarm:T0001", f"disarm:T100{number}"), election=f"TK202{number}")
        )
        counted.add(facts_of(made, (), keys))
        more.add(facts_of(made, (), keys))
    counted.merge(more)
    assert counted.real.techniques == {"disarm:T0001": 12, "disarm:T1000": 2, "disarm:T1001": 2}
    assert counted.elections == {"TK2020": 2, "TK2021": 2, "TK2022": 2}


def test_a_text_that_unfolds_to_a_hundred_times_its_length_is_cut() -> None:
    # One character that is eighteen in its plain form.
    assert len(text_of(delivery(1, signal(text="\ufdfa" * 20_000)))) == MAX_TEXT_BYTES


def test_a_text_with_a_character_that_parts_texts_is_one_text() -> None:
    view = FeedView()
    for number, text in enumerate(("a\0b\0c", "gezocht", "\0")):
        view.add(delivery(number, signal(text=text)))
    search = TextSearch("gezocht")
    search.look(view.texts(0))
    assert set(search.found) == {1}
