# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Live: what a revocation does to connections, envelopes and epochs, and within which time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.answers import next_answer
from harness.enclave import Enclave, close, run
from harness.memory import PROCESS, Sender
from harness.raw import connected, hub
from harness.registrar import Desk
from harness.revoking import epochs_of
from harness.samples import signal

import seinpost
from seinpost_broker.adapters.nats_bus import NatsBus
from seinpost_schemas.answer import BrokerAnswer
from seinpost_schemas.errors import Reason
from seinpost_schemas.subjects import ANSWERS_STREAM, feed_stream

pytestmark = pytest.mark.nats
NewEnclave = Callable[..., Enclave]
LIMIT_SECONDS = 60.0


async def is_refused(enclave: Enclave, party: str) -> bool:
    """Whether the server refuses to let a party's identity connect."""
    done = await asyncio.to_thread(run, "watch", "--config", enclave.config(party), "--idle", "1")
    return done.status == 1 and "does not know this identity" in done.error


def nats_log(enclave: Enclave) -> str:
    return (enclave.path / "nats" / "nats.log").read_text(errors="replace")


class Watcher:
    """What the test looks at, with a broker's eyes."""

    def __init__(self, bus: NatsBus, period: str, sender_id: bytes) -> None:
        self.bus = bus
        self.period = period
        self.stream = feed_stream(period, PROCESS)
        self.sender_id = sender_id

    async def epochs(self) -> list[set[bytes]]:
        """The slots of each epoch that the sender has in the feed, in order."""
        return await epochs_of(self.bus, self.period, self.sender_id)

    async def answer_to(self, enclave: Enclave, broker_seed: str, data: bytes) -> BrokerAnswer:
        """Put bytes into NCSC's ingress by the server's own hand; what a broker answers."""
        answered = await self.bus.last_seq(ANSWERS_STREAM)
        async with connected(enclave.url, broker_seed) as raw:
            await raw.client.publish("seinpost.in.depv.process.publish.ncsc", data)
            return await next_answer(self.bus, answered)


async def titles_of(enclave: Enclave, party: str, last: str) -> list[str]:
    """What a party reads from the start, up to a title; without an alarm."""
    titles: list[str] = []
    async with asyncio.timeout(30), seinpost.connect(enclave.config(party)) as post:
        async for delivery in post.signals(from_start=True):
            titles.append(delivery.signal.report.title)
            if titles[-1] == last:
                break
    assert post.alarms == []
    return titles


SKEW = "import time\nright = time.time_ns\ntime.time_ns = lambda: right() + {seconds} * 10**9"


@pytest.mark.parametrize("seconds", [0, 600, -600])
async def test_a_revoked_machine_is_out_within_a_minute(
    new_enclave: NewEnclave, tmp_path: Path, seconds: int
) -> None:
    """With a broker whose clock is ten minutes off from everyone else's, too."""
    enclave = new_enclave("ncsc", "bzk", "tafel")
    enclave.start(SKEW.format(seconds=seconds))
    desk = Desk(enclave, tmp_path)
    stolen = enclave.identity("ncsc")
    directory = enclave.trusted_directory()
    period = directory.current.register.periods.current
    # Signed while it was in order, kept, and sent after the revocation.
    early = Sender("ncsc", PROCESS, directory, stolen, now_ms=time.time_ns() // 1_000_000).epoch()
    note = desk.revoke("ncsc-1")
    broker_seed, _ = enclave.directory.load_secrets()
    async with (
        seinpost.connect(enclave.config("bzk")) as bzk,
        connected(enclave.url, enclave.identity("tafel").nats_seed, "_INBOX_tafel") as keeps,
        connected(enclave.url, stolen.nats_seed, "_INBOX_ncsc") as thief,
        hub(enclave.url, broker_seed) as bus,
    ):
        watcher = Watcher(bus, period, bzk.identity.sender_id)
        where = {"theme": "process", "classification": "depv"}
        await bzk.publish(signal("Voor de intrekking"), **where)
        (before,) = await watcher.epochs()
        assert stolen.keys.kem_key_id in before

        began = time.monotonic()
        done = await asyncio.to_thread(desk.publish, note)
        assert done.stdout == "version 2 is in force\n", done
        # At once, with whatever the sender knows: refused as stale, sealed again, admitted.
        await bzk.publish(signal("Na de intrekking"), **where)
        sealed = time.monotonic() - began
        assert await watcher.epochs() == [before, before - {stolen.keys.kem_key_id}]
        async with asyncio.timeout(LIMIT_SECONDS):
            while not thief.client.is_closed:
                await asyncio.sleep(0.05)
        closed = time.monotonic() - began
        assert await is_refused(enclave, "ncsc")

        size = await bus.last_seq(watcher.stream)
        answer = await watcher.answer_to(enclave, broker_seed, early.encode())
        assert (answer.verdict, answer.reason, answer.basis) == ("refused", Reason.REVOKED, "laptop gestolen")
        assert await bus.last_seq(watcher.stream) == size

        # Who kept its rights kept its connection.
        assert keeps.client.is_connected
        await keeps.client.flush()
        assert bzk.alarms == []
    print(f"revoked, clocks {seconds} s apart: closed after {closed:.1f} s, sealed past after {sealed:.1f} s")
    assert max(closed, sealed) < LIMIT_SECONDS

    # It does not come back with a restart, though the register that the broker was founded on knew it.
    reloads = nats_log(enclave).count("hangup")
    assert enclave.broker is not None
    enclave.broker.terminate()
    close(enclave.broker)
    enclave.start(SKEW.format(seconds=seconds))
    assert nats_log(enclave).count("hangup") == reloads, "the server started with what an older version gave"
    assert await is_refused(enclave, "ncsc")
    assert await titles_of(enclave, "tafel", "Na de intrekking") == ["Voor de intrekking", "Na de intrekking"]
