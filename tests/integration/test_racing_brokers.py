# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Two real brokers with pipelined appends on one stream, and processes killed in the middle of everything.

An auditor reads the streams back from their bytes alone: no gap, no duplicate, no wrong order, and every answer
true.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal as signals
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.enclave import Enclave, start
from harness.memory import PROCESS, Sender
from harness.raw import connected, hub
from harness.samples import encoded, line, signal, titles

import seinpost
from seinpost._trusted_feed import TrustedFeed
from seinpost_schemas.answer import BrokerAnswer, decode_any_answer
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.envelope import Envelope
from seinpost_schemas.subjects import ANSWERS_STREAM, feed_stream

pytestmark = [pytest.mark.nats]
PLACE = {"theme": "process", "classification": "depv"}
PARTIES = ("bzk", "nctv", "politie", "om", "ncsc", "ibd", "kiesraad", "aivd", "mivd")
ROUNDS, ROUND = 5, 16
NewEnclave = Callable[..., Enclave]


async def audit(enclave: Enclave, compartment: str = "depv/process") -> TrustedFeed:
    """The whole log, verified from its stream as a reader would: raises at the first fault."""
    directory = enclave.trusted_directory()
    seed, _ = enclave.directory.load_secrets()
    place = Compartment.parse(compartment)
    feed = TrustedFeed(place, directory)
    async with hub(enclave.url, seed) as bus:
        async for stored in bus.read(feed_stream(directory.current.register.periods.current, place), 1):
            feed.accept(stored.seq, dict(stored.headers), stored.body)
    return feed


async def publish_many(enclave: Enclave, party: str, count: int) -> list[seinpost.Answer]:
    """Many signals, a few at a time, so that many envelopes are under way."""
    async with seinpost.connect(enclave.config(party)) as post:
        futures = []
        for number in range(count):
            futures.append(await post.submit(signal(f"{party} {number}"), **PLACE))
            # Small batches: it is envelopes that race.
            await asyncio.sleep(0.004)
        return await asyncio.gather(*futures)


async def test_two_brokers_race_without_gap_duplicate_or_wrong_order(new_enclave: NewEnclave) -> None:
    """Chains of nine parties, sealed beforehand, come in at once, and again and again."""
    enclave = new_enclave(*PARTIES, "tafel")
    enclave.start_nats()
    enclave.use_own_nats()
    identities, directory = enclave.identities(), enclave.trusted_directory()
    now_ms = time.time_ns() // 1_000_000
    chains: dict[str, list[Envelope]] = {}
    for place, party in enumerate(PARTIES):
        sender = Sender(party, PROCESS, directory, identities[party], now_ms=now_ms)
        chains[party] = [sender.epoch()]
        for number in range(1, ROUNDS * ROUND):
            batch = [encoded(place * 10_000 + number, f"{party} {number}")]
            chains[party].append(sender.signals(signals=batch))
    # A few messages a fetch: the two share every chain, where a burst would go to one of them.
    for _ in range(2):
        enclave.start(patch="import seinpost_broker.service.ingress as i; i._FETCH = 3")
    stream = feed_stream(directory.current.register.periods.current, PROCESS)
    async with contextlib.AsyncExitStack() as stack:
        bus = await stack.enter_async_context(hub(enclave.url, enclave.directory.load_secrets()[0]))
        raws = {
            p: await stack.enter_async_context(connected(enclave.url, identities[p].nats_seed))
            for p in PARTIES
        }
        for first in range(0, ROUNDS * ROUND, ROUND):
            for number in range(first, first + ROUND):
                for party, raw in raws.items():
                    subject = f"seinpost.in.depv.process.publish.{party}"
                    await raw.client.publish(subject, chains[party][number].encode())
            async with asyncio.timeout(60):
                while await bus.last_seq(stream) < len(PARTIES) * (first + ROUND):
                    await asyncio.sleep(0.02)
        await asyncio.sleep(1)
        found = [decode_any_answer(s.body) async for s in bus.read(ANSWERS_STREAM, 1)]
    # Proofs of inclusion stand between the answers.
    answers = [a for a in found if isinstance(a, BrokerAnswer)]
    feed = await audit(enclave)
    assert feed.size == len(PARTIES) * ROUNDS * ROUND
    # Each was answered, and every answer, however often it was given, is the log's.
    places = {a.object: a.index for a in answers}
    assert {(a.object, a.verdict, a.index) for a in answers} == {
        (o, "admitted", i) for o, i in places.items()
    }
    assert set(places) == {e.object_hash.hex() for chain in chains.values() for e in chain}
    # It was a race: appends of one broker were lost to the other's.
    assert "sequencer reloads" in (enclave.path / "broker.log").read_text()
    seen = enclave.watch("tafel", "--from-start", "--idle", "2")
    assert seen.status == 0
    assert sorted(titles(seen.rows)) == sorted(f"{p} {n}" for p in PARTIES for n in range(1, ROUNDS * ROUND))


