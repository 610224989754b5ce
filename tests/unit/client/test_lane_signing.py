# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Signatures made beside a lane: in order however long they take, never missing, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from trial.enclave import TrialEnclave
from trial.reader import until
from trial.samples import encoded, id_of
from trial.sender import TrialSender

from seinpost._signing_thread import SigningThread
from seinpost.answer import Answer
from seinpost_schemas.answer import BrokerAnswer
from seinpost_schemas.errors import Reason, UnavailableError
from seinpost_schemas.header import object_hash
from seinpost_schemas.kinds import Kind
from seinpost_schemas.signing import SigningKey
from seinpost_schemas.uuid7 import format_id


class HeldKey:
    """A key whose signatures wait until they are let go, or fail."""

    def __init__(self, key: SigningKey) -> None:
        self.key, self.public = key, key.public
        self.asked: list[bytes] = []
        self.signed: list[bytes] = []
        self.beside: list[bool] = []
        """Whether each was signed in another thread than that of the event loop."""
        self.free = threading.Semaphore(0)
        self.failure: Exception | None = None

    def sign(self, message: bytes, context: bytes) -> bytes:
        self.asked.append(message)
        self.beside.append(threading.current_thread() is not threading.main_thread())
        self.free.acquire(timeout=60)
        if self.failure is not None:
            raise self.failure
        self.signed.append(message)
        return self.key.sign(message, context)

    def let_go(self, count: int = 1_000) -> None:
        self.free.release(count)


@pytest.fixture
async def sender(enclave: TrialEnclave, tmp_path: Path) -> AsyncIterator[TrialSender]:
    made = TrialSender(enclave, tmp_path)
    yield made
    held(made).let_go()
    await made.close()


def held(sender: TrialSender) -> HeldKey:
    key = sender.signing._key
    assert isinstance(key, HeldKey)
    return key


@pytest.fixture(autouse=True)
def hold(sender: TrialSender) -> HeldKey:
    sender.signing._key = HeldKey(sender.identity.signing)  # type: ignore[assignment]
    sender.start()
    return held(sender)


