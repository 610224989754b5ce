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
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

sys.path.append(str(Path(__file__).parents[1] / "integration"))

from harness.dishonest import dishonest
from harness.enclave import START_SECONDS, Enclave, make_enclave
from harness.raw import hub

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

ENTRIES = int(os.environ.get("BENCH_ENTRIES", "1000000"))
APPENDS = 5_000
IN_FLIGHT = 32
PLACE = Compartment.parse("depv/process")
SIGNATURE = b"\x5a" * SIGNATURE_BYTES
Figure = tuple[str, float, str]


def entries(enclave: Enclave, count: int) -> AsyncIterator[Entry]:
    """A chain of signal envelopes, a millisecond apart."""
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

    async def make() -> AsyncIterator[Entry]:
        prev = ZERO_32
        for number in range(count):
            header = msgspec.structs.replace(template, seq=number + 1, prev_hash=prev).encode()
            prev = object_hash(header)
            yield Entry(started_ms + number, directory.size, header, digest)

    return make()


async def fill(enclave: Enclave, bus: NatsBus, count: int) -> None:
    """Store the entries without waiting for each."""
    register = enclave.trusted_directory().current.register
    subject = feed_subject(register.periods.current, PLACE)
    number = 0
    async for entry in entries(enclave, count):
        await bus._client.publish(subject, b"", headers=feed_headers(entry, SIGNATURE))
        number += 1
        if number % 2_000 == 0:
            await bus._client.flush(60)
            while await bus.last_seq(feed_stream(register.periods.current, PLACE)) < number - 4_000:
                await asyncio.sleep(0.05)
        if number % 100_000 == 0:
            print(f"stored {number:,} entries", file=sys.stderr, flush=True)


def peak_mb(pid: int) -> float:
    """The most memory that a process ever had, MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(x.split()[1]) for x in status.splitlines() if x.startswith("VmHWM")) / 1024


def start_figures(enclave: Enclave, how: str) -> list[Figure]:
    """Start a broker, wait until it admits, and stop it."""
    started = time.perf_counter()
    process = enclave.start()
    seconds = time.perf_counter() - started
    megabytes = peak_mb(process.pid)
    if how == "stream":
        # Long enough for its first snapshot.
        deadline = time.monotonic() + 120
        while not list((enclave.path / "snapshots").glob("*.snapshot")) and time.monotonic() < deadline:
            time.sleep(0.2)
    enclave.stop()
    return [
        (f"broker start on {ENTRIES:,} entries, from the {how} (one signature repeated)", seconds, "s"),
        (f"broker start on {ENTRIES:,} entries, from the {how}, peak memory", megabytes, "MB"),
    ]


async def _prepare(enclave: Enclave) -> None:
    text = enclave.directory.nats_config.read_text()
    quick = enclave.path / "nats" / "quick.conf"
    # For filling only: a fsync for each of a million messages would measure the disk.
    quick.write_text(text.replace("sync_interval: always", ""))
    server = enclave.start_nats(quick)
    seed, _ = enclave.directory.load_secrets()
    async with hub(enclave.url, seed) as bus:
        view = enclave.trusted_directory().current
        await lay_out(bus, view, int(view.register.issued.timestamp() * 1000) + 1)
        await fill(enclave, bus, ENTRIES)
    server.terminate()
    server.wait(60)


async def append_rate(enclave: Enclave) -> list[Figure]:
    """Conditional, pipelined appends per second to a log on disk, as the sequencer sends them."""
    enclave.start_nats()
    async with dishonest(enclave, "ong/parties") as log:
        bus, subject = log._bus, log._subject
        last: bytes | None = None
        waiting: list[object] = []
        numbered = [e async for e in entries(enclave, APPENDS)]
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
    return [("appends to a log on disk, conditional, 32 in flight", rate, "entries/s")]


def measure_startup() -> list[Figure]:
    """All of them."""
    from harness import enclave as harness

    harness.START_SECONDS = max(START_SECONDS, 600.0)
    with tempfile.TemporaryDirectory() as temporary:
        enclave = make_enclave(Path(temporary) / "e", "ncsc", "tafel")
        # Renders the server's configuration.
        enclave.start()
        enclave.stop()
        asyncio.run(_prepare(enclave))
        figures = start_figures(enclave, "stream") + start_figures(enclave, "snapshot")
        return figures + asyncio.run(append_rate(enclave))


if __name__ == "__main__":
    for name, value, unit in measure_startup():
        print(f"{name:80} {value:12,.1f} {unit}")
