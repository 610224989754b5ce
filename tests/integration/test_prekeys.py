# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Live: readers change their KEM keys by themselves, old ones are destroyed, and an identity ends itself.

A day and two hours are made seconds, in the reader only; brokers and witnesses keep the real ones.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from harness.enclave import Enclave, make_enclave, run
from harness.raw import hub
from harness.samples import signal

import seinpost
from seinpost import _prekeys
from seinpost._keyring import Keyring
from seinpost.config import load_config
from seinpost.connection import Connection
from seinpost.epochs import open_epoch
from seinpost.identity import Identity
from seinpost.kem import KemPrivateKey
from seinpost_schemas.entry import parse_feed_headers
from seinpost_schemas.envelope import Envelope, assemble_envelope
from seinpost_schemas.epoch_body import decode_epoch_body
from seinpost_schemas.errors import Reason, RefusedError
from seinpost_schemas.kinds import Kind
from seinpost_schemas.policy import Prekey
from seinpost_schemas.subjects import feed_stream

pytestmark = pytest.mark.nats
WHERE = {"theme": "process", "classification": "depv"}
PARTIES = ("ncsc", "ibd", "ap", "toezicht", "tafel")
SECONDS = 40.0


@pytest.fixture(scope="module")
def witnessed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Enclave]:
    made = make_enclave(tmp_path_factory.mktemp("prekeys") / "e", *PARTIES, witnesses=True)
    made.start(witnesses=True)
    yield made
    made.stop()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.02)


class Table:
    """A connection that reads in the background."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.titles: list[str] = []

    async def read(self) -> None:
        async for delivery in self.connection.signals():
            self.titles.append(delivery.signal.report.title or "")

    @property
    def newest(self) -> Prekey | None:
        directory = self.connection.directory.directory
        return directory.newest_prekey(self.connection.identity.sender_id)

    async def stated(self, number: int) -> Prekey:
        """Wait until its prekey of this number is in the directory."""
        await until(lambda: self.newest is not None and self.newest.number >= number)
        assert self.newest is not None
        assert self.newest.number == number
        return self.newest


@contextlib.asynccontextmanager
async def reading(enclave: Enclave, party: str) -> AsyncIterator[Table]:
    async with seinpost.connect(enclave.config(party), on_alarm=lambda _: None) as connection:
        table = Table(connection)
        task = asyncio.ensure_future(table.read())
        try:
            yield table
        finally:
            task.cancel()
            await asyncio.wait({task})
        assert connection.alarms == []


async def seen_by(post: Connection, key_id: bytes) -> None:
    """Wait until a sender's own directory holds a KEM key."""
    await until(lambda: post.directory.view.owner(key_id) is not None)


async def epochs(enclave: Enclave, sender_id: bytes) -> list[Envelope]:
    """A sender's epochs in the feed, as anyone who copies the server's disk has them."""
    seed, _ = enclave.directory.load_secrets()
    period = enclave.trusted_directory().current.register.periods.current
    from harness.memory import PROCESS

    found = []
    async with hub(enclave.url, seed) as bus:
        async for stored in bus.read(feed_stream(period, PROCESS), 1):
            entry, _, signature = parse_feed_headers(dict(stored.headers))
            envelope = assemble_envelope(entry.header_bytes, signature, stored.body)
            if envelope.header.kind == Kind.EPOCH and envelope.header.sender_id == sender_id:
                found.append(envelope)
    return found


def slots(epoch: Envelope) -> set[bytes]:
    return {s.kem_key_id for s in decode_epoch_body(epoch.body).slots}


