# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Latencies of any number of signals in a few kilobytes: to a tenth of a millisecond, above 100 ms to one."""

from __future__ import annotations

from collections.abc import Mapping

_PER_MS = 10
_COARSE_FROM, _COARSE = 100 * _PER_MS, 10


class Histogram:
    """How many signals took how long; ``counts`` by tenths of a millisecond, rounded up.

    What is measured in the same process must not see them grow.
    """

    def __init__(self, counts: Mapping[str, int] | None = None) -> None:
        self.counts = {int(k): n for k, n in (counts or {}).items()}
        self.total = sum(self.counts.values())

    def add(self, milliseconds: float) -> None:
        """One signal."""
        bucket = max(0, int(milliseconds * _PER_MS) + 1)
        if bucket > _COARSE_FROM:
            bucket = -(-bucket // _COARSE) * _COARSE
        self.counts[bucket] = self.counts.get(bucket, 0) + 1
        self.total += 1

    def at(self, share: float) -> float:
        """A percentile in milliseconds."""
        wanted, seen = share * self.total, 0
        for bucket in sorted(self.counts):
            seen += self.counts[bucket]
            if seen >= wanted:
                return bucket / _PER_MS
        raise ValueError("no latency was recorded")
