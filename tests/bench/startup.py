# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A whole broker's start on a log of a million entries, and how fast entries are appended, on a real nats-server.

One repeated signature stands in for a million real ones: a broker that starts does not verify again what was
admitted, it reads it. Every other byte of an entry is what a broker writes.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

sys.path.append(str(Path(__file__).parents[1] / "integration"))

from harness.dishonest import dishonest
from harness.enclave import START_SECONDS, Enclave, make_enclave
from harness.raw import hub
from rows import Row, row

from seinpost_broker.adapters.nats_bus import NatsBus
from seinpost_broker.app import lay_out
from seinpost_broker.ports import AppendRequest
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.entry import Entry, feed_headers, signature_hash
from seinpost_schemas.header import ZERO_32, Header, object_hash
from seinpost_schemas.kinds import Kind
from seinpost_schemas.merkle import leaf_hash
from seinpost_schemas.signing import SIGNATURE_BYTES
from seinpost_schemas.subjects import feed_stream, feed_subject

ENTRIES = tuple(map(int, os.environ.get("BENCH_ENTRIES", "10000,100000,1000000").split(",")))
"""Where the start is measured, rising."""
COMPUTED_ENTRIES = 10_000_000
SECONDS_TARGET, MEGABYTES_TARGET = 60.0, 500.0
"""At most, with a million entries in one log."""
TARGET_ENTRIES = 1_000_000
GROUP = "Growth"
APPENDS = 5_000
IN_FLIGHT = 32
PLACE = Compartment.parse("depv/process")
SIGNATURE = b"\x5a" * SIGNATURE_BYTES
_SNAPSHOT_SECONDS = 120.0


def entries(enclave: Enclave, count: int) -> Iterator[Entry]:
    """A chain of ``count`` signal envelopes, a millisecond apart."""
    directory = enclave.trusted_directory()
    started_ms = int(time.time() * 1000) - count - 60_000
    template = Header(
        kind=Kind.SIGNALS,
        compartment=PLACE,
        enclave_id=directory.enclave_id,
        sender_id=enclave.identity("ncsc").sender_id,
        epoch_id=b"\x01" * 16,
        seq=1,
        prev_hash=ZERO_32,
        directory_size=directory.size,
        created_ms=started_ms,
        count=1,
        batch_root=ZERO_32,
        body_len=256,
        body_hash=ZERO_32,
    )
    digest = signature_hash(SIGNATURE)

    prev = ZERO_32
    for number in range(count):
        header = msgspec.structs.replace(template, seq=number + 1, prev_hash=prev).encode()
        prev = object_hash(header)
        yield Entry(started_ms + number, directory.size, header, digest)


async def fill(enclave: Enclave, bus: NatsBus, chain: Iterator[Entry], first: int, upto: int) -> None:
    """Store entries ``first`` to ``upto`` without waiting for each."""
    register = enclave.trusted_directory().current.register
    subject = feed_subject(register.periods.current, PLACE)
    stream = feed_stream(register.periods.current, PLACE)
    for number in range(first + 1, upto + 1):
        entry = next(chain)
        await bus._client.publish(subject, b"", headers=feed_headers(entry, SIGNATURE))
        if number % 2_000 == 0 or number == upto:
            await bus._client.flush(60)
            while await bus.last_seq(stream) < number - (4_000 if number < upto else 0):
                await asyncio.sleep(0.05)
        if number % 100_000 == 0:
            print(f"stored {number:,} entries", file=sys.stderr, flush=True)


