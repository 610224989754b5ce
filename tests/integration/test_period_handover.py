# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Live: a period ends while partners publish and readers read; nothing is lost, doubled or left unproven."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.dishonest import fresh_reader
from harness.enclave import Enclave, make_enclave
from harness.periods import turn_period, until_closed
from harness.registrar import Desk
from harness.samples import signal

import seinpost
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.subjects import log_origin

pytestmark = [pytest.mark.nats, pytest.mark.timeout(300)]
WITNESSES = ("ncsc", "ibd", "ap", "toezicht")
PARTIES = (*WITNESSES, "kiesraad", "tafel")
PLACE = "depv/process"
WHERE = {"theme": "process", "classification": "depv"}
FIRST, SECOND, THIRD = "2026q4", "2027q1", "2027q2"


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
    over = asyncio.Event()
    async with (
        fresh_reader(enclave, "tafel", tmp_path) as table,
        fresh_reader(enclave, "kiesraad", tmp_path) as other,
    ):
        sending = [asyncio.ensure_future(send(enclave, party, over)) for party in ("ncsc", "ibd")]
        while not table.deliveries:
            await asyncio.sleep(0.05)
        await turn_period(desk, SECOND, THIRD, FIRST)
        directory = await until_closed(enclave, FIRST)
        async with asyncio.timeout(60):
            while not any(d.period == SECOND for d in table.deliveries):
                await asyncio.sleep(0.05)
        over.set()
        sent = [i for ids in await asyncio.gather(*sending) for i in ids]
        for reader in (table, other):
            await reader.until_audited(len(sent), 60)
            assert sorted(str(d.signal.id) for d in reader.deliveries) == sorted(sent)
            assert {d.period for d in reader.deliveries} == {FIRST, SECOND}
            assert reader.codes == []
    closing = directory.closing(
        log_origin(directory.current.register.enclave, FIRST, Compartment.parse(PLACE))
    )
    assert closing is not None
    assert closing.checkpoint.tree_size > max(d.index for d in table.deliveries if d.period == FIRST)
    # Whoever comes later reads both.
    async with fresh_reader(enclave, "tafel", tmp_path) as late:
        await late.until_audited(len(sent), 60)
        assert sorted(str(d.signal.id) for d in late.deliveries) == sorted(sent)
        assert late.codes == []
