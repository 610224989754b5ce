# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Live: a broker that lies at the end of a period. Each lie has its alarm, and nothing of it shows as audited.

The honest broker and the witnesses have gone; the hub and the log's keys are in dishonest hands, with as many
dishonest witnesses as a quorum needs where the case says so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from harness.dishonest import KEPT, Dishonest, FreshReader, ahead, dishonest, fresh_reader
from harness.enclave import Enclave, make_enclave
from harness.periods import sign_turn, three_periods
from harness.registrar import Desk
from harness.samples import signal

import seinpost
from seinpost import _audit, _auditing
from seinpost_broker.adapters.system_clock import SystemClock
from seinpost_broker.ports import StoredMessage
from seinpost_broker.service.directory import DirectoryService
from seinpost_schemas.checkpoint import parse_checkpoint
from seinpost_schemas.errors import QuorumError
from seinpost_schemas.merkle_tree import MerkleTree
from seinpost_schemas.note import parse_note
from seinpost_schemas.split_view import decode_split_view, verify_split_view
from seinpost_schemas.subjects import directory_origin, feed_subject
from seinpost_schemas.submission import Submission

pytestmark = [pytest.mark.nats]
WITNESSES = ("ncsc", "ibd", "ap", "toezicht")
QUORUM = WITNESSES[:3]
PLACE = "depv/process"
WHERE = {"theme": "process", "classification": "depv"}


async def fill(enclave: Enclave) -> None:
    """Two senders' signals: epoch, signal, epoch, signal, signal, signal, and both ends; all of it audited."""
    async with (
        seinpost.connect(enclave.config("ncsc")) as ncsc,
        seinpost.connect(enclave.config("ibd")) as ibd,
    ):
        for number in range(2):
            for post in (ncsc, ibd):
                await post.wait_audited(await post.publish(signal(f"Bericht {number}"), **WHERE))
    async with dishonest(enclave, PLACE) as hub, asyncio.timeout(30):
        while parse_checkpoint(parse_note(await hub.published())).tree_size < len(await hub.entries()):
            await asyncio.sleep(0.05)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """An enclave left by its honest broker, with the register signed under which the next period runs."""
    monkeypatch.setattr(_audit, "CLOSING_MS", 2_000)
    monkeypatch.setattr(_audit, "TAIL_MS", 1_500)
    monkeypatch.setattr(_auditing, "_CLOSED_LOOK_MS", 500)
    enclave = make_enclave(tmp_path / "e", *WITNESSES, "tafel", witnesses=True)
    enclave.start(witnesses=True)
    made = Desk(enclave, tmp_path)
    asyncio.run(fill(enclave))
    first, second, third = three_periods(enclave)
    made.took(sign_turn(made, second, third, first))
    enclave.kill_broker()
    yield made
    enclave.stop()


class Hub(Dishonest):
    """What it can do to the end of a log, too."""

    async def open_directory(self, register: Path) -> None:
        """Bring the version in force under which the next period runs: the registrars signed it."""
        self.directory = DirectoryService(self.view.enclave_id, store=self._bus, clock=SystemClock())
        await self.directory.submit(Submission(register.read_bytes()))
        await self.sign_directory()

    async def close(self, tree: MerkleTree, witnesses: tuple[str, ...] = QUORUM) -> None:
        """Log a closing of the first period's log in the directory."""
        await self.directory.close_log(self.origin, self.sign(tree, ahead(), witnesses))
        await self.sign_directory()

    async def sign_directory(self) -> None:
        """Show a checkpoint of the directory that readers take for fresh."""
        origin = directory_origin(self.register.enclave)
        note = self.sign(self.directory.tree, int(time.time()), QUORUM, origin)
        await self.publish(note, origin)

    async def put(self, period: str, message: StoredMessage) -> None:
        """Append to a period's stream, whatever it is."""
        subject = feed_subject(period, self.compartment)
        headers = {k: v for k, v in message.headers.items() if k in KEPT}
        await self._bus._js.publish(subject, message.body, headers=headers)


@asynccontextmanager
async def turned(desk: Desk) -> AsyncIterator[Hub]:
    async with dishonest(desk.enclave, PLACE) as plain:
        hub = Hub(desk.enclave, plain._bus, plain.compartment)
        await hub.open_directory(desk.newest)
        yield hub


async def still_as_before(reader: FreshReader, *codes: str) -> None:
    """No alarms but these come, and nothing more is delivered."""
    before = len(reader.deliveries)
    await asyncio.sleep(1)
    ours = [a.code for a in reader.connection.alarms if a.compartment == PLACE]
    assert set(ours) <= set(codes)
    assert len(reader.deliveries) == before


