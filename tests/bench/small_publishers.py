# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Many small publishers in one compartment: envelopes of one signal each, sealed beforehand, and answered as they come.

What batches cannot help: the broker verifies, appends and answers each envelope by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "integration"))

from harness.enclave import Enclave
from harness.memory import PROCESS, Sender
from harness.raw import connected, hub
from harness.samples import encoded
from rows import Row, row
from whole_way import cpu_seconds, running_enclave, spread

from seinpost_schemas.subjects import ANSWERS_STREAM

PARTIES = ("bzk", "nctv", "politie", "om", "ncsc", "ibd", "kiesraad", "aivd", "mivd")
ENVELOPES = 250
"""Of each party."""
ROUNDS = 3
GROUP = "Growth"


async def _run(enclave: Enclave, broker: int) -> tuple[float, float]:
    """(envelopes answered per second, CPU seconds of the broker per thousand)."""
    identities, directory = enclave.identities(), enclave.trusted_directory()
    chains: dict[str, list[bytes]] = {}
    for place, party in enumerate(PARTIES):
        sender = Sender(party, PROCESS, directory, identities[party], now_ms=time.time_ns() // 1_000_000)
        chain = [sender.epoch()]
        numbers = range(place * 10_000 + 1, place * 10_000 + ENVELOPES)
        chain += [sender.signals(signals=[encoded(n, f"{party} {n}")]) for n in numbers]
        chains[party] = [envelope.encode() for envelope in chain]
    total = len(PARTIES) * ENVELOPES
    async with contextlib.AsyncExitStack() as stack:
        bus = await stack.enter_async_context(hub(enclave.url, enclave.directory.load_secrets()[0]))
        raws = {
            p: await stack.enter_async_context(connected(enclave.url, identities[p].nats_seed))
            for p in PARTIES
        }
        cpu, started = cpu_seconds(broker), time.perf_counter()
        for number in range(ENVELOPES):
            for party, raw in raws.items():
                subject = f"seinpost.in.depv.process.publish.{party}"
                await raw.client.publish(subject, chains[party][number])
        while await bus.last_seq(ANSWERS_STREAM) < total:
            await asyncio.sleep(0.01)
        seconds = time.perf_counter() - started
    return total / seconds, (cpu_seconds(broker) - cpu) / total * 1_000


def measure_small_publishers() -> list[Row]:
    """Envelopes per second through one compartment, and what each costs the broker."""
    rates, costs = [], []
    with tempfile.TemporaryDirectory() as temporary:
        for _ in range(ROUNDS):
            with running_enclave(Path(temporary), *PARTIES) as (enclave, pids):
                rate, cost = asyncio.run(_run(enclave, pids["broker"]))
            rates.append(rate)
            costs.append(cost)
    name = f"{len(PARTIES)} publishers in one compartment, one signal in an envelope"
    return [
        row(f"{name}: answered", spread(rates), "envelopes/s", group=GROUP),
        row(f"{name}: CPU of the broker per thousand", spread(costs), "s", group=GROUP),
    ]


if __name__ == "__main__":
    for found in measure_small_publishers():
        print(f"{found.name:100} {found.value:12,.1f} {found.unit}")
