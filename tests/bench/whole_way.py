# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The whole way: a publisher, a broker, a nats-server that writes to disk before it answers, and a verified reader.

Each is a process of its own, as are both ends and the server of every peer: plain nats-py with one JSON message per
signal and 1,000 acknowledgements in flight, on the same nats-server with the same ``sync_interval: always``; an
HTTPS POST per signal with an fsync for each; and a TAXII 2.1 server. All take turns.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import nats

sys.path.append(str(Path(__file__).parents[1] / "integration"))

from harness.enclave import Enclave, free_port, make_enclave, wait_for_port
from latency import Histogram
from rows import Rate, Row, missing, row
from taxii import install, write_config
from way_ends import STREAM, SUBJECT

COUNT = int(os.environ.get("BENCH_WAY_SIGNALS", "40000"))
PLAIN_COUNT = max(COUNT // 4, 1_000)
HTTPS_COUNT = max(COUNT // 20, 500)
TAXII_COUNT = 300
"""Its memory back end copies all that it holds for each request: a thousand take minutes."""
ROUNDS = int(os.environ.get("BENCH_WAY_ROUNDS", "5"))
LONELY = 60
"""Signals sent alone, four a second."""
SHARES = (0.1, 0.5, 0.9)
_SHARE_SECONDS = 8.0
_TARGET = 3.0
_LONELY_P50_MS, _LONELY_P99_MS = 50.0, 200.0
_ENDS = Path(__file__).parent / "way_ends.py"
TAXII_FOLDER = Path("build") / "taxii-venv"
GROUP = "The whole way, in separate processes"
COSTS = "The whole way: CPU, wire and disk per signal"
LATENCY = "The whole way: latency"


class Run(msgspec.Struct):
    """One run: rate, CPU seconds by process, bytes on the wire by end, bytes on disk, and latencies."""

    count: int
    rate: float
    cpu: dict[str, float]
    wire: dict[str, int]
    disk: int
    latencies: Histogram


class End:
    """A started ``way_ends`` process."""

    def __init__(self, *arguments: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(_ENDS), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def _line(self) -> str:
        if self.process.stdout is None:
            raise RuntimeError("no output to read")
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("an end of the whole way stopped early")
        return line

    def await_ready(self) -> None:
        """Until it has connected and warmed up."""
        if self._line() != "ready\n":
            raise RuntimeError("an end of the whole way did not get ready")

    def go(self) -> None:
        """Let it begin."""
        if self.process.stdin is not None:
            self.process.stdin.write("\n")
            self.process.stdin.flush()

    def result(self) -> dict[str, Any]:
        """Its line, when it is done."""
        found: dict[str, Any] = json.loads(self._line())
        self.process.communicate()
        return found


def cpu_seconds(pid: int) -> float:
    """User and system seconds that a process took so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def disk_bytes(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())


def measure(publisher: End, reader: End, others: dict[str, int], store: Path, count: int) -> Run:
    """Let both ends go, and take what they and the others needed until the last signal was read."""
    before = {name: cpu_seconds(pid) for name, pid in others.items()}
    held = disk_bytes(store)
    reader.go()
    publisher.go()
    sent, seen = publisher.result(), reader.result()
    if seen.get("alarms"):
        raise RuntimeError(f"the reader raised {seen['alarms']} alarms")
    seconds = max(seen["ended"], sent["ended"]) - sent["started"]
    cpu = {name: cpu_seconds(pid) - before[name] for name, pid in others.items()}
    return Run(
        count,
        count / seconds,
        cpu | {"publisher": sent["cpu"], "reader": seen["cpu"]},
        {"publisher": sent["wire"], "reader": seen["wire"]},
        disk_bytes(store) - held,
        Histogram(seen["latencies"]),
    )


@contextlib.contextmanager
def running_enclave(
    folder: Path, *parties: str, sync: bool = True
) -> Iterator[tuple[Enclave, dict[str, int]]]:
    """A new enclave at work, and its processes; without ``sync`` its server writes to disk when it likes."""
    enclave = make_enclave(folder / f"enclave-{time.time_ns()}", *parties)
    if not sync:
        # Renders the server's configuration.
        enclave.start()
        enclave.stop()
        config = enclave.path / "nats" / "unsynchronised.conf"
        config.write_text(
            enclave.directory.nats_config.read_text().replace("sync_interval: always", "sync_interval: 2m")
        )
        enclave.start_nats(config)
        enclave.use_own_nats()
    broker = enclave.start()
    try:
        (server,) = enclave.nats_pids()
        yield enclave, {"broker": broker.pid, "nats-server": server}
    finally:
        enclave.stop()


def seinpost_run(
    folder: Path, count: int, rate: float = 0, *, compartments: int = 1, sync: bool = True
) -> Run:
    """One run through a new enclave."""
    sender = "ncsc" if compartments == 1 else "bzk"
    with running_enclave(folder, sender, "tafel", sync=sync) as (enclave, pids):
        publisher = End("publish", enclave.config(sender), count, rate, compartments)
        publisher.await_ready()
        reader = End("read", enclave.config("tafel"), count, rate, compartments)
        reader.await_ready()
        return measure(publisher, reader, pids, enclave.path / "nats", count)


def plain_run(folder: Path, count: int, rate: float = 0) -> Run:
    """One run of plain nats-py, on a new server."""
    store = folder / f"plain-{time.time_ns()}"
    store.mkdir()
    port = free_port()
    config = store / "nats.conf"
    config.write_text(
        f'listen: "127.0.0.1:{port}"\njetstream {{ store_dir: "{store}/js", sync_interval: always }}\n'
    )
    url = f"nats://127.0.0.1:{port}"
    command = [str(Path(sys.executable).parent / "nats-server"), "-c", str(config)]
    with _server(command, port) as server:
        asyncio.run(_lay_out(url))
        publisher, reader = End("json-publish", url, count, rate), End("json-read", url, count, rate)
        publisher.await_ready()
        reader.await_ready()
        return measure(publisher, reader, {"nats-server": server.pid}, store / "js", count)


@contextlib.contextmanager
def _server(command: list[str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_port(port)
        yield server
    finally:
        server.terminate()
        server.wait(30)


async def _lay_out(url: str) -> None:
    client = await nats.connect(url)
    await client.jetstream().add_stream(name=STREAM, subjects=[SUBJECT])
    await client.close()


def _http_run(kind: str, command: list[str], port: int, url: str, store: Path, count: int) -> Run:
    with _server(command, port) as server:
        publisher, reader = End(f"{kind}-publish", url, count, 0), End(f"{kind}-read", url, count, 0)
        publisher.await_ready()
        reader.await_ready()
        return measure(publisher, reader, {"server": server.pid}, store, count)


def https_run(folder: Path, count: int) -> Run:
    """One run of an HTTPS POST per signal, on a new server."""
    store, port = folder / f"https-{time.time_ns()}", free_port()
    store.mkdir()
    command = [sys.executable, str(_ENDS.with_name("https_server.py")), str(port), str(store)]
    return _http_run("https", command, port, f"https://127.0.0.1:{port}", store, count)


def taxii_run(medallion: Path, folder: Path, count: int) -> Run:
    """One run of a TAXII 2.1 POST per signal, on a new server."""
    store, port = folder / f"taxii-{time.time_ns()}", free_port()
    store.mkdir()
    command = [str(medallion), "--host", "127.0.0.1", "--port", str(port), str(write_config(store))]
    return _http_run("taxii", command, port, f"http://127.0.0.1:{port}", store, count)


OURS = "whole way"
PLAIN = "plain nats-py JSON"
HTTPS = "HTTPS JSON POST per signal"
TAXII = "TAXII 2.1 POST per signal (medallion in memory, no TLS, no disk)"


def measure_whole_way(rounds: int = ROUNDS) -> list[Row]:
    """All rows; every way once in each round."""
    medallion, why = install(TAXII_FOLDER)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        ways: dict[str, Callable[[], Run]] = {
            OURS: lambda: seinpost_run(folder, COUNT),
            PLAIN: lambda: plain_run(folder, PLAIN_COUNT),
            HTTPS: lambda: https_run(folder, HTTPS_COUNT),
        }
        if medallion is not None:
            ways[TAXII] = lambda m=medallion: taxii_run(m, folder, TAXII_COUNT)  # type: ignore[misc]
        runs = take_turns(ways, rounds)
        rows = compared(runs)
        if medallion is None:
            rows.append(missing(TAXII, why, group=GROUP))
        for name, found in runs.items():
            rows += _costs(name, found)
        rows += _latencies(folder, statistics.median(r.rate for r in runs[OURS]))
        unsynchronised = [seinpost_run(folder, COUNT, sync=False).rate for _ in range(2)]
        rows.append(
            row(
                "whole way, without an fsync for each envelope and answer (not a setting of the product)",
                Rate(statistics.median(unsynchronised), min(unsynchronised), max(unsynchronised)),
                "signals/s",
                group=GROUP,
            )
        )
    return rows


def quick_ways(count: int = 10_000) -> dict[str, list[Run]]:
    """One run of ours and of plain nats-py, for everyday use."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        return take_turns(
            {OURS: lambda: seinpost_run(folder, count), PLAIN: lambda: plain_run(folder, count // 4)}, 1
        )


def take_turns(ways: dict[str, Callable[[], Run]], rounds: int) -> dict[str, list[Run]]:
    """Every way once in each round."""
    runs: dict[str, list[Run]] = {name: [] for name in ways}
    for number in range(rounds):
        for name, way in ways.items():
            runs[name].append(way())
        said = ", ".join(f"{name.partition(' (')[0]} {r[-1].rate:,.0f}" for name, r in runs.items())
        print(f"whole way, round {number + 1}: {said} signals/s", file=sys.stderr, flush=True)
    return runs


def spread(values: list[float]) -> Rate:
    """The median of the rounds, the lowest and the highest."""
    return Rate(statistics.median(values), min(values), max(values))


def compared(runs: dict[str, list[Run]]) -> list[Row]:
    """Rates, and how many times as fast as each peer."""
    names = {OURS: "whole way, publisher to verified reader"}
    rows = []
    for name, found in runs.items():
        label = names.get(name, f"whole way, {name}")
        rows.append(row(label, spread([r.rate for r in found]), "signals/s", group=GROUP))
    mine = [r.rate for r in runs[OURS]]
    for name, found in runs.items():
        if name == OURS:
            continue
        theirs = [r.rate for r in found]
        each = [m / t for m, t in zip(mine, theirs, strict=True)]
        times = Rate(statistics.median(mine) / statistics.median(theirs), min(each), max(each))
        target = _TARGET if name == PLAIN else None
        rows.append(row(f"whole way against {name}", times, "x", target, against=name, group=GROUP))
    return rows


def _costs(what: str, runs: list[Run]) -> list[Row]:
    rows = []
    for name in runs[0].cpu:
        seconds = spread([r.cpu[name] / r.count * 1e6 for r in runs])
        rows.append(row(f"{what}: CPU of the {name} per million signals", seconds, "s", group=COSTS))
    for name in runs[0].wire:
        size = spread([r.wire[name] / r.count for r in runs])
        rows.append(row(f"{what}: bytes on the wire per signal, {name}", size, "bytes", group=COSTS))
    on_disk = spread([r.disk / r.count for r in runs])
    return [*rows, row(f"{what}: bytes on disk per signal", on_disk, "bytes", group=COSTS)]


def _latencies(folder: Path, most: float) -> list[Row]:
    lonely = seinpost_run(folder, LONELY, 4.0).latencies
    rows = [
        row(f"lonely signal, send to verified, {name}", lonely.at(share), "ms", target, at_most=True)
        for name, share, target in (("p50", 0.5, _LONELY_P50_MS), ("p99", 0.99, _LONELY_P99_MS))
    ]
    for share in SHARES:
        rate = most * share
        found = seinpost_run(folder, int(rate * _SHARE_SECONDS), rate).latencies
        name = f"whole way at {share:.0%} of its maximum, send to verified"
        rows += [row(f"{name}, p50", found.at(0.5), "ms"), row(f"{name}, p99", found.at(0.99), "ms")]
    for found_row in rows:
        found_row.group = LATENCY
    return rows


if __name__ == "__main__":
    for found in measure_whole_way(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS):
        print(f"{found.name:100} {found.value or 0:12,.1f} {found.unit}  {found.note or ''}")
