# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Live: four witnesses, a reader that audits, and a broker's keys in dishonest hands."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from harness.dishonest import ahead
from harness.enclave import Enclave, make_enclave, run_broker_command
from harness.raw import hub
from harness.samples import signal
from harness.witnessed import WITNESSES, Witnessed, witnessed_enclave

import seinpost
from seinpost.connection import Connection
from seinpost_schemas.checkpoint import Checkpoint, verify_checkpoint
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.cosignature import verify_quorum
from seinpost_schemas.merkle import leaf_hash
from seinpost_schemas.merkle_tree import MerkleTree
from seinpost_schemas.note import parse_note
from seinpost_schemas.subjects import checkpoint_subject, custody_subject, directory_origin, log_origin

pytestmark = pytest.mark.nats

SECONDS = 30.0


@pytest.fixture(scope="module")
def witnessed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Witnessed]:
    yield from witnessed_enclave(tmp_path_factory.mktemp("witnessed") / "e", "tafel")


class Reader:
    """The table, reading in the background."""

    def __init__(self, connection: Connection, audited: list[seinpost.Audited]) -> None:
        self.connection = connection
        self.deliveries: dict[str, seinpost.Delivery] = {}
        self.audited = audited

    async def read(self) -> None:
        async for delivery in self.connection.signals(from_start=True):
            self.deliveries[str(delivery.signal.id)] = delivery

    async def status(self, signal_id: str, wanted: str, seconds: float = SECONDS) -> None:
        """Wait until a signal has this status."""
        async with asyncio.timeout(seconds):
            while (d := self.deliveries.get(signal_id)) is None or self.connection.status(d) != wanted:
                await asyncio.sleep(0.05)

    async def alarm(self, code: str, seconds: float = SECONDS) -> seinpost.Alarm:
        """Wait for an alarm of this name."""
        async with asyncio.timeout(seconds):
            while not (found := [a for a in self.connection.alarms if a.code == code]):
                await asyncio.sleep(0.05)
        return found[0]


@contextlib.asynccontextmanager
async def reading(enclave: Enclave) -> AsyncIterator[Reader]:
    audited: list[seinpost.Audited] = []
    connection = seinpost.connect(enclave.config("tafel"), on_audited=audited.append, on_alarm=lambda _: None)
    async with connection:
        reader = Reader(connection, audited)
        task = asyncio.ensure_future(reader.read())
        try:
            yield reader
        finally:
            task.cancel()
            await asyncio.wait({task})


async def publish(enclave: Enclave, party: str, title: str, **where: str) -> str:
    async with seinpost.connect(enclave.config(party)) as post:
        place = {"theme": "process", "classification": "depv"} | where
        return (await post.publish(signal(title), **place)).signal  # type: ignore[arg-type]


async def test_what_is_admitted_is_audited_and_the_proof_is_a_quorums(witnessed: Witnessed) -> None:
    async with reading(witnessed.enclave) as reader:
        signal_id = await publish(witnessed.enclave, "ncsc", "Geaudit")
        await reader.status(signal_id, "audited")
        audited = [a for a in reader.audited if str(a.compartment) == "depv/process"][-1]
        register = witnessed.enclave.trusted_directory().current.register
        origin = log_origin(register.enclave, register.periods.current, audited.compartment)
        _, log_keys = witnessed.enclave.directory.load_secrets()
        checkpoint, _ = verify_checkpoint(audited.note, origin, log_keys.public)
        assert register.quorum == 3
        verify_quorum(parse_note(audited.note), checkpoint, register.cosigners, 3)
        assert checkpoint.tree_size == audited.size > reader.deliveries[signal_id].index
        assert reader.connection.alarms == []


async def test_one_of_four_may_die_and_two_may_not(witnessed: Witnessed) -> None:
    witnessed.kill_witness("ibd")
    async with reading(witnessed.enclave) as reader:
        await reader.status(await publish(witnessed.enclave, "ncsc", "Met drie"), "audited")
        witnessed.kill_witness("ap")
        pending = await publish(witnessed.enclave, "ncsc", "Met twee")
        await reader.status(pending, "pending")
        await asyncio.sleep(2)
        await reader.status(pending, "pending", 0.1)
        # A witness that comes back knows where it was, and everything is audited again.
        witnessed.start_witness("ibd")
        await reader.status(pending, "audited")
        witnessed.start_witness("ap")
        assert reader.connection.alarms == []


