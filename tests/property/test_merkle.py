# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The Merkle tree against a naive one, written from the definitions of RFC 9162, section 2.1."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seinpost_schemas.errors import ProofError
from seinpost_schemas.merkle import (
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_hash,
    verify_consistency,
    verify_inclusion,
)

ENTRIES = [b"entry %d" % i for i in range(600)]
LEAVES = [leaf_hash(e) for e in ENTRIES]


def split(n: int) -> int:
    """k: the largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def mth(entries: list[bytes]) -> bytes:
    """MTH(D_n), section 2.1.1."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\0" + entries[0]).digest()
    k = split(len(entries))
    return hashlib.sha256(b"\1" + mth(entries[:k]) + mth(entries[k:])).digest()


def path(m: int, entries: list[bytes]) -> list[bytes]:
    """PATH(m, D_n), section 2.1.3.1."""
    if len(entries) == 1:
        return []
    k = split(len(entries))
    if m < k:
        return [*path(m, entries[:k]), mth(entries[k:])]
    return [*path(m - k, entries[k:]), mth(entries[:k])]


def subproof(m: int, entries: list[bytes], whole: bool) -> list[bytes]:
    """SUBPROOF(m, D_n, b), section 2.1.4.1."""
    n = len(entries)
    if m == n:
        return [] if whole else [mth(entries)]
    k = split(n)
    if m <= k:
        return [*subproof(m, entries[:k], whole), mth(entries[k:])]
    return [*subproof(m - k, entries[k:], False), mth(entries[:k])]


@pytest.mark.parametrize("size", range(41))
def test_roots_are_rfc_9162s(size: int) -> None:
    frontier = Frontier()
    for i, leaf in enumerate(LEAVES[:size]):
        assert frontier.append(leaf) == i
    assert root_hash(LEAVES[:size]) == frontier.root() == mth(ENTRIES[:size])
    assert frontier.size == size
    again = Frontier.of(size, frontier.peaks)
    assert again.append(LEAVES[size]) == size
    assert again.root() == mth(ENTRIES[: size + 1])


@pytest.mark.parametrize("size", range(1, 41))
def test_inclusion_proofs_are_rfc_9162s_and_verify(size: int) -> None:
    root = mth(ENTRIES[:size])
    for index in range(size):
        proof = inclusion_proof(LEAVES[:size], index)
        assert proof == path(index, ENTRIES[:size])
        verify_inclusion(LEAVES[index], index, size, proof, root)


@pytest.mark.parametrize("size", range(1, 41))
def test_an_inclusion_proof_proves_one_leaf_in_one_place_only(size: int) -> None:
    root = mth(ENTRIES[:size])
    for index in range(size):
        proof = path(index, ENTRIES[:size])
        for other in {index - 1, index + 1, 0, size - 1, size} - {index}:
            with pytest.raises(ProofError):
                verify_inclusion(LEAVES[index], other, size, proof, root)
        with pytest.raises(ProofError):
            verify_inclusion(LEAVES[index + 1], index, size, proof, root)
        for wrong in ([*proof, bytes(32)], proof[:-1], [bytes(32), *proof], proof[::-1]):
            if wrong != proof:
                with pytest.raises(ProofError):
                    verify_inclusion(LEAVES[index], index, size, wrong, root)


@pytest.mark.parametrize("size", range(41))
def test_consistency_proofs_are_rfc_9162s_and_verify(size: int) -> None:
    new_root = mth(ENTRIES[:size])
    for old in range(size + 1):
        proof = consistency_proof(LEAVES[:size], old)
        assert proof == (subproof(old, ENTRIES[:size], True) if 0 < old < size else [])
        verify_consistency(old, size, proof, mth(ENTRIES[:old]), new_root)


@pytest.mark.parametrize("size", range(2, 41))
def test_a_consistency_proof_joins_two_roots_only(size: int) -> None:
    new_root, forked = mth(ENTRIES[:size]), mth([*ENTRIES[: size - 1], b"another"])
    for old in range(1, size):
        old_root, proof = mth(ENTRIES[:old]), subproof(old, ENTRIES[:size], True)
        rewritten = mth([*ENTRIES[: old - 1], b"another"])
        for roots in ((rewritten, new_root), (old_root, forked), (new_root, old_root)):
            with pytest.raises(ProofError):
                verify_consistency(old, size, proof, *roots)
        for wrong in ([*proof, bytes(32)], proof[:-1], [h[:31] for h in proof], []):
            with pytest.raises(ProofError):
                verify_consistency(old, size, wrong, old_root, new_root)


def test_trivial_consistency_has_empty_proofs_and_equal_roots() -> None:
    empty, root = mth([]), mth(ENTRIES[:3])
    for old, new, proof, old_root, new_root in (
        (0, 3, [bytes(32)], empty, root),
        (0, 3, [], root, root),
        (3, 3, [bytes(32)], root, root),
        (3, 3, [], root, mth(ENTRIES[:4])),
        (4, 3, [], root, root),
        (-1, 3, [], root, root),
    ):
        with pytest.raises(ProofError):
            verify_consistency(old, new, proof, old_root, new_root)


@settings(max_examples=60)
@given(st.data())
def test_larger_trees_agree_with_the_naive_one(data: st.DataObject) -> None:
    size = data.draw(st.integers(41, 600))
    entries, leaves = ENTRIES[:size], LEAVES[:size]
    root = mth(entries)
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size - 1))
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    assert root_hash(leaves) == root == frontier.root()
    assert inclusion_proof(leaves, index) == path(index, entries)
    verify_inclusion(leaves[index], index, size, path(index, entries), root)
    assert consistency_proof(leaves, old) == subproof(old, entries, True)
    verify_consistency(old, size, subproof(old, entries, True), mth(entries[:old]), root)


@given(st.data())
def test_a_changed_proof_proves_nothing(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 600))
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(LEAVES[:size], index)
    at, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
    proof[at] = (int.from_bytes(proof[at]) ^ 1 << bit).to_bytes(32, "big")
    with pytest.raises(ProofError):
        verify_inclusion(LEAVES[index], index, size, proof, root_hash(LEAVES[:size]))


@given(st.integers(-2, 1 << 65), st.integers(-2, 1 << 65), st.lists(st.binary(max_size=33), max_size=70))
def test_random_proofs_raise_proof_errors_only(small: int, large: int, proof: list[bytes]) -> None:
    for check in (
        lambda: verify_inclusion(bytes(32), small, large, proof, b"\1" * 32),
        lambda: verify_consistency(small, large, proof, bytes(32), b"\1" * 32),
    ):
        with pytest.raises(ProofError):
            check()


@given(st.integers(0, 600), st.lists(st.binary(min_size=31, max_size=33), max_size=5))
def test_a_frontier_is_taken_with_fitting_peaks_only(size: int, peaks: list[bytes]) -> None:
    if len(peaks) == size.bit_count() and all(len(p) == 32 for p in peaks):
        assert Frontier.of(size, peaks).peaks == tuple(peaks)
        return
    with pytest.raises(ProofError):
        Frontier.of(size, peaks)