async def test_the_control_an_honest_closing_raises_nothing(desk: Desk, tmp_path: Path) -> None:
    async with turned(desk) as hub:
        await hub.close(hub.tree(await hub.entries()))
        async with fresh_reader(desk.enclave, "tafel", tmp_path) as reader:
            await reader.until_audited(4)
            await still_as_before(reader)


async def test_a_tail_cut_at_the_closing(desk: Desk, tmp_path: Path) -> None:
    """Readers had it, no quorum had seen it yet: it is in no log that anyone will prove."""
    async with turned(desk) as hub:
        truth = await hub.entries()
        await hub.forget_checkpoints()
        await hub.publish(hub.sign(hub.tree(truth[:4]), ahead() - 1, QUORUM))
        async with fresh_reader(desk.enclave, "tafel", tmp_path) as reader:
            async with asyncio.timeout(30):
                while len(reader.deliveries) < 4 or len(reader.audited) < 2:
                    await asyncio.sleep(0.02)
            await hub.close(hub.tree(truth[:4]))
            alarm = await reader.alarm("cut-at-closing")
            assert alarm.compartment == PLACE
            assert alarm.evidence is not None
            # What was cut off still stands in the stream, and the test may have taken its time to close it.
            await still_as_before(reader, "cut-at-closing", "after-closing", "missing-closing")
            assert reader.audited == [1, 3]


async def test_a_closing_that_covers_what_was_never_given(desk: Desk, tmp_path: Path) -> None:
    async with turned(desk) as hub:
        truth = await hub.entries()
        await hub.rewrite(truth[:-1])
        await hub.close(hub.tree(truth))
        async with fresh_reader(desk.enclave, "tafel", tmp_path) as reader:
            await reader.alarm("withheld-tail")
            await still_as_before(reader, "withheld-tail")


async def test_a_log_closed_with_another_history_convicts_it(desk: Desk, tmp_path: Path) -> None:
    async with turned(desk) as hub:
        truth = await hub.entries()
        async with fresh_reader(desk.enclave, "tafel", tmp_path) as reader:
            await reader.until_audited(4)
            await hub.close(hub.tree([*truth[:4], truth[5], truth[4], *truth[6:]]))
            alarm = await reader.alarm("split-view")
    assert alarm.evidence is not None
    proof = verify_split_view(decode_split_view(alarm.evidence), hub.view.enclave_id)
    assert (proof.origin, proof.tree_size) == (hub.origin, len(truth))


async def test_a_log_that_is_not_closed(desk: Desk, tmp_path: Path) -> None:
    async with turned(desk) as hub, fresh_reader(desk.enclave, "tafel", tmp_path) as reader:
        await reader.until_audited(4)
        alarm = await reader.alarm("missing-closing")
        assert alarm.compartment.count("/") == 1
        # What comes in the next log meanwhile is not read: nobody knows what it goes on from.
        await hub.put(hub.register.periods.next, (await hub.entries())[0])
        before = len(reader.deliveries)
        await asyncio.sleep(1)
        assert len(reader.deliveries) == before


@pytest.mark.parametrize("witnesses", [(), WITNESSES[:2]])
async def test_a_closing_without_a_quorum_is_none(desk: Desk, witnesses: tuple[str, ...]) -> None:
    async with turned(desk) as hub:
        with pytest.raises(QuorumError):
            await hub.close(hub.tree(await hub.entries()), witnesses)


async def test_entries_after_the_closing_are_told_of_and_not_read(desk: Desk, tmp_path: Path) -> None:
    async with turned(desk) as hub:
        truth = await hub.entries()
        await hub.close(hub.tree(truth))
        async with fresh_reader(desk.enclave, "tafel", tmp_path) as reader:
            await reader.until_audited(4)
            await hub.put(hub.period, truth[1])
            alarm = await reader.alarm("after-closing")
            assert alarm.compartment == PLACE
            # It may be read before the closing is: then it is a repeat as well.
            await still_as_before(reader, "after-closing", "reordering")


def first_epoch(log: list[StoredMessage]) -> StoredMessage:
    return log[0]


def newest(log: list[StoredMessage]) -> StoredMessage:
    return log[-1]


@pytest.mark.parametrize("which", [first_epoch, newest])
async def test_the_old_log_replayed_into_the_new_one(
    desk: Desk, tmp_path: Path, which: Callable[[list[StoredMessage]], StoredMessage]
) -> None:
    async with turned(desk) as hub:
        truth = await hub.entries()
        await hub.close(hub.tree(truth))
        await hub.put(hub.register.periods.next, which(truth))
        async with fresh_reader(desk.enclave, "tafel", tmp_path) as reader:
            await reader.alarm("reordering")
            assert sorted(d.index for d in reader.deliveries) == [1, 3, 4, 5]
            assert {d.period for d in reader.deliveries} == {hub.period}
