# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`make bench-soak`: ten minutes at 80 % of the maximum; is memory flat, is nothing lost, how long does a signal take.

The maximum is that of this very machine, measured first, in an enclave like the one that is soaked: with its four
witnesses as processes of their own, so that all of it is published, cosigned and proven. The soaked enclave then
takes a minute of signals as fast as they go: every queue has been full once, and what memory that takes is part of
the level that must stay. Memory is what the kernel says of each process, every second; its growth is from the median
of the second third of the ten minutes to that of the last: the heap of a collector breathes. At the end everything
must be audited. A signal's time begins when the publisher hands it over, after any wait for room. Writes
`build/bench-soak.json` (rows), `build/bench-soak-memory.json` (samples), `docs/images/soak.svg` and its section of
`docs/benchmarks.md`.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from page import write_soak
from plot import write_lines
from rows import Row, row
from whole_way import COUNT, End, measure

sys.path.append(str(Path(__file__).parents[1] / "integration"))

from harness.enclave import Enclave, make_enclave
from harness.witnessed import WITNESSES, Witnessed

SECONDS = float(os.environ.get("BENCH_SOAK_SECONDS", "600"))
WARM_SECONDS = 60.0
SHARE = 0.8
FLAT_MB_PER_MINUTE = {"nats-server": 5.0}
FLAT_OURS_MB_PER_MINUTE = 1.0
"""At most. A log's index is in memory, in broker and server, some hundred bytes for each entry: that much grows. The
server's own heap goes up and down by tens of megabytes."""
_AUDITED_SECONDS = 60.0
"""A reader raises the alarm after that."""
_MAXIMUM_ROUNDS = 3
_SAMPLE_SECONDS = 1.0
Samples = dict[str, list[tuple[float, float]]]
"""By process: (seconds, megabytes)."""


class Memory:
    """Samples the resident megabytes of processes from when it is made until ``end``: the warm-up's too."""

    def __init__(self, pids: dict[str, int]) -> None:
        self.samples: Samples = {name: [] for name in pids}
        self._pids = pids
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._started = time.monotonic()
        self._thread.start()

    def now(self) -> float:
        """Seconds since the first sample."""
        return time.monotonic() - self._started

    def _run(self) -> None:
        page = os.sysconf("SC_PAGE_SIZE")
        while not self._ended.wait(_SAMPLE_SECONDS):
            for name, pid in self._pids.items():
                try:
                    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
                except (OSError, IndexError):
                    continue
                if pages:
                    self.samples[name].append((self.now(), pages * page / 2**20))

    def end(self) -> Samples:
        """Stop sampling."""
        self._ended.set()
        self._thread.join()
        return self.samples


def growth(samples: list[tuple[float, float]]) -> tuple[float, float, float]:
    """(megabytes per minute over the last two thirds, megabytes in the last third, most megabytes)."""
    third = len(samples) // 3
    (t1, m1), (t2, m2) = (
        (statistics.median(t for t, _ in part), statistics.median(mb for _, mb in part))
        for part in (samples[third : 2 * third], samples[2 * third :])
    )
    return (m2 - m1) / (t2 - t1) * 60, m2, max(mb for _, mb in samples)


@contextlib.contextmanager
def _witnessed_enclave(folder: Path) -> Iterator[tuple[Enclave, dict[str, int]]]:
    """A new enclave with four witnesses at work, and all its processes."""
    made = Witnessed(make_enclave(folder / f"enclave-{time.time_ns()}", *WITNESSES, "tafel", witnesses=True))
    try:
        broker = made.enclave.start()
        for party in WITNESSES:
            made.start_witness(party)
        (server,) = made.enclave.nats_pids()
        witnesses = {f"witness of {p}": made.running[p].process.pid for p in WITNESSES}
        yield made.enclave, {"broker": broker.pid, "nats-server": server, **witnesses}
    finally:
        made.stop()


def _maximum(folder: Path) -> float:
    """Signals per second, as fast as they go."""
    with _witnessed_enclave(folder) as (enclave, pids):
        publisher = End("publish", enclave.config("ncsc"), COUNT, 0)
        publisher.await_ready()
        reader = End("read", enclave.config("tafel"), COUNT, 0)
        reader.await_ready()
        return measure(publisher, reader, pids, enclave.path / "nats", COUNT).rate


