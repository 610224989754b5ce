# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seinpost_schemas import merkle
from seinpost_schemas.merkle_tree import MerkleTree

LEAVES = [merkle.leaf_hash(n.to_bytes(4, "big")) for n in range(300)]


def tree_of(size: int) -> MerkleTree:
    tree = MerkleTree()
    for place, leaf in enumerate(LEAVES[:size]):
        assert tree.append(leaf) == place
    return tree


TREE = tree_of(300)


@given(st.integers(0, 300))
def test_the_root_at_any_size_is_that_of_the_leaves(size: int) -> None:
    assert TREE.root(size) == merkle.root_hash(LEAVES[:size])


@given(st.data())
def test_an_inclusion_proof_is_the_one_of_the_plain_tree(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 300))
    index = data.draw(st.integers(0, size - 1))
    proof = TREE.inclusion_proof(index, size)
    assert proof == merkle.inclusion_proof(LEAVES[:size], index)
    merkle.verify_inclusion(TREE.leaf(index), index, size, proof, TREE.root(size))


@given(st.data())
def test_a_consistency_proof_is_the_one_of_the_plain_tree(data: st.DataObject) -> None:
    size = data.draw(st.integers(0, 300))
    old = data.draw(st.integers(0, size))
    proof = TREE.consistency_proof(old, size)
    assert proof == merkle.consistency_proof(LEAVES[:size], old)
    merkle.verify_consistency(old, size, proof, TREE.root(old), TREE.root(size))


def test_the_present_size_is_the_default() -> None:
    assert (TREE.size, TREE.root()) == (300, merkle.root_hash(LEAVES))
    assert TREE.inclusion_proof(7) == merkle.inclusion_proof(LEAVES, 7)
    assert TREE.consistency_proof(7) == merkle.consistency_proof(LEAVES, 7)
    assert MerkleTree().root() == merkle.EMPTY_ROOT


@pytest.mark.parametrize(
    "call",
    [
        lambda t: t.root(6),
        lambda t: t.root(-1),
        lambda t: t.leaf(5),
        lambda t: t.leaf(-1),
        lambda t: t.inclusion_proof(5),
        lambda t: t.inclusion_proof(3, 3),
        lambda t: t.inclusion_proof(0, 6),
        lambda t: t.consistency_proof(4, 3),
        lambda t: t.consistency_proof(-1),
        lambda t: t.consistency_proof(0, 6),
    ],
)
def test_what_is_not_in_the_tree_is_refused(call: object) -> None:
    with pytest.raises(ValueError, match=r"tree|size"):
        call(tree_of(5))  # type: ignore[operator]
