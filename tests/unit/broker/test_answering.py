# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Answers that are on their way together: in order, only for what is on disk, and none is ever lost.

A sequencer between a log and a stream of answers in memory, whose acknowledgements come when a test lets them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from harness.memory import NOW_MS, PROCESS, Sender, shipped
from trial.reader import until

from seinpost_broker.ports import AppendRequest, StoredMessage
from seinpost_broker.service.answering import MAX_UNDER_WAY, Item
from seinpost_broker.service.sequencer import MAX_IN_FLIGHT, Sequencer
from seinpost_schemas.answer import decode_any_answer
from seinpost_schemas.envelope import Envelope
from seinpost_schemas.errors import Reason, UnavailableError
from seinpost_schemas.kinds import Action


class Disk:
    """What was sent, each with a future that ends when it is on disk; ``lets`` that many go by themselves."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.waiting: list[asyncio.Future[None]] = []
        self.lets = 1_000_000
        self.failing = 0
        """So many sends fail at once."""

    def write(self, what: Any) -> Awaitable[None]:
        if self.failing:
            self.failing -= 1
            raise UnavailableError("the connection to the server was lost")
        self.sent.append(what)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append(future)
        if self.lets > 0:
            self.lets -= 1
            future.set_result(None)
        return future

    def let_go(self, count: int = 1_000_000) -> None:
        """The oldest that wait reach the disk, and so do as many later ones as are left over."""
        for future in [f for f in self.waiting if not f.done()][:count]:
            future.set_result(None)
            count -= 1
        self.lets += count

    def fail_oldest(self) -> None:
        next(f for f in self.waiting if not f.done()).set_exception(UnavailableError("no acknowledgement"))


class Log(Disk):
    """The stream that the log is in."""

    async def append(self, request: AppendRequest) -> Awaitable[None]:
        return self.write(request)

    def on_disk(self) -> list[AppendRequest]:
        done = [f.done() and f.exception() is None for f in self.waiting]
        return [r for r, stored in zip(self.sent, done, strict=True) if stored]

    async def last_seq(self, _stream: str) -> int:
        return len(self.on_disk())

    async def read(self, _s: str, first: int, *, headers_only: bool = False) -> AsyncIterator[StoredMessage]:
        for seq, request in enumerate(self.on_disk()[first - 1 :], first):
            yield StoredMessage(seq, request.headers, request.body)

    async def read_one(self, _stream: str, seq: int) -> StoredMessage:
        request = self.on_disk()[seq - 1]
        return StoredMessage(seq, request.headers, request.body)


class Answers(Disk):
    """The stream of answers."""

    async def answer(self, _party: str, data: bytes) -> Awaitable[None]:
        return self.write(decode_any_answer(data))


class Clock:
    def now_ms(self) -> int:
        return NOW_MS


class Scene:
    def __init__(self) -> None:
        self.log, self.answers = Log(), Answers()
        store: Any = self.log
        self.sequencer = Sequencer(
            PROCESS, "2026q4", directory=shipped(), store=store, answers=self.answers, clock=Clock()
        )
        self.done: list[bytes] = []
        self.senders = {"ncsc": Sender("ncsc"), "ibd": Sender("ibd")}
        self.envelopes: list[Envelope] = []
        self.task = asyncio.ensure_future(self.sequencer.run())

    async def put(self, envelope: Envelope) -> None:
        async def done() -> None:
            self.done.append(envelope.object_hash)

        member = shipped().current.member(envelope.header.sender_id)
        self.envelopes.append(envelope)
        await self.sequencer.put(Item(envelope, member, Action.PUBLISH, done))

    async def send(self, party: str, count: int) -> None:
        """An epoch if there is none, and batches."""
        sender = self.senders[party]
        if sender.secrets is None:
            await self.put(sender.epoch())
        for _ in range(count):
            await self.put(sender.signals())

    @property
    def answered(self) -> list[bytes]:
        return [bytes.fromhex(a.object) for a in self.answers.sent]

    @property
    def hashes(self) -> list[bytes]:
        return [e.object_hash for e in self.envelopes]

    async def all_done(self) -> None:
        await until(lambda: set(self.done) == set(self.hashes))

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.wait({self.task})


async def quiet() -> None:
    for _ in range(40):
        await asyncio.sleep(0.001)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    made = Scene()
    yield made
    await made.end()


async def test_several_answers_are_on_their_way_before_the_first_is_on_disk(scene: Scene) -> None:
    scene.answers.lets = 0
    await scene.send("ncsc", 5)
    await until(lambda: len(scene.answers.sent) == 6)
    assert scene.done == []
    scene.answers.let_go(2)
    await until(lambda: len(scene.done) == 2)
    await quiet()
    assert scene.done == scene.hashes[:2]
    scene.answers.let_go()
    await scene.all_done()


async def test_answers_are_in_the_order_of_the_log_for_every_party(scene: Scene) -> None:
    for _ in range(4):
        await scene.send("ncsc", 2)
        await scene.send("ibd", 3)
    await scene.all_done()
    assert scene.answered == scene.hashes == scene.done
    assert [a.index for a in scene.answers.sent] == list(range(len(scene.hashes)))
    assert {a.verdict for a in scene.answers.sent} == {"admitted"}


async def test_nothing_is_answered_that_is_not_on_disk(scene: Scene) -> None:
    scene.log.lets = 3
    await scene.send("ncsc", 7)
    await until(lambda: len(scene.log.sent) == 8)
    await quiet()
    assert scene.answered == scene.hashes[:3]
    scene.log.let_go(1)
    await until(lambda: len(scene.answers.sent) == 4)
    await quiet()
    assert scene.answered == scene.hashes[:4]
    scene.log.let_go()
    await scene.all_done()


async def test_the_answer_of_a_lonely_envelope_does_not_wait_for_another(scene: Scene) -> None:
    await scene.send("ncsc", 0)
    await scene.all_done()
    await scene.send("ncsc", 1)
    await scene.all_done()


FAULTS: dict[str, Callable[[Scene], None]] = {
    "was not sent": lambda s: setattr(s.answers, "failing", 1),
    "was not acknowledged": lambda s: s.answers.fail_oldest(),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
async def test_what_may_not_have_been_answered_is_answered_again_in_order(
    scene: Scene, fault: Callable[[Scene], None]
) -> None:
    scene.answers.lets = 2
    await scene.send("ncsc", 5)
    await until(lambda: len(scene.answers.sent) == 6 and len(scene.done) == 2)
    fault(scene)
    scene.answers.lets = 1_000_000
    await scene.send("ibd", 3)
    scene.answers.let_go()
    await scene.all_done()
    # Once through in order, whatever came before.
    again = [h for n, h in enumerate(scene.answered) if h not in scene.answered[n + 1 :]]
    assert again == scene.hashes
    assert scene.done[:2] == scene.hashes[:2]
    assert scene.done[-len(scene.hashes) + 2 :] == scene.hashes[2:]
    assert scene.sequencer.log.size == len(scene.hashes)
    assert len(scene.log.sent) == len(scene.hashes)


async def test_an_ingress_that_cannot_be_told_is_told_again(scene: Scene) -> None:
    """The answer is on disk, and the server does not hear that the envelope is done with."""
    envelope = scene.senders["ncsc"].epoch()
    failures = [UnavailableError("acknowledge ingress")] * 2
    told: list[int] = []

    async def done() -> None:
        if failures:
            raise failures.pop()
        told.append(1)

    member = shipped().current.member(envelope.header.sender_id)
    await scene.sequencer.put(Item(envelope, member, Action.PUBLISH, done))
    await until(lambda: bool(told))
    assert scene.answered == [envelope.object_hash] * 3
    assert scene.sequencer.log.size == 1


def fork() -> Envelope:
    """A second envelope under a seq that ncsc has used."""
    sender = Sender("ncsc")
    sender.epoch()
    return sender.signals()


async def test_a_refusal_keeps_its_place_among_the_answers(scene: Scene) -> None:
    scene.answers.lets = 0
    await scene.send("ncsc", 2)
    await scene.put(fork())
    await scene.send("ncsc", 1)
    await until(lambda: len(scene.answers.sent) == 5)
    assert scene.answered == scene.hashes
    assert [a.reason for a in scene.answers.sent] == [None, None, None, Reason.REPLAY, None]
    assert scene.done == []
    scene.answers.let_go()
    await scene.all_done()


async def test_a_refused_envelope_leaves_its_ingress_when_the_refusal_is_on_disk(scene: Scene) -> None:
    await scene.send("ncsc", 1)
    await scene.all_done()
    scene.answers.lets = 0
    await scene.put(fork())
    await until(lambda: len(scene.answers.sent) == 3)
    await quiet()
    assert scene.answers.sent[-1].reason is Reason.REPLAY
    assert len(scene.done) == 2
    scene.answers.let_go()
    await scene.all_done()


async def test_no_more_are_under_way_than_there_may_be(scene: Scene) -> None:
    scene.answers.lets = 0
    sending = asyncio.ensure_future(scene.send("ncsc", MAX_UNDER_WAY + MAX_IN_FLIGHT + 20))
    await until(lambda: len(scene.answers.sent) == MAX_UNDER_WAY)
    await quiet()
    assert len(scene.answers.sent) == MAX_UNDER_WAY
    assert len(scene.sequencer._in_flight) <= MAX_IN_FLIGHT
    scene.answers.let_go()
    await sending
    await scene.all_done()
    assert scene.answered == scene.hashes


async def test_an_ended_sequencer_has_answered_everything(scene: Scene) -> None:
    scene.answers.lets = 0
    await scene.send("ncsc", 4)
    await until(lambda: len(scene.answers.sent) == 5)
    scene.sequencer.end()
    await quiet()
    assert not scene.task.done()
    scene.answers.let_go()
    await asyncio.wait({scene.task}, timeout=20)
    assert scene.task.done()
    assert scene.done == scene.hashes
    assert scene.sequencer.take_out() == []


async def test_what_is_not_answered_when_it_stops_is_given_to_the_next(scene: Scene) -> None:
    scene.answers.lets = 1
    await scene.send("ncsc", 4)
    await until(lambda: len(scene.answers.sent) == 5 and len(scene.done) == 1)
    await scene.end()
    left = [i.envelope.object_hash for i in scene.sequencer.take_out()]
    assert left == scene.hashes[1:]