async def test_a_stolen_key_does_not_open_the_past(
    witnessed: Enclave, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stolen = witnessed.identity("tafel")
    async with reading(witnessed, "tafel") as table:
        await table.stated(1)
    monkeypatch.setattr(_prekeys, "PREKEY_KEPT_MS", 3_000)
    monkeypatch.setattr(_prekeys, "_LOOK_SECONDS", 0.2)

    async def a_day_later(table: Table, number: int) -> Prekey:
        monkeypatch.setattr(_prekeys, "PREKEY_AGE_MS", 0)
        await until(lambda: any(h.number == number for h in table.connection._keys.prekeys()))
        monkeypatch.setattr(_prekeys, "PREKEY_AGE_MS", 86_400_000)
        return await table.stated(number)

    async with (
        reading(witnessed, "tafel") as table,
        seinpost.connect(witnessed.config("ncsc")) as post,
    ):
        second = await a_day_later(table, 2)
        await seen_by(post, second.key_id)
        await post.publish(signal("Onder de tweede sleutel"), **WHERE)
        await until(lambda: "Onder de tweede sleutel" in table.titles)
        third = await a_day_later(table, 3)
        await seen_by(post, third.key_id)
        await post.publish(signal("Na de derde"), **WHERE)
        await until(lambda: "Na de derde" in table.titles)
        ours = await epochs(witnessed, post.identity.sender_id)
        # A reader's next key alone is no reason for a new epoch.
        assert len(ours) == 1
        assert second.key_id in slots(ours[0])
        assert stolen.kem.key_id not in slots(ours[0])
        keyring = table.connection._keys
        await until(lambda: keyring.private_key(second.key_id) is None)
    # What a thief has of it afterwards: the identity with its passphrase, every key of the day, and all that was sent.
    keys = [stolen.kem, *held_keys(witnessed, stolen)]
    assert len(keys) >= 2
    assert [open_epoch(ours[0], key, read_protected=True) for key in keys] == [None] * len(keys)
    # The table itself reads on, from the start and in another process, by what it opened then.
    done = witnessed.watch("tafel", "--from-start", "--idle", "3")
    assert done.status == 0, done
    titles = [row["signal"]["report"]["title"] for row in done.rows]
    assert titles.count("Onder de tweede sleutel") == titles.count("Na de derde") == 1
    signal_id = next(r["signal"]["id"] for r in done.rows if r["signal"]["report"]["title"] == "Na de derde")
    out = tmp_path / "signal.proof"
    proof = run("proof", signal_id, "--config", witnessed.config("tafel"), "--out", out, "--json")
    assert proof.status == 0, proof


def held_keys(enclave: Enclave, identity: Identity) -> list[KemPrivateKey]:
    keyring = Keyring(load_config(enclave.config("tafel")).state, identity)
    try:
        return [key for h in keyring.prekeys() if (key := keyring.private_key(h.key_id)) is not None]
    finally:
        keyring.close()


async def test_who_lost_its_keys_states_a_new_one_at_once(witnessed: Enclave, tmp_path: Path) -> None:
    async with reading(witnessed, "ibd") as first:
        one = await first.stated(1)
        state = first.connection._config.state
    for path in state.glob("keys.db*"):
        path.rename(tmp_path / path.name)
    async with reading(witnessed, "ibd") as again, seinpost.connect(witnessed.config("ncsc")) as post:
        two = await again.stated(2)
        assert two.key_id != one.key_id
        await seen_by(post, two.key_id)
        await post.publish(signal("Aan de nieuwe"), **WHERE)
        await until(lambda: "Aan de nieuwe" in again.titles)


async def test_a_machine_that_is_done_with_ends_itself(witnessed: Enclave) -> None:
    config = witnessed.config("ap")
    before = int(time.time() * 1000)
    async with seinpost.connect(config) as post:
        await post.publish(signal("Vóór het einde"), theme="parties", classification="depv")
        sender_id = post.identity.sender_id
    refused = run("revoke", "--config", config)
    assert (refused.status, refused.stdout) == (2, "")
    assert "nothing was revoked" in refused.error
    done = run("revoke", "--config", config, "--yes", "--suspect-from", "2026-01-01T00:00:00Z", "--json")
    assert done.status == 0, done
    assert done.rows == [{"identity": "ap-1", "revoked": True}]

    async def is_out() -> bool:
        again = await asyncio.to_thread(run, "watch", "--config", config, "--idle", "1")
        return again.status == 1 and "does not know this identity" in again.error

    async with asyncio.timeout(60):
        while not await is_out():
            await asyncio.sleep(0.2)
    async with seinpost.connect(witnessed.config("tafel")) as table:
        await until(lambda: table.directory.view.revocation(sender_id.hex()) is not None)
        with pytest.raises(RefusedError) as error:
            table.directory.view.member(sender_id)
        assert error.value.reason is Reason.REVOKED
        async for delivery in table.signals(from_start=True):
            if delivery.sender == "ap":
                assert delivery.admitted_ms >= before
                # It stays in the log, it is still shown, and it is marked.
                assert table.suspicion(delivery) == "revoked by the identity itself"
                break
    # A broker that is started again has not forgotten it.
    witnessed.stop()
    witnessed.start(witnesses=True)
    assert await is_out()
