# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Live: a witness that is killed remembers; one whose state was put back notices, and signs nothing until resolved."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.dishonest import Dishonest, dishonest
from harness.enclave import close
from harness.periods import three_periods
from harness.samples import signal
from harness.witnessed import Witnessed, witnessed_enclave

import seinpost
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.errors import UnavailableError
from seinpost_schemas.merkle import leaf_hash
from seinpost_schemas.merkle_tree import MerkleTree
from seinpost_schemas.note import parse_note
from seinpost_schemas.subjects import log_origin, witness_key_name

pytestmark = [pytest.mark.nats]
PLACE = "depv/process"
WHERE = {"theme": "process", "classification": "depv"}


@pytest.fixture(scope="module")
def witnessed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Witnessed]:
    yield from witnessed_enclave(tmp_path_factory.mktemp("witness") / "e", "tafel")


def tree_of(salt: bytes) -> MerkleTree:
    tree = MerkleTree()
    for number in range(3):
        tree.append(leaf_hash(salt + bytes([number])))
    return tree


def next_log(hub: Dishonest, compartment: str) -> str:
    """A log of the period to come: no broker asks about it yet."""
    return log_origin(hub.register.enclave, hub.register.periods.next, Compartment.parse(compartment))


def dies_signing(period: str) -> str:
    """A witness that is gone as it signs for a log of that period."""
    return f"""
import os, signal, seinpost_schemas.cosignature as c
cosign = c.WitnessKeys.cosign
def dies(self, checkpoint, timestamp):
    if "/{period}/" in checkpoint.origin:
        os.kill(os.getpid(), signal.SIGKILL)
    return cosign(self, checkpoint, timestamp)
c.WitnessKeys.cosign = dies
"""


async def test_kill_9_after_an_answer_forgets_nothing(witnessed: Witnessed) -> None:
    one, other = tree_of(b"one"), tree_of(b"other")
    async with dishonest(witnessed.enclave, PLACE) as hub:
        origin = next_log(hub, "depv/process")
        assert (await hub.ask("ncsc", 0, one, 2, origin)).status == 200
        witnessed.kill_witness("ncsc")
        witnessed.start_witness("ncsc")
        assert (await hub.ask("ncsc", 2, other, 2, origin)).status == 422
        assert (await hub.ask("ncsc", 2, other, 3, origin)).status == 422
        assert (await hub.ask("ncsc", 0, other, 3, origin)).size() == 2
        assert (await hub.ask("ncsc", 2, one, 3, origin)).status == 200


async def test_kill_9_in_the_moment_of_signing_has_it_on_disk(witnessed: Witnessed) -> None:
    """It dies between storing and signing: nobody has its word, and it can give no other one."""
    one, other = tree_of(b"one"), tree_of(b"other")
    witnessed.kill_witness("ibd")
    _, period, _ = three_periods(witnessed.enclave)
    witnessed.start_witness("ibd", patch=dies_signing(period))
    async with dishonest(witnessed.enclave, PLACE) as hub:
        origin = next_log(hub, "depv/parties")
        with pytest.raises(UnavailableError):
            await hub.ask("ibd", 0, one, 3, origin)
        process = witnessed.running.pop("ibd").process
        await asyncio.to_thread(process.wait, 30)
        close(process)
        witnessed.start_witness("ibd")
        assert (await hub.ask("ibd", 0, other, 3, origin)).size() == 3
        assert (await hub.ask("ibd", 3, other, 3, origin)).status == 422
        assert (await hub.ask("ibd", 3, one, 3, origin)).status == 200


def cosigned_by(note: bytes, party: str) -> bool:
    name = witness_key_name("proef", f"{party}-witness")
    return any(s.name == name for s in parse_note(note).signatures)


async def until_cosigned_by(hub: Dishonest, party: str) -> None:
    """Until what is published carries a party's cosignature."""
    async with asyncio.timeout(60):
        while not cosigned_by(await hub.published(), party):
            await asyncio.sleep(0.2)


async def test_a_state_that_is_put_back_is_noticed_and_resumed_by_hand_only(witnessed: Witnessed) -> None:
    config = tomllib.loads(witnessed.enclave.config("ap-witness").read_text())
    database = Path(witnessed.enclave.path / config["state"] / "witness.db")
    witnessed.kill_witness("ap")
    old = database.read_bytes()
    witnessed.start_witness("ap")
    async with (
        seinpost.connect(witnessed.enclave.config("ncsc")) as post,
        dishonest(witnessed.enclave, PLACE) as hub,
    ):
        await post.wait_audited(await post.publish(signal("Gezien"), **WHERE))
        await until_cosigned_by(hub, "ap")
        witnessed.kill_witness("ap")
        database.write_bytes(old)
        witnessed.start_witness("ap")
        error = witnessed.running["ap"].wait_for("stderr", "ALARM state-lost")
        assert hub.origin in error
        assert "--resume" in error
        # The others are a quorum; this one says nothing more of that log, and goes on with the rest.
        await post.wait_audited(await post.publish(signal("Zonder ap"), **WHERE))
        async with asyncio.timeout(60):
            while cosigned_by(await hub.published(), "ap"):
                await asyncio.sleep(0.2)
        tree = hub.tree(await hub.entries())
        assert (await hub.ask("ap", 0, tree, tree.size)).status == 422
        assert (await hub.ask("ap", 0, tree_of(b"one"), 3, next_log(hub, "ong/process"))).status == 200
        # Its word is no longer in the newest note; a restart alone does not help.
        witnessed.kill_witness("ap")
        witnessed.start_witness("ap")
        assert (await hub.ask("ap", 0, tree, tree.size)).status == 422
        witnessed.kill_witness("ap")
        assert f"took up {hub.origin}" in witnessed.start_witness("ap", "--resume")
        assert (await hub.ask("ap", 0, tree, tree.size)).status in (200, 409)
        await until_cosigned_by(hub, "ap")
