# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Broker and reader judge every use of an epoch alike, however many there were; and neither keeps what it need not."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from harness.memory import NOW_MS, PROCESS, MemoryLog, Sender, entry_of, message, shipped

from seinpost._trusted_feed import PastEpoch, TrustedFeed
from seinpost_broker.core.compartment_log import CompartmentLog
from seinpost_schemas.clear_bodies import EndOfEpoch
from seinpost_schemas.envelope import Envelope
from seinpost_schemas.errors import InvalidError, Reason, RefusedError
from seinpost_schemas.kinds import Kind
from seinpost_schemas.limits import MAX_EPOCH_AGE_MS, MAX_EPOCH_END_MS, MAX_LIVE_EPOCHS, MAX_UNENDED_EPOCHS

NOTHING = EndOfEpoch(0, 0).encode()


class Pair:
    """A broker's log and a reader of it; ``kept`` is what the reader has stored beside its feed."""

    def __init__(self) -> None:
        self.log, self.now_ms = MemoryLog(), NOW_MS
        self.kept: dict[bytes, PastEpoch] = {}
        self.reader = TrustedFeed(PROCESS, shipped(), self.kept.get)

    def both(self, envelope: Envelope) -> None:
        """Both take it."""
        self.log.admit(envelope, now_ms=self.now_ms)
        self.reader.accept(*self.log.stored[-1])
        if envelope.header.kind == Kind.EPOCH:
            epoch_id = envelope.object_hash[:16]
            epoch, index = self.reader.epoch(epoch_id), self.reader.size - 1
            self.kept[epoch_id] = PastEpoch(
                epoch_id, epoch.sender_id, epoch.origin, epoch.audience, index, 0, self.now_ms, b"", b""
            )

    def neither(self, envelope: Envelope, reason: Reason = Reason.EPOCH) -> None:
        """Both refuse it for the same reason."""
        with pytest.raises(RefusedError) as broker:
            self.log.decide(envelope, now_ms=self.now_ms)
        stored = message(len(self.log.stored) + 1, envelope, entry_of(envelope, self.now_ms))
        with pytest.raises(RefusedError) as reader:
            self.reader.accept(*stored)
        assert (broker.value.reason, reader.value.reason) == (reason, reason)

    def restart(self) -> None:
        """Both, from what they stored."""
        snapshot = self.log.log.snapshot()
        assert snapshot is not None
        self.log.log = CompartmentLog.of(PROCESS, snapshot)
        stored, self.reader = self.reader.encode(), TrustedFeed(PROCESS, shipped(), self.kept.get)
        self.reader.restore(stored)


@pytest.fixture
def pair() -> Pair:
    return Pair()


def end(sender: Sender, epoch: Envelope, *, once: bool = False) -> Envelope:
    """The end of an epoch that carried nothing; ``once``: not sent in the end, the chain goes on without it."""
    place = (sender.seq, sender.head)
    made = sender.clear(Kind.END_OF_EPOCH, NOTHING, epoch_id=epoch.object_hash[:16])
    if once:
        sender.seq, sender.head = place
    return made


def opened(pair: Pair, sender: Sender, count: int) -> Iterator[Envelope]:
    """Epochs that are never ended, as many an hour as a broker takes."""
    for number in range(count):
        if number % MAX_LIVE_EPOCHS == 0:
            pair.now_ms += MAX_EPOCH_AGE_MS
        envelope = sender.epoch("own")
        pair.both(envelope)
        yield envelope


@pytest.mark.parametrize("restarted", [False, True])
def test_with_too_many_unended_the_oldest_counts_as_ended_for_both(pair: Pair, restarted: bool) -> None:
    sender, other = Sender(), Sender("ibd")
    pair.both(theirs := other.epoch())
    epochs = list(opened(pair, sender, MAX_UNENDED_EPOCHS))
    if restarted:
        pair.restart()
    # All of them can be ended still, the first one too: then there is room for one more.
    pair.both(end(sender, epochs[0]))
    pair.now_ms += MAX_EPOCH_AGE_MS
    for _ in range(2):
        pair.both(sender.epoch("own"))
    if restarted:
        pair.restart()
    pair.neither(end(sender, epochs[1], once=True))
    pair.both(end(sender, epochs[2]))
    # Of another sender's nothing is forgotten.
    pair.both(end(other, theirs))


