# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The console's index with many signals: how long pages, filters and searches take of it, and its memory.

Signals are made and put into the index by its own functions, stored after every 256 as the subscriber does; nothing
is sealed, published or verified for it. Each step is a process of its own, with everything imported that a console
imports, so that its memory is what a console has:

    console_index.py fill <folder> <signals>      fills an index
    console_index.py measure <folder>             begins on it, as after a restart; figures as JSON
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "console"))

from rows import Row, row

import seinpost.console.serve  # noqa: F401 - what a console has in memory anyway

COUNTS = (100_000, 1_000_000)
ROUNDS = 7
TARGETS = {
    ("first page", 100_000): 1_000.0,
    ("filter", 100_000): 100.0,
    ("five saved filters counted", 100_000): 100.0,
    ("search of all text", 100_000): 2_000.0,
    ("memory", 1_000_000): 300.0,
}
"""At most: milliseconds, megabytes."""
_UNITS = {"memory": "MB"}
BEGIN = "<!-- written by make bench-console: begin -->"
END = "<!-- end -->"


def median_ms(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """The median of several."""
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        taken.append((time.perf_counter() - started) * 1_000)
    return statistics.median(taken)


def peak_mb() -> float:
    """The most memory that this process ever had resident.

    Not ``ru_maxrss``: a process begins that with what the one that started it had, which may be all of the tests.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError("this system does not say what a process had resident")


def fill_index(folder: Path, signals: int) -> dict[str, float]:
    """Fill an index; how long that took for each signal, in microseconds, and the memory of it."""
    from index_filling import fill, open_index

    from seinpost.console.feed_view import FeedView

    index = open_index(folder)
    started = time.perf_counter()
    fill(FeedView(rows=index), index, 0, signals)
    seconds = time.perf_counter() - started
    index.settle()
    index.close()
    return {
        "µs": seconds / signals * 1e6,
        "MB": peak_mb(),
        "disk": (folder / "console-index.db").stat().st_size / 1e6,
    }


def measure_index(folder: Path) -> dict[str, float]:
    """What a console that begins on an index takes for what people ask of it."""
    from feed_samples import START_MS
    from index_filling import COMMON, open_index

    from seinpost.console.feed_view import FeedView
    from seinpost.console.filters import Filters
    from seinpost.console.matching import IndicatorSought, Meant
    from seinpost.console.text_search import TextSearch

    now_ms = START_MS + 10**10
    started = time.perf_counter()
    index = open_index(folder)
    view = FeedView(rows=index)
    view.restore(now_ms)
    first = view.queue(Filters())
    begun_ms = (time.perf_counter() - started) * 1_000
    meant = Meant(indicator=IndicatorSought("", "host77.example"), now_ms=now_ms)
    filters = [
        Filters(theme="debate", severity=4),
        Filters(sender="ncsc", classification="depv", unread=True),
        Filters(technique="disarm:T0201"),
        Filters(election="TK2025"),
        Filters(indicator="x"),
        Filters(status="new", late=True),
    ]
    saved = [Filters(theme=t, severity=s, unread=True) for t in ("debate", "process") for s in (3, 4)]
    saved.append(Filters(technique="disarm:T0201", unread=True))

    def search() -> None:
        looking = TextSearch(COMMON)
        looking.look(view.texts(0))
        if len(looking.found) != -(-len(view) // 50):
            raise RuntimeError("the search did not find what is there")

    found = {
        "begin": begun_ms,
        "first page": median_ms(lambda: view.queue(Filters())),
        "last page": median_ms(lambda: view.queue(Filters(page=first.pages))),
        "filter": max(median_ms(lambda f=f: view.queue(f, meant)) for f in filters),  # type: ignore[misc]
        "five saved filters counted": median_ms(lambda: [view.matching(f, meant) for f in saved]),
        "search of all text": median_ms(search, 3),
        "memory": peak_mb(),
    }
    index.close()
    return found


def run_step(*arguments: str | Path) -> dict[str, float]:
    """A step in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, *map(str, arguments)], check=True, capture_output=True, text=True
    )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def measure_console() -> list[Row]:
    """Every row of the console."""
    rows: list[Row] = []
    for count in COUNTS:
        with tempfile.TemporaryDirectory() as name:
            filled = run_step("fill", name, str(count))
            measured = run_step("measure", name)
        measured["memory"] = max(measured["memory"], filled["MB"])
        rows += [
            row(f"console: {what}, {count:,} signals", value, _UNITS.get(what, "ms"), TARGETS.get((what, count)),
                at_most=True)
            for what, value in measured.items()
        ]  # fmt: skip
        rows.append(row(f"console: one signal into the index, {count:,} signals", filled["µs"], "µs"))
        rows.append(row(f"console: index on disk, {count:,} signals", filled["disk"], "MB"))
        print(f"measured the console with {count:,}", file=sys.stderr, flush=True)
    return rows


def write_console_figures(rows: list[Row], path: Path) -> None:
    """Put the rows into a page, between its two marks."""
    page = path.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not after:
        raise RuntimeError(f"{path} has no place for the figures")
    lines = ["| what | measured | unit | promised, at most |", "| --- | ---: | --- | ---: |"]
    for r in rows:
        target = f"{r.target:,g}" if r.target is not None else ""
        lines.append(f"| {r.name.removeprefix('console: ')} | {r.value:,g} | {r.unit} | {target} |")
    path.write_text(f"{before}{BEGIN}\n\n" + "\n".join(lines) + f"\n\n{END}{after}", encoding="utf-8")
    print(f"written to {path}", file=sys.stderr)


if __name__ == "__main__":
    folder = Path(sys.argv[2])
    figures = fill_index(folder, int(sys.argv[3])) if sys.argv[1] == "fill" else measure_index(folder)
    print(json.dumps(figures))
