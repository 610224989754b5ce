# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The roots that a log had at its newest sizes: 40 bytes each, because a reader keeps them of every log it reads."""

from __future__ import annotations

from array import array
from bisect import bisect_left

ROOT_BYTES = 32
_FORGOTTEN_AT_ONCE = 1_024


class Roots:
    """The roots at the newest ``kept`` sizes, and up to 1,023 more."""

    __slots__ = ("_kept", "_roots", "_sizes")

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._sizes = array("Q")
        self._roots = bytearray()

    def put(self, size: int, root: bytes) -> None:
        """The log has ``size`` entries now and this root, 32 bytes; what was said of that size or more is forgotten."""
        at = bisect_left(self._sizes, size)
        del self._sizes[at:], self._roots[at * ROOT_BYTES :]
        self._sizes.append(size)
        self._roots += root
        if len(self._sizes) >= self._kept + _FORGOTTEN_AT_ONCE:
            del self._sizes[:_FORGOTTEN_AT_ONCE], self._roots[: _FORGOTTEN_AT_ONCE * ROOT_BYTES]

    def at(self, size: int) -> bytes | None:
        """The root at a size; ``None`` when it was never known, or too long ago."""
        at = bisect_left(self._sizes, size)
        if at == len(self._sizes) or self._sizes[at] != size:
            return None
        return bytes(self._roots[at * ROOT_BYTES : (at + 1) * ROOT_BYTES])
