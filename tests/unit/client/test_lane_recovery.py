# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A sending lane after refusals, lies of a broker, and in the middle of being stopped: nobody waits for ever."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from trial.enclave import TrialEnclave, identity
from trial.log import TrialLog
from trial.samples import encoded, id_of
from trial.sender import TrialSender

from seinpost.answer import Answer
from seinpost_schemas.answer import head_of
from seinpost_schemas.envelope import Envelope
from seinpost_schemas.errors import InvalidError, Reason, RefusedError, UnavailableError
from seinpost_schemas.kinds import Kind
from seinpost_schemas.uuid7 import format_id

RETRIED = [Reason.GAP, Reason.EPOCH, Reason.STALE_DIRECTORY, Reason.REPLAY]
FINAL = [r for r in Reason if r not in RETRIED]


@pytest.fixture
async def sender(enclave: TrialEnclave, tmp_path: Path) -> AsyncIterator[TrialSender]:
    made = TrialSender(enclave, tmp_path)
    made.start()
    yield made
    await made.close()


def ids(*numbers: int) -> list[str]:
    return [format_id(id_of(n)) for n in numbers]


class RefuseFirst:
    """Refuses the first ``count`` envelopes of a kind, then none."""

    def __init__(self, reason: Reason, kind: Kind = Kind.SIGNALS, count: int = 1) -> None:
        self.reason, self.kind, self.left = reason, kind, count

    def __call__(self, envelope: Envelope) -> Reason | None:
        if envelope.header.kind == self.kind and self.left:
            self.left -= 1
            return self.reason
        return None


# -- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Kind.SIGNALS, Kind.EPOCH], ids=["the signals", "their epoch"])
@pytest.mark.parametrize("reason", FINAL)
async def test_what_cannot_go_is_told_with_its_reason_and_basis(
    sender: TrialSender, reason: Reason, kind: Kind
) -> None:
    sender.broker.refuse = RefuseFirst(reason, kind)
    (error,) = await sender.settle(*sender.put(encoded(1)))
    assert isinstance(error, RefusedError)
    assert error.reason is reason
    assert error.basis == "Wet X"
    assert await sender.quiet() == len(sender.transport.sent)
    (answer,) = await sender.settle(*sender.put(encoded(2)))
    assert isinstance(answer, Answer)
    assert sender.broker.batches() == [ids(2)]


@pytest.mark.parametrize("kind", [Kind.SIGNALS, Kind.EPOCH], ids=["the signals", "their epoch"])
@pytest.mark.parametrize("reason", RETRIED)
async def test_what_can_still_go_is_sealed_anew_with_the_same_ids(
    sender: TrialSender, reason: Reason, kind: Kind
) -> None:
    sender.broker.refuse = RefuseFirst(reason, kind)
    answers = await sender.settle(*sender.put(encoded(1), encoded(2)))
    assert all(isinstance(a, Answer) for a in answers)
    assert sender.broker.batches() == [ids(1, 2)]
    seqs = [e.header.seq for e in sender.broker.envelopes]
    assert seqs == sorted(set(seqs))


async def test_what_is_refused_again_and_again_is_told_in_the_end(sender: TrialSender) -> None:
    sender.broker.refuse = RefuseFirst(Reason.EPOCH, count=1_000)
    (error,) = await sender.settle(*sender.put(encoded(1)))
    assert isinstance(error, RefusedError)
    assert error.reason is Reason.EPOCH
    assert sum(e.header.kind == Kind.SIGNALS for e in sender.broker.envelopes) == 5


