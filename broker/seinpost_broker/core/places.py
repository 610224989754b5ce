# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What a broker remembers of every entry of a log: compactly, because there are millions."""

from __future__ import annotations

import bisect
from array import array

import msgspec

from .hash_index import HashIndex


class Placed(msgspec.Struct, frozen=True):
    """One entry: enough to answer for it again, to prove it, and to know whose it is."""

    object_hash: bytes
    sender_id: bytes
    kind: int
    admitted_ms: int
    directory_size: int


class Columns(msgspec.Struct, frozen=True, array_like=True):
    """All places as bytes, column by column, for storing: hashes 32 each, then arrays in this machine's order."""

    hashes: bytes
    names: list[bytes]
    senders: bytes
    kinds: bytes
    admitted_ms: bytes
    directory_sizes: bytes


class Places:
    """Entries by index and by object hash; 65 bytes each."""

    def __init__(self) -> None:
        self._hashes = HashIndex()
        # A handful of senders, named a million times: a number for each.
        self._names: list[bytes] = []
        self._number_of: dict[bytes, int] = {}
        self._senders = array("I")
        self._kinds = array("B")
        self._admitted_ms = array("Q")
        self._directory_sizes = array("Q")

    @classmethod
    def of(cls, columns: Columns) -> Places:
        """What was stored; raises ``ValueError`` when the columns do not fit each other."""
        places = cls()
        places._hashes = HashIndex.of(columns.hashes)
        places._names = list(columns.names)
        places._number_of = {name: n for n, name in enumerate(places._names)}
        places._senders.frombytes(columns.senders)
        places._kinds.frombytes(columns.kinds)
        places._admitted_ms.frombytes(columns.admitted_ms)
        places._directory_sizes.frombytes(columns.directory_sizes)
        lengths = {
            len(column)
            for column in (places._senders, places._kinds, places._admitted_ms, places._directory_sizes)
        }
        if lengths != {len(places)} or max(places._senders, default=-1) >= len(places._names):
            raise ValueError("stored places do not fit each other")
        return places

    def columns(self) -> Columns:
        """Everything, to be stored."""
        return Columns(
            self._hashes.tobytes(),
            self._names,
            self._senders.tobytes(),
            self._kinds.tobytes(),
            self._admitted_ms.tobytes(),
            self._directory_sizes.tobytes(),
        )

    def __len__(self) -> int:
        return len(self._hashes)

    def append(self, placed: Placed) -> None:
        """The next entry."""
        self._hashes.append(placed.object_hash)
        number = self._number_of.setdefault(placed.sender_id, len(self._names))
        if number == len(self._names):
            self._names.append(placed.sender_id)
        self._senders.append(number)
        self._kinds.append(placed.kind)
        self._admitted_ms.append(placed.admitted_ms)
        self._directory_sizes.append(placed.directory_size)

    def pop(self) -> None:
        """Take the newest entry back."""
        self._hashes.pop()
        for column in (self._senders, self._kinds, self._admitted_ms, self._directory_sizes):
            column.pop()

    def find(self, object_hash: bytes) -> int | None:
        """The index of an envelope; ``None`` if it is not in the log."""
        return self._hashes.find(object_hash)

    def at(self, index: int) -> Placed:
        """The entry at an index; raises ``IndexError``."""
        return Placed(
            self._hashes[index],
            self._names[self._senders[index]],
            self._kinds[index],
            self._admitted_ms[index],
            self._directory_sizes[index],
        )

    def size_at(self, at_ms: int) -> int:
        """How many entries were admitted before a time: times never decrease along a log."""
        return bisect.bisect_left(self._admitted_ms, at_ms)
