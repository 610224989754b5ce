# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""32-byte hashes in order, and the place of each: 44 bytes per hash, where a list and a dict take some 170.

No object is kept per hash: a million small ones would each hold their page of memory, and what comes and goes between
them could never be given back. Hashes are sorted by Python's own ``hash``, which is keyed anew in every process (unless
PYTHONHASHSEED is set): whoever chooses what is hashed cannot choose where it is sorted to.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left

HASH_BYTES = 32
_BUCKETS = 256
"""Inserting moves what is behind it in one of them: some kilobytes of a million."""


class HashIndex:
    """Append hashes; ask for one by its place, or for the place of one."""

    __slots__ = ("_hashes", "_keys", "_places")

    def __init__(self) -> None:
        self._hashes = bytearray()
        # By bucket, in ascending order of the key.
        self._keys = [array("q") for _ in range(_BUCKETS)]
        # 32 bits: ``limits.MAX_LOG_ENTRIES`` is 2^32.
        self._places = [array("I") for _ in range(_BUCKETS)]

    @classmethod
    def of(cls, hashes: bytes) -> HashIndex:
        """Of hashes that stand one after the other; raises ``ValueError`` for half a hash and for a repeated one."""
        if len(hashes) % HASH_BYTES:
            raise ValueError(f"hashes have {HASH_BYTES} bytes each")
        index = cls()
        index._hashes += hashes
        for place in range(len(index)):
            key = hash(index[place])
            index._keys[key % _BUCKETS].append(key)
            index._places[key % _BUCKETS].append(place)
        for bucket in range(_BUCKETS):
            index._sort(bucket)
            index._verify_each_once(bucket)
        return index

    def _sort(self, bucket: int) -> None:
        keys, places = self._keys[bucket], self._places[bucket]
        order = sorted(range(len(keys)), key=keys.__getitem__)
        self._keys[bucket] = array(keys.typecode, (keys[at] for at in order))
        self._places[bucket] = array(places.typecode, (places[at] for at in order))

    def _verify_each_once(self, bucket: int) -> None:
        keys, places = self._keys[bucket], self._places[bucket]
        for at in range(1, len(keys)):
            if keys[at] == keys[at - 1] and self.find(self[places[at]]) != places[at]:
                raise ValueError(f"hash {places[at]} is there twice")

    def tobytes(self) -> bytes:
        """All hashes, one after the other."""
        return bytes(self._hashes)

    def __len__(self) -> int:
        return len(self._hashes) // HASH_BYTES

    def __getitem__(self, place: int) -> bytes:
        """The hash at a place from 0 on; raises ``IndexError``."""
        if not 0 <= place < len(self):
            raise IndexError(f"there are {len(self)} hashes, and none at {place}")
        return bytes(self._hashes[place * HASH_BYTES : (place + 1) * HASH_BYTES])

    def _sorted_at(self, hash_: bytes) -> tuple[int, int] | None:
        """(bucket, place in it) of a hash that is here."""
        key = hash(hash_)
        bucket = key % _BUCKETS
        keys, places = self._keys[bucket], self._places[bucket]
        at = bisect_left(keys, key)
        while at < len(keys) and keys[at] == key:
            # Two hashes may share a key, however seldom.
            if self[places[at]] == hash_:
                return bucket, at
            at += 1
        return None

    def find(self, hash_: bytes) -> int | None:
        """The place of a hash; ``None`` if it is not here."""
        found = self._sorted_at(hash_)
        return self._places[found[0]][found[1]] if found is not None else None

    def append(self, hash_: bytes) -> None:
        """The next hash, 32 bytes, which is not here yet."""
        key = hash(hash_)
        bucket = key % _BUCKETS
        at = bisect_left(self._keys[bucket], key)
        self._keys[bucket].insert(at, key)
        self._places[bucket].insert(at, len(self))
        self._hashes += hash_

    def pop(self) -> None:
        """Take the newest hash back; raises ``IndexError`` when there is none."""
        found = self._sorted_at(self[len(self) - 1])
        if found is None:  # pragma: no cover - every hash was put in
            raise IndexError("the newest hash is not in its bucket")
        bucket, at = found
        del self._keys[bucket][at], self._places[bucket][at], self._hashes[-HASH_BYTES:]
