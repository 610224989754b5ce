# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A sending lane against a broker that decides with the real core: batches, order, epochs, bounded windows."""

from __future__ import annotations

import asyncio
import gc
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from trial.enclave import TrialEnclave, identity, party_of
from trial.samples import encoded, id_of
from trial.sender import TrialSender

from seinpost._lane import MAX_UNDER_WAY, _Sent
from seinpost.answer import Answer
from seinpost_schemas.errors import Reason, RefusedError, UnavailableError
from seinpost_schemas.kinds import Kind
from seinpost_schemas.limits import BATCH_CLOSE_BYTES, FRESH_MS, MAX_BATCH_SIGNALS, MAX_BODY_BYTES
from seinpost_schemas.uuid7 import format_id


@pytest.fixture
async def sender(enclave: TrialEnclave, tmp_path: Path) -> AsyncIterator[TrialSender]:
    made = TrialSender(enclave, tmp_path)
    made.start()
    yield made
    await made.close()


def ids(*numbers: int) -> list[str]:
    return [format_id(id_of(n)) for n in numbers]


def kinds(sender: TrialSender) -> list[int]:
    return [e.header.kind for e in sender.broker.envelopes]


# -- the way of a signal --------------------------------------------------------------------------


async def test_a_lonely_signal_leaves_at_once_behind_its_epoch(sender: TrialSender) -> None:
    (future,) = sender.put(encoded(1))
    await sender.sent(2)
    assert kinds(sender) == [Kind.EPOCH, Kind.SIGNALS]
    (answer,) = await sender.settle(future)
    assert answer == Answer(signal=ids(1)[0], verdict="admitted", compartment="depv/process", index=1)
    assert sender.lane.idle


async def test_what_is_submitted_together_travels_together(sender: TrialSender) -> None:
    futures = sender.put(*(encoded(n) for n in range(10)))
    answers = await sender.settle(*futures)
    assert {a.index for a in answers} == {1}  # type: ignore[union-attr]
    assert sender.broker.batches() == [ids(*range(10))]


async def test_headers_form_one_chain_in_the_order_of_sending(sender: TrialSender) -> None:
    for number in range(5):
        await sender.settle(*sender.put(encoded(number)))
    headers = [e.header for e in sender.broker.envelopes]
    assert [h.seq for h in headers] == list(range(1, 7))
    hashes = [e.object_hash for e in sender.broker.envelopes]
    assert [h.prev_hash for h in headers] == [bytes(32), *hashes[:-1]]
    assert {h.directory_size for h in headers} == {sender.enclave.size}


async def test_an_epoch_is_used_again(sender: TrialSender) -> None:
    for number in range(4):
        await sender.settle(*sender.put(encoded(number)))
    assert kinds(sender).count(Kind.EPOCH) == 1


# -- batches --------------------------------------------------------------------------------------


async def test_a_batch_closes_at_1024_signals(sender: TrialSender) -> None:
    futures = sender.put(*(encoded(n) for n in range(MAX_BATCH_SIGNALS + 3)))
    await sender.settle(*futures)
    assert [len(b) for b in sender.broker.batches()] == [MAX_BATCH_SIGNALS, 3]


async def test_a_batch_closes_before_512_kib(sender: TrialSender) -> None:
    big = [encoded(n, protected="x" * 20_000) for n in range(60)]
    assert sum(s.size for s in big) > 2 * BATCH_CLOSE_BYTES
    await sender.settle(*sender.put(*big))
    batches = sender.broker.batches()
    assert list(itertools.chain(*batches)) == ids(*range(60))
    size = {format_id(s.id): s.size for s in big}
    for batch, following in itertools.pairwise(batches):
        whole = sum(size[i] for i in batch)
        assert whole <= BATCH_CLOSE_BYTES < whole + size[following[0]]
    assert all(len(e.body) <= MAX_BODY_BYTES for e in sender.broker.envelopes)


