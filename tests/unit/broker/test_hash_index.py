# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
from __future__ import annotations

import hashlib
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seinpost_broker.core import hash_index
from seinpost_broker.core.hash_index import HashIndex
from seinpost_broker.core.places import Placed, Places
from seinpost_schemas.merkle_tree import MerkleTree


def made(number: int) -> bytes:
    return hashlib.sha256(number.to_bytes(8, "big")).digest()


def index_of(size: int) -> HashIndex:
    index = HashIndex()
    for number in range(size):
        index.append(made(number))
    return index


@given(st.lists(st.integers(-1, 40), max_size=120))
def test_it_finds_what_a_list_finds(steps: list[int]) -> None:
    """-1 takes the newest back, a number puts one in."""
    index, model = HashIndex(), list[bytes]()
    for step in steps:
        if step >= 0 and made(step) not in model:
            index.append(made(step))
            model.append(made(step))
        elif step < 0 and model:
            index.pop()
            model.pop()
    assert [index[place] for place in range(len(index))] == model
    for number in range(41):
        assert index.find(made(number)) == (model.index(made(number)) if made(number) in model else None)
    again = HashIndex.of(index.tobytes())
    assert [again.find(h) for h in model] == list(range(len(model)))


def test_thousands_are_found_each_in_its_place() -> None:
    index = index_of(5_000)
    again = HashIndex.of(index.tobytes())
    for number in range(5_000):
        assert index.find(made(number)) == again.find(made(number)) == number
        assert index[number] == made(number)
    assert index.find(made(5_000)) is again.find(made(5_000)) is None


def test_hashes_that_share_a_key_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hash_index, "hash", lambda hash_: hash_[0] % 2 - 1, raising=False)
    index = index_of(20)
    assert [index.find(made(n)) for n in range(21)] == [*range(20), None]
    index.pop()
    assert [index.find(made(n)) for n in range(20)] == [*range(19), None]
    again = HashIndex.of(index.tobytes())
    assert [again.find(made(n)) for n in range(20)] == [*range(19), None]


def test_a_repeated_hash_and_half_a_hash_are_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        HashIndex.of(made(1) + made(2) + made(1))
    with pytest.raises(ValueError, match="32 bytes"):
        HashIndex.of(made(1) + b"x")


def test_what_is_not_there_is_an_index_error() -> None:
    index = index_of(2)
    for place in (-1, 2):
        with pytest.raises(IndexError):
            index[place]
    with pytest.raises(IndexError):
        HashIndex().pop()


def test_a_million_entries_do_not_fill_the_machine() -> None:
    """What a broker keeps of an entry is some 100 bytes; objects for each would be several hundred."""
    size = 20_000
    leaves = [made(number) for number in range(size)]
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        places, tree = Places(), MerkleTree()
        for number, leaf in enumerate(leaves):
            places.append(Placed(leaf, b"s" * 16, 1, 1_795_000_000_000 + number, 70_000))
            tree.append(leaf)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (after - before) / size < 130
    assert places.at(size - 1).object_hash == leaves[-1]
    assert tree.size == size
