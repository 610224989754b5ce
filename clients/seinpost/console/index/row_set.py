# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Sets of row numbers, one bit for each: what a filter is made of. Pure.

A set of a million rows is 125 kB; putting two together is one operation on two large integers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_NOT_EMPTY = re.compile(rb"[^\0]")
_ONES = tuple(tuple(bit for bit in range(8) if byte >> bit & 1) for byte in range(256))
_TRUTH = bytes.maketrans(b"01", b"\0\1")


class RowSet:
    """Row numbers from 0 on; grows with the highest one."""

    __slots__ = ("_bytes", "_number")

    def __init__(self, rows: Iterable[int] = ()) -> None:
        self._bytes = bytearray()
        self._number: int | None = 0
        for row in rows:
            self.add(row)

    def add(self, row: int) -> bool:
        """Whether it was not in the set yet."""
        place, bit = row >> 3, 1 << (row & 7)
        if place >= len(self._bytes):
            # A little further than needed, so that rows that come one by one do not each move the whole.
            self._bytes.extend(bytes(place + 1 - len(self._bytes) + 64))
        if self._bytes[place] & bit:
            return False
        self._bytes[place] |= bit
        self._number = None
        return True

    def discard(self, row: int) -> bool:
        """Whether it was in the set."""
        if row not in self:
            return False
        self._bytes[row >> 3] &= ~(1 << (row & 7))
        self._number = None
        return True

    def __contains__(self, row: int) -> bool:
        place = row >> 3
        return place < len(self._bytes) and bool(self._bytes[place] >> (row & 7) & 1)

    def __iter__(self) -> Iterator[int]:
        return rows_of(self.bits)

    def __len__(self) -> int:
        return self.bits.bit_count()

    @property
    def bits(self) -> int:
        """The set as an integer: bit n stands for row n."""
        if self._number is None:
            self._number = int.from_bytes(self._bytes, "little")
        return self._number

    @classmethod
    def of(cls, bits: int) -> RowSet:
        """The set that an integer stands for."""
        made = cls()
        made.lay(0, bits.to_bytes((bits.bit_length() + 7) >> 3, "little"))
        return made

    def lay(self, first: int, packed: bytes) -> None:
        """Set the rows from ``first`` (a multiple of 8) on as ``packed`` says, eight in each byte."""
        place = first >> 3
        missing = place + len(packed) - len(self._bytes)
        if missing > 0:
            self._bytes.extend(bytes(missing))
        self._bytes[place : place + len(packed)] = packed
        self._number = None

    def merge(self, first: int, packed: bytes) -> None:
        """Add the rows that ``packed`` says, from ``first`` (a multiple of 8) on."""
        before = int.from_bytes(self.packed(first, 8 * len(packed)), "little")
        self.lay(first, (before | int.from_bytes(packed, "little")).to_bytes(len(packed), "little"))

    def packed(self, first: int, rows: int) -> bytes:
        """``rows`` rows from ``first`` on, both multiples of 8, eight in each byte."""
        found = bytes(self._bytes[first >> 3 : (first + rows) >> 3])
        return found + bytes((rows >> 3) - len(found))


def rows_of(bits: int) -> Iterator[int]:
    """The rows of a set, the lowest first; fast where few are set."""
    data = bits.to_bytes((bits.bit_length() + 7) >> 3, "little")
    for found in _NOT_EMPTY.finditer(data):
        place = found.start()
        for bit in _ONES[data[place]]:
            yield (place << 3) + bit


def mask_of(bits: int, rows: int) -> bytes:
    """One byte for each of ``rows`` rows: 1 where it is in the set."""
    return format(bits, f"0{max(rows, 1)}b").encode().translate(_TRUTH)[::-1]
