# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Which rows hold a value (an indicator, an id, a technique): keyed digests of values, sorted, in parts. Pure.

Ten bytes for each value of each row. A value is known here by 8 bytes of a digest under the index's own key, so
that nothing here tells what it was and nobody can make two values meet. Parts that do not fit in the memory that is
set aside are asked for again when they are needed: signals full of indicators make looking slower, and no more.
"""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator

from .row_set import RowSet

SEGMENT_ROWS = 4_096
"""Rows that are laid down together; a multiple of 8, and offsets within fit in two bytes."""
PART_ENTRIES = 65_536
"""Values in a part: 640 kB."""
HELD_ENTRIES = 10_000_000
"""Values in memory, 100 MB at most: all of a million signals that hold what they usually do."""
_LABEL = b"seinpost/console-index/value/v1"
_ZEROS, _ONE = b"0" * SEGMENT_ROWS, ord("1")
_COUNT_BYTES = 4


class ValueKeys:
    """Makes the keys by which values are known."""

    def __init__(self, secret: bytes) -> None:
        self._start = hashlib.blake2b(_LABEL, key=secret, digest_size=8)

    def key(self, kind: str, *values: str) -> int:
        """The key of a value of a kind; each part is preceded by its length, so that no two spell the same."""
        digest = self._start.copy()
        for part in (kind, *values):
            data = part.encode(errors="surrogatepass")
            digest.update(len(data).to_bytes(4, "big") + data)
        return int.from_bytes(digest.digest(), "big")


class Part:
    """Some values of the rows of one segment, sorted by their keys, and by row where those are equal."""

    __slots__ = ("_keys", "_offsets", "base")

    def __init__(self, base: int, keys: array[int], offsets: array[int]) -> None:
        self.base = base
        self._keys = keys
        self._offsets = offsets

    def __len__(self) -> int:
        return len(self._keys)

    @classmethod
    def decode(cls, base: int, data: bytes) -> Part:
        """A part of the segment that begins at row ``base``, as ``encode`` gave it."""
        end = _COUNT_BYTES + 8 * int.from_bytes(data[:_COUNT_BYTES], "big")
        keys, offsets = array("Q"), array("H")
        keys.frombytes(data[_COUNT_BYTES:end])
        offsets.frombytes(data[end:])
        return cls(base, keys, offsets)

    def encode(self) -> bytes:
        """Count 4, keys of 8 bytes, offsets of 2, in this machine's order."""
        return len(self).to_bytes(_COUNT_BYTES, "big") + self._keys.tobytes() + self._offsets.tobytes()

    def offsets(self, key: int) -> array[int]:
        """The rows that hold a value, from the segment's first on."""
        first = bisect_left(self._keys, key)
        if first == len(self) or self._keys[first] != key:
            return self._offsets[:0]
        return self._offsets[first : bisect_right(self._keys, key, first)]

    def among(self, wanted: set[int]) -> set[int]:
        """Those of many keys that are here."""
        return wanted.intersection(self._keys)


class Postings:
    """Rows by key; rows only come in rising order. ``load`` gives a part that was closed, by its number."""

    def __init__(self, load: Callable[[int], bytes]) -> None:
        self._load = load
        self._bases: list[int] = []
        """By part: the first row of its segment."""
        self._held: OrderedDict[int, Part] = OrderedDict()
        self._held_entries = 0
        self._segment = 0
        self._fresh: list[Part] = []
        """Parts of the open segment."""
        self._open: dict[int, list[int]] = {}
        self._open_entries = 0

    # -- what comes in ----------------------------------------------------------------------------

    def add(self, key: int, row: int) -> None:
        """A row of the open segment holds this value."""
        self._open.setdefault(key, []).append(row)
        self._open_entries += 1

    def row_added(self) -> None:
        """All values of a row were added; what has become much is laid down."""
        if self._open_entries >= PART_ENTRIES:
            self._lay_down()

    def _lay_down(self) -> None:
        base = self._segment * SEGMENT_ROWS
        keys, offsets = array("Q"), array("H")
        for key in sorted(self._open):
            rows = self._open[key]
            keys.extend([key] * len(rows))
            offsets.extend(row - base for row in rows)
        self._fresh.append(Part(base, keys, offsets))
        self._open, self._open_entries = {}, 0

    def close_segment(self) -> list[bytes]:
        """The open segment is whole: its parts, as they are to be kept."""
        self._lay_down()
        for part in self._fresh:
            self._hold(len(self._bases), part)
            self._bases.append(part.base)
        parts, self._fresh = [part.encode() for part in self._fresh], []
        self._segment += 1
        return parts

    def load_segment(self, parts: int) -> None:
        """Know of a segment that was kept, the next one in order, by how many parts it has."""
        self._bases += [self._segment * SEGMENT_ROWS] * parts
        self._segment += 1

    # -- what is asked ----------------------------------------------------------------------------

    def _part(self, number: int) -> Part:
        part = self._held.pop(number, None)
        if part is not None:
            self._held[number] = part
            return part
        return self._hold(number, Part.decode(self._bases[number], self._load(number)))

    def _hold(self, number: int, part: Part) -> Part:
        self._held[number] = part
        self._held_entries += len(part)
        while self._held_entries > HELD_ENTRIES and len(self._held) > 1:
            self._held_entries -= len(self._held.popitem(last=False)[1])
        return part

    def _parts(self) -> Iterator[Part]:
        for number in range(len(self._bases)):
            yield self._part(number)
        yield from list(self._fresh)

    def rows(self, key: int) -> Iterator[int]:
        """The rows that hold it, the lowest first."""
        for part in self._parts():
            for offset in part.offsets(key):
                yield part.base + offset
        yield from self._open.get(key, ())

    def count(self, key: int) -> int:
        """How many rows hold it."""
        return sum(len(part.offsets(key)) for part in self._parts()) + len(self._open.get(key, ()))

    def row_set(self, key: int) -> RowSet:
        """The rows that hold it, as a set: a part of which many do costs little more than one of which few do."""
        found = RowSet()
        for part in self._parts():
            if offsets := part.offsets(key):
                digits = bytearray(_ZEROS)
                for offset in offsets:
                    digits[offset] = _ONE
                found.merge(part.base, int(digits[::-1], 2).to_bytes(SEGMENT_ROWS // 8, "little"))
        for row in self._open.get(key, ()):
            found.add(row)
        return found

    def find_all(self, wanted: set[int]) -> dict[int, list[int]]:
        """The rows of many keys at once: one pass over everything, whatever their number."""
        found: dict[int, list[int]] = {}
        if not wanted:
            return found
        for part in self._parts():
            for key in part.among(wanted):
                found.setdefault(key, []).extend(part.base + offset for offset in part.offsets(key))
        for key in wanted.intersection(self._open):
            found.setdefault(key, []).extend(self._open[key])
        return found
