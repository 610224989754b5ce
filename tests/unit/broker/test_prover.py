# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Every published checkpoint is followed by the proofs of what it newly covers, by sender, and by nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest
from harness.memory import NOW_MS, MemoryLog, Sender, shipped

from seinpost_broker.service.prover import AGAIN_MS, Prover
from seinpost_schemas.entry import Entry, parse_feed_headers
from seinpost_schemas.errors import UnavailableError
from seinpost_schemas.inclusion import Inclusions, decode_inclusions
from seinpost_schemas.merkle import leaf_hash, verify_inclusion


class Answers:
    """Keeps what is answered, by party."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Inclusions]] = []
        self.down = ""

    async def answer(self, party: str, data: bytes) -> Awaitable[None]:
        if self.down == "at once":
            raise UnavailableError("down")

        async def stored() -> None:
            if self.down == "later":
                raise UnavailableError("no acknowledgement")
            self.sent.append((party, decode_inclusions(data)))

        return asyncio.ensure_future(stored())


class Scene:
    def __init__(self) -> None:
        self.log = MemoryLog()
        self.answers = Answers()
        self.prover = Prover(self.log.log, "2026q4", directory=shipped(), answers=self.answers)
        self.ncsc, self.ibd = Sender("ncsc"), Sender("ibd")
        for sender in (self.ncsc, self.ibd):
            self.log.admit(sender.epoch())
            self.log.admit(sender.signals())

    async def publish(self) -> None:
        await self.prover.published(b"a note", self.log.log.size)

    @property
    def proven(self) -> list[tuple[str, list[int]]]:
        return [(party, [i.index for i in answer.items]) for party, answer in self.answers.sent]

    def entry(self, index: int) -> Entry:
        return parse_feed_headers(self.log.stored[index][1])[0]


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_each_sender_gets_proofs_of_its_own_sealed_envelopes_once(scene: Scene) -> None:
    await scene.publish()
    assert scene.proven == [("ncsc", [1]), ("ibd", [3])]
    scene.log.admit(scene.ncsc.signals())
    await scene.publish()
    await scene.publish()
    assert scene.proven[2:] == [("ncsc", [4])]


async def test_the_proofs_hold_for_the_entries_of_the_log(scene: Scene) -> None:
    await scene.publish()
    tree = scene.log.log.tree
    for _, answer in scene.answers.sent:
        for item in answer.items:
            entry = scene.entry(item.index)
            assert (item.admitted_ms, item.directory_size) == (entry.admitted_ms, entry.directory_size)
            verify_inclusion(leaf_hash(entry.encode()), item.index, 4, item.hashes(), tree.root(4))


@pytest.mark.parametrize("when", ["at once", "later"])
async def test_what_could_not_be_sent_is_sent_with_the_next_checkpoint(scene: Scene, when: str) -> None:
    scene.answers.down = when
    await scene.publish()
    assert scene.proven == []
    scene.answers.down = ""
    await scene.publish()
    assert scene.proven == [("ncsc", [1]), ("ibd", [3])]


@pytest.mark.parametrize(("after_ms", "again"), [(0, [("ncsc", [1]), ("ibd", [3])]), (AGAIN_MS + 1, [])])
async def test_a_broker_that_starts_proves_the_newest_again(scene: Scene, after_ms: int, again: Any) -> None:
    """The broker before it may have published and not answered."""
    scene.prover.restart(NOW_MS + after_ms)
    await scene.publish()
    assert scene.proven == again
