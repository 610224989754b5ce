# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`docs/images/benchmarks.svg`: each row that has a number to reach, as a share of that number.

A bar that passes the line reaches its number; where the number is a most (a time, a distance), the share is turned
round, so that longer is better throughout.
"""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

from rows import Row

_WIDTH, _LINE, _LEFT, _TOP = 1200, 26, 545, 34
_UNIT = 150
"""Points for a number just reached."""
_MOST = 2.6
"""Bars end here; the figure stands beside each."""


def share(row: Row) -> float:
    """How far a row is towards its number: 1 is reached."""
    target = row.target or 1.0
    value = max(row.value, 1e-9)
    return value / target if (row.value >= target) == bool(row.met) else target / value


def write_plot(rows: list[Row], path: Path) -> None:
    """Draw it."""
    aimed = [r for r in rows if r.target is not None]
    height = _TOP + _LINE * len(aimed) + 14
    reached = _LEFT + _UNIT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        'font-family="sans-serif" font-size="13">',
        "<title>What make bench measured, as a share of the numbers to reach</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="{reached}" y="18" text-anchor="middle" fill="#333333">number to reach</text>',
    ]
    for place, r in enumerate(aimed):
        y = _TOP + place * _LINE
        length = min(share(r), _MOST) * _UNIT
        colour = "#1d6b53" if r.met else "#b3541e"
        value, target = f"{r.value:,g}", f"{r.target:,g}"
        said = f"{value} {r.unit} ({'reached' if r.met else 'not reached'}: {target})"
        parts += [
            f'<text x="{_LEFT - 10}" y="{y + 14}" text-anchor="end" fill="#111111">{escape(r.name)}</text>',
            f'<rect x="{_LEFT}" y="{y + 2}" width="{length:.0f}" height="{_LINE - 9}" fill="{colour}"/>',
            f'<text x="{_LEFT + max(length, _UNIT) + 8:.0f}" y="{y + 14}" fill="#333333">{escape(said)}</text>',
        ]
    parts.append(
        f'<line x1="{reached}" y1="{_TOP - 8}" x2="{reached}" y2="{height - 10}" '
        'stroke="#333333" stroke-dasharray="4 3"/>'
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*parts, "</svg>"]) + "\n", encoding="utf-8")
