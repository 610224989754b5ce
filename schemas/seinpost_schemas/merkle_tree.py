# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A growing RFC 9162 tree that keeps every full node: roots and proofs at any size, in O(log² n).

64 bytes of memory per leaf. ``Frontier`` in ``merkle`` is for whoever only appends.
"""

from __future__ import annotations

from .merkle import EMPTY_ROOT, HASH_BYTES, node_hash


class MerkleTree:
    """Append leaf hashes; ask for the root, inclusion or consistency at any size up to the present one."""

    __slots__ = ("_levels",)

    def __init__(self) -> None:
        # Level l holds, one after the other, the hashes of the full subtrees of 2^l leaves.
        self._levels: list[bytearray] = [bytearray()]

    @classmethod
    def of(cls, leaves: bytes) -> MerkleTree:
        """The tree over leaf hashes that stand one after the other; raises ``ValueError`` for half a hash."""
        if len(leaves) % HASH_BYTES:
            raise ValueError(f"leaf hashes have {HASH_BYTES} bytes each")
        tree = cls()
        level = bytearray(leaves)
        tree._levels = [level]
        while len(level) >= 2 * HASH_BYTES:
            above = bytearray()
            for at in range(0, len(level) - HASH_BYTES, 2 * HASH_BYTES):
                middle = at + HASH_BYTES
                above += node_hash(bytes(level[at:middle]), bytes(level[middle : middle + HASH_BYTES]))
            tree._levels.append(above)
            level = above
        return tree

    def leaves(self) -> bytes:
        """All leaf hashes, one after the other."""
        return bytes(self._levels[0])

    @property
    def size(self) -> int:
        """Leaves so far."""
        return len(self._levels[0]) // HASH_BYTES

    def append(self, leaf: bytes) -> int:
        """Add one 32-byte leaf hash and return its index."""
        index = place = self.size
        level = 0
        self._levels[0] += leaf
        while place & 1:
            leaf = node_hash(self._node(level, place - 1), leaf)
            level, place = level + 1, place >> 1
            if level == len(self._levels):
                self._levels.append(bytearray())
            self._levels[level] += leaf
        return index

    def leaf(self, index: int) -> bytes:
        """A leaf hash, 32 bytes; raises ``ValueError`` for one that is not there."""
        if not 0 <= index < self.size:
            raise ValueError(f"leaf {index} is not in a tree of {self.size}")
        return self._node(0, index)

    def _node(self, level: int, place: int) -> bytes:
        return bytes(self._levels[level][place * HASH_BYTES : (place + 1) * HASH_BYTES])

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
