# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What was sent by a process that did not wait for the answer is known to the next one, once the answer comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from trial.enclave import TrialEnclave
from trial.reader import until
from trial.samples import encoded, signal
from trial.sender import TrialSender

from seinpost._directory import wall_ms
from seinpost._transport import StoredMessage
from seinpost._unanswered import KEPT_MS, is_unanswered, take_late
from seinpost.publisher import Publisher
from seinpost_schemas.errors import Reason, RefusedError

IDS = [encoded(n).id for n in range(3)]


@pytest.fixture
async def sender(enclave: TrialEnclave, tmp_path: Path) -> AsyncIterator[TrialSender]:
    made = TrialSender(enclave, tmp_path)
    made.start()
    yield made
    await made.close()


def waiting(sender: TrialSender) -> list[bool]:
    return [is_unanswered(sender.state, i) for i in IDS]


async def test_an_answer_that_comes_to_the_next_process_is_kept(sender: TrialSender) -> None:
    sender.put(*map(encoded, range(3)))
    await sender.sent(2)
    assert waiting(sender) == [True] * 3
    answers = sender.broker.take()
    await sender.restart()
    assert waiting(sender) == [True] * 3
    assert [sender.state.find_signal(i) for i in IDS] == [None] * 3
    before = sender.state.load("depv/process")
    assert [a.verdict for a in answers] == ["admitted", "admitted"]
    assert [take_late(sender.state, a, 1_000) for a in answers] == [False, True]
    found = [sender.state.find_signal(i) for i in IDS]
    envelope = sender.broker.admitted[-1]
    assert [(f.number, f.sent.object_hash, f.sent.index) for f in found if f] == [
        (n, envelope.object_hash, 1) for n in range(3)
    ]
    assert all(f and f.sent.header == envelope.header_bytes and f.sent.audience == "all" for f in found)
    assert waiting(sender) == [False] * 3
    # The chain goes on from what the sender itself took for admitted, or a broker names.
    assert sender.state.load("depv/process") == before
    assert take_late(sender.state, answers[1], 2_000) is False


async def test_what_is_answered_in_time_is_not_kept_twice(sender: TrialSender) -> None:
    await sender.settle(*sender.put(*map(encoded, range(3))))
    assert waiting(sender) == [False] * 3
    assert all(sender.state.find_signal(i) for i in IDS)


async def test_a_refusal_that_comes_late_ends_the_waiting(sender: TrialSender) -> None:
    sender.put(*map(encoded, range(3)))
    await sender.sent(2)
    (_, admitted) = sender.broker.take()
    await sender.restart()
    refused = sender.broker._answer(
        sender.broker.admitted[-1], "refused", reason=Reason.QUOTA, message="too much"
    )
    assert refused.object == admitted.object
    assert take_late(sender.state, refused, 1_000)
    assert waiting(sender) == [False] * 3
    assert sender.state.find_signal(IDS[0]) is None


def publisher_of(sender: TrialSender) -> Publisher:
    return Publisher(sender.identity, sender.follower, sender.transport, sender.state, lambda _: None)


async def ended(running: asyncio.Future[None]) -> None:
    running.cancel()
    await asyncio.wait({running})


async def test_a_publisher_takes_what_comes_to_an_earlier_one(sender: TrialSender) -> None:
    sender.put(*map(encoded, range(3)))
    await sender.sent(2)
    answers = sender.broker.take()
    await sender.restart()
    stream = sender.transport.streams["ANSWERS"] = []
    publisher = publisher_of(sender)
    running = asyncio.ensure_future(publisher.run())
    looking = asyncio.ensure_future(publisher.wait_answered())
    await asyncio.sleep(0.05)
    assert not looking.done()
    assert publisher.is_unanswered(IDS[2])
    stream += [StoredMessage(n, {}, a.encode()) for n, a in enumerate(answers, 1)]
    await until(looking.done)
    assert publisher.find_signal(IDS[2]) is not None
    await ended(running)


async def test_what_nobody_will_answer_is_forgotten(sender: TrialSender) -> None:
    sender.state.store_unanswered(b"old", wall_ms() - KEPT_MS - 1_000, b"old")
    sender.state.store_unanswered(b"new", wall_ms() - KEPT_MS + 60_000, b"new")
    running = asyncio.ensure_future(publisher_of(sender).run())
    await until(lambda: sender.state.all_unanswered() == [b"new"])
    await ended(running)


async def test_who_is_let_in_no_more_is_told_and_sends_nothing_more(sender: TrialSender) -> None:
    publisher = publisher_of(sender)
    running = asyncio.ensure_future(publisher.run())
    answer = await publisher.submit(signal(), "process", "depv")
    sender.transport.refused.set()
    with pytest.raises(RefusedError, match="revoked"):
        await asyncio.wait_for(answer, 10)
    with pytest.raises(RefusedError, match="revoked"):
        await publisher.submit(signal(), "process", "depv")
    with pytest.raises(RefusedError):
        await running
    await publisher.close(0)
