# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The rows of a benchmark: what was measured, against what, and whether the design's number is met."""

from __future__ import annotations

import msgspec


class Rate(msgspec.Struct, frozen=True):
    """A figure of several rounds: the median, the lowest and the highest."""

    median: float
    low: float
    high: float


class Row(msgspec.Struct, kw_only=True):
    """One line of build/bench.json; ``low`` and ``high`` are the spread of the rounds.

    ``group`` is the heading that it stands under in the page. A row without a value says in ``note`` why it has none.
    """

    name: str
    value: float | None
    unit: str
    against: str | None = None
    ratio: float | None = None
    target: float | None = None
    met: bool | None = None
    low: float | None = None
    high: float | None = None
    group: str = ""
    note: str | None = None


def row(
    name: str,
    value: float | Rate,
    unit: str,
    target: float | None = None,
    *,
    at_most: bool = False,
    against: str | None = None,
    group: str = "",
    note: str | None = None,
) -> Row:
    """A row; ``met`` only where there is a target. ``value`` is a ratio where there is something ``against``."""
    rate = value if isinstance(value, Rate) else Rate(value, value, value)
    number = rate.median
    small = unit == "MB/min" or (unit == "x" and number < 1)
    digits = 2 if small else 1 if unit in ("x", "ms", "s") else 0
    spread = isinstance(value, Rate)
    return Row(
        name=name,
        value=round(number, digits),
        unit=unit,
        against=against,
        ratio=round(number, 2) if against else None,
        target=target,
        met=(number <= target if at_most else number >= target) if target else None,
        low=round(rate.low, digits) if spread else None,
        high=round(rate.high, digits) if spread else None,
        group=group,
        note=note,
    )


def missing(name: str, why: str, *, group: str = "") -> Row:
    """A row for something that could not be measured here."""
    return Row(name=name, value=None, unit="", group=group, note=why)
