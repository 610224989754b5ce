# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Random schedules of repetition, reordering, loss, crash and restart, against a model of a page.

The model knows of each message only its number in the log, its sender, its place on the sender's chain, and the
epoch it belongs to. What it says is delivered and alarmed must be what the reader delivers and alarms.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from trial.enclave import TrialEnclave, identity
from trial.log import TrialLog
from trial.reader import TrialReader
from trial.samples import encoded

from seinpost._transport import StoredMessage

NCSC, IBD, TAFEL = identity("ncsc-1"), identity("ibd-1"), identity("tafel-1")
ROUNDS = 3


class Message(msgspec.Struct, frozen=True):
    """What the model knows: ``place`` counts from 1 on the sender's chain; the first is its epoch."""

    sender: str
    place: int
    title: str | None


def honest() -> tuple[TrialEnclave, list[StoredMessage], list[Message]]:
    """Two senders in turns, each an epoch and three signals, a millisecond apart."""
    enclave = TrialEnclave()
    log = TrialLog(enclave)
    known: list[Message] = []
    secrets = {}
    for name, sender in (("ncsc", NCSC), ("ibd", IBD)):
        secrets[name] = log.add_epoch(sender)
        known.append(Message(name, 1, None))
    for number in range(ROUNDS):
        for name, sender in (("ncsc", NCSC), ("ibd", IBD)):
            title = f"{name} {number}"
            log.add_signals(sender, secrets[name], encoded(len(known), title))
            known.append(Message(name, number + 2, title))
    return enclave, log.messages, known


ENCLAVE, MESSAGES, KNOWN = honest()


class Model:
    """A reader in a page: heads of chains, hashes that may have been a chain's own, epochs that were accepted."""

    def __init__(self) -> None:
        self.size = 0
        self.heads: dict[str, int] = {}
        self.unproven: dict[str, list[int]] = {}
        self.epochs: set[str] = set()
        self.delivered: set[str] = set()
        self.alarms: set[tuple[str, int]] = set()

    def take(self, seq: int, message: Message) -> None:
        """The next message of the stream."""
        problem = self._problem(seq, message)
        index, self.size = seq - 1, max(self.size, seq)
        if problem is not None:
            self.alarms.add((problem, index))
            if message.place > self.heads.get(message.sender, 0):
                remembered = self.unproven.setdefault(message.sender, [])
                remembered.append(message.place)
                del remembered[:-8]
            return
        self.heads[message.sender] = message.place
        self.unproven.pop(message.sender, None)
        if message.title is None:
            self.epochs.add(message.sender)
        else:
            self.delivered.add(message.title)

    def _problem(self, seq: int, message: Message) -> str | None:
        head = self.heads.get(message.sender, 0)
        if seq > self.size + 1:
            return "gap"
        if message.place <= head:
            return "reordering"
        if message.place - 1 != head and message.place - 1 not in self.unproven.get(message.sender, ()):
            return "gap"
        if message.title is not None and message.sender not in self.epochs:
            return "epoch"
        return None


@st.composite
def schedules(draw: st.DrawFn) -> tuple[list[tuple[int, int]], list[tuple[int, bool]]]:
    """((sequence, which message) in stream order, (where to stop, whether the last step is forgotten))."""
    order = list(range(len(MESSAGES)))
    for _ in range(draw(st.integers(0, 4))):
        if not order:
            break
        at = draw(st.integers(0, len(order) - 1))
        match draw(st.sampled_from(["repeat", "drop", "move"])):
            case "repeat":
                order.insert(draw(st.integers(0, len(order))), order[at])
            case "drop":
                order.pop(at)
            case _:
                order.insert(draw(st.integers(0, len(order) - 1)), order.pop(at))
    holes = draw(st.sets(st.integers(0, len(order)), max_size=1))
    stream, seq = [], 0
    for place, which in enumerate(order):
        seq += 2 if place in holes else 1
        stream.append((seq, which))
    stops = draw(st.lists(st.tuples(st.integers(0, len(stream)), st.booleans()), max_size=3))
    return stream, sorted(stops)


async def read_all(
    folder: Path, stream: list[tuple[int, int]], stops: list[tuple[int, bool]]
) -> tuple[set[str], set[tuple[str, int]]]:
    log = TrialLog(ENCLAVE)
    reader = TrialReader(ENCLAVE, TAFEL, folder / "state", log)
    feed = reader.transport.streams["FEED_2026q4_depv_process"]
    before = folder / "before"
    for upto, crash in [*stops, (len(stream), False)]:
        if crash and reader.path.exists():
            shutil.rmtree(before, ignore_errors=True)
            shutil.copytree(reader.path, before)
        for seq, which in stream[len(feed) : upto]:
            feed.append(msgspec.structs.replace(MESSAGES[which], seq=seq))
        log.messages[:] = feed
        await reader.read()
        if crash and before.exists():
            # The process died before what it took was on disk: it begins again where it had stored.
            shutil.rmtree(reader.path)
            shutil.copytree(before, reader.path)
    return set(reader.titles), {(a.code, a.index if a.index is not None else -1) for a in reader.alarms}


@settings(max_examples=150, deadline=None)
@given(schedules())
def test_a_reader_delivers_and_alarms_what_the_model_says(
    schedule: tuple[list[tuple[int, int]], list[tuple[int, bool]]],
) -> None:
    stream, stops = schedule
    model = Model()
    for seq, which in stream:
        model.take(seq, KNOWN[which])
    with tempfile.TemporaryDirectory() as folder:
        delivered, alarms = asyncio.run(read_all(Path(folder), stream, stops))
    assert delivered == model.delivered
    assert alarms == model.alarms


def test_the_control_an_honest_schedule_delivers_everything() -> None:
    stream = [(n + 1, n) for n in range(len(MESSAGES))]
    with tempfile.TemporaryDirectory() as folder:
        delivered, alarms = asyncio.run(read_all(Path(folder), stream, [(3, True), (6, False)]))
    assert (len(delivered), alarms) == (2 * ROUNDS, set())