async def test_a_broker_that_is_frozen_and_wakes_up_late_spoils_nothing(new_enclave: NewEnclave) -> None:
    """The worst race: one broker stops in the middle of its appends, another goes on, the first wakes."""
    enclave = new_enclave("ncsc", "ibd", "tafel")
    enclave.start_nats()
    enclave.use_own_nats()
    first = enclave.start()
    enclave.start()
    publishing = asyncio.gather(publish_many(enclave, "ncsc", 300), publish_many(enclave, "ibd", 300))
    for _ in range(3):
        await asyncio.sleep(0.3)
        first.send_signal(signals.SIGSTOP)
        await asyncio.sleep(1.0)
        first.send_signal(signals.SIGCONT)
    answers = await publishing
    feed = await audit(enclave)
    assert all(a.verdict == "admitted" and a.index < feed.size for of in answers for a in of)
    seen = enclave.watch("tafel", "--from-start", "--idle", "2")
    assert len(titles(seen.rows)) == len(set(titles(seen.rows))) == 600


async def test_kill_9_of_server_and_broker_loses_and_repeats_nothing(new_enclave: NewEnclave) -> None:
    enclave = new_enclave("ncsc", "tafel")
    enclave.start()
    publishing = asyncio.ensure_future(publish_many(enclave, "ncsc", 600))
    await asyncio.sleep(1)
    enclave.kill_nats()
    await asyncio.sleep(3)
    enclave.kill_broker()
    await asyncio.sleep(0.5)
    await asyncio.to_thread(enclave.start)
    answers = await asyncio.wait_for(publishing, 120)
    assert {a.verdict for a in answers} == {"admitted"}
    await audit(enclave)
    seen = enclave.watch("tafel", "--from-start", "--idle", "2")
    assert seen.status == 0
    assert sorted(titles(seen.rows)) == sorted(f"ncsc {n}" for n in range(600))


async def test_kill_9_of_a_publisher_repeats_nothing_and_the_rest_can_go(
    new_enclave: NewEnclave, tmp_path: Path
) -> None:
    """What the dead process had answered is in the log once; the same file again adds what was missing."""
    enclave = new_enclave("ncsc", "tafel")
    enclave.start()
    source = tmp_path / "signals.jsonl"
    signal_ids = [f"01a20ac0-879f-7d6c-b809-{n:012x}" for n in range(3_000)]
    rows = [line(f"Regel {n}")[:-2] + f',"id":"{i}"}}\n'.encode() for n, i in enumerate(signal_ids)]
    source.write_bytes(b"".join(rows))
    where = ("--theme", "process", "--classification", "depv", "--json")
    publishing = start("publish", source, "--config", enclave.config("ncsc"), *where)
    publishing.wait_for("stdout", "admitted")
    os.kill(publishing.process.pid, signals.SIGKILL)
    publishing.process.communicate()
    again = enclave.publish("ncsc", source, *where[:4], "--json")
    assert again.status == 0, again.stderr[-500:]
    assert {row["signal"] for row in again.rows} == set(signal_ids)
    await audit(enclave)
    seen = enclave.watch("tafel", "--from-start", "--idle", "2")
    assert seen.status == 0
    assert sorted(row["signal"]["id"] for row in seen.rows) == sorted(signal_ids)


async def test_kill_9_of_a_reader_delivers_everything_over_both_runs(new_enclave: NewEnclave) -> None:
    enclave = new_enclave("ncsc", "tafel")
    enclave.start()
    await publish_many(enclave, "ncsc", 500)
    watching = start("watch", "--config", enclave.config("tafel"), "--json", "--from-start")
    shown = watching.wait_for("stdout", "ncsc 120")
    os.kill(watching.process.pid, signals.SIGKILL)
    rest, _ = watching.process.communicate()
    first = [row for row in (shown + rest.decode()).splitlines() if row.endswith("}")]
    seen = enclave.watch("tafel", "--idle", "2")
    wanted = {f"ncsc {n}" for n in range(500)}
    import json

    both = set(titles(json.loads(row) for row in first)) | set(titles(seen.rows))
    assert both == wanted
