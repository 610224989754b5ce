# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Live: a party that takes more than its share, or plays with the server's own headers, hurts itself alone."""

from __future__ import annotations

import asyncio
import json
import signal as signals
import time
from collections.abc import Callable
from pathlib import Path

import nats.errors
import pytest
from harness.enclave import Enclave, run_broker_command, start
from harness.raw import RawClient, connected, hub
from harness.registrar import Desk
from harness.samples import line, signal

import seinpost
from seinpost_broker.adapters.nats_bus import NatsBus
from seinpost_schemas.subjects import ingress_stream

pytestmark = [pytest.mark.nats]
NewEnclave = Callable[..., Enclave]
WHERE = {"theme": "process", "classification": "depv"}
OPTIONS = ("--theme", "process", "--classification", "depv")
SUBJECT = "seinpost.in.depv.process.publish.ncsc"


def limited(enclave: Enclave, folder: Path, quota: str) -> None:
    """A version of the register in force in which NCSC has this quota."""
    desk = Desk(enclave, folder)

    def change(draft: Path) -> None:
        text = draft.read_text()
        assert text.count('token = "ncsc"\n') == 1
        draft.write_text(text.replace('token = "ncsc"\n', f'token = "ncsc"\nquota = {{ {quota} }}\n'))

    done = desk.publish(desk.sign(desk.draft(change)))
    assert done.stdout == "version 2 is in force\n", done
    deadline = time.monotonic() + 30
    while run_broker_command("drift", enclave.path).status != 0:
        assert time.monotonic() < deadline


async def published(raw: RawClient, data: bytes, headers: dict[str, str] | None = None) -> dict[str, object]:
    """What the server answers to a publish on NCSC's ingress; empty when it says nothing."""
    try:
        reply = await raw.client.request(SUBJECT, data, timeout=5, headers=headers)
    except (nats.errors.TimeoutError, nats.errors.NoRespondersError):
        return {}
    answer: dict[str, object] = json.loads(reply.data)
    return answer


async def streams(bus: NatsBus) -> dict[str, int]:
    """The last sequence of every stream but NCSC's own ingress and what is made of time."""
    names = [s.name for s in await bus.found_streams()]
    left_out = {ingress_stream("ncsc"), "CHECKPOINTS", "HOURLY", "CUSTODY", "ADMISSION", "ANSWERS"}
    return {n: await bus.last_seq(n) for n in names if n not in left_out}


async def until_empty(enclave: Enclave, party: str) -> None:
    """Until the broker has taken what waits, and the server let go of it: an answer may come before that."""
    seed, _ = enclave.directory.load_secrets()
    async with hub(enclave.url, seed) as bus, asyncio.timeout(30):
        while (await bus._js.stream_info(ingress_stream(party))).state.messages:
            await asyncio.sleep(0.1)


async def test_an_ingress_that_is_full_takes_no_more_and_nobody_else_notices(
    new_enclave: NewEnclave, tmp_path: Path
) -> None:
    enclave = new_enclave("ncsc", "bzk", "tafel")
    broker = enclave.start()
    await asyncio.to_thread(limited, enclave, tmp_path, "bytes = 1048576, messages = 9")
    # Begun before: a client that comes while nobody confirms the directory seals nothing at all.
    publishing = start("publish", "-", "--config", enclave.config("ncsc"), *OPTIONS)
    publishing.send(line("Nog niet vol"))
    await asyncio.to_thread(publishing.wait_for, "stdout", "depv/process")
    await until_empty(enclave, "ncsc")
    broker.send_signal(signals.SIGSTOP)
    async with (
        connected(enclave.url, enclave.identity("ncsc").nats_seed, "_INBOX_ncsc") as ncsc,
        connected(enclave.url, enclave.identity("bzk").nats_seed, "_INBOX_bzk") as bzk,
    ):
        answers = [await published(ncsc, b"x" * 200_000) for _ in range(7)]
        taken = [a for a in answers if "error" not in a]
        assert len(taken) == 5
        assert {a["error"]["err_code"] for a in answers[5:]} == {10077}  # type: ignore[index]
        small = [await published(ncsc, b"x") for _ in range(8)]
        assert len([a for a in small if "error" not in a]) == 4
        reply = await bzk.client.request("seinpost.in.depv.process.publish.bzk", b"x" * 500_000, timeout=5)
        assert "error" not in json.loads(reply.data)
        # Its own client says which limit it is.
        publishing.send(line("Te veel"))
        await asyncio.to_thread(publishing.wait_for, "stderr", "ingress is full")
        broker.send_signal(signals.SIGCONT)
    # What waited is refused one after another, and then there is room again.
    ended = await asyncio.to_thread(publishing.finish)
    assert (ended.status, ended.stdout.count("depv/process")) == (0, 1), ended


async def test_a_party_has_so_many_connections_and_others_theirs(
    new_enclave: NewEnclave, tmp_path: Path
) -> None:
    enclave = new_enclave("ncsc", "bzk", "tafel")
    enclave.start()
    await asyncio.to_thread(limited, enclave, tmp_path, "connections = 2")
    seed, inbox = enclave.identity("ncsc").nats_seed, "_INBOX_ncsc"
    async with connected(enclave.url, seed, inbox) as one, connected(enclave.url, seed, inbox):
        third = await asyncio.to_thread(enclave.watch, "ncsc", "--idle", "1")
        assert (third.status, "as many connections" in third.error) == (3, True), third
        async with connected(enclave.url, enclave.identity("bzk").nats_seed, "_INBOX_bzk") as other:
            await other.client.flush()
        # Those that it has stay.
        await one.client.flush()
    async with connected(enclave.url, seed, inbox) as again:
        await again.client.flush()


