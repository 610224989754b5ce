# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Live: how many dishonest witnesses a fork takes. Honest ones are real processes that are shown both histories.

Four witnesses, a quorum of three, f = 1. One that signs anything never makes two quorums, however the three
honest ones are split. Two do: that is the bound, and the test documents that it fails there. Readers who tell
each other what they were shown then convict the log and the two.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from harness.dishonest import Dishonest, dishonest, fresh_reader
from harness.enclave import run
from harness.samples import signal
from harness.witnessed import WITNESSES, Witnessed, witnessed_enclave

import seinpost
from seinpost_broker.ports import StoredMessage
from seinpost_schemas.checkpoint import parse_checkpoint
from seinpost_schemas.compartment import all_compartments
from seinpost_schemas.entry import parse_feed_headers
from seinpost_schemas.header import decode_header
from seinpost_schemas.merkle import leaf_hash
from seinpost_schemas.merkle_tree import MerkleTree
from seinpost_schemas.note import Note, parse_note
from seinpost_schemas.split_view import decode_split_view, verify_split_view
from seinpost_schemas.subjects import log_origin

pytestmark = [pytest.mark.nats]

PLACE = "depv/process"
WHERE = {"theme": "process", "classification": "depv"}


class Forked(msgspec.Struct, frozen=True):
    """Two histories of one length that each hold by themselves: each leaves the other sender's last words out."""

    hub: Dishonest
    common: int
    """How many entries both have, which every witness has cosigned."""
    first: Sequence[StoredMessage]
    second: Sequence[StoredMessage]

    async def note(self, entries: Sequence[StoredMessage], honest: tuple[str, ...], liars: int) -> bytes:
        """The checkpoint of a history, cosigned by honest witnesses that are asked, and by the last who lie."""
        tree = self.hub.tree(entries)
        signed = parse_note(self.hub.sign(tree, int(time.time()), WITNESSES[len(WITNESSES) - liars :]))
        lines = list(signed.signatures)
        for party in honest:
            answer = await self.hub.ask(party, self.common, tree, tree.size)
            if answer.status == 200:
                lines += answer.signatures()
        return Note(signed.text, tuple(lines)).encode()


def sender_of(message: StoredMessage) -> bytes:
    return decode_header(parse_feed_headers(dict(message.headers))[0].header_bytes).sender_id


async def fill(witnessed: Witnessed) -> int:
    """ncsc and ibd send and are audited; then no witness is there any more, and both send once more."""
    async with (
        seinpost.connect(witnessed.enclave.config("ncsc")) as ncsc,
        seinpost.connect(witnessed.enclave.config("ibd")) as ibd,
        dishonest(witnessed.enclave, PLACE) as hub,
    ):
        for post in (ncsc, ibd):
            await post.wait_audited(await post.publish(signal("Gezien"), **WHERE))
        async with asyncio.timeout(30):
            while parse_checkpoint(parse_note(await hub.published())).tree_size < len(await hub.entries()):
                await asyncio.sleep(0.05)
        common = len(await hub.entries())
        for party in WITNESSES:
            witnessed.kill_witness(party)
        for post, title in ((ncsc, "Van ncsc"), (ibd, "Van ibd")):
            await post.publish(signal(title), **WHERE)
    return common


@pytest.fixture
def witnessed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Witnessed]:
    yield from witnessed_enclave(tmp_path_factory.mktemp("bound") / "e", "kiesraad", "tafel")


@pytest_asyncio.fixture
async def forked(witnessed: Witnessed) -> AsyncIterator[Forked]:
    """The broker has gone, and its keys are in dishonest hands; the witnesses are back."""
    common = await fill(witnessed)
    witnessed.enclave.kill_broker()
    for party in WITNESSES:
        witnessed.start_witness(party)
    async with dishonest(witnessed.enclave, PLACE) as hub:
        truth = await hub.entries()
        tails = [
            [m for m in truth[common:] if sender_of(m) == witnessed.enclave.identity(party).sender_id]
            for party in ("ncsc", "ibd")
        ]
        assert len(tails[0]) == len(tails[1]) >= 1
        yield Forked(hub, common, *([*truth[:common], *tail] for tail in tails))