def test_an_end_comes_within_31_days_for_both(pair: Pair) -> None:
    sender, began = Sender(), pair.now_ms
    for envelope in (first := sender.epoch("own"), second := sender.epoch("own")):
        pair.both(envelope)
    pair.now_ms = began + MAX_EPOCH_END_MS
    pair.both(end(sender, first))
    pair.now_ms += 1
    pair.neither(end(sender, second, once=True))
    pair.restart()
    pair.neither(end(sender, second, once=True))


@pytest.mark.parametrize("restarted", [False, True])
def test_an_ended_epoch_carries_nothing_is_not_opened_again_and_can_be_answered(
    pair: Pair, restarted: bool
) -> None:
    sender = Sender()
    code = sender.view.audience("all").code
    pair.both(epoch := sender.epoch())
    pair.both(sender.signals())
    pair.both(sender.end())
    if restarted:
        pair.restart()
    place = (sender.seq, sender.head)
    pair.neither(sender.signals())
    sender.seq, sender.head = place
    pair.neither(end(sender, epoch, once=True))
    # The same envelope again is an answer from the broker, and no entry for the reader.
    assert "AlreadyLogged" in str(pair.log.decide(epoch, now_ms=pair.now_ms))
    with pytest.raises(InvalidError):
        pair.reader.accept(*message(len(pair.log.stored) + 1, epoch, entry_of(epoch, pair.now_ms)))
    for judge in (pair.log.log._answered, pair.reader.epoch):
        known = judge(epoch.object_hash[:16])
        assert known is not None
        assert (known.origin, known.audience, known.ended) == ("ncsc", code, True)


def test_what_was_opened_and_ended_is_hardly_kept(pair: Pair) -> None:
    """A thousand would be 8 MB of slots for a reader's state of 500 keys; here the shipped register's few."""
    sender = Sender()
    pair.both(sender.epoch())
    pair.both(sender.end())
    sizes = []
    for _ in range(2):
        for _ in range(20):
            pair.both(sender.epoch())
            pair.both(sender.end())
        sizes.append((len(pair.log.log.snapshot() or b""), len(pair.reader.encode())))
    (broker, reader), (broker_later, reader_later) = sizes
    # Of the broker's growth, two entries of 85 bytes and a leaf each are not the epoch's.
    assert (broker_later - broker) / 20 < 2 * (85 + 32) + 110
    assert abs(reader_later - reader) < 64


def test_a_state_that_an_earlier_version_stored_still_loads(pair: Pair) -> None:
    sender = Sender()
    pair.both(epoch := sender.epoch())
    state = msgspec.msgpack.decode(pair.reader.encode())
    (row,) = state[4].values()
    # It kept every unended one of a month, and slots for an hour.
    state[4] = {n.to_bytes(16, "big"): row for n in range(1, 400)} | state[4]
    feed = TrustedFeed(PROCESS, shipped())
    feed.restore(msgspec.msgpack.encode(state))
    assert len(msgspec.msgpack.decode(feed.encode())[4]) == MAX_UNENDED_EPOCHS
    pair.log.admit(sender.signals(), now_ms=pair.now_ms)
    feed.accept(*pair.log.stored[-1])
    assert feed.epoch(epoch.object_hash[:16]).envelopes == 1


@pytest.mark.parametrize("restarted", [False, True])
def test_an_epoch_that_was_never_ended_can_be_answered_and_shared_for_ever(
    pair: Pair, restarted: bool
) -> None:
    pair.both(epoch := Sender().epoch())
    pair.now_ms += MAX_EPOCH_END_MS + 1
    pair.both(Sender("ibd").epoch("own"))
    if restarted:
        pair.restart()
    for judge in (pair.reader.epoch, pair.log.log._answered):
        known = judge(epoch.object_hash[:16])
        assert known is not None
        assert known.origin == "ncsc"
