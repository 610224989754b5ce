# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Signals to publish."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import msgspec

from seinpost import parse_signal
from seinpost_schemas.sections import EncodedSignal, encode_signal
from seinpost_schemas.signal import Signal
from seinpost_schemas.uuid7 import make_id

UNTIL = "2099-12-31T00:00:00Z"


def table(title: str = "Valse berichten over gesloten stembureaus", **handling: Any) -> dict[str, Any]:
    """A signal in its JSON form, as a dictionary."""
    return {
        "handling": {
            "schema": 1,
            "signal_type": "incident",
            "valid_until": UNTIL,
            "tlp": "amber",
            "classified_until": "2099-03-18",
            **handling,
        },
        "report": {"title": title, "text": f"{title}: wat er gezien is."},
    }


def line(title: str = "Een signaal", **handling: Any) -> bytes:
    """A signal as one JSON line, with its newline."""
    return json.dumps(table(title, **handling)).encode() + b"\n"


def signal(title: str = "Een signaal", **handling: Any) -> Signal:
    """A signal as the library takes it."""
    return parse_signal(line(title, **handling))


def long_signal(characters: int) -> Signal:
    """A signal with a long text."""
    made = signal("Lang")
    return msgspec.structs.replace(made, report=msgspec.structs.replace(made.report, text="x" * characters))


def encoded(number: int, title: str = "", **handling: Any) -> EncodedSignal:
    """A signal as sections, with an id made from ``number``."""
    made = signal(title or f"Signaal {number}", **handling)
    return encode_signal(made, make_id(1_790_000_000_000 + number, number.to_bytes(10, "big")))


def titles(rows: Iterable[dict[str, Any]]) -> list[str]:
    """The titles in what `watch --json` printed."""
    return [row["signal"]["report"]["title"] for row in rows]