async def test_a_message_over_the_servers_limit_ends_that_connection_alone(
    new_enclave: NewEnclave, tmp_path: Path
) -> None:
    enclave = new_enclave("ncsc", "tafel")
    enclave.start()
    seed, inbox = enclave.identity("ncsc").nats_seed, "_INBOX_ncsc"
    broker_seed, _ = enclave.directory.load_secrets()
    async with (
        connected(enclave.url, seed, inbox) as other,
        connected(enclave.url, seed, inbox) as raw,
        hub(enclave.url, broker_seed) as bus,
    ):
        before = await bus.last_seq(ingress_stream("ncsc"))
        raw.client._max_payload = 1 << 30
        await raw.client.publish(SUBJECT, b"x" * ((1 << 20) + 1))
        async with asyncio.timeout(20):
            while not raw.client.is_closed:
                await asyncio.sleep(0.05)
        assert await bus.last_seq(ingress_stream("ncsc")) == before
        # One byte less is stored, and refused by the broker.
        assert "error" not in await published(other, b"x" * (1 << 20))


async def test_a_party_that_floods_is_held_to_its_rate_and_holds_up_nobody(
    new_enclave: NewEnclave, tmp_path: Path
) -> None:
    """65,536 bytes a second, and 8 times that at once: of twelve million bytes of junk the rest waits."""
    enclave = new_enclave("ncsc", "bzk", "tafel")
    enclave.start()
    await asyncio.to_thread(limited, enclave, tmp_path, "bytes_per_second = 65536")
    broker_seed, _ = enclave.directory.load_secrets()
    junk, count, burst = 60_000, 200, 8 * 65_536
    async with (
        connected(enclave.url, enclave.identity("ncsc").nats_seed, "_INBOX_ncsc") as flood,
        hub(enclave.url, broker_seed) as bus,
        seinpost.connect(enclave.config("bzk")) as bzk,
    ):
        await bzk.publish(signal("Voor de vloed"), **WHERE)
        began = time.monotonic()
        for _ in range(count):
            await flood.client.publish(SUBJECT, b"x" * junk)
        await flood.client.flush()
        waits = []
        while time.monotonic() - began < 12:
            sent = time.monotonic()
            await bzk.publish(signal(f"Tijdens de vloed {len(waits)}"), **WHERE)
            waits.append(time.monotonic() - sent)
            await asyncio.sleep(0.2)
        elapsed = time.monotonic() - began
        # What was answered is in its ingress no more.
        handled = count - (await bus._js.stream_info(ingress_stream("ncsc"))).state.messages
    print(
        f"flooded: {handled} of {count} handled in {elapsed:.0f} s; another party waited {max(waits):.2f} s at most"
    )
    assert handled * junk <= burst + 65_536 * elapsed + 2 * junk
    assert handled * junk > burst / 2
    assert max(waits) < 10
    log = (enclave.path / "broker.log").read_text()
    assert log.count("party is held to its rate") == 1


HEADERS = [
    {"Nats-Rollup": "all"},
    {"Nats-Rollup": "sub"},
    {"Nats-Expected-Stream": "DIRECTORY"},
    {"Nats-Expected-Last-Sequence": "0"},
    {"Nats-Expected-Last-Sequence": "18446744073709551615"},
    {"Nats-Expected-Last-Msg-Id": "nothing"},
    {"Nats-Expected-Last-Subject-Sequence": "0"},
    {"Nats-Expected-Last-Subject-Sequence": "7", "Nats-Expected-Last-Subject-Sequence-Subject": ">"},
    {"Nats-TTL": "1s"},
    {"Nats-TTL": "never"},
    {"Nats-Schedule": "@every 1s", "Nats-Schedule-Target": "seinpost.directory"},
    {"Nats-Incr": "+1"},
    {"Nats-Batch-Id": "b", "Nats-Batch-Sequence": "1", "Nats-Batch-Commit": "1"},
    {"Nats-Marker-Reason": "Purge"},
    {"Nats-Stream": "DIRECTORY", "Nats-Sequence": "1", "Nats-Subject": "seinpost.directory"},
    {"Nats-Msg-Id": "a" * 4_000},
]


async def test_the_servers_own_headers_reach_no_further_than_the_own_ingress(
    new_enclave: NewEnclave, tmp_path: Path
) -> None:
    """Rollups, conditions, times to live, schedules, counters and batches, with a party's own credentials."""
    enclave = new_enclave("ncsc", "bzk", "tafel")
    enclave.start()
    source = tmp_path / "signal.json"
    source.write_bytes(line("Daarna"))
    assert (await asyncio.to_thread(enclave.publish, "ncsc", source, *OPTIONS)).status == 0
    broker_seed, _ = enclave.directory.load_secrets()
    async with (
        connected(enclave.url, enclave.identity("ncsc").nats_seed, "_INBOX_ncsc") as raw,
        hub(enclave.url, broker_seed) as bus,
    ):
        before = await streams(bus)
        assert len(before) > 5
        told = []
        for headers in HEADERS:
            answer = await published(raw, b"junk", headers)
            error = answer.get("error")
            told.append((next(iter(headers)), error["description"] if isinstance(error, dict) else "stored"))
        for name, outcome in told:
            print(f"{name}: {outcome}")
        refused = {name for name, outcome in told if outcome != "stored"}
        assert {"Nats-Rollup", "Nats-TTL", "Nats-Schedule", "Nats-Expected-Stream"} <= refused
        # Long enough for what was scheduled, or was to end by itself.
        await asyncio.sleep(2)
        assert await streams(bus) == before
    # Its own envelopes come through as before, and so do everyone's.
    for party in ("ncsc", "bzk"):
        assert (await asyncio.to_thread(enclave.publish, party, source, *OPTIONS)).status == 0
    assert run_broker_command("drift", enclave.path).status == 0
