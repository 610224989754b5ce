# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What grows with the recipients of an epoch, with the compartments in use, and with those who read."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

import nats
from nats.js import api
from rounds import Job, take_turns
from rows import Row, row
from small_publishers import measure_small_publishers
from subject import Subject
from whole_way import COUNT, End, cpu_seconds, running_enclave, seinpost_run, spread

from seinpost.epochs import Recipient, make_epoch, open_epoch
from seinpost.kem import KemPrivateKey
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.subjects import feed_stream

RECIPIENTS = (1, 5, 20, 100, 500)
COMPARTMENTS = (1, 2, 4, 8)
READERS = (1, 10, 50)
GROUP = "Growth"


def recipient_rows(rounds: int, seconds: float) -> list[Row]:
    """An epoch for so many readers: made, opened by one of them, and its size; one an hour and audience."""
    subject, rows = Subject(), []
    for count in RECIPIENTS:
        keys = [KemPrivateKey(os.urandom(96)) for _ in range(count)]
        recipients = {k.key_id: Recipient(k.public, read_protected=False) for k in keys}
        envelope, _ = make_epoch(subject.place, 1, recipients, subject.sender)
        jobs = {
            "made": Job(lambda r=recipients: make_epoch(subject.place, 1, r, subject.sender), 1),  # type: ignore[misc]
            "opened": Job(lambda e=envelope, k=keys[-1]: open_epoch(e, k, read_protected=False), 1),  # type: ignore[misc]
        }
        timed = take_turns(jobs, rounds, seconds)
        name = f"an epoch for {count} recipient{'s' * (count > 1)}"
        for what, found in timed.items():
            rows.append(row(f"{name}, {what}", spread([1000 / r for r in found.rates]), "ms", group=GROUP))
        rows.append(row(f"{name}, size", len(envelope.encode()), "bytes", group=GROUP))
    return rows


def compartment_rows() -> list[Row]:
    """One publisher and one reader on several compartments at once."""
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        for count in COMPARTMENTS:
            runs = [seinpost_run(Path(temporary), COUNT, compartments=count) for _ in range(2)]
            name = f"whole way over {count} compartment{'s' * (count > 1)}"
            rows.append(row(name, spread([r.rate for r in runs]), "signals/s", group=GROUP))
    return rows


def reader_rows() -> list[Row]:
    """What the server has to do for more readers, who each pull the whole feed; opening it is on their machines."""
    rows, count = [], COUNT // 2
    with (
        tempfile.TemporaryDirectory() as temporary,
        running_enclave(Path(temporary), "ncsc", "tafel") as (
            enclave,
            pids,
        ),
    ):
        publisher = End("publish", enclave.config("ncsc"), count, 0)
        publisher.await_ready()
        publisher.go()
        publisher.result()
        seed, _ = enclave.directory.load_secrets()
        period = enclave.trusted_directory().current.register.periods.current
        stream = feed_stream(period, Compartment.parse("depv/process"))
        for readers in READERS:
            before = cpu_seconds(pids["nats-server"])
            seconds = asyncio.run(_pull_all(enclave.url, seed, stream, readers))
            cpu = (cpu_seconds(pids["nats-server"]) - before) / readers / count * 1e6
            name = f"{readers} reader{'s' * (readers > 1)} pull the feed"
            rows.append(row(f"{name}, together", count * readers / seconds, "signals/s", group=GROUP))
            rows.append(
                row(f"{name}: CPU of the nats-server per million signals and reader", cpu, "s", group=GROUP)
            )
    return rows


async def _pull_all(url: str, seed: str, stream: str, readers: int) -> float:
    """Seconds until every reader has every message."""
    loop = asyncio.get_running_loop()
    clients = [await nats.connect(url, nkeys_seed_str=seed) for _ in range(readers)]
    held = (await clients[0].jetstream().stream_info(stream)).state.messages
    started = loop.time()

    async def pull(client: object) -> None:
        js = client.jetstream()  # type: ignore[attr-defined]
        config = api.ConsumerConfig(
            ack_policy=api.AckPolicy.NONE, inactive_threshold=30.0, mem_storage=True, replay_policy=None
        )
        info = await js.add_consumer(stream, config)
        subscription = await js.pull_subscribe_bind(info.name, stream)
        left = held
        while left:
            left -= len(await subscription.fetch(min(16, left), timeout=60))

    await asyncio.gather(*(pull(c) for c in clients))
    seconds = loop.time() - started
    for client in clients:
        await client.close()
    return seconds


def measure_growth(rounds: int, seconds: float) -> list[Row]:
    """All of them; entries are in ``startup``."""
    rows = recipient_rows(rounds, seconds) + compartment_rows() + measure_small_publishers() + reader_rows()
    print("measured growth", file=sys.stderr, flush=True)
    return rows


if __name__ == "__main__":
    for found in measure_growth(3, 0.2):
        print(f"{found.name:90} {found.value:12,.1f} {found.unit}")