def measure_soak() -> tuple[list[Row], Samples, float]:
    """All rows; the samples of memory, from before the warm-up on, and when the soak began among them."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        most = statistics.median(_maximum(folder) for _ in range(_MAXIMUM_ROUNDS))
        rate = most * SHARE
        count, warm = int(rate * SECONDS), int(most * WARM_SECONDS)
        print(
            f"maximum {most:,.0f} signals/s; {warm:,} as fast as they go, then {count:,} at {rate:,.0f} a second",
            file=sys.stderr,
            flush=True,
        )
        with _witnessed_enclave(folder) as (enclave, pids):
            publisher = End("publish", enclave.config("ncsc"), count, rate, 1, warm)
            reader = End("read", enclave.config("tafel"), count, rate, 1, warm)
            memory = Memory({**pids, "publisher": publisher.process.pid, "reader": reader.process.pid})
            try:
                publisher.await_ready()
                reader.await_ready()
                began = memory.now()
                reader.go()
                publisher.go()
                sent = publisher.result()
                ended = memory.now()
                seen = reader.result()
            finally:
                samples = memory.end()
                publisher.process.kill()
                reader.process.kill()
    soaked = {name: [s for s in found if began <= s[0] <= ended] for name, found in samples.items()}
    return _rows(soaked, sent, seen, count, most), samples, began


def _rows(
    soaked: Samples, sent: dict[str, object], seen: dict[str, object], count: int, most: float
) -> list[Row]:
    from latency import Histogram

    latencies = Histogram(seen["latencies"])  # type: ignore[arg-type]
    seconds = float(seen["ended"]) - float(sent["started"])  # type: ignore[arg-type]
    alarms = float(sent["alarms"]) + float(seen["alarms"])  # type: ignore[arg-type]
    entries = float(seen["entries"])  # type: ignore[arg-type]
    rows = [
        row("soak: maximum of this machine, measured before it", most, "signals/s"),
        row("soak: rate that was kept", count / seconds, "signals/s"),
        row("soak: duration", seconds, "s"),
        row("soak: signals published and admitted", count, "signals"),
        row("soak: signals opened and verified", latencies.total, "signals", float(count)),
        row("soak: entries of the log", entries, "entries"),
        row(
            "soak: all audited after the last was verified",
            float(seen["audited"]),
            "s",
            _AUDITED_SECONDS,
            at_most=True,
        ),  # type: ignore[arg-type]
        row("soak: alarms of publisher and reader", alarms, "alarms"),
        row("soak: send to verified, p50", latencies.at(0.5), "ms"),
        row("soak: send to verified, p99", latencies.at(0.99), "ms"),
    ]
    per_entry = growth(soaked["broker"])[0] / 60 * seconds / entries * 2**20
    rows.append(row("soak: growth of the broker for each entry of the log", per_entry, "bytes"))
    for name, found in soaked.items():
        grown, late, high = growth(found)
        most_growth = FLAT_MB_PER_MINUTE.get(name, FLAT_OURS_MB_PER_MINUTE)
        rows += [
            row(f"soak: memory of the {name}, growth", grown, "MB/min", most_growth, at_most=True),
            row(f"soak: memory of the {name}, median of the last third", late, "MB"),
            row(f"soak: memory of the {name}, most", high, "MB"),
        ]
    return rows


def main() -> None:
    """Measure, print, write."""
    rows, samples, began = measure_soak()
    for r in rows:
        met = "" if r.met is None else "  met" if r.met else "  NOT MET"
        print(f"{r.name:70} {r.value:>14,} {r.unit}{met}")
    build, docs = Path("build"), Path("docs")
    build.mkdir(exist_ok=True)
    (build / "bench-soak.json").write_text(json.dumps(msgspec.to_builtins(rows), indent=1) + "\n")
    (build / "bench-soak-memory.json").write_text(json.dumps({"began": began, "samples": samples}) + "\n")
    write_lines(samples, began, docs / "images" / "soak.svg")
    write_soak(rows, docs / "benchmarks.md")


if __name__ == "__main__":
    main()