async def test_a_directory_that_stays_stale_is_told_after_one_more_try(
    sender: TrialSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seinpost._directory._FIRST_SECONDS", 0.2)
    sender.broker.refuse = RefuseFirst(Reason.STALE_DIRECTORY, count=1_000)
    (error,) = await sender.settle(*sender.put(encoded(1)))
    assert isinstance(error, RefusedError)
    assert error.reason is Reason.STALE_DIRECTORY
    assert sum(e.header.kind == Kind.SIGNALS for e in sender.broker.envelopes) == 2


async def test_one_refusal_in_a_flood_costs_its_own_signals_only(
    sender: TrialSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything behind it was refused as a gap: it is sealed anew, in order, and admitted once."""
    monkeypatch.setattr("seinpost._lane.MAX_BATCH_SIGNALS", 2)
    monkeypatch.setattr("seinpost._lane.BATCH_CLOSE_MS", 0)
    sender.broker.refuse = RefuseFirst(Reason.MALFORMED)
    futures = sender.put(*(encoded(n) for n in range(12)))
    outcomes = await sender.settle(*futures)
    assert [type(o) for o in outcomes] == [RefusedError] * 2 + [Answer] * 10
    admitted = [i for batch in sender.broker.batches() for i in batch]
    assert admitted == ids(*range(2, 12))
    assert any(a.reason is Reason.GAP for a in sender.broker.answers)


async def test_the_true_cause_is_told_and_not_what_followed_from_it(sender: TrialSender) -> None:
    """The epoch is refused for good; its signals only for want of an epoch: the epoch's reason is theirs."""
    sender.broker.refuse = RefuseFirst(Reason.REGISTER_EXPIRED, Kind.EPOCH, count=100)
    errors = await sender.settle(*sender.put(encoded(1)), *sender.put(encoded(2)))
    assert {e.reason for e in errors} == {Reason.REGISTER_EXPIRED}  # type: ignore[union-attr]


async def test_another_audience_is_not_blamed_for_it(sender: TrialSender) -> None:
    epochs = [0]

    def refuse(envelope: Envelope) -> Reason | None:
        if envelope.header.kind == Kind.EPOCH and envelope.body[0] == 2:
            epochs[0] += 1
            return Reason.AUDIENCE
        return None

    sender.broker.refuse = refuse
    first, second = *sender.put(encoded(1), audience="tafel"), *sender.put(encoded(2))
    outcomes = await sender.settle(first, second)
    assert isinstance(outcomes[0], RefusedError)
    assert outcomes[0].reason is Reason.AUDIENCE
    assert isinstance(outcomes[1], Answer)


async def test_an_audience_that_lost_its_last_reader_is_told_and_the_lane_lives(sender: TrialSender) -> None:
    (error,) = await sender.settle(*sender.put(encoded(1), audience="nergens"))
    assert isinstance(error, RefusedError)
    assert error.reason is Reason.AUDIENCE
    (answer,) = await sender.settle(*sender.put(encoded(2)))
    assert isinstance(answer, Answer)


async def test_an_answer_to_nothing_under_way_changes_nothing(sender: TrialSender) -> None:
    (future,) = sender.put(encoded(1))
    await sender.settle(future)
    for answer in sender.broker.answers:
        sender.lane.take_answer(answer)
        sender.lane.take_answer(msgspec.structs.replace(answer, object="00" * 32))
    (again,) = await sender.settle(*sender.put(encoded(2)))
    assert isinstance(again, Answer)


# -- a broker that lies about the chain's head ----------------------------------------------------


def foreign_heads(sender: TrialSender) -> dict[str, tuple[bytes, bytes]]:
    """Headers with their signatures, none of which is of this chain."""
    log = TrialLog(sender.enclave)
    ibd, other = log.epoch(identity("ibd-1"))[0], log.epoch(identity("ncsc-2"))[0]
    elsewhere = TrialLog(sender.enclave, type(log.compartment).parse("depv/parties")).epoch(sender.identity)[
        0
    ]
    mine = log.epoch(sender.identity, seq=1 << 40)[0]
    return {
        "another party's": (ibd.header_bytes, ibd.signature),
        "the party's other identity's": (other.header_bytes, other.signature),
        "another compartment's": (elsewhere.header_bytes, elsewhere.signature),
        "one that we never signed": (mine.header_bytes, ibd.signature),
        "junk": (bytes(184), bytes(3_373)),
    }


HEADS = [
    "another party's",
    "the party's other identity's",
    "another compartment's",
    "one that we never signed",
    "junk",
]


@pytest.mark.parametrize("which", HEADS)
async def test_a_head_that_is_not_ours_is_not_built_upon(sender: TrialSender, which: str) -> None:
    (future,) = sender.put(encoded(1))
    await sender.sent(2)
    sender.broker.refuse = RefuseFirst(Reason.GAP, count=1)
    epoch, signals = sender.broker.take()
    sender.lane.take_answer(epoch)
    lie = msgspec.structs.replace(signals, head=head_of(*foreign_heads(sender)[which]))
    sender.lane.take_answer(lie)
    logged = bytes.fromhex(epoch.object)
    assert (sender.lane._chain.prev_hash, sender.lane._chain.admitted_hash) == (logged, logged)
    assert sender.lane._chain.take_seq() < 1_000
    future.cancel()


@pytest.mark.parametrize("which", HEADS)
async def test_a_head_that_is_not_ours_leaves_nobody_waiting(sender: TrialSender, which: str) -> None:
    (future,) = sender.put(encoded(1))
    await sender.sent(2)
    sender.broker.refuse = RefuseFirst(Reason.MANDATE)
    epoch, signals = sender.broker.take()
    sender.lane.take_answer(epoch)
    await sender.quiet()
    lie = msgspec.structs.replace(signals, head=head_of(*foreign_heads(sender)[which]))
    with contextlib.suppress(InvalidError):
        sender.lane.take_answer(lie)
    await sender.quiet()
    assert future.done()
    assert isinstance(future.exception(), RefusedError)


# -- being stopped --------------------------------------------------------------------------------


def told(*futures: asyncio.Future[Answer]) -> list[bool]:
    """Whether each was told that it will not be answered."""
    return [f.done() and isinstance(f.exception(), UnavailableError) for f in futures]


async def end(sender: TrialSender) -> None:
    """As the publisher ends a lane: the task is cancelled, and everyone who waits is told."""
    assert sender.task is not None
    sender.task.cancel()
    await asyncio.wait({sender.task})
    sender.task = None
    sender.lane.fail(UnavailableError("the connection was closed"))


async def test_who_waits_to_be_sent_and_who_is_under_way_are_told(
    sender: TrialSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seinpost._lane.BATCH_CLOSE_MS", 60_000)
    futures = sender.put(encoded(1))
    await sender.sent(2)
    futures += sender.put(encoded(2))
    await sender.quiet()
    await end(sender)
    assert told(*futures) == [True, True]
    assert sender.lane.idle


async def test_nothing_is_sent_after_the_end(sender: TrialSender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seinpost._lane._RESEND_SECONDS", 0.005)
    sender.put(encoded(1))
    await sender.sent(2)
    await end(sender)
    before = await sender.quiet()
    assert await sender.quiet() == before


async def test_who_was_refused_and_waits_for_the_rest_is_told(
    sender: TrialSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seinpost._lane.MAX_BATCH_SIGNALS", 1)
    monkeypatch.setattr("seinpost._lane.BATCH_CLOSE_MS", 0)
    futures = sender.put(encoded(1), encoded(2))
    await sender.sent(3)
    sender.broker.refuse = RefuseFirst(Reason.GAP)
    for answer in sender.broker.take()[:2]:
        sender.lane.take_answer(answer)
    await sender.quiet()
    await end(sender)
    assert told(*futures) == [True, True]


async def test_a_batch_that_waits_for_an_old_epoch_to_end_is_told(
    sender: TrialSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = sender.put(encoded(1))
    await sender.sent(2)
    # The epoch is due, and its end waits until the first is answered, which does not happen.
    monkeypatch.setattr("seinpost._lane.MAX_EPOCH_ENVELOPES", 1)
    monkeypatch.setattr("seinpost._lane.BATCH_CLOSE_MS", 0)
    second = sender.put(encoded(2))
    await sender.quiet()
    assert len(sender.transport.sent) == 2
    await end(sender)
    assert told(*first, *second) == [True, True]


async def test_a_disk_that_fails_is_told_to_everyone(
    sender: TrialSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_compartment: str, _upto: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(sender.state, "reserve", full)
    futures = sender.put(encoded(1))
    assert sender.task is not None
    await asyncio.wait({sender.task})
    error = sender.task.exception()
    assert isinstance(error, OSError)
    sender.task = None
    sender.lane.fail(error)
    assert [f.done() for f in futures] == [True]
