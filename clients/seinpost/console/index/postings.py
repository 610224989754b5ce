# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Which rows hold a value (an indicator, an id, a technique): keyed digests of values, sorted, in segments. Pure.

Ten bytes for each value of each row. A value is known here by 8 bytes of a digest under the index's own key, so
that nothing here tells what it was and nobody can make two values meet.
"""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator

SEGMENT_ROWS = 4_096
"""Rows that are laid down together; a multiple of 8, and offsets within fit in two bytes."""
_LABEL = b"seinpost/console-index/value/v1"


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


class Postings:
    """Rows by key; rows only come in rising order."""

    def __init__(self) -> None:
        self._closed: list[tuple[array[int], array[int]]] = []
        self._open: dict[int, list[int]] = {}

    def add(self, key: int, row: int) -> None:
        """A row of the open segment holds this value."""
        self._open.setdefault(key, []).append(row)

    def rows(self, key: int) -> Iterator[int]:
        """The rows that hold it, the lowest first."""
        for number, (keys, offsets) in enumerate(self._closed):
            first = bisect_left(keys, key)
            if first < len(keys) and keys[first] == key:
                base = number * SEGMENT_ROWS
                for offset in offsets[first : bisect_right(keys, key, first)]:
                    yield base + offset
        yield from self._open.get(key, ())

    def find_all(self, wanted: set[int]) -> dict[int, list[int]]:
        """The rows of many keys at once: one pass over everything, whatever their number."""
        found: dict[int, list[int]] = {}
        for number, (keys, offsets) in enumerate(self._closed):
            base = number * SEGMENT_ROWS
            for key in wanted.intersection(keys):
                span = slice(bisect_left(keys, key), bisect_right(keys, key))
                found.setdefault(key, []).extend(base + offset for offset in offsets[span])
        for key in wanted.intersection(self._open):
            found.setdefault(key, []).extend(self._open[key])
        return found

    def count(self, key: int) -> int:
        """How many rows hold it."""
        closed = 0
        for keys, _ in self._closed:
            first = bisect_left(keys, key)
            if first < len(keys) and keys[first] == key:
                closed += bisect_right(keys, key, first) - first
        return closed + len(self._open.get(key, ()))

    def close_segment(self) -> tuple[bytes, bytes]:
        """The open segment is whole: its keys and offsets as they are to be kept."""
        base = len(self._closed) * SEGMENT_ROWS
        keys, offsets = array("Q"), array("H")
        for key in sorted(self._open):
            rows = self._open[key]
            keys.extend([key] * len(rows))
            offsets.extend(row - base for row in rows)
        self._closed.append((keys, offsets))
        self._open = {}
        return keys.tobytes(), offsets.tobytes()

    def load_segment(self, keys: bytes, offsets: bytes) -> None:
        """Take over a segment as it was kept; the next one in order."""
        made = array("Q"), array("H")
        made[0].frombytes(keys)
        made[1].frombytes(offsets)
        self._closed.append(made)