async def test_while_one_envelope_is_signed_the_next_are_sealed_on_its_header(
    sender: TrialSender, hold: HeldKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seinpost._lane.MAX_BATCH_SIGNALS", 2)
    monkeypatch.setattr("seinpost._lane.BATCH_CLOSE_MS", 0)
    futures = sender.put(*(encoded(n) for n in range(8)))
    await until(lambda: len(sender.lane._under_way) == 5)
    assert await sender.quiet() == 0
    assert len(hold.asked) == 1
    hold.let_go()
    assert all(isinstance(a, Answer) for a in await sender.settle(*futures))
    headers = [e.header for e in sender.broker.admitted]
    assert [h.seq for h in headers] == list(range(1, 6))
    assert [h.prev_hash for h in headers] == [
        bytes(32),
        *(e.object_hash for e in sender.broker.admitted[:-1]),
    ]
    assert not any(a.reason for a in sender.broker.answers)


async def test_envelopes_leave_in_the_order_of_their_chain_whoever_is_signed_slowly(
    sender: TrialSender, hold: HeldKey
) -> None:
    """An epoch and a batch of one audience, and of another: what is quick to seal does not overtake."""
    futures = sender.put(encoded(1)) + sender.put(encoded(2), audience="tafel")
    await until(lambda: len(sender.lane._under_way) == 4)
    for count in range(1, 5):
        hold.let_go(1)
        await sender.sent(count)
        assert await sender.quiet() == count
    assert [e.header.seq for e in sender.broker.envelopes] == [1, 2, 3, 4]
    assert all(isinstance(a, Answer) for a in await sender.settle(*futures))


async def test_no_more_than_eight_wait_for_their_signature(
    sender: TrialSender, hold: HeldKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seinpost._lane.MAX_BATCH_SIGNALS", 1)
    monkeypatch.setattr("seinpost._lane.BATCH_CLOSE_MS", 0)
    futures = sender.put(*(encoded(n) for n in range(30)))
    await until(lambda: len(sender.lane._under_way) >= 8)
    await sender.quiet()
    assert len(sender.lane._under_way) <= 9
    hold.let_go()
    await sender.settle(*futures)
    assert sender.broker.batches() == [[format_id(id_of(n))] for n in range(30)]


async def test_a_key_that_does_not_sign_is_told_to_everyone_who_waits(
    sender: TrialSender, hold: HeldKey
) -> None:
    hold.failure = UnavailableError("the key is gone")
    first, second = sender.put(encoded(1), encoded(2))
    await until(lambda: bool(hold.asked))
    later = sender.put(encoded(3), audience="tafel")
    hold.let_go()
    assert sender.task is not None
    done, _ = await asyncio.wait({sender.task}, timeout=30)
    assert done
    error = sender.task.exception()
    assert isinstance(error, UnavailableError)
    sender.lane.fail(error)
    assert all(f.exception() is error for f in [first, second, *later])
    assert sender.transport.sent == []
    assert sender.lane.idle


async def test_a_signature_that_fails_while_an_epoch_is_closed_does_not_hang_the_lane(
    sender: TrialSender, hold: HeldKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold.let_go(2)
    await sender.settle(*sender.put(encoded(1)))
    monkeypatch.setattr("seinpost._lane.MAX_EPOCH_AGE_MS", -1)
    (future,) = sender.put(encoded(2))
    await until(lambda: len(hold.asked) == 3)
    hold.failure = UnavailableError("the key is gone")
    hold.let_go()
    assert sender.task is not None
    done, _ = await asyncio.wait({sender.task}, timeout=30)
    assert done
    assert isinstance(sender.task.exception(), UnavailableError)
    assert not future.done()


async def test_who_stops_while_something_is_signed_sends_nothing_and_uses_no_seq_again(
    sender: TrialSender, hold: HeldKey
) -> None:
    (future,) = sender.put(encoded(1))
    await until(lambda: bool(hold.asked))
    await sender.restart()
    assert isinstance(future.exception(), RuntimeError)
    hold.let_go()
    # The one that was in the thread is finished there, and thrown away.
    await until(lambda: bool(hold.signed))
    assert await sender.quiet() == 0
    sender.start()
    assert isinstance((await sender.settle(*sender.put(encoded(2))))[0], Answer)
    seqs = {e.header.seq for e in sender.broker.envelopes}
    assert min(seqs) > 1_024
    assert sender.broker.envelopes[0].header.prev_hash == bytes(32)


async def test_what_waits_for_the_thread_is_not_signed_after_a_cancellation(hold: HeldKey) -> None:
    thread = SigningThread(hold)  # type: ignore[arg-type]
    waiting = [asyncio.ensure_future(thread.sign(Draft(hold, n), aside=True)) for n in range(3)]  # type: ignore[arg-type]
    await until(lambda: bool(hold.asked))
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)
    hold.let_go()
    assert await thread.sign(Draft(hold, 7), aside=True) == 7  # type: ignore[arg-type,comparison-overlap]
    assert hold.asked == [b"0", b"7"]
    thread.close()
    with pytest.raises(RuntimeError):
        await thread.sign(Draft(hold, 8), aside=True)  # type: ignore[arg-type]


class Draft:
    """Stands for an unsigned envelope."""

    def __init__(self, key: HeldKey, number: int) -> None:
        self._number = number

    def sign(self, key: HeldKey) -> int:
        key.sign(b"%d" % self._number, b"seinpost/test/v1")
        return self._number


@pytest.mark.parametrize("verdict", ["admitted", "refused"])
async def test_an_answer_to_what_is_not_signed_yet_is_not_believed(
    sender: TrialSender, hold: HeldKey, verdict: str
) -> None:
    """Nothing was sent: whoever answers has not seen it, and admitted nothing."""
    (future,) = sender.put(encoded(1))
    await until(lambda: len(sender.lane._under_way) == 2)
    for header in [s.envelope.header_bytes for s in sender.lane._under_way.values()]:
        sender.lane.take_answer(
            BrokerAnswer(
                object=object_hash(header).hex(),
                sender=sender.identity.sender_id.hex(),
                compartment="depv/process",
                verdict=verdict,  # type: ignore[arg-type]
                period="2026q4",
                index=7,
                admitted_ms=1,
                reason=Reason.MANDATE if verdict == "refused" else None,
            )
        )
    assert await sender.quiet() == 0
    assert not future.done()
    assert sender.state.load("depv/process") == (1_024, bytes(32))
    hold.let_go()
    (answer,) = await sender.settle(future)
    assert isinstance(answer, Answer)
    assert answer.index == 1
    assert [e.header.kind for e in sender.broker.admitted] == [Kind.EPOCH, Kind.SIGNALS]


async def test_a_lonely_envelope_is_signed_at_once_and_a_flood_in_the_thread(
    sender: TrialSender, hold: HeldKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold.let_go()
    await sender.settle(*sender.put(encoded(1)))
    # The epoch is signed while its first batch is sealed.
    assert hold.beside[0]
    await sender.settle(*sender.put(encoded(2)))
    assert hold.beside[2:] == [False]
    monkeypatch.setattr("seinpost._lane.MAX_BATCH_SIGNALS", 1)
    monkeypatch.setattr("seinpost._lane.BATCH_CLOSE_MS", 0)
    await sender.settle(*sender.put(*(encoded(n) for n in range(3, 7))))
    assert hold.beside[3:6] == [True] * 3
    assert [e.header.seq for e in sender.broker.envelopes] == list(range(1, 8))


async def test_what_is_not_set_aside_waits_for_what_is_before_it_in_the_thread(hold: HeldKey) -> None:
    thread = SigningThread(hold)  # type: ignore[arg-type]
    first = asyncio.ensure_future(thread.sign(Draft(hold, 1), aside=True))  # type: ignore[arg-type]
    await until(lambda: bool(hold.asked))
    second = asyncio.ensure_future(thread.sign(Draft(hold, 2), aside=False))  # type: ignore[arg-type]
    hold.let_go()
    await asyncio.wait({first, second})
    assert hold.signed == [b"1", b"2"]
    assert hold.beside == [True, True]
    thread.close()
