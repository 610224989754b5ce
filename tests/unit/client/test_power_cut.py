# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A power cut while a sender is at work: whatever end of the write-ahead log it takes, the rest is a moment that was.

The live files are copied in the middle of work and the copy's log is cut at every frame, and in the middle of
frames. What a disk may lose is what was not synchronised; a reserved seq always was.
"""

from __future__ import annotations

import copy
import itertools
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from trial.enclave import TrialEnclave
from trial.samples import encoded, id_of
from trial.sender import TrialBroker, TrialSender

from seinpost._sending_state import SendingState
from seinpost.answer import Answer
from seinpost_schemas.answer import BrokerAnswer
from seinpost_schemas.kinds import SEALED
from seinpost_schemas.uuid7 import format_id

SIGNALS = 9
WAL_HEADER, FRAME_HEADER = 32, 24


def cuts(wal: bytes) -> Iterator[int]:
    """Every frame boundary of a write-ahead log, and the middle of every frame."""
    frame = FRAME_HEADER + int.from_bytes(wal[8:12], "big")
    assert wal[:3] == b"\x37\x7f\x06"
    for start in range(WAL_HEADER, len(wal), frame):
        yield start
        yield start + frame // 2
    yield len(wal)


class AtWork:
    """A sender that has published for a while, its answers, and a copy of its files as they are on disk."""

    def __init__(self, sender: TrialSender, path: Path) -> None:
        self.sender, self.path = sender, path
        self.answers: list[BrokerAnswer] = []
        self.reserved = 0
        self.wal = b""

    async def publish(self) -> None:
        for number in range(SIGNALS):
            (future,) = self.sender.put(encoded(number))
            while not future.done():
                await self.sender.sent(len(self.answers) + 1)
                for answer in self.sender.broker.take():
                    # As the publisher does: an answer is taken, and then the place in the stream moves on.
                    self.answers.append(answer)
                    self.sender.lane.take_answer(answer)
                    self.sender.state.store_answers_from(len(self.answers) + 1, durable=False)
        self.reserved = self.sender.state.load("depv/process")[0]
        shutil.copytree(self.path, self.path / "live", ignore=shutil.ignore_patterns("live"))
        self.wal = (self.path / "live" / "sending.db-wal").read_bytes()

    def cut(self, length: int, name: str = "cut") -> Path:
        """The files as a power cut leaves them; SQLite's shared memory is gone with it."""
        folder = self.path / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        shutil.copy(self.path / "live" / "sending.db", folder)
        (folder / "sending.db-wal").write_bytes(self.wal[:length])
        return folder


@pytest.fixture
async def at_work(enclave: TrialEnclave, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AtWork:
    monkeypatch.setattr("seinpost._chain.BLOCK", 4)
    sender = TrialSender(enclave, tmp_path)
    sender.start()
    made = AtWork(sender, tmp_path)
    await made.publish()
    return made


def stored(folder: Path) -> tuple[int, int, bytes, set[bytes], set[bytes]]:
    """Place among the answers, highest reserved seq, head, envelopes, and signals of a state that is opened again."""
    state = SendingState(folder)
    try:
        assert state._db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        envelopes = {bytes(r[0]) for r in state._db.execute("SELECT object_hash FROM sent")}
        signals = {bytes(r[0]) for r in state._db.execute("SELECT signal_id FROM sent_signal")}
        return (state.answers_from(), *state.load("depv/process"), envelopes, signals)
    finally:
        state.close()


async def test_what_comes_back_is_a_moment_that_was(at_work: AtWork) -> None:
    sealed = {e.object_hash for e in at_work.sender.broker.admitted if e.header.kind in SEALED}
    seen = set()
    for length in cuts(at_work.wal):
        following, _, head, envelopes, signals = stored(at_work.cut(length))
        # An answer is stored before the place behind it: it may be in, and its place not yet.
        moments = []
        for taken in (following - 1, following):
            hashes = [bytes.fromhex(a.object) for a in at_work.answers[:taken]]
            moments.append((hashes[-1] if hashes else bytes(32), set(hashes) & sealed))
        assert (head, envelopes) in moments
        assert len(signals) == len(envelopes)
        seen.add(following)
    assert seen == set(range(1, len(at_work.answers) + 2))
    await at_work.sender.close()


async def test_a_later_cut_never_leaves_less(at_work: AtWork) -> None:
    states = [stored(at_work.cut(length)) for length in cuts(at_work.wal)]
    for before, after in itertools.pairwise(states):
        assert before[0] <= after[0]
        assert before[1] <= after[1]
        assert before[3] <= after[3]
    assert states[-1][1] == at_work.reserved
    await at_work.sender.close()


async def test_after_any_cut_the_client_goes_on_and_nothing_is_lost_or_doubled(at_work: AtWork) -> None:
    sender, broker = at_work.sender, at_work.sender.broker
    await sender.stop()
    used = {e.header.seq for e in broker.envelopes}
    went_back = 0
    for number, length in enumerate(list(cuts(at_work.wal))[::2], 100):
        path = at_work.cut(length)
        again = sender.resumed(path, copy_of(broker))
        reserved, head = again.state.load("depv/process")
        went_back += head != broker.admitted[-1].object_hash
        again.start()
        (answer,) = await again.settle(*again.put(encoded(number)))
        assert isinstance(answer, Answer)
        ids = [i for batch in again.broker.batches() for i in batch]
        assert ids == [format_id(id_of(n)) for n in (*range(SIGNALS), number)]
        seqs = [e.header.seq for e in again.broker.admitted]
        assert seqs == sorted(set(seqs))
        if reserved == at_work.reserved:
            # A disk cannot have lost this one: no seq was signed twice, whatever else is gone.
            assert not used & {e.header.seq for e in again.broker.envelopes[len(used) :]}
        await again.stop()
    assert went_back > SIGNALS
    await sender.close()


def copy_of(broker: TrialBroker) -> TrialBroker:
    """The broker as it was at the cut, for one continuation."""
    made = copy.copy(broker)
    made._logs = copy.deepcopy(broker._logs)
    made.admitted, made.answers = list(broker.admitted), list(broker.answers)
    made._transport = copy.copy(broker._transport)
    made._transport.sent = list(broker._transport.sent)
    return made


async def test_what_is_reserved_is_synchronised_and_all_before_it(at_work: AtWork) -> None:
    """Settings of the two connections on one file: NORMAL is 1, FULL is 2."""
    state = at_work.sender.state
    assert state._db.execute("PRAGMA synchronous").fetchone() == (1,)
    assert state._durable.execute("PRAGMA synchronous").fetchone() == (2,)
    assert state._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    told: list[str] = []
    state._durable.set_trace_callback(told.append)
    state.store_answers_from(3)
    state.store_answers_from(4, durable=False)
    assert len(told) == 1
    with sqlite3.connect(at_work.path / "sending.db") as third:
        assert third.execute("SELECT next_seq FROM answers").fetchone() == (4,)
    third.close()
    await at_work.sender.close()
