# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What keeps the rows themselves: the port of the index, and one in memory for who needs no file. Pure."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from seinpost.delivery import Delivery

from .columns import Segment
from .row_set import RowSet
from .searchable import text_of


class TextPart(NamedTuple):
    """The searchable texts of rows that follow each other, UTF-8, with a NUL between them."""

    first: int
    rows: int
    texts: bytes


class Kept(NamedTuple):
    """What an earlier run left: its whole segments, the rows after them, and which rows were read."""

    segments: Iterator[Segment]
    rows: Iterator[tuple[Delivery, Sequence[str]]]
    """With the parties that each is for."""
    read: RowSet


class Rows(Protocol):
    """Keeps deliveries by row number, in the order in which they are appended.

    ``load``, ``load_part`` and ``texts`` raise ``IndexChangedError`` when what was kept is not what was given.
    """

    @property
    def secret(self) -> bytes:
        """32 bytes that digests of values are keyed with; the same for as long as the rows are."""

    def append(self, delivery: Delivery, audience: Sequence[str]) -> None:
        """The next row, with the parties that it is for; durable after its envelope was taken whole."""

    def close_segment(self, segment: Segment, parts: Sequence[bytes]) -> None:
        """The columns of the last rows are whole, and these are the next parts of the postings."""

    def load_part(self, number: int) -> bytes:
        """A part of the postings that was given."""

    def mark_read(self, row: int) -> None:
        """Someone opened it."""

    def load(self, row: int) -> Delivery:
        """A row that was appended."""

    def texts(self, first: int) -> Iterator[TextPart]:
        """The searchable texts of the rows from ``first`` on, and of some before it; safe against appending."""

    def kept(self) -> Kept:
        """What an earlier run left, to be taken over once, before anything is appended."""


class MemoryRows:
    """Rows in memory, for one run."""

    def __init__(self) -> None:
        self.secret = os.urandom(32)
        self._deliveries: list[Delivery] = []
        self._texts: list[bytes] = []
        self._parts: list[bytes] = []

    def append(self, delivery: Delivery, audience: Sequence[str]) -> None:
        """See ``Rows``."""
        self._deliveries.append(delivery)
        self._texts.append(text_of(delivery))

    def close_segment(self, segment: Segment, parts: Sequence[bytes]) -> None:
        """See ``Rows``; nothing outlives this process."""
        self._parts += parts

    def load_part(self, number: int) -> bytes:
        """See ``Rows``."""
        return self._parts[number]

    def mark_read(self, row: int) -> None:
        """See ``Rows``; nothing outlives this process."""

    def load(self, row: int) -> Delivery:
        """See ``Rows``."""
        return self._deliveries[row]

    def texts(self, first: int) -> Iterator[TextPart]:
        """See ``Rows``."""
        while part := self._texts[first : first + 1_000]:
            yield join_texts(first, part)
            first += len(part)

    def kept(self) -> Kept:
        """See ``Rows``: nothing."""
        return Kept(iter(()), iter(()), RowSet())


def join_texts(first: int, texts: Sequence[bytes]) -> TextPart:
    """Texts as one part."""
    return TextPart(first, len(texts), b"\0".join(texts))
