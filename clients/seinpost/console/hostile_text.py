# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Text from signals as pieces to show: every character that could deceive stands as its name.

Signals are hostile text by nature. Nothing here makes HTML: a template shows each piece, escaped, and draws
the pieces that are marks as such.
"""

from __future__ import annotations

import itertools
import unicodedata
from typing import NamedTuple

_MAX_COMBINING = 2
_INVISIBLE = frozenset("\u00ad\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800")
"""Characters of other categories that show nothing."""
_NAMES = {
    "\u202a": "LRE", "\u202b": "RLE", "\u202c": "PDF", "\u202d": "LRO", "\u202e": "RLO", "\u2066": "LRI",
    "\u2067": "RLI", "\u2068": "FSI", "\u2069": "PDI", "\u200e": "LRM", "\u200f": "RLM", "\u061c": "ALM",
    "\u200b": "ZWSP", "\u200c": "ZWNJ", "\u200d": "ZWJ", "\u2060": "WJ", "\ufeff": "BOM", "\u00ad": "SHY",
}  # fmt: skip
_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "HEBREW", "ARABIC")
_LOOKALIKES = frozenset(_SCRIPTS[:5])
"""Scripts whose letters pass for each other."""


class Piece(NamedTuple):
    """Text to show as it is, or (``mark``) the name of a character that was taken out."""

    text: str
    mark: bool = False


def pieces(text: str, *, lines: bool = False) -> list[Piece]:
    """The text in pieces; new lines stay only where ``lines`` is set."""
    found: list[Piece] = []
    plain: list[str] = []
    combining = 0
    for character in text:
        combining = combining + 1 if unicodedata.combining(character) else 0
        if character == "\n" and lines:
            plain.append("\n")
        elif character in "\n\r\t":
            plain.append(" ")
        elif _deceives(character) or combining > _MAX_COMBINING:
            if plain:
                found.append(Piece("".join(plain)))
                plain = []
            found.append(Piece(_NAMES.get(character, f"U+{ord(character):04X}"), mark=True))
        else:
            plain.append(character)
    if plain:
        found.append(Piece("".join(plain)))
    return _gathered(found)


def _gathered(found: list[Piece]) -> list[Piece]:
    """A run of the same mark as one, with its number."""
    gathered = []
    for piece, run in itertools.groupby(found):
        times = sum(1 for _ in run)
        gathered.append(Piece(f"{piece.text} ×{times}", mark=True) if times > 1 else piece)
    return gathered


def _deceives(character: str) -> bool:
    if character < "\x7f":
        return character < " "
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") or (
        character in _INVISIBLE
        or "\ufe00" <= character <= "\ufe0f"
        or "\U000e0100" <= character <= "\U000e01ef"
    )


def clamp(text: str, limit: int) -> tuple[str, int]:
    """The first ``limit`` characters, and how many there are beyond them."""
    return text[:limit], max(0, len(text) - limit)


def mixed_words(text: str) -> list[str]:
    """Words that mix letters of scripts that look alike, such as a Cyrillic one in a Latin word."""
    found = []
    for word in dict.fromkeys(text.split()):
        if word.isascii():
            continue
        scripts = {unicodedata.name(c, "").split(" ")[0] for c in word if c.isalpha()}
        if len(scripts & _LOOKALIKES) > 1:
            found.append(word[:80])
    return found
