# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Text from outside, made safe for a terminal."""

from __future__ import annotations

import sys
import unicodedata


def clean(text: str) -> str:
    """Text from outside on one line, safe on a terminal: control and formatting characters become a visible mark."""
    return "".join(
        "�" if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co") else c for c in " ".join(text.split())
    )


def show_progress(what: str) -> None:
    """How far something long has come, on a terminal only."""
    if sys.stderr.isatty():
        print(f"{what:60}", end="\r", file=sys.stderr, flush=True)


def fail(message: str) -> None:
    """One line on standard error."""
    print("seinpost: " + clean(message), file=sys.stderr, flush=True)