def tree_of(salt: bytes) -> MerkleTree:
    tree = MerkleTree()
    for number in range(3):
        tree.append(leaf_hash(salt + bytes([number])))
    return tree


async def test_one_dishonest_of_four_never_makes_two_quorums(forked: Forked) -> None:
    """Every split of the three honest ones, each on a log of its own; each is then asked for the other history too."""
    hub = forked.hub
    logs = [
        log_origin(hub.register.enclave, hub.register.periods.next, c)
        for c in all_compartments(hub.register.ceiling_level)
    ]
    trees = tree_of(b"one"), tree_of(b"other")
    splits = list(itertools.product((0, 1), repeat=3))
    for origin, split in zip(logs, splits, strict=True):
        cosigned = [1, 1]
        for party, shown in zip(WITNESSES, split, strict=False):
            first = await hub.ask(party, 0, trees[shown], 3, origin)
            assert first.status == 200
            cosigned[shown] += 1
            for old in (0, 3):
                again = await hub.ask(party, old, trees[1 - shown], 3, origin)
                assert again.status == (409 if old == 0 else 422)
        assert min(cosigned) < hub.register.quorum
        assert sum(cosigned) == 5


async def test_one_dishonest_of_four_gets_nothing_of_a_second_fork_audited(
    forked: Forked, witnessed: Witnessed, tmp_path: Path
) -> None:
    hub = forked.hub
    first = await forked.note(forked.first, ("ncsc", "ibd"), liars=1)
    second = await forked.note(forked.second, ("toezicht", "ncsc", "ibd"), liars=1)
    await hub.rewrite(forked.first)
    await hub.publish(first)
    async with fresh_reader(witnessed.enclave, "kiesraad", tmp_path) as reader:
        await reader.until_audited(3)
    await hub.rewrite(forked.second)
    await hub.publish(second)
    async with fresh_reader(witnessed.enclave, "tafel", tmp_path) as reader:
        await reader.alarm("quorum")
        async with asyncio.timeout(30):
            while len(reader.deliveries) < 3:
                await asyncio.sleep(0.05)
        await asyncio.sleep(1)
        assert reader.audited == []


async def test_two_dishonest_of_four_make_two_quorums_and_gossip_convicts_them(
    forked: Forked, witnessed: Witnessed, tmp_path: Path
) -> None:
    """At the bound it fails: two readers take two histories for audited, until they hear of each other's."""
    hub = forked.hub
    first = await forked.note(forked.first, ("ncsc",), liars=2)
    second = await forked.note(forked.second, ("ibd",), liars=2)
    size = len(forked.first)
    await hub.rewrite(forked.first)
    await hub.publish(first)
    # Both read before either has told the other: gossip goes out as soon as there is something to tell.
    async with fresh_reader(witnessed.enclave, "kiesraad", tmp_path) as one:
        one.go_on_showing(hub.origin, lambda: first)
        await one.until_audited_size(PLACE, size)
        await one.until_audited(3)
        await hub.rewrite(forked.second)
        await hub.publish(second)
        async with fresh_reader(witnessed.enclave, "tafel", tmp_path) as two:
            await two.until_audited_size(PLACE, size)
            await two.until_audited(3)
            alarms = [await r.alarm("split-view", 60) for r in (one, two)]
    assert alarms[0].message.startswith("another reader was shown another")
    for alarm in alarms:
        assert alarm.evidence is not None
        proof = verify_split_view(decode_split_view(alarm.evidence), hub.view.enclave_id)
        assert (proof.origin, proof.tree_size) == (hub.origin, size)
        assert [w.rpartition("/")[2] for w in proof.witnesses] == ["ap-witness", "toezicht-witness"]
    # It is kept where the reader's state is, whatever becomes of the process.
    file = Path(alarms[0].evidence_file or "")
    assert file.read_bytes() == alarms[0].evidence
    assert (file.parent.name, file.suffix, file.stat().st_mode & 0o777) == ("evidence", ".json", 0o600)
    done = await asyncio.to_thread(run, "proof", "verify", file, "--enclave", hub.view.enclave_id.hex())
    assert done.status == 0, done
    assert "signed two histories" in done.stdout
    assert "ap-witness" in done.stdout
    assert "toezicht-witness" in done.stdout