async def test_a_signal_larger_than_what_closes_a_batch_goes_alone(
    sender: TrialSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seinpost._lane.BATCH_CLOSE_BYTES", 100)
    await sender.settle(*sender.put(encoded(1), encoded(2)))
    assert sender.broker.batches() == [ids(1), ids(2)]


async def test_audiences_do_not_share_a_batch_or_an_epoch(sender: TrialSender) -> None:
    futures = sender.put(encoded(1)) + sender.put(encoded(2), audience="tafel") + sender.put(encoded(3))
    await sender.settle(*futures)
    assert sender.broker.batches() == [ids(1), ids(2), ids(3)]
    assert kinds(sender).count(Kind.EPOCH) == 2


async def test_one_id_twice_goes_into_two_batches(sender: TrialSender) -> None:
    await sender.settle(*sender.put(encoded(1), encoded(2), encoded(1), encoded(3)))
    assert sender.broker.batches() == [ids(1, 2), ids(1, 3)]


async def test_while_the_line_is_busy_a_batch_fills(
    sender: TrialSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The 20 ms are made long enough to be seen: what comes meanwhile goes along, and a full batch goes at once."""
    monkeypatch.setattr("seinpost._lane.BATCH_CLOSE_MS", 60_000)
    monkeypatch.setattr("seinpost._lane.MAX_BATCH_SIGNALS", 4)
    first = sender.put(encoded(0))
    await sender.sent(2)
    rest = []
    for number in range(1, 4):
        rest += sender.put(encoded(number))
        assert await sender.quiet() == 2
    rest += sender.put(encoded(4))
    await sender.sent(3)
    await sender.settle(*first, *rest)
    assert sender.broker.batches() == [ids(0), ids(1, 2, 3, 4)]


async def test_when_the_line_becomes_idle_a_batch_waits_no_longer(
    sender: TrialSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seinpost._lane.BATCH_CLOSE_MS", 60_000)
    first = sender.put(encoded(0))
    await sender.sent(2)
    second = sender.put(encoded(1))
    assert await sender.quiet() == 2
    await sender.settle(*first, *second)
    assert sender.broker.batches() == [ids(0), ids(1)]


# -- bounded windows ------------------------------------------------------------------------------


async def test_no_more_than_eight_envelopes_are_under_way(
    sender: TrialSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seinpost._lane.MAX_BATCH_SIGNALS", 1)
    monkeypatch.setattr("seinpost._lane.BATCH_CLOSE_MS", 0)
    futures = sender.put(*(encoded(n) for n in range(30)))
    await sender.sent(MAX_UNDER_WAY)
    # The first signal's epoch may stand beside eight sealed ones' window, and nothing more.
    assert await sender.quiet() <= MAX_UNDER_WAY + 1
    await sender.settle(*futures)
    assert sender.broker.batches() == [[i] for i in ids(*range(30))]


async def test_what_is_answered_is_let_go_at_once_and_not_at_the_next_garbage_collection(
    sender: TrialSender,
) -> None:
    """A flood is megabytes in a few objects: the collector counts objects, and would come too late."""
    await sender.settle(*sender.put(encoded(0)))
    gc.collect()
    gc.disable()
    try:
        for number in range(1, 6):
            await sender.settle(*sender.put(encoded(number)))
            await sender.quiet()
            assert not [o for o in gc.get_objects() if isinstance(o, _Sent)]
    finally:
        gc.enable()


# -- the network ----------------------------------------------------------------------------------


async def test_what_is_not_answered_goes_again_byte_for_byte(
    sender: TrialSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seinpost._lane._RESEND_SECONDS", 0.01)
    (future,) = sender.put(encoded(1))
    await sender.sent(8)
    assert len({data for _, data in sender.transport.sent}) == 2
    (answer,) = await sender.settle(future)
    assert isinstance(answer, Answer)
    before = await sender.quiet()
    assert await sender.quiet() == before
    assert len(sender.broker.admitted) == 2


async def test_a_lost_connection_loses_nothing(sender: TrialSender) -> None:
    sender.transport.failures = [UnavailableError("the connection was lost")] * 3
    (answer,) = await sender.settle(*sender.put(encoded(1)))
    assert isinstance(answer, Answer)
    assert len(sender.broker.admitted) == 2


async def test_a_full_ingress_is_waited_for(sender: TrialSender) -> None:
    sender.transport.failures = [RefusedError(Reason.QUOTA, "full")]
    (answer,) = await sender.settle(*sender.put(encoded(1)))
    assert isinstance(answer, Answer)


async def test_a_denial_of_the_server_is_final_and_no_time_out(sender: TrialSender) -> None:
    denial = RefusedError(Reason.MANDATE, "the server denies this identity the right to publish")
    sender.transport.failures = [denial, denial]
    (error,) = await sender.settle(*sender.put(encoded(1)))
    assert isinstance(error, RefusedError)
    assert error.reason is Reason.MANDATE
    # The chain is as it was: the next one, if the right comes, is admitted.
    (answer,) = await sender.settle(*sender.put(encoded(2)))
    assert isinstance(answer, Answer)


# -- freshness and the audience -------------------------------------------------------------------


async def test_nothing_is_sealed_on_a_stale_directory(
    enclave: TrialEnclave, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = TrialSender(enclave, tmp_path)
    real = sender.follower.verify_fresh
    stale = [True]

    def verify() -> None:
        if stale[0]:
            sender.follower.freshness.verify(FRESH_MS * 10_000_000, 0)
        real()

    monkeypatch.setattr(sender.follower, "verify_fresh", verify)
    sender.start()
    (future,) = sender.put(encoded(1))
    assert await sender.quiet() == 0
    stale[0] = False
    (answer,) = await sender.settle(future)
    assert isinstance(answer, Answer)
    await sender.close()


def no_kiesraad(table: dict[str, Any]) -> None:
    party_of(table, "kiesraad")["mandates"] = []


async def test_a_changed_audience_ends_the_epoch_and_starts_another(sender: TrialSender) -> None:
    await sender.settle(*sender.put(encoded(1)))
    sender.enclave.amend(no_kiesraad)
    sender.follow()
    await sender.settle(*sender.put(encoded(2)))
    assert kinds(sender) == [Kind.EPOCH, Kind.SIGNALS, Kind.END_OF_EPOCH, Kind.EPOCH, Kind.SIGNALS]
    assert len(sender.broker.admitted) == 5
    slots = [len(e.body) for e in sender.broker.envelopes if e.header.kind == Kind.EPOCH]
    assert slots[0] - slots[1] == 1_216


async def test_a_recipient_that_the_broker_knows_to_be_gone_gets_nothing_and_the_signal_goes(
    sender: TrialSender,
) -> None:
    """Sealed at an older directory: refused as stale, and sealed anew with the same id once it has followed."""
    await sender.settle(*sender.put(encoded(1)))
    sender.enclave.amend(no_kiesraad)
    (future,) = sender.put(encoded(2))
    await sender.sent(3)
    sender.answer()
    assert sender.broker.answers[-1].reason is Reason.STALE_DIRECTORY
    sender.follow()
    (answer,) = await sender.settle(future)
    assert isinstance(answer, Answer)
    assert sender.broker.batches() == [ids(1), ids(2)]
    gone = identity("kiesraad-1").kem.key_id
    assert gone not in b"".join(e.body for e in sender.broker.admitted[2:] if e.header.kind == Kind.EPOCH)


@pytest.mark.parametrize("limit", ["age", "envelopes"])
async def test_an_epoch_is_replaced_before_the_broker_would_end_it(
    sender: TrialSender, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    await sender.settle(*sender.put(encoded(1)))
    if limit == "age":
        monkeypatch.setattr("seinpost._lane.MAX_EPOCH_AGE_MS", -1)
    else:
        monkeypatch.setattr("seinpost._lane.MAX_EPOCH_ENVELOPES", 2)
    await sender.settle(*sender.put(encoded(2)))
    assert kinds(sender) == [Kind.EPOCH, Kind.SIGNALS, Kind.END_OF_EPOCH, Kind.EPOCH, Kind.SIGNALS]
    assert len(sender.broker.admitted) == 5


async def test_who_leaves_ends_its_epochs_in_the_log(sender: TrialSender) -> None:
    await sender.settle(*sender.put(encoded(1)), *sender.put(encoded(2), audience="tafel"))
    ending = asyncio.ensure_future(sender.lane.end_epochs())
    while not ending.done():
        sender.answer()
        await asyncio.sleep(0.001)
    ending.result()
    assert [e.header.kind for e in sender.broker.admitted].count(Kind.END_OF_EPOCH) == 2


# -- across processes -----------------------------------------------------------------------------


async def test_a_killed_process_goes_on_with_new_seqs_on_the_same_chain(sender: TrialSender) -> None:
    await sender.settle(*sender.put(encoded(1)))
    await sender.restart()
    sender.start()
    (answer,) = await sender.settle(*sender.put(encoded(2)))
    assert isinstance(answer, Answer)
    headers = [e.header for e in sender.broker.envelopes]
    assert len({h.seq for h in headers}) == len(headers) == 4
    assert headers[2].prev_hash == sender.broker.admitted[1].object_hash


async def test_a_killed_process_whose_last_envelopes_were_never_answered_catches_up(
    sender: TrialSender,
) -> None:
    """They were admitted after it died: its next header follows an older one, and the refusal shows the head."""
    await sender.settle(*sender.put(encoded(1)))
    sender.put(encoded(2))
    await sender.sent(3)
    await sender.restart()
    sender.start()
    (answer,) = await sender.settle(*sender.put(encoded(3)))
    assert isinstance(answer, Answer)
    assert sender.broker.batches() == [ids(1), ids(2), ids(3)]
    seqs = [e.header.seq for e in sender.broker.envelopes]
    assert len(set(seqs)) == len(seqs)


async def test_a_lost_state_file_costs_a_refusal_and_no_seq_comes_twice_in_the_log(
    sender: TrialSender, tmp_path: Path
) -> None:
    await sender.settle(*sender.put(encoded(1)))
    await sender.stop()
    for path in tmp_path.glob("sending.db*"):
        path.unlink()
    await sender.restart()
    sender.start()
    (answer,) = await sender.settle(*sender.put(encoded(2)))
    assert isinstance(answer, Answer)
    seqs = [e.header.seq for e in sender.broker.admitted]
    assert seqs == sorted(set(seqs))
    assert any(a.reason is Reason.REPLAY for a in sender.broker.answers)