def peak_mb(pid: int) -> float:
    """The most memory that a process ever had, MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(x.split()[1]) for x in status.splitlines() if x.startswith("VmHWM")) / 1024


def start(enclave: Enclave, *, snapshot: bool) -> tuple[float, float]:
    """(seconds until a broker admits, peak megabytes); afterwards it writes a snapshot, if asked to."""
    started = time.perf_counter()
    process = enclave.start()
    seconds = time.perf_counter() - started
    megabytes = peak_mb(process.pid)
    deadline = time.monotonic() + _SNAPSHOT_SECONDS
    while snapshot and not _snapshots(enclave) and time.monotonic() < deadline:
        time.sleep(0.2)
    enclave.stop()
    return seconds, megabytes


def _snapshots(enclave: Enclave) -> list[Path]:
    return list((enclave.path / "snapshots").glob("*.snapshot"))


async def _fill(enclave: Enclave, chain: Iterator[Entry], first: int, upto: int) -> None:
    text = enclave.directory.nats_config.read_text()
    quick = enclave.path / "nats" / "quick.conf"
    # For filling only: a fsync for each of a million messages would measure the disk.
    quick.write_text(text.replace("sync_interval: always", ""))
    server = enclave.start_nats(quick)
    seed, _ = enclave.directory.load_secrets()
    async with hub(enclave.url, seed) as bus:
        view = enclave.trusted_directory().current
        await lay_out(bus, view, int(view.register.issued.timestamp() * 1000) + 1)
        await fill(enclave, bus, chain, first, upto)
    server.terminate()
    server.wait(60)


async def append_rate(enclave: Enclave) -> float:
    """Conditional, pipelined appends per second to a log on disk, as the sequencer sends them."""
    enclave.start_nats()
    async with dishonest(enclave, "ong/parties") as log:
        bus, subject = log._bus, log._subject
        last: bytes | None = None
        waiting: list[object] = []
        numbered = list(entries(enclave, APPENDS))
        started = time.perf_counter()
        for number, entry in enumerate(numbered):
            leaf = leaf_hash(entry.encode())
            request = AppendRequest(
                stream=log.stream,
                subject=subject,
                expected_last_seq=number,
                expected_last_msg_id=last.hex() if last else None,
                msg_id=leaf.hex(),
                headers=feed_headers(entry, SIGNATURE),
                body=bytes(1_500),
            )
            waiting.append(await bus.append(request))
            last = leaf
            if len(waiting) >= IN_FLIGHT:
                await waiting.pop(0)  # type: ignore[misc]
        for stored in waiting:
            await stored  # type: ignore[misc]
        rate = APPENDS / (time.perf_counter() - started)
    enclave.stop()
    return rate


def _rows_at(count: int, how: str, seconds: float, megabytes: float) -> list[Row]:
    aimed = count == TARGET_ENTRIES
    name = f"broker start on {count:,} entries, from the {how}"
    return [
        row(
            f"{name} (one signature repeated)", seconds, "s", SECONDS_TARGET if aimed else None, at_most=True
        ),
        row(f"{name}, peak memory", megabytes, "MB", MEGABYTES_TARGET if aimed else None, at_most=True),
    ]


def _computed(points: dict[str, list[tuple[int, float, float]]]) -> list[Row]:
    """On the straight line through the last two points measured: nothing here grows faster than its entries."""
    rows = []
    for how, measured in points.items():
        if len(measured) < 2:
            continue
        (n1, s1, m1), (n2, s2, m2) = measured[-2:]
        beyond = (COMPUTED_ENTRIES - n2) / (n2 - n1)
        name = f"computed, not measured: broker start on {COMPUTED_ENTRIES:,} entries, from the {how}"
        rows.append(row(name, s2 + (s2 - s1) * beyond, "s"))
        rows.append(row(f"{name}, peak memory", m2 + (m2 - m1) * beyond, "MB"))
    return rows


def measure_startup() -> list[Row]:
    """A start at every number of entries, from the stream and from a snapshot, and the rate of appends."""
    from harness import enclave as harness

    harness.START_SECONDS = max(START_SECONDS, 600.0)
    rows: list[Row] = []
    points: dict[str, list[tuple[int, float, float]]] = {"stream": [], "snapshot": []}
    with tempfile.TemporaryDirectory() as temporary:
        enclave = make_enclave(Path(temporary) / "e", "ncsc", "tafel")
        # Renders the server's configuration.
        enclave.start()
        enclave.stop()
        chain, first = entries(enclave, ENTRIES[-1]), 0
        for count in ENTRIES:
            for old in _snapshots(enclave):
                old.unlink()
            asyncio.run(_fill(enclave, chain, first, count))
            first = count
            for how, measured in points.items():
                seconds, megabytes = start(enclave, snapshot=how == "stream")
                measured.append((count, seconds, megabytes))
                rows += _rows_at(count, how, seconds, megabytes)
        rows += _computed(points)
        rate = asyncio.run(append_rate(enclave))
    rows.append(row("appends to a log on disk, conditional, 32 in flight", rate, "entries/s"))
    for found in rows:
        found.group = GROUP
    return rows


if __name__ == "__main__":
    for found in measure_startup():
        print(f"{found.name:100} {found.value:12,.1f} {found.unit}")
