# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The whole way: a publisher, a broker, a nats-server that writes to disk before it answers, and a verified reader.

Each is a process of its own, as are the two ends of the peer: plain nats-py with one JSON message per signal and
1,000 acknowledgements in flight, on the same nats-server with the same ``sync_interval: always``.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import nats

sys.path.append(str(Path(__file__).parents[1] / "integration"))

from harness.enclave import Enclave, free_port, make_enclave, wait_for_port
from rows import Row, row
from way_ends import STREAM, SUBJECT

COUNT = int(os.environ.get("BENCH_WAY_SIGNALS", "40000"))
PLAIN_COUNT = max(COUNT // 4, 1_000)
ROUNDS = int(os.environ.get("BENCH_WAY_ROUNDS", "3"))
LONELY = 60
"""Signals sent alone, four a second."""
SHARES = (0.1, 0.5, 0.9)
_SHARE_SECONDS = 8.0
_TARGET = 3.0
_LONELY_P50_MS, _LONELY_P99_MS = 50.0, 200.0
_ENDS = Path(__file__).parent / "way_ends.py"


class Run(msgspec.Struct):
    """One run: rate, CPU seconds by process, bytes on disk, and every latency in ms, rising."""

    rate: float
    cpu: dict[str, float]
    disk: int
    latencies: list[float]

    def at(self, share: float) -> float:
        """A percentile of the latencies."""
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))]


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

    def result(self) -> dict[str, object]:
        """Its line, when it is done."""
        found: dict[str, object] = json.loads(self._line())
        self.process.communicate()
        return found


def cpu_seconds(pid: int) -> float:
    """User and system seconds that a process took so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def disk_bytes(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())


def _measure(publisher: End, reader: End, others: dict[str, int], store: Path, count: int) -> Run:
    before = {name: cpu_seconds(pid) for name, pid in others.items()}
    held = disk_bytes(store)
    reader.go()
    publisher.go()
    sent, seen = publisher.result(), reader.result()
    if seen.get("alarms"):
        raise RuntimeError(f"the reader raised {seen['alarms']} alarms")
    seconds = float(seen["ended"]) - float(sent["started"])  # type: ignore[arg-type]
    cpu = {name: cpu_seconds(pid) - before[name] for name, pid in others.items()}
    cpu |= {"publisher": float(sent["cpu"]), "reader": float(seen["cpu"])}  # type: ignore[arg-type]
    return Run(count / seconds, cpu, disk_bytes(store) - held, seen["latencies"])  # type: ignore[arg-type]


def seinpost_run(folder: Path, count: int, rate: float = 0) -> Run:
    """One run through a new enclave."""
    enclave = make_enclave(folder / f"enclave-{time.time_ns()}", "ncsc", "tafel")
    broker = enclave.start()
    try:
        publisher = End("publish", enclave.config("ncsc"), count, rate)
        publisher.await_ready()
        reader = End("read", enclave.config("tafel"), count, rate)
        reader.await_ready()
        others = {"broker": broker.pid, "nats-server": _nats(enclave)}
        return _measure(publisher, reader, others, enclave.path / "nats", count)
    finally:
        enclave.stop()


def _nats(enclave: Enclave) -> int:
    (pid,) = enclave.nats_pids()
    return pid


def plain_run(folder: Path, count: int, rate: float = 0) -> Run:
    """One run of the peer, on a new server."""
    store = folder / f"plain-{time.time_ns()}"
    store.mkdir()
    port = free_port()
    config = store / "nats.conf"
    config.write_text(
        f'listen: "127.0.0.1:{port}"\njetstream {{ store_dir: "{store}/js", sync_interval: always }}\n'
    )
    server = subprocess.Popen(
        [str(Path(sys.executable).parent / "nats-server"), "-c", str(config)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_port(port)
        url = f"nats://127.0.0.1:{port}"
        asyncio.run(_lay_out(url))
        publisher, reader = End("json-publish", url, count, rate), End("json-read", url, count, rate)
        publisher.await_ready()
        reader.await_ready()
        return _measure(publisher, reader, {"nats-server": server.pid}, store / "js", count)
    finally:
        server.terminate()
        server.wait(30)


async def _lay_out(url: str) -> None:
    client = await nats.connect(url)
    await client.jetstream().add_stream(name=STREAM, subjects=[SUBJECT])
    await client.close()


def measure_whole_way() -> list[Row]:
    """All rows; the two ways take turns."""
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        ours, plain = [], []
        for number in range(ROUNDS):
            ours.append(seinpost_run(folder, COUNT))
            plain.append(plain_run(folder, PLAIN_COUNT))
            print(
                f"whole way, round {number + 1}: {ours[-1].rate:,.0f} signals/s, plain nats-py {plain[-1].rate:,.0f}",
                file=sys.stderr, flush=True,
            )  # fmt: skip
        mine, theirs = (statistics.median(r.rate for r in runs) for runs in (ours, plain))
        rows.append(row("whole way, publisher to verified reader", mine, "signals/s"))
        rows.append(row("whole way, plain nats-py JSON, one message per signal", theirs, "signals/s"))
        ratio = mine / theirs
        rows.append(row("whole way against plain nats-py JSON", ratio, "x", _TARGET, against="nats-py JSON"))
        rows += _costs("whole way", ours[-1], COUNT) + _costs("plain nats-py", plain[-1], PLAIN_COUNT)
        lonely = seinpost_run(folder, LONELY, 4.0)
        rows.append(
            row("lonely signal, send to verified, p50", lonely.at(0.5), "ms", _LONELY_P50_MS, at_most=True)
        )
        rows.append(
            row("lonely signal, send to verified, p99", lonely.at(0.99), "ms", _LONELY_P99_MS, at_most=True)
        )
        for share in SHARES:
            rate = mine * share
            run = seinpost_run(folder, int(rate * _SHARE_SECONDS), rate)
            name = f"whole way at {share:.0%} of its maximum, send to verified"
            rows += [row(f"{name}, p50", run.at(0.5), "ms"), row(f"{name}, p99", run.at(0.99), "ms")]
    return rows


def _costs(what: str, run: Run, count: int) -> list[Row]:
    rows = [
        row(f"{what}, CPU of the {name} per million signals", seconds / count * 1e6, "s")
        for name, seconds in run.cpu.items()
    ]
    return [*rows, row(f"{what}, bytes on disk per signal", run.disk / count, "bytes")]


if __name__ == "__main__":
    for found in measure_whole_way():
        print(f"{found.name:80} {found.value:12,.1f} {found.unit}  {'' if found.met is None else found.met}")
