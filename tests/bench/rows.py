# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The rows of a benchmark: what was measured, against what, and whether the design's number is met."""

from __future__ import annotations

import msgspec


class Rate(msgspec.Struct, frozen=True):
    """Signals per second: the median, the slowest and the fastest round."""

    median: float
    low: float
    high: float


class Row(msgspec.Struct, kw_only=True):
    """One line of build/bench.json; ``low`` and ``high`` are the spread of the rounds."""

    name: str
    value: float
    unit: str
    against: str | None = None
    ratio: float | None = None
    target: float | None = None
    met: bool | None = None
    low: float | None = None
    high: float | None = None


def row(
    name: str,
    value: float | Rate,
    unit: str,
    target: float | None = None,
    *,
    at_most: bool = False,
    against: str | None = None,
) -> Row:
    """A row; ``met`` only where there is a target. ``value`` is a ratio where there is something ``against``."""
    digits = 1 if unit in ("x", "ms", "s") else 0
    low, high = (round(value.low), round(value.high)) if isinstance(value, Rate) else (None, None)
    number = value.median if isinstance(value, Rate) else value
    return Row(
        name=name,
        value=round(number, digits),
        unit=unit,
        against=against,
        ratio=round(number, 2) if against else None,
        target=target,
        met=(number <= target if at_most else number >= target) if target else None,
        low=low,
        high=high,
    )
