# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Searching the text of signals: kept by the session under a number, so that no link holds a searched word. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from .defang import refang
from .index.row_set import RowSet
from .index.rows import TextPart
from .index.searchable import fold

MAX_SEARCH_CHARACTERS = 200


class TextSearch:
    """One searched text and the rows where it was found, as far as it has looked."""

    def __init__(self, text: str) -> None:
        self.text = text[:MAX_SEARCH_CHARACTERS]
        self.looked = 0
        """Rows that were looked at."""
        self.stopped = False
        """Whether someone asked it to look no further."""
        self.found = RowSet()
        self._words = tuple(word.encode(errors="ignore") for word in fold(refang(self.text)).split())

    def look(self, parts: Iterable[TextPart]) -> None:
        """Look at parts that begin at the row ``looked`` or before it, each where the last one ends."""
        for part in parts:
            self._look_at(part)

    def _look_at(self, part: TextPart) -> None:
        end = part.first + part.rows
        # Most parts lack a word, and that is one look at the whole.
        if all(word in part.texts for word in self._words):
            for row, text in enumerate(part.texts.split(b"\0"), part.first):
                if row >= self.looked and all(word in text for word in self._words):
                    self.found.add(row)
        self.looked = max(self.looked, end)

    def begin_again(self) -> None:
        """Forget what was found."""
        self.looked, self.found = 0, RowSet()
