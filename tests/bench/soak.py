# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`make bench-soak`: ten minutes at 80 % of the maximum; is memory flat, is nothing lost, how long does a signal take.

The maximum is that of this very machine, measured first. Memory is what the kernel says of each process, every second;
its growth is from the median of the second third to that of the last, when everything has been used once: the heap of
a collector breathes. Writes `build/bench-soak.json` and its section of `docs/benchmarks.md`.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import msgspec
from page import write_soak
from rows import Row, row
from whole_way import COUNT, End, running_enclave, seinpost_run

SECONDS = float(os.environ.get("BENCH_SOAK_SECONDS", "600"))
SHARE = 0.8
FLAT_MB_PER_MINUTE = {"nats-server": 5.0}
FLAT_OURS_MB_PER_MINUTE = 1.0
"""At most. A log's index is in memory, in broker and server, some hundred bytes for each entry: that much grows. The
server's own heap goes up and down by tens of megabytes."""
_MAXIMUM_ROUNDS = 3
_SAMPLE_SECONDS = 1.0


class Memory:
    """Samples the resident megabytes of processes until ``end``."""

    def __init__(self, pids: dict[str, int]) -> None:
        self.samples: dict[str, list[tuple[float, float]]] = {name: [] for name in pids}
        self._pids = pids
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._started = time.monotonic()
        self._thread.start()

    def _run(self) -> None:
        page = os.sysconf("SC_PAGE_SIZE")
        while not self._ended.wait(_SAMPLE_SECONDS):
            for name, pid in self._pids.items():
                try:
                    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
                except (OSError, IndexError):
                    continue
                self.samples[name].append((time.monotonic() - self._started, pages * page / 2**20))

    def end(self) -> None:
        """Stop sampling."""
        self._ended.set()
        self._thread.join()

    def figures(self, name: str) -> tuple[float, float, float]:
        """(megabytes per minute over the last two thirds, megabytes in the last third, most megabytes)."""
        samples = self.samples[name]
        third = len(samples) // 3
        (t1, m1), (t2, m2) = (
            (statistics.median(t for t, _ in part), statistics.median(mb for _, mb in part))
            for part in (samples[third : 2 * third], samples[2 * third :])
        )
        return (m2 - m1) / (t2 - t1) * 60, m2, max(mb for _, mb in samples)


def measure_soak() -> list[Row]:
    """All rows."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        most = statistics.median(seinpost_run(folder, COUNT).rate for _ in range(_MAXIMUM_ROUNDS))
        rate = most * SHARE
        count = int(rate * SECONDS)
        print(f"maximum {most:,.0f} signals/s; soaking {count:,} signals", file=sys.stderr, flush=True)
        with running_enclave(folder, "ncsc", "tafel") as (enclave, pids):
            publisher = End("publish", enclave.config("ncsc"), count, rate)
            publisher.await_ready()
            reader = End("read", enclave.config("tafel"), count, rate)
            reader.await_ready()
            memory = Memory({**pids, "publisher": publisher.process.pid, "reader": reader.process.pid})
            reader.go()
            publisher.go()
            sent = publisher.result()
            seen = reader.result()
            memory.end()
    return _rows(memory, sent, seen, count, most)


def _rows(
    memory: Memory, sent: dict[str, object], seen: dict[str, object], count: int, most: float
) -> list[Row]:
    from latency import Histogram

    latencies = Histogram(seen["latencies"])  # type: ignore[arg-type]
    seconds = float(seen["ended"]) - float(sent["started"])  # type: ignore[arg-type]
    rows = [
        row("soak: maximum of this machine, measured before it", most, "signals/s"),
        row("soak: rate that was kept", count / seconds, "signals/s"),
        row("soak: duration", seconds, "s"),
        row("soak: signals published and admitted", count, "signals"),
        row("soak: signals opened and verified", latencies.total, "signals", float(count)),
        row("soak: alarms", float(seen["alarms"]), "alarms"),  # type: ignore[arg-type]
        row("soak: send to verified, p50", latencies.at(0.5), "ms"),
        row("soak: send to verified, p99", latencies.at(0.99), "ms"),
    ]
    for name in memory.samples:
        growth, late, high = memory.figures(name)
        most_growth = FLAT_MB_PER_MINUTE.get(name, FLAT_OURS_MB_PER_MINUTE)
        rows += [
            row(f"soak: memory of the {name}, growth", growth, "MB/min", most_growth, at_most=True),
            row(f"soak: memory of the {name}, median of the last third", late, "MB"),
            row(f"soak: memory of the {name}, most", high, "MB"),
        ]
    return rows


def main() -> None:
    """Measure, print, write."""
    rows = measure_soak()
    for r in rows:
        met = "" if r.met is None else "  met" if r.met else "  NOT MET"
        print(f"{r.name:70} {r.value:>14,} {r.unit}{met}")
    out = Path("build") / "bench-soak.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(msgspec.to_builtins(rows), indent=1) + "\n")
    write_soak(rows, Path("docs") / "benchmarks.md")


if __name__ == "__main__":
    main()
