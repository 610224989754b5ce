# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What receipts and recalls may refer to in a log that is read once: 37 bytes an entry."""

from __future__ import annotations

from array import array

from seinpost_schemas.references import Referred

_HASH = 32


class LoggedEntries:
    """Object hash, sender and kind of every entry of a log, in order."""

    def __init__(self) -> None:
        self._hashes = bytearray()
        self._kinds = array("B")
        self._senders = array("L")
        # A handful of senders, named a million times: a number for each.
        self._names: list[bytes] = []
        self._number_of: dict[bytes, int] = {}

    def append(self, entry: Referred) -> None:
        """The next entry."""
        number = self._number_of.setdefault(entry.sender_id, len(self._names))
        if number == len(self._names):
            self._names.append(entry.sender_id)
        self._hashes += entry.object_hash
        self._kinds.append(entry.kind)
        self._senders.append(number)

    def at(self, index: int) -> Referred | None:
        """The entry at an index; ``None`` beyond the last."""
        if index >= len(self._kinds):
            return None
        start = index * _HASH
        hash_ = bytes(self._hashes[start : start + _HASH])
        return Referred(hash_, self._names[self._senders[index]], self._kinds[index])
