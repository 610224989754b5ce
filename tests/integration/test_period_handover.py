# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Live: a period ends while partners publish and readers read; nothing is lost, doubled or left unproven."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.dishonest import fresh_reader
from harness.enclave import Enclave, close, make_enclave, start, start_broker_command
from harness.periods import sign_turn, three_periods, turn_period, until_closed
from harness.registrar import Desk
from harness.samples import signal

import seinpost
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.subjects import log_origin

pytestmark = [pytest.mark.nats]
WITNESSES = ("ncsc", "ibd", "ap", "toezicht")
PARTIES = (*WITNESSES, "kiesraad", "tafel")
PLACE = "depv/process"
WHERE = {"theme": "process", "classification": "depv"}


@pytest.fixture
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("periods")
    enclave = make_enclave(folder / "e", *PARTIES, witnesses=True)
    enclave.start(witnesses=True)
    yield Desk(enclave, folder)
    enclave.stop()


async def send(enclave: Enclave, party: str, over: asyncio.Event, least: int = 10) -> list[str]:
    """Publish until told to stop; the ids of what was admitted, each proven in a log that a quorum cosigned."""
    found: list[seinpost.Answer] = []
    async with seinpost.connect(enclave.config(party)) as post:
        while not over.is_set() or len(found) < least:
            futures = [
                await post.submit(signal(f"{party} {len(found)}.{number}"), **WHERE) for number in range(3)
            ]
            found += await asyncio.gather(*futures)
            await asyncio.sleep(0.02)
        for answer in found:
            await post.wait_audited(answer, 60.0)
        assert post.alarms == []
    return [a.signal for a in found]


async def test_a_period_ends_while_partners_publish_and_readers_read(desk: Desk, tmp_path: Path) -> None:
    enclave = desk.enclave
    first, second, third = three_periods(enclave)
    over = asyncio.Event()
    async with (
        fresh_reader(enclave, "tafel", tmp_path) as table,
        fresh_reader(enclave, "kiesraad", tmp_path) as other,
    ):
        sending = [asyncio.ensure_future(send(enclave, party, over)) for party in ("ncsc", "ibd")]
        while not table.deliveries:
            await asyncio.sleep(0.05)
        await turn_period(desk, second, third, first)
        directory = await until_closed(enclave, first)
        async with asyncio.timeout(60):
            while not any(d.period == second for d in table.deliveries):
                await asyncio.sleep(0.05)
        over.set()
        sent = [i for ids in await asyncio.gather(*sending) for i in ids]
        for reader in (table, other):
            await reader.until_audited(len(sent), 60)
            assert sorted(str(d.signal.id) for d in reader.deliveries) == sorted(sent)
            assert {d.period for d in reader.deliveries} == {first, second}
            assert reader.codes == []
    closing = directory.closing(
        log_origin(directory.current.register.enclave, first, Compartment.parse(PLACE))
    )
    assert closing is not None
    assert closing.checkpoint.tree_size > max(d.index for d in table.deliveries if d.period == first)
    # Whoever comes later reads both.
    async with fresh_reader(enclave, "tafel", tmp_path) as late:
        await late.until_audited(len(sent), 60)
        assert sorted(str(d.signal.id) for d in late.deliveries) == sorted(sent)
        assert late.codes == []


CRASHES = {
    "a stream is sealed": ("seinpost_broker.adapters.nats_bus", "NatsBus", "seal", 3, True),
    "a last checkpoint is signed": (
        "seinpost_broker.service.checkpointer",
        "Checkpointer",
        "finish",
        1,
        False,
    ),
    "a closing is logged": ("seinpost_broker.service.directory", "DirectoryService", "close_log", 2, True),
    "the next log begins": ("seinpost_broker.service.sequencer", "Sequencer", "hand_over", 4, False),
}
"""Module, class, method, at which call the broker's machine loses power, and whether when the call is done."""


def crashing(module: str, class_: str, method: str, call: int, after: bool) -> str:
    """A broker that is gone, without a word, in the middle of a hand-over."""
    return f"""
import os, {module} as crashing
known, begun, done = crashing.{class_}.{method}, [], []
async def crash(self, *given):
    begun.append(given)
    if len(begun) == {call} and not {after}:
        os._exit(137)
    result = await known(self, *given)
    done.append(given)
    if len(done) == {call}:
        os._exit(137)
    return result
crashing.{class_}.{method} = crash
"""


@pytest.mark.parametrize("where", CRASHES)
async def test_a_broker_killed_in_the_middle_of_the_hand_over_goes_on_at_its_next_start(
    tmp_path: Path, where: str
) -> None:
    enclave = make_enclave(tmp_path / "e", *PARTIES, witnesses=True)
    first, second, third = three_periods(enclave)
    try:
        broker = enclave.start(crashing(*CRASHES[where]))
        # Commands of their own: they outlive the broker, as other parties' machines do.
        for party in WITNESSES:
            await asyncio.to_thread(
                start("witness", enclave.config(f"{party}-witness")).wait_for, "stdout", "witnessing"
            )
        over = asyncio.Event()
        async with fresh_reader(enclave, "tafel", tmp_path) as table:
            sending = [asyncio.ensure_future(send(enclave, party, over)) for party in ("ncsc", "ibd")]
            async with asyncio.timeout(30):
                while not table.deliveries:
                    await asyncio.sleep(0.05)
            desk = Desk(enclave, tmp_path)
            note = await asyncio.to_thread(sign_turn, desk, second, third, first)
            publishing = start_broker_command("publish-register", enclave.path, note)
            assert await asyncio.to_thread(broker.wait, 30) == 137
            close(broker)
            enclave.kill_nats()
            await asyncio.to_thread(enclave.start)
            await asyncio.to_thread(publishing.finish)
            await until_closed(enclave, first)
            async with asyncio.timeout(90):
                while not any(d.period == second for d in table.deliveries):
                    await asyncio.sleep(0.05)
            over.set()
            sent = [i for ids in await asyncio.gather(*sending) for i in ids]
            await table.until_audited(len(sent), 90)
            assert sorted(str(d.signal.id) for d in table.deliveries) == sorted(sent)
            assert table.codes == []
    finally:
        enclave.stop()


async def test_two_brokers_hand_over_together(tmp_path: Path) -> None:
    """Both close every log, and each finds what the other has done."""
    enclave = make_enclave(tmp_path / "e", *PARTIES, witnesses=True)
    first, second, third = three_periods(enclave)
    try:
        enclave.use_own_nats()
        await asyncio.to_thread(enclave.start_nats)
        for _ in range(2):
            await asyncio.to_thread(enclave.start)
        for party in WITNESSES:
            await asyncio.to_thread(
                start("witness", enclave.config(f"{party}-witness")).wait_for, "stdout", "witnessing"
            )
        over = asyncio.Event()
        async with fresh_reader(enclave, "tafel", tmp_path) as table:
            sending = [asyncio.ensure_future(send(enclave, party, over)) for party in ("ncsc", "ibd")]
            async with asyncio.timeout(30):
                while not table.deliveries:
                    await asyncio.sleep(0.05)
            await turn_period(Desk(enclave, tmp_path), second, third, first)
            await until_closed(enclave, first)
            async with asyncio.timeout(60):
                while not any(d.period == second for d in table.deliveries):
                    await asyncio.sleep(0.05)
            over.set()
            sent = [i for ids in await asyncio.gather(*sending) for i in ids]
            await table.until_audited(len(sent), 90)
            assert sorted(str(d.signal.id) for d in table.deliveries) == sorted(sent)
            assert table.codes == []
    finally:
        enclave.stop()
