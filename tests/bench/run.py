# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`make bench`: everything that is measured, beside the design's numbers, peers and a floor, in one run.

`make bench-quick` (``--quick``) gives the main ratios within a minute, `make bench-console` (``--console``) measures
the console alone; both leave `docs/benchmarks.md` as it is, and so does ``--only codec way``, which measures some parts
and writes `build/bench-part.json`. The figures in `docs/console.md` are written whenever the console is measured.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from codec import QUICK_BATCHES, measure_codec, measure_payloads
from console_index import measure_console, write_console_figures
from growth import measure_growth
from guarantees import measure_guarantees
from logs import measure_logs
from native import measure_native
from page import write_page
from plot import write_curves, write_plot
from product import measure_product
from rows import Row
from startup import measure_startup
from whole_way import compared, measure_whole_way, quick_ways

ROUNDS = 7
ROUND_SECONDS = 0.25


def console() -> list[Row]:
    """The console alone, and its figures in `docs/console.md`."""
    rows = measure_console()
    write_console_figures(rows, Path("docs") / "console.md")
    for found in rows:
        found.group = "The console"
    return rows


PARTS: dict[str, Callable[[], list[Row]]] = {
    "codec": lambda: measure_codec(ROUNDS, ROUND_SECONDS),
    "payloads": lambda: measure_payloads(ROUNDS, ROUND_SECONDS),
    "product": lambda: measure_product(ROUNDS),
    "guarantees": lambda: measure_guarantees(ROUNDS, ROUND_SECONDS),
    "native": lambda: measure_native(ROUNDS, ROUND_SECONDS),
    "way": measure_whole_way,
    "logs": measure_logs,
    "growth": lambda: measure_growth(ROUNDS, ROUND_SECONDS),
    "startup": measure_startup,
    "console": console,
}


def quick() -> list[Row]:
    """The main ratios."""
    return measure_codec(5, 0.1, QUICK_BATCHES) + compared(quick_ways())


def show(rows: Sequence[Row]) -> None:
    """The table for people."""
    print(f"{'what':90} {'measured':>12} {'unit':10} {'target':>10}  met")
    for r in rows:
        if r.value is None:
            print(f"{r.name:90} {r.note}")
            continue
        target = f"{r.target:,.1f}".removesuffix(".0") if r.target else "-"
        met = "-" if r.met is None else "yes" if r.met else "NO"
        print(f"{r.name:90} {r.value:>12,} {r.unit:10} {target:>10}  {met}")


def store(rows: Sequence[Row], name: str) -> None:
    """Write the rows as JSON, below build/."""
    out = Path("build") / name
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(msgspec.to_builtins(list(rows)), indent=1) + "\n")
    print(f"written to {out}", file=sys.stderr)


def main() -> None:
    """Measure, print, write build/bench.json and, when everything was measured, docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description="Measure the core beside its peers.")
    parser.add_argument("--quick", action="store_true", help="the main ratios, within a minute")
    parser.add_argument("--console", action="store_true", help="the console alone, in some minutes")
    parser.add_argument(
        "--only", nargs="+", choices=PARTS, metavar="PART", help=f"some of {', '.join(PARTS)}"
    )
    chosen = parser.parse_args()
    if chosen.quick:
        rows = quick()
        show(rows)
        store(rows, "bench-quick.json")
        return
    if chosen.console:
        show(console())
        return
    rows = []
    for name in chosen.only or PARTS:
        started = time.monotonic()
        rows += PARTS[name]()
        print(f"{name} took {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    show(rows)
    if chosen.only:
        store(rows, "bench-part.json")
        return
    store(rows, "bench.json")
    write_plot(rows, Path("docs") / "images" / "benchmarks.svg")
    write_curves(rows, Path("docs") / "images" / "benchmarks-curves.svg")
    write_page(rows, Path("docs") / "benchmarks.md")


if __name__ == "__main__":
    main()
