# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Whether this sender's view of the directory is fresh enough to seal on (specification, section 8.4). Pure."""

from __future__ import annotations

from seinpost_schemas.errors import UnavailableError
from seinpost_schemas.limits import FRESH_MS, MAX_CLOCK_SKEW_MS


class Freshness:
    """Holds the newest directory timestamp, and when it last rose by our own monotonic clock."""

    def __init__(self) -> None:
        self._timestamp_ms = 0
        self._rose_ms: int | None = None

    @property
    def stated_ms(self) -> int:
        """The newest time that a quorum stated of the directory, Unix milliseconds; 0 before the first."""
        return self._timestamp_ms

    def saw(self, timestamp_seconds: int, monotonic_ms: int, wall_ms: int) -> None:
        """A verified checkpoint carried this timestamp; an old one changes nothing.

        The first one seen has not *risen*: it counts at once only if it is recent by this machine's clock,
        else sealing waits until a newer one comes.
        """
        timestamp_ms = timestamp_seconds * 1000
        if timestamp_ms <= self._timestamp_ms:
            return
        first = self._timestamp_ms == 0
        self._timestamp_ms = timestamp_ms
        if not first or abs(wall_ms - timestamp_ms) <= FRESH_MS:
            self._rose_ms = monotonic_ms

    def verify(self, monotonic_ms: int, wall_ms: int) -> None:
        """Raise ``UnavailableError`` when it is too old, or too far from this machine's clock, to seal."""
        if self._rose_ms is None or monotonic_ms - self._rose_ms > FRESH_MS:
            raise UnavailableError(
                "the directory has not been confirmed for 60 s: nothing is sent or looked up until a broker and its "
                "witnesses confirm it again; do they run?"
            )
        skew_ms = abs(wall_ms - self._timestamp_ms)
        if skew_ms > MAX_CLOCK_SKEW_MS + (monotonic_ms - self._rose_ms):
            raise UnavailableError(
                f"this machine's clock differs from the directory's by {skew_ms // 60_000} minutes; set it right"
            )
