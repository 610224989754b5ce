# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A growing RFC 9162 tree that keeps its leaves and its upper full nodes: roots and proofs at any size, in O(log² n).

36 bytes of memory per leaf: a node over fewer than 16 leaves is made again when it is asked for, in 7 hashes at
most. ``Frontier`` in ``merkle`` is for whoever only appends.
"""

from __future__ import annotations

from .merkle import EMPTY_ROOT, HASH_BYTES, node_hash

_LOWEST_KEPT = 4
"""The first level above the leaves whose nodes are kept."""


class MerkleTree:
    """Append leaf hashes; ask for the root, inclusion or consistency at any size up to the present one."""

    __slots__ = ("_leaves", "_upper")

    def __init__(self) -> None:
        self._leaves = bytearray()
        # Place l - _LOWEST_KEPT holds, one after the other, the hashes of the full subtrees of 2^l leaves.
        self._upper: list[bytearray] = []

    @classmethod
    def of(cls, leaves: bytes) -> MerkleTree:
        """The tree over leaf hashes that stand one after the other; raises ``ValueError`` for half a hash."""
        if len(leaves) % HASH_BYTES:
            raise ValueError(f"leaf hashes have {HASH_BYTES} bytes each")
        tree = cls()
        tree._leaves += leaves
        level = _LOWEST_KEPT
        while places := tree.size >> level:
            # Below it is whole by now, so that a node is two look-ups, or at the lowest level 15 hashes.
            above = bytearray().join(tree._made(level, place) for place in range(places))
            tree._upper.append(above)
            level += 1
        return tree

    def leaves(self) -> bytes:
        """All leaf hashes, one after the other."""
        return bytes(self._leaves)

    @property
    def size(self) -> int:
        """Leaves so far."""
        return len(self._leaves) // HASH_BYTES

    def append(self, leaf: bytes) -> int:
        """Add one 32-byte leaf hash and return its index."""
        index = self.size
        self._leaves += leaf
        level = _LOWEST_KEPT
        while self.size % (1 << level) == 0:
            if level - _LOWEST_KEPT == len(self._upper):
                self._upper.append(bytearray())
            self._upper[level - _LOWEST_KEPT] += self._made(level, index >> level)
            level += 1
        return index

    def leaf(self, index: int) -> bytes:
        """A leaf hash, 32 bytes; raises ``ValueError`` for one that is not there."""
        if not 0 <= index < self.size:
            raise ValueError(f"leaf {index} is not in a tree of {self.size}")
        return self._node(0, index)

    def _node(self, level: int, place: int) -> bytes:
        """The hash of a full subtree of 2^level leaves, the ``place``-th of them."""
        if level and level < _LOWEST_KEPT:
            return self._made(level, place)
        kept = self._upper[level - _LOWEST_KEPT] if level else self._leaves
        return bytes(kept[place * HASH_BYTES : (place + 1) * HASH_BYTES])

    def _made(self, level: int, place: int) -> bytes:
        return node_hash(self._node(level - 1, 2 * place), self._node(level - 1, 2 * place + 1))

    def root(self, size: int | None = None) -> bytes:
        """The root hash over the first ``size`` leaves (all of them by default), 32 bytes."""
        size = self._known(self.size if size is None else size)
        return self._range(0, size) if size else EMPTY_ROOT

    def _known(self, size: int) -> int:
        if not 0 <= size <= self.size:
            raise ValueError(f"the tree has {self.size} leaves, not {size}")
        return size

    def _range(self, start: int, end: int) -> bytes:
        """The hash over leaves ``start`` to ``end``, where ``start`` is a multiple of a power of two above it."""
        width = end - start
        if width & (width - 1) == 0:
            level = width.bit_length() - 1
            return self._node(level, start >> level)
        split = start + (1 << (width - 1).bit_length() - 1)
        return node_hash(self._range(start, split), self._range(split, end))

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """The hashes from leaf ``index`` to the root at ``size``, leaf side first (RFC 9162, 2.1.3.1)."""
        size = self._known(self.size if size is None else size)
        if not 0 <= index < size:
            raise ValueError(f"leaf {index} is not in a tree of {size}")
        proof: list[bytes] = []
        start, end = 0, size
        while end - start > 1:
            split = start + (1 << (end - start - 1).bit_length() - 1)
            if index < split:
                proof.append(self._range(split, end))
                end = split
            else:
                proof.append(self._range(start, split))
                start = split
        return proof[::-1]

    def consistency_proof(self, old_size: int, size: int | None = None) -> list[bytes]:
        """That the tree at ``size`` extends the one at ``old_size`` (RFC 9162, 2.1.4.1); empty from 0."""
        size = self._known(self.size if size is None else size)
        if not 0 <= old_size <= size:
            raise ValueError(f"an older size {old_size} is not in 0 to {size}")
        proof: list[bytes] = []
        start, end, whole = 0, size, True
        while old_size and old_size != end:
            split = start + (1 << (end - start - 1).bit_length() - 1)
            if old_size <= split:
                proof.append(self._range(split, end))
                end = split
            else:
                proof.append(self._range(start, split))
                start, whole = split, False
        if old_size and not whole:
            proof.append(self._range(start, end))
        return proof[::-1]