async def test_what_is_published_of_the_directory_carries_a_quorum(witnessed: Witnessed) -> None:
    """A sender's freshness is the witnesses' word."""
    newest = directory_origin(witnessed.enclave.trusted_directory().current.register.enclave)
    seed, _ = witnessed.enclave.directory.load_secrets()
    async with hub(witnessed.enclave.url, seed) as bus:
        stored = await bus.newest_checkpoint(checkpoint_subject(newest))
        assert stored is not None
        register = witnessed.enclave.trusted_directory().current.register
        note = parse_note(stored[1])
        assert sum(s.name.startswith("proef/witness/") for s in note.signatures) >= 2 * register.quorum


async def test_a_checkpoint_that_the_log_alone_signed_is_an_alarm_and_audits_nothing(
    witnessed: Witnessed,
) -> None:
    """A dishonest broker publishes another history under the log's own keys, without the witnesses."""
    register = witnessed.enclave.trusted_directory().current.register
    origin = log_origin(register.enclave, register.periods.current, Compartment.parse("depv/parties"))
    seed, log_keys = witnessed.enclave.directory.load_secrets()
    other = MerkleTree()
    other.append(leaf_hash(b"another history"))
    forged = log_keys.sign(Checkpoint(origin, 1, other.root()), ahead())
    async with reading(witnessed.enclave) as reader, hub(witnessed.enclave.url, seed) as bus:
        subject = checkpoint_subject(origin)
        stored = await bus.newest_checkpoint(subject)
        await bus.store_checkpoint(subject, forged, stored[0] if stored else 0)
        alarm = await reader.alarm("quorum")
        assert (alarm.compartment, alarm.evidence) == ("depv/parties", forged)
        assert [a for a in reader.audited if str(a.compartment) == "depv/parties"] == []


@pytest.mark.parametrize(
    ("size", "says"), [(1_000, "entries were lost"), (1, "entries were changed|is not of this stream")]
)
async def test_a_broker_whose_checkpoint_is_not_of_its_stream_does_not_start(
    tmp_path: Path, size: int, says: str
) -> None:
    """Ahead of the stream, or of another one: the broker stops with a sentence, and signs nothing."""
    enclave = make_enclave(tmp_path / "e", "ncsc")
    enclave.start()
    await publish(enclave, "ncsc", "Er is iets")
    register = enclave.trusted_directory().current.register
    origin = log_origin(register.enclave, register.periods.current, Compartment.parse("depv/process"))
    seed, log_keys = enclave.directory.load_secrets()
    enclave.kill_broker()
    async with hub(enclave.url, seed) as bus:
        subject = custody_subject(origin)
        stored = await bus.newest_checkpoint(subject)
        note = log_keys.sign(Checkpoint(origin, size, bytes(32)), ahead())
        await bus.store_checkpoint(subject, note, stored[0] if stored else 0)
    enclave.kill_nats()
    done = await asyncio.to_thread(run_broker_command, "run", enclave.path)
    assert done.status == 4, done
    assert origin in done.stderr
    assert any(word in done.stderr for word in says.split("|"))
    enclave.stop()


async def test_a_trial_is_whole_with_init_and_run_alone(tmp_path: Path) -> None:
    """Who follows the first steps of the help gets signals that are audited, and nothing is left running."""
    enclave = make_enclave(tmp_path / "e", *WITNESSES, "tafel", witnesses=True)
    enclave.start(witnesses=True)
    async with reading(enclave) as reader:
        await reader.status(await publish(enclave, "ncsc", "Proef"), "audited")
        assert reader.connection.alarms == []
    assert "for trials only" in (enclave.path / "broker.log").read_text()
    enclave.stop()
    left = [p for p in Path("/proc").glob("[0-9]*") if str(enclave.path).encode() in _command_line(p)]
    assert left == []


def _command_line(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""
