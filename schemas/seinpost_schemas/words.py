# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Strings of a small vocabulary, each checked against its pattern once (languages, techniques).

A flood of signals repeats the same few words; matching each again is half the cost of decoding a report.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MAX_REMEMBERED = 4_096
"""Words kept by one vocabulary: a hostile sender makes checking slower, never memory larger."""


class Words:
    """What matches a pattern; ``message`` is the error, and holds no value."""

    __slots__ = ("_matches", "_message", "_seen")

    def __init__(self, pattern: str, message: str) -> None:
        self._matches = re.compile(pattern).search
        self._message = message
        self._seen: set[str] = set()

    def verify(self, words: Iterable[object]) -> None:
        """Raise ``ValueError`` unless every word matches."""
        # Membership is of the exact string that matched before: remembering never widens what is accepted.
        if self._seen.issuperset(words):
            return
        for word in words:
            if not isinstance(word, str) or not self._matches(word):
                raise ValueError(self._message)
            if len(self._seen) < MAX_REMEMBERED:
                self._seen.add(word)
