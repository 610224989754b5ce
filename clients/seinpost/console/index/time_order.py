# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Rows in the order of their times, kept in buckets of a quarter of an hour. Pure.

Logs are read side by side, so rows do not come in the order of their times. What comes late costs its bucket a
sorting, once, when that is next looked at.
"""

from __future__ import annotations

import bisect
from array import array
from collections.abc import Iterator
from itertools import compress

BUCKET_MS = 900_000
"""Every time zone is a whole number of these away from the next: a day is made of whole buckets."""
_SMALL = 4_096


class TimeOrder:
    """``times`` gives each row's time in milliseconds, and is filled by whoever adds rows here."""

    def __init__(self, times: array[int]) -> None:
        self._times = times
        self._buckets: dict[int, array[int]] = {}
        self._numbers: list[int] = []
        self._unsorted: set[int] = set()

    def add(self, row: int) -> None:
        """A row that is higher than every one before it."""
        time = self._times[row]
        number = time // BUCKET_MS
        rows = self._buckets.get(number)
        if rows is None:
            self._buckets[number] = array("I", [row])
            bisect.insort(self._numbers, number)
        elif self._times[rows[-1]] <= time:
            rows.append(row)
        elif len(rows) < _SMALL and number not in self._unsorted:
            bisect.insort_right(rows, row, key=self._times.__getitem__)
        else:
            rows.append(row)
            self._unsorted.add(number)

    def newest_first(self, mask: bytes) -> Iterator[int]:
        """The rows whose byte in ``mask`` is 1."""
        for number in reversed(self._numbers):
            rows = self._sorted(number)[::-1]
            yield from compress(rows, map(mask.__getitem__, rows))

    def between(self, begin_ms: int, end_ms: int) -> Iterator[int]:
        """The rows with begin <= time < end, the oldest first."""
        first = bisect.bisect_left(self._numbers, begin_ms // BUCKET_MS)
        last = bisect.bisect_right(self._numbers, (end_ms - 1) // BUCKET_MS)
        for number in self._numbers[first:last]:
            for row in self._sorted(number):
                if begin_ms <= self._times[row] < end_ms:
                    yield row

    def _sorted(self, number: int) -> array[int]:
        if number in self._unsorted:
            self._unsorted.discard(number)
            # Where times are equal rows stand in their own order already, and sorting keeps that.
            rows = sorted(self._buckets[number], key=self._times.__getitem__)
            self._buckets[number] = array("I", rows)
        return self._buckets[number]
