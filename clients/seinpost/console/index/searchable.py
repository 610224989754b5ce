# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What a search may find in a signal, without case or accents. Pure."""

from __future__ import annotations

import functools
import re
import unicodedata

from seinpost.delivery import Delivery
from seinpost_schemas.signal import Signal

MAX_TEXT_BYTES = 128 * 1024
"""Searchable text of one signal: some characters unfold to many."""
_OTHER = re.compile(r"[^\x00-\x7f]")


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


def text_of(delivery: Delivery) -> bytes:
    """All that a search may find, as UTF-8 without NUL; never the protected section, and nothing of an act."""
    signal = delivery.signal
    if not isinstance(signal, Signal):
        return b""
    report = signal.report
    parts = [
        report.title, report.text, report.narrative, report.attribution, report.action_requested,
        delivery.sender, signal.id, signal.handling.election, *report.techniques,
        *report.channels, *report.targets, *report.regions, *(i.value for i in signal.indicators),
    ]  # fmt: skip
    folded = fold("\n".join(part for part in parts if part)).encode(errors="ignore")
    return folded.replace(b"\0", b"")[:MAX_TEXT_BYTES]
