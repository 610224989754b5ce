# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`docs/images/benchmarks.svg`: each row that has a number to reach, as a share of that number; and the curves.

A bar that passes the line reaches its number; where the number is a most (a time, a distance), the share is turned
round, so that longer is better throughout.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log2
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


_COLOURS = ("#1d6b53", "#2a5d9f", "#b3541e")
_PANEL_WIDTH, _PANEL_HEIGHT, _PAD = 560, 330, 48
_Points = list[tuple[float, float]]


def write_curves(rows: Sequence[Row], path: Path) -> None:
    """`docs/images/benchmarks-curves.svg`: times as fast as PyNaCl, by batch size and by bytes of text."""
    found = {r.name: r.value for r in rows if r.value is not None}

    def points(prefix: str, suffix: str) -> _Points:
        chosen = [(n, v) for n, v in found.items() if n.startswith(prefix) and n.endswith(suffix)]
        numbers = [(n.removeprefix(prefix).removesuffix(suffix), v) for n, v in chosen]
        return [(float(n.replace(",", "")), v) for n, v in numbers if n.replace(",", "").isdigit()]

    seal, opened = "seal against PyNaCl, ", "open against PyNaCl, "
    by_batch = {
        "seal": points(seal, ""),
        "open": points(opened, ""),
        "seal, signed on a second core": points(seal, ", signed on a second core"),
    }
    by_text = {what: points("text of ", f" bytes: {what} against PyNaCl") for what in ("seal", "open")}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * _PANEL_WIDTH} {_PANEL_HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        "<title>Times as fast as PyNaCl, by signals in a batch and by bytes of text in a signal</title>",
        f'<rect width="{2 * _PANEL_WIDTH}" height="{_PANEL_HEIGHT}" fill="#ffffff"/>',
        *_panel(0, "signals in a batch", by_batch),
        *_panel(_PANEL_WIDTH, "bytes of text in a signal", by_text),
    ]
    path.write_text("\n".join([*parts, "</svg>"]) + "\n", encoding="utf-8")


def _panel(left: int, what: str, curves: dict[str, _Points]) -> list[str]:
    every = [p for points in curves.values() for p in points]
    if not every:
        return []
    low_x, high_x = (log2(f(x for x, _ in every)) for f in (min, max))
    high_y = max(y for _, y in every) * 1.1

    def place(x: float, y: float) -> tuple[float, float]:
        across = (log2(x) - low_x) / max(high_x - low_x, 1e-9)
        height = _PANEL_HEIGHT - 2 * _PAD
        return left + _PAD + across * (_PANEL_WIDTH - 2 * _PAD), _PANEL_HEIGHT - _PAD - y / high_y * height

    parts = [
        f'<text x="{left + _PANEL_WIDTH / 2:.0f}" y="{_PANEL_HEIGHT - 8}" text-anchor="middle">{escape(what)}</text>',
        f'<text x="{left + _PAD}" y="16" fill="#333333">times as fast as PyNaCl</text>',
    ]
    for x in sorted({x for x, _ in every}):
        at, _ = place(x, 0)
        parts.append(
            f'<text x="{at:.0f}" y="{_PANEL_HEIGHT - _PAD + 16}" text-anchor="middle" fill="#333333">{x:,.0f}</text>'
        )
    for y in (1.0, *(float(n) for n in range(5, int(high_y) + 1, 5))):
        _, at = place(2**low_x, y)
        dash = ' stroke-dasharray="4 3"' if y == 1 else ""
        parts.append(
            f'<line x1="{left + _PAD}" y1="{at:.0f}" x2="{left + _PANEL_WIDTH - _PAD}" y2="{at:.0f}" '
            f'stroke="#bbbbbb"{dash}/>'
            f'<text x="{left + _PAD - 6}" y="{at + 4:.0f}" text-anchor="end" fill="#333333">{y:g}</text>'
        )
    for line, ((name, points), colour) in enumerate(zip(curves.items(), _COLOURS, strict=False)):
        if not points:
            continue
        drawn = " ".join("{:.1f},{:.1f}".format(*place(x, y)) for x, y in sorted(points))
        parts.append(f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(
            f'<text x="{left + _PANEL_WIDTH - _PAD}" y="{16 + 15 * line}" text-anchor="end" fill="{colour}">'
            f"{escape(name)}</text>"
        )
    return parts


_LINE_COLOURS = ("#1d6b53", "#2a5d9f", "#b3541e", "#7a3b8f", "#8a7a1d", "#3b8f86", "#8f3b4f", "#555555")
_DRAWN_POINTS = 300
"""Of each line: more than there is room for says nothing more."""


def write_lines(samples: dict[str, _Points], began: float, path: Path) -> None:
    """`docs/images/soak.svg`: megabytes of each process by minutes; what came before ``began`` is the warm-up."""
    others = {name: points for name, points in samples.items() if name != "nats-server"}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * _PANEL_WIDTH} {_PANEL_HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        "<title>Resident memory of each process during the soak, in MB by minutes</title>",
        f'<rect width="{2 * _PANEL_WIDTH}" height="{_PANEL_HEIGHT}" fill="#ffffff"/>',
        *_memory_panel(0, others, began),
        *_memory_panel(_PANEL_WIDTH, {n: p for n, p in samples.items() if n not in others}, began),
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*parts, "</svg>"]) + "\n", encoding="utf-8")


