# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What a broker remembers of every entry of a log: compactly, because there are millions."""

from __future__ import annotations

import bisect
from array import array

import msgspec


class Placed(msgspec.Struct, frozen=True):
    """One entry: enough to answer for it again, to prove it, and to know whose it is."""

    object_hash: bytes
    sender_id: bytes
    kind: int
    admitted_ms: int
    directory_size: int


class Places:
    """Entries by index and by object hash; about 200 bytes each."""

    def __init__(self) -> None:
        self._by_hash: dict[bytes, int] = {}
        self._hashes: list[bytes] = []
        self._senders: list[bytes] = []
        self._kinds = array("B")
        self._admitted_ms = array("Q")
        self._directory_sizes = array("Q")
        self._names: dict[bytes, bytes] = {}

    def __len__(self) -> int:
        return len(self._hashes)

    def append(self, placed: Placed) -> None:
        """The next entry."""
        self._by_hash[placed.object_hash] = len(self._hashes)
        self._hashes.append(placed.object_hash)
        # A handful of senders, named a million times: one bytes object for each.
        self._senders.append(self._names.setdefault(placed.sender_id, placed.sender_id))
        self._kinds.append(placed.kind)
        self._admitted_ms.append(placed.admitted_ms)
        self._directory_sizes.append(placed.directory_size)

    def pop(self) -> None:
        """Take the newest entry back."""
        del self._by_hash[self._hashes.pop()]
        for column in (self._senders, self._kinds, self._admitted_ms, self._directory_sizes):
            column.pop()

    def find(self, object_hash: bytes) -> int | None:
        """The index of an envelope; ``None`` if it is not in the log."""
        return self._by_hash.get(object_hash)

    def at(self, index: int) -> Placed:
        """The entry at an index; raises ``IndexError``."""
        return Placed(
            self._hashes[index],
            self._senders[index],
            self._kinds[index],
            self._admitted_ms[index],
            self._directory_sizes[index],
        )

    def size_at(self, at_ms: int) -> int:
        """How many entries were admitted before a time: times never decrease along a log."""
        return bisect.bisect_left(self._admitted_ms, at_ms)
