# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What stands in the margins of every printed page: a style sheet with the marking, its duration and the number."""

from __future__ import annotations

import re

from .hostile_text import clamp, pieces

_SAFE = re.compile("[A-Za-z0-9 ]")


def margin_style(marking: str, duration: str) -> str:
    """The rules; both texts become strings in which every other character is an escape."""
    words = css_string(f"{marking} {duration}".strip())
    return (
        "@page { margin: 24mm 18mm 22mm; "
        f"@top-center {{ content: {words}; font: bold 10pt sans-serif; }} "
        f"@bottom-left {{ content: {words}; font: 9pt sans-serif; }} "
        '@bottom-right { content: counter(page) " / " counter(pages); font: 9pt sans-serif; } }\n'
    )


def css_string(text: str) -> str:
    """A text as a string in a style sheet, which it cannot leave; hidden characters stand as their names."""
    shown = "".join(f"<{piece.text}>" if piece.mark else piece.text for piece in pieces(clamp(text, 200)[0]))
    return '"' + "".join(c if _SAFE.fullmatch(c) else f"\\{ord(c):06x}" for c in shown) + '"'