def _memory_panel(left: int, lines: dict[str, _Points], began: float) -> list[str]:
    every = [p for points in lines.values() for p in points]
    if not every:
        return []
    last, high = max(t for t, _ in every), max(mb for _, mb in every) * 1.6
    width, height = _PANEL_WIDTH - 2 * _PAD, _PANEL_HEIGHT - 2 * _PAD

    def place(seconds: float, megabytes: float) -> tuple[float, float]:
        return left + _PAD + seconds / last * width, _PANEL_HEIGHT - _PAD - megabytes / high * height

    begins, _ = place(began, 0)
    parts = [
        f'<text x="{left + _PANEL_WIDTH / 2:.0f}" y="{_PANEL_HEIGHT - 8}" text-anchor="middle">minutes</text>',
        f'<text x="{left + _PAD}" y="16" fill="#333333">MB</text>',
        f'<line x1="{begins:.0f}" y1="{_PAD}" x2="{begins:.0f}" y2="{_PANEL_HEIGHT - _PAD}" '
        'stroke="#333333" stroke-dasharray="4 3"/>',
        f'<text x="{begins + 4:.0f}" y="{_PAD - 4}" fill="#333333">warm: the soak begins</text>',
    ]
    for minute in range(0, int(last / 60) + 1, 2):
        at, _ = place(minute * 60, 0)
        parts.append(
            f'<text x="{at:.0f}" y="{_PANEL_HEIGHT - _PAD + 16}" text-anchor="middle" fill="#333333">{minute}</text>'
        )
    step = next(s for s in (10, 20, 50, 100, 200, 500, 1_000, 10_000) if high / s <= 8 or s == 10_000)
    for megabytes in range(0, int(high) + 1, step):
        _, at = place(0, megabytes)
        parts.append(
            f'<line x1="{left + _PAD}" y1="{at:.0f}" x2="{left + _PANEL_WIDTH - _PAD}" y2="{at:.0f}" '
            f'stroke="#dddddd"/><text x="{left + _PAD - 6}" y="{at + 4:.0f}" text-anchor="end" '
            f'fill="#333333">{megabytes}</text>'
        )
    for number, ((name, points), colour) in enumerate(zip(lines.items(), _LINE_COLOURS, strict=False)):
        step = max(1, len(points) // _DRAWN_POINTS)
        drawn = " ".join("{:.1f},{:.1f}".format(*place(t, mb)) for t, mb in points[::step])
        parts.append(f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts.append(
            f'<text x="{left + _PANEL_WIDTH - _PAD}" y="{16 + 14 * number}" text-anchor="end" fill="{colour}">'
            f"{escape(name)}</text>"
        )
    return parts
