# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A broker that starts from its snapshot decides as one that read the whole log; a foreign one is not used."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from harness.memory import NOW_MS, PROCESS, MemoryLog, Sender, shipped
from hypothesis import given
from hypothesis import strategies as st

from seinpost_broker.core.compartment_log import CompartmentLog
from seinpost_broker.core.places import Columns, Places
from seinpost_broker.ports import StoredMessage
from seinpost_broker.service.sequencer import Sequencer
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.errors import RefusedError
from seinpost_schemas.kinds import Action
from seinpost_schemas.merkle import leaf_hash
from seinpost_schemas.merkle_tree import MerkleTree

OTHER = Compartment.parse("depv/debate")


@pytest.fixture
def scene() -> tuple[MemoryLog, Sender, Sender]:
    log, ncsc, ibd = MemoryLog(), Sender("ncsc"), Sender("ibd")
    for sender in (ncsc, ibd):
        log.admit(sender.epoch())
        log.admit(sender.signals(3))
    log.admit(ncsc.end())
    return log, ncsc, ibd


def test_it_decides_what_the_log_itself_decides(scene: tuple[MemoryLog, Sender, Sender]) -> None:
    log, ncsc, ibd = scene
    data = log.log.snapshot()
    assert data is not None
    again = MemoryLog()
    again.log = CompartmentLog.of(PROCESS, data)
    assert again.log.tree.root() == log.log.tree.root()
    assert again.log.snapshot() == data
    assert [again.log.placed(i) for i in range(5)] == [log.log.placed(i) for i in range(5)]
    going_on, ended, first = ibd.signals(), ncsc.signals(), ncsc.epoch()
    for one, other in ((going_on, None), (ended, "epoch"), (going_on, "again"), (first, "gap")):
        outcomes = []
        for target in (log, again):
            try:
                outcomes.append(str(target.decide(one)))
                if other is None:
                    target.admit(one)
            except RefusedError as error:
                outcomes.append(str(error.reason))
        assert outcomes[0] == outcomes[1]
    assert again.log.tree.root() == log.log.tree.root()


def test_nothing_is_stored_of_what_is_not_confirmed(scene: tuple[MemoryLog, Sender, Sender]) -> None:
    log, _, ibd = scene
    envelope = ibd.signals()
    decision = log.decide(envelope)
    log.log.apply(
        decision.entry,  # type: ignore[union-attr]
        envelope.signature,
        envelope.body,
        shipped().current,
        leaf=log.log.leaf_of(decision.entry),  # type: ignore[union-attr]
    )
    assert log.log.snapshot() is None
    log.log.undo()
    assert log.log.snapshot() is not None


def test_any_changed_byte_and_another_compartment_is_noticed(scene: tuple[MemoryLog, Sender, Sender]) -> None:
    data = scene[0].log.snapshot()
    assert data is not None
    for at in range(0, len(data), 97):
        bad = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises(ValueError, match="snapshot"):
            CompartmentLog.of(PROCESS, bad)
    for wrong in (b"", data[:-1], data + b"x"):
        with pytest.raises(ValueError, match="snapshot"):
            CompartmentLog.of(PROCESS, wrong)
    with pytest.raises(ValueError, match="another log"):
        CompartmentLog.of(OTHER, data)


@given(st.integers(0, 70))
def test_a_tree_of_leaves_is_the_tree_that_was_appended(size: int) -> None:
    grown = MerkleTree()
    for number in range(size):
        grown.append(leaf_hash(bytes([number])))
    made = MerkleTree.of(grown.leaves())
    assert [made.root(n) for n in range(size + 1)] == [grown.root(n) for n in range(size + 1)]
    made.append(bytes(32))
    grown.append(bytes(32))
    assert made.root() == grown.root()


def test_columns_that_do_not_fit_are_refused() -> None:
    good = Columns(b"a" * 32, [b"s" * 16], *(bytes(n) for n in (4, 1, 8, 8)))
    assert Places.of(good).at(0).sender_id == b"s" * 16
    for bad in (
        Columns(b"a" * 31, good.names, *(bytes(n) for n in (4, 1, 8, 8))),
        Columns(b"a" * 64, good.names, *(bytes(n) for n in (8, 2, 16, 16))),
        Columns(good.hashes, [], *(bytes(n) for n in (4, 1, 8, 8))),
        Columns(good.hashes, good.names, *(bytes(n) for n in (4, 2, 8, 8))),
        Columns(good.hashes, good.names, *(bytes(n) for n in (4, 1, 7, 8))),
    ):
        with pytest.raises(ValueError):  # noqa: PT011 - array's own for half a number
            Places.of(bad)


# -- at a broker's start --------------------------------------------------------------------------


class Store:
    """A stream in memory; counts what is read of it."""

    def __init__(self, stored: list[Any]) -> None:
        self.stored = stored
        self.read_seqs: list[int] = []

    async def last_seq(self, _stream: str) -> int:
        return len(self.stored)

    async def read_one(self, _stream: str, seq: int) -> StoredMessage:
        return StoredMessage(*self.stored[seq - 1])

    async def read(
        self, _stream: str, first_seq: int, *, headers_only: bool = False
    ) -> AsyncIterator[StoredMessage]:
        for message in self.stored[first_seq - 1 :]:
            self.read_seqs.append(message[0])
            yield StoredMessage(*message)


class Files:
    def __init__(self, data: bytes | None) -> None:
        self.data = data

    def load(self, _name: str) -> bytes | None:
        return self.data

    async def store(self, _name: str, data: bytes) -> None:
        self.data = data


async def started(stored: list[Any], files: Files) -> tuple[Sequencer, Store]:
    store: Any = Store(stored)
    nothing: Any = None
    sequencer = Sequencer(PROCESS, "2026q4", directory=shipped(), store=store, answers=nothing, clock=nothing)
    await sequencer.restore(files)
    await sequencer.load()
    return sequencer, store


async def test_only_what_came_after_the_snapshot_is_read(scene: tuple[MemoryLog, Sender, Sender]) -> None:
    log, _, ibd = scene
    files = Files(log.log.snapshot())
    log.admit(ibd.signals(), Action.PUBLISH, NOW_MS)
    sequencer, store = await started(log.stored, files)
    assert store.read_seqs == [6]
    assert sequencer.log.tree.root() == log.log.tree.root()
    await sequencer.store(files)
    assert sequencer.stored_size == 6
    assert (await started(log.stored, files))[1].read_seqs == []


async def test_a_snapshot_of_another_stream_or_ahead_of_it_is_not_used(
    scene: tuple[MemoryLog, Sender, Sender],
) -> None:
    log, _, _ = scene
    data = log.log.snapshot()
    sequencer, store = await started(log.stored[:3], Files(data))
    assert (sequencer.log.size, store.read_seqs) == (3, [1, 2, 3])
    other = MemoryLog()
    for sender in (Sender("kiesraad"), Sender("ncsc")):
        other.admit(sender.epoch())
        other.admit(sender.signals())
    stored = [*other.stored, *other.stored[:0]]
    stored.append((5, *log.stored[2][1:]))
    sequencer, store = await started(stored, Files(data))
    assert store.read_seqs == [1, 2, 3, 4, 5]
    for junk in (b"", b"junk"):
        assert (await started(log.stored, Files(junk)))[0].log.size == 5
