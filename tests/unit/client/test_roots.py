# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seinpost._roots import Roots


def root(size: int, of: int = 0) -> bytes:
    return bytes([of]) * 24 + size.to_bytes(8, "big")


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 3)), max_size=60))
def test_it_says_what_was_put_last(puts: list[tuple[int, int]]) -> None:
    roots, model = Roots(1_000), dict[int, bytes]()
    for size, of in puts:
        roots.put(size, root(size, of))
        model = {s: r for s, r in model.items() if s < size} | {size: root(size, of)}
    assert [roots.at(size) for size in range(62)] == [model.get(size) for size in range(62)]


def test_only_the_newest_are_kept() -> None:
    roots = Roots(2_000)
    for size in range(1, 10_001):
        roots.put(size, root(size))
    known = [size for size in range(1, 10_001) if roots.at(size) is not None]
    assert known == list(range(known[0], 10_001))
    assert 2_000 <= len(known) < 2_000 + 1_024
    assert all(roots.at(size) == root(size) for size in known)
