# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A sender's own chain in one compartment: which seq and prev_hash the next header gets. Pure.

seqs are reserved in blocks before they are used, so that none is used twice whatever happens to the
process; a block that is not used up is skipped, which the log allows.
"""

from __future__ import annotations

from collections.abc import Callable

from seinpost_schemas.errors import GapError
from seinpost_schemas.header import ZERO_32, Header

BLOCK = 1_024


class Chain:
    """``reserve(upto)`` must have stored the number durably when it returns."""

    def __init__(self, reserved: int, head_hash: bytes, reserve: Callable[[int], None]) -> None:
        self._next_seq = reserved + 1
        self._reserved = reserved
        self._reserve = reserve
        self.prev_hash = head_hash
        self.admitted_hash = head_hash

    def take_seq(self) -> int:
        """The next unused seq."""
        if self._next_seq > self._reserved:
            upto = self._next_seq + BLOCK - 1
            self._reserve(upto)
            self._reserved = upto
        seq = self._next_seq
        self._next_seq += 1
        return seq

    def signed(self, object_hash: bytes) -> None:
        """A header was signed: the next one follows it."""
        self.prev_hash = object_hash

    def admitted(self, object_hash: bytes) -> None:
        """The log holds this header now."""
        self.admitted_hash = object_hash

    def resume_own(self) -> None:
        """Go on from the last header known to be admitted: what followed it never reached a broker."""
        self.prev_hash = self.admitted_hash

    def resume(self, head: Header | None, head_hash: bytes) -> None:
        """Go on from the log's head of this chain (``None``: the log has none), after a refusal.

        Raises ``GapError`` when the log has none and held one before: it has lost what it admitted.
        """
        if head is None and self.admitted_hash != ZERO_32:
            raise GapError("the log no longer holds what it admitted of this chain; ask its operator")
        self.admitted_hash = self.prev_hash = head_hash if head else ZERO_32
        if head is not None and head.seq >= self._next_seq:
            self._next_seq = head.seq + 1
