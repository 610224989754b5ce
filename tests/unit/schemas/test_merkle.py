# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Merkle trees against the C2SP vectors; the properties are in tests/property."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from seinpost_schemas.checkpoint import parse_checkpoint
from seinpost_schemas.errors import ProofError
from seinpost_schemas.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_hash,
    verify_consistency,
    verify_inclusion,
)
from seinpost_schemas.note import Note

LEAVES = [leaf_hash(b"record %d" % i) for i in range(300)]


def test_roots_are_those_of_the_vectors(tlog: dict[str, Any]) -> None:
    assert len(tlog["roots"]) == 10
    frontier = Frontier()
    for size in range(301):
        if str(size) in tlog["roots"]:
            wanted = base64.b64decode(tlog["roots"][str(size)])
            assert root_hash(LEAVES[:size]) == frontier.root() == wanted
        if size < 300:
            frontier.append(LEAVES[size])


def test_the_inclusion_proof_is_that_of_the_vectors(tlog: dict[str, Any]) -> None:
    title, index, *rest = tlog["proof_7"].split("\n")
    assert (title, index) == ("c2sp.org/tlog-proof@v1", "index 7")
    proof = [base64.b64decode(line) for line in rest[: rest.index("")]]
    assert inclusion_proof(LEAVES, 7) == proof
    text = "\n".join(rest[rest.index("") + 1 :]).split("\n\n")[0] + "\n"
    checkpoint = parse_checkpoint(Note(text, ()))
    verify_inclusion(LEAVES[7], 7, checkpoint.tree_size, proof, checkpoint.root_hash)
    with pytest.raises(ProofError):
        verify_inclusion(LEAVES[8], 7, checkpoint.tree_size, proof, checkpoint.root_hash)


def test_every_root_of_the_vectors_is_consistent_with_the_last(tlog: dict[str, Any]) -> None:
    last = base64.b64decode(tlog["roots"]["300"])
    for size, root in tlog["roots"].items():
        proof = consistency_proof(LEAVES, int(size))
        verify_consistency(int(size), 300, proof, base64.b64decode(root), last)


def test_tile_hashes_are_those_of_the_vectors(tlog: dict[str, Any]) -> None:
    assert root_hash(LEAVES[:256]).hex() == tlog["tile_l1_0_p1"]


def test_the_empty_tree_is_the_hash_of_nothing() -> None:
    assert root_hash([]) == EMPTY_ROOT == Frontier().root()
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_leaf_is_never_a_node() -> None:
    left, right = LEAVES[:2]
    assert node_hash(left, right) != leaf_hash(left + right)
    assert root_hash([left]) == left


@pytest.mark.parametrize("index", [-1, 3, 300])
def test_there_is_no_proof_of_a_leaf_outside_the_tree(index: int) -> None:
    with pytest.raises(ValueError, match="not in a tree"):
        inclusion_proof(LEAVES[:3], index)
    with pytest.raises(ProofError, match="not below"):
        verify_inclusion(LEAVES[0], index, 3, [], root_hash(LEAVES[:3]))


@pytest.mark.parametrize("old", [-1, 4])
def test_there_is_no_consistency_with_a_size_outside(old: int) -> None:
    with pytest.raises(ValueError, match="older size"):
        consistency_proof(LEAVES[:3], old)


def test_a_frontier_goes_on_where_it_was_stored() -> None:
    frontier = Frontier()
    for leaf in LEAVES[:100]:
        frontier.append(leaf)
    again = Frontier.of(frontier.size, frontier.peaks)
    for leaf in LEAVES[100:]:
        again.append(leaf)
    assert again.root() == root_hash(LEAVES)
    for peaks in (frontier.peaks[:-1], (*frontier.peaks, bytes(32)), (*frontier.peaks[:-1], bytes(31))):
        with pytest.raises(ProofError):
            Frontier.of(frontier.size, peaks)


def test_a_frontier_has_no_negative_size() -> None:
    with pytest.raises(ProofError):
        Frontier.of(-1, [bytes(32)])
