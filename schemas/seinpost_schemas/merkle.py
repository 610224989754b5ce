# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The Merkle tree of RFC 9162 (section 2.1), over SHA-256.

Leaf hash: SHA-256(0x00 ‖ entry); node: SHA-256(0x01 ‖ left ‖ right); the empty tree: SHA-256("").
Pure functions over 32-byte hashes; ``Frontier`` appends without holding the leaves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from .errors import ProofError

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
_sha256 = hashlib.sha256


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 ‖ entry), 32 bytes."""
    return _sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right), 32 bytes."""
    return _sha256(b"\x01" + left + right).digest()


def root_hash(leaves: Sequence[bytes]) -> bytes:
    """The tree hash over leaf hashes (each 32 bytes), level by level."""
    if not leaves:
        return EMPTY_ROOT
    level = list(leaves)
    sha256 = _sha256
    while len(level) > 1:
        odd = level[-1] if len(level) & 1 else None
        pairs = iter(level)
        # An odd last hash rises unchanged: the same tree as splitting at the largest power of two.
        level = [sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=False)]
        if odd is not None:
            level.append(odd)
    return level[0]


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes that lead from leaf ``index`` to the root, leaf side first (RFC 9162, 2.1.3.1)."""
    if not 0 <= index < len(leaves):
        raise ValueError(f"leaf {index} is not in a tree of {len(leaves)}")
    proof: list[bytes] = []
    level = list(leaves)
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            proof.append(level[sibling])
        level = [
            node_hash(level[i], level[i + 1]) if i + 1 < len(level) else level[i]
            for i in range(0, len(level), 2)
        ]
        index >>= 1
    return proof


def verify_inclusion(leaf: bytes, index: int, tree_size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Raise ``ProofError`` unless ``proof`` leads from ``leaf`` at ``index`` to ``root`` (2.1.3.2)."""
    if not 0 <= index < tree_size:
        raise ProofError(f"index {index} is not below tree size {tree_size}")
    node, last, hash_ = index, tree_size - 1, leaf
    for sibling in proof:
        if len(sibling) != HASH_BYTES:
            raise ProofError("a proof is made of 32-byte hashes")
        if last == 0:
            raise ProofError("the proof is longer than the path")
        if node & 1 or node == last:
            hash_ = node_hash(sibling, hash_)
            while node and not node & 1:
                node >>= 1
                last >>= 1
        else:
            hash_ = node_hash(hash_, sibling)
        node >>= 1
        last >>= 1
    if last != 0:
        raise ProofError("the proof is shorter than the path")
    if hash_ != root:
        raise ProofError("the proof leads to another root")


def consistency_proof(leaves: Sequence[bytes], old_size: int) -> list[bytes]:
    """The proof that the tree over ``leaves`` extends its first ``old_size`` leaves (2.1.4.1)."""
    if not 0 <= old_size <= len(leaves):
        raise ValueError(f"an older size {old_size} is not in 0 to {len(leaves)}")
    if old_size in (0, len(leaves)):
        return []
    return _subproof(leaves, old_size, whole=True)


def _subproof(leaves: Sequence[bytes], size: int, *, whole: bool) -> list[bytes]:
    if size == len(leaves):
        return [] if whole else [root_hash(leaves)]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    if size <= split:
        return [*_subproof(leaves[:split], size, whole=whole), root_hash(leaves[split:])]
    return [*_subproof(leaves[split:], size - split, whole=False), root_hash(leaves[:split])]


def verify_consistency(  # noqa: PLR0912 - one branch per step of RFC 9162
    old_size: int, new_size: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> None:
    """Raise ``ProofError`` unless ``proof`` shows that the new tree extends the old one (2.1.4.2)."""
    if not 0 <= old_size <= new_size:
        raise ProofError(f"sizes {old_size} and {new_size} are not in order")
    if old_size in (0, new_size):
        if proof:
            raise ProofError("a trivial consistency proof is empty")
        if old_size == new_size and old_root != new_root:
            raise ProofError("two roots for one size")
        if old_size == 0 and old_root != EMPTY_ROOT:
            raise ProofError("a tree of size 0 has the empty root")
        return
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    if not path or any(len(h) != HASH_BYTES for h in path):
        raise ProofError("a proof is made of 32-byte hashes")
    node, last = old_size - 1, new_size - 1
    while node & 1:
        node >>= 1
        last >>= 1
    old_hash = new_hash = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofError("the proof is longer than the path")
        if node & 1 or node == last:
            old_hash = node_hash(sibling, old_hash)
            new_hash = node_hash(sibling, new_hash)
            while node and not node & 1:
                node >>= 1
                last >>= 1
        else:
            new_hash = node_hash(new_hash, sibling)
        node >>= 1
        last >>= 1
    if last != 0 or old_hash != old_root or new_hash != new_root:
        raise ProofError("the consistency proof does not join the two roots")


class Frontier:
    """The right edge of a growing tree: at most 64 hashes, appended to in place."""

    __slots__ = ("_peaks", "size")

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """The roots of the full subtrees, left to right: with the size, the whole state."""
        return tuple(self._peaks)

    @classmethod
    def of(cls, size: int, peaks: Sequence[bytes]) -> Frontier:
        """The frontier with these ``peaks``; raises ``ProofError`` when their number does not fit the size."""
        if size < 0 or size.bit_count() != len(peaks) or any(len(p) != HASH_BYTES for p in peaks):
            raise ProofError(f"a tree of {size} leaves has {size.bit_count()} peaks, not {len(peaks)}")
        frontier = cls()
        frontier.size, frontier._peaks = size, list(peaks)
        return frontier

    def append(self, leaf: bytes) -> int:
        """Add one leaf hash and return its index."""
        index = self.size
        rest = index
        while rest & 1:
            leaf = node_hash(self._peaks.pop(), leaf)
            rest >>= 1
        self._peaks.append(leaf)
        self.size = index + 1
        return index

    def root(self) -> bytes:
        """The root hash over all leaves so far."""
        if not self._peaks:
            return EMPTY_ROOT
        hash_ = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            hash_ = node_hash(peak, hash_)
        return hash_
