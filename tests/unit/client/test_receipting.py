# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Receipts as runs: they say exactly what is owed, in as few runs as they can."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seinpost._reading_state import Owed
from seinpost._receipting import runs_of
from seinpost_schemas.clear_bodies import Receipt, ReceiptState, Run, decode_receipt

COUNTS = 4
"""Signals in every entry of these logs."""


def covered(runs: list[Run]) -> set[tuple[int, int, int]]:
    """Every (leaf, signal, state) that runs speak of, by the rule of the specification."""
    return {
        (leaf, signal, run.state)
        for run in runs
        for leaf in range(run.first_leaf, run.last_leaf + 1)
        for signal in range(COUNTS)
        if (leaf > run.first_leaf or signal >= run.first_signal)
        and (leaf < run.last_leaf or signal <= run.last_signal)
    }


@given(
    st.sets(st.tuples(st.sampled_from([1, 2, 3, 4]), st.integers(0, 12), st.integers(0, COUNTS - 1))),
    st.sets(st.integers(0, 12)),
)
def test_runs_cover_what_is_owed_and_nothing_else_that_counts(
    said: set[tuple[int, int, int]], other_kinds: set[int]
) -> None:
    said = {row for row in said if row[1] not in other_kinds}
    owed = [Owed(leaf, signal, signal, state) for state, leaf, signal in sorted(said)]
    runs, used = runs_of(
        owed, "2026q4", lambda _: COUNTS, lambda first, last: set(range(first, last + 1)) <= other_kinds
    )
    assert used == len(owed)
    found = {row for row in covered(runs) if row[0] not in other_kinds}
    assert found == {(leaf, signal, ReceiptState(state)) for state, leaf, signal in said}


@given(
    st.lists(
        st.tuples(
            st.sampled_from([1, 2, 3, 4]),
            st.integers(0, 6),
            st.integers(0, COUNTS - 1),
            st.integers(0, COUNTS - 1),
        ),
        min_size=1,
    )
)
def test_what_is_owed_twice_is_said_once(rows: list[tuple[int, int, int, int]]) -> None:
    kept = {(state, leaf, min(a, b)): max(a, b) for state, leaf, a, b in rows}
    owed = [Owed(leaf, first, last, state) for (state, leaf, first), last in sorted(kept.items())]
    runs, _ = runs_of(owed, "2026q4", lambda _: COUNTS, lambda first, last: first > last)
    assert decode_receipt(Receipt("2026q4", 0, bytes(32), tuple(runs)).encode()).runs == tuple(runs)
    said = {(o.index, n, o.state) for o in owed for n in range(o.first, o.last + 1)}
    assert covered(runs) == said


def test_a_flood_is_one_run() -> None:
    owed = [Owed(index, 0, COUNTS - 1, 1) for index in range(1_000) if index % 10]
    runs, _ = runs_of(
        owed, "2026q4", lambda _: COUNTS, lambda first, last: all(i % 10 == 0 for i in range(first, last + 1))
    )
    assert runs == [Run("2026q4", 1, 999, 0, COUNTS - 1, ReceiptState.DELIVERED)]


@given(
    st.sets(st.tuples(st.integers(1, 2), st.integers(0, 8), st.integers(0, COUNTS - 1)), min_size=1),
    st.integers(1, 4),
)
def test_what_does_not_fit_is_for_the_next_receipt(said: set[tuple[int, int, int]], limit: int) -> None:
    left = [Owed(leaf, signal, signal, state) for state, leaf, signal in sorted(said)]
    found: list[tuple[int, int, int]] = []
    while left:
        runs, used = runs_of(left, "2026q4", lambda _: COUNTS, lambda first, last: first > last, limit)
        assert 0 < len(runs) <= limit
        found += sorted(covered(runs))
        left = left[used:]
    assert sorted(found) == [
        (leaf, signal, ReceiptState(state))
        for leaf, signal, state in sorted((leaf, signal, state) for state, leaf, signal in said)
    ]
