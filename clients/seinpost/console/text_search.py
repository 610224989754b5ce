# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Searching the text of signals: kept by the session under a number, so that no link holds a searched word."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Sequence

from .defang import refang
from .feed_view import Entry

MAX_SEARCH_CHARACTERS = 200
_OTHER = re.compile("[^\\x00-\\x7f]")


class TextSearch:
    """One searched text and the places where it was found, up to date as far as it has looked."""

    def __init__(self, text: str) -> None:
        self.text = text[:MAX_SEARCH_CHARACTERS]
        self.looked = 0
        self.found: set[int] = set()
        self._words = tuple(fold(refang(self.text)).split())

    def look(self, entries: Sequence[Entry]) -> None:
        """Look at the entries from place ``looked`` on."""
        for entry in entries:
            haystack = fold(searchable(entry))
            if all(word in haystack for word in self._words):
                self.found.add(entry.place)
        self.looked += len(entries)


def fold(text: str) -> str:
    """The text without case or accents, and without what cannot be seen."""
    if text.isascii():
        return text.lower()
    text = text.casefold()
    for character in set(_OTHER.findall(text)):
        text = text.replace(character, _plain(character))
    return text


@functools.lru_cache(maxsize=10_000)
def _plain(character: str) -> str:
    decomposed = unicodedata.normalize("NFKD", character)
    return "".join(c for c in decomposed if unicodedata.category(c) not in ("Mn", "Cf"))


def searchable(entry: Entry) -> str:
    """All that a search may find; never the protected section."""
    report = entry.signal.report
    parts = [
        report.title, report.text, report.narrative, report.attribution, report.action_requested,
        entry.delivery.sender, entry.signal.id, entry.signal.handling.election, *report.techniques,
        *report.channels, *report.targets, *report.regions, *(i.value for i in entry.signal.indicators),
    ]  # fmt: skip
    return "\n".join(part for part in parts if part)
