# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A broker's log of a new period: what it still knows of the one before, and what it no longer takes."""

from __future__ import annotations

import pytest
from harness.memory import NOW_MS, PROCESS, MemoryLog, Sender
from harness.samples import encoded

from seinpost_broker.core.compartment_log import Admit, AlreadyLogged, CompartmentLog
from seinpost_schemas.clear_bodies import Recall, RecallReason
from seinpost_schemas.errors import Reason, RefusedError
from seinpost_schemas.header import ZERO_32
from seinpost_schemas.kinds import Kind


@pytest.fixture
def sender() -> Sender:
    return Sender()


@pytest.fixture
def old(sender: Sender) -> MemoryLog:
    """The log of the period that is over: an epoch and a batch."""
    log = MemoryLog()
    log.log.period = "2026q4"
    log.admit(sender.epoch())
    log.admit(sender.signals())
    return log


def after(old: MemoryLog, period: str = "2027q1") -> MemoryLog:
    log = MemoryLog()
    log.log.period = period
    log.log.follow(old.log)
    return log


def refused(log: MemoryLog, envelope: object, reason: Reason, says: str = "") -> None:
    with pytest.raises(RefusedError) as error:
        log.decide(envelope)  # type: ignore[arg-type]
    assert error.value.reason is reason
    assert says in error.value.message


def test_chains_go_on_and_epochs_do_not(old: MemoryLog, sender: Sender) -> None:
    log = after(old)
    seq, head = sender.seq, sender.head
    refused(log, sender.signals(), Reason.EPOCH)
    sender.seq, sender.head = seq, head
    assert log.admit(sender.epoch()).admitted_ms == NOW_MS
    assert isinstance(log.decide(sender.signals()), Admit)


def test_a_chain_that_starts_anew_or_repeats_is_refused(old: MemoryLog, sender: Sender) -> None:
    log = after(old)
    sender.seq, sender.head = 0, ZERO_32
    refused(log, sender.epoch(), Reason.REPLAY)


def test_what_is_in_the_log_before_is_answered_with_its_place_there(old: MemoryLog, sender: Sender) -> None:
    envelope = sender.signals()
    old.admit(envelope)
    log = after(old)
    decision = log.decide(envelope)
    assert isinstance(decision, AlreadyLogged)
    assert (decision.index, decision.before, log.log.period_before) == (2, True, "2026q4")


def recall(sender: Sender, period: str, index: int, object_hash: bytes) -> object:
    body = Recall(object_hash, period, index, encoded(1).id, RecallReason.MISTAKE).encode()
    return sender.clear(Kind.RECALL, body)


def test_a_signal_of_the_period_before_is_recalled_and_one_of_another_is_not(
    old: MemoryLog, sender: Sender
) -> None:
    object_hash = sender.head
    log = after(old)
    seq, head = sender.seq, sender.head
    for period, index in (("2027q1", 1), ("2026q4", 0), ("2026q3", 1)):
        refused(log, recall(sender, period, index, object_hash), Reason.MANDATE, "not in this log")
        sender.seq, sender.head = seq, head
    assert isinstance(log.decide(recall(sender, "2026q4", 1, object_hash)), Admit)  # type: ignore[arg-type]


def test_one_period_back_is_known_and_two_are_not(old: MemoryLog, sender: Sender) -> None:
    assert sender.secrets is not None
    object_hash, epoch_id = sender.head, sender.secrets.epoch_id
    second = after(old)
    assert second.log._answered(epoch_id) is not None
    third = after(second, "2027q2")
    assert third.log._answered(epoch_id) is None
    refused(third, recall(sender, "2026q4", 1, object_hash), Reason.MANDATE, "not in this log")


def test_times_and_directory_sizes_go_on(old: MemoryLog, sender: Sender) -> None:
    log = after(old)
    entry = log.admit(sender.epoch(), now_ms=NOW_MS - 5_000)
    assert entry.admitted_ms == NOW_MS


def test_a_log_from_its_snapshot_knows_the_chains_of_the_one_before(old: MemoryLog, sender: Sender) -> None:
    log = after(old)
    other = Sender("ibd")
    log.admit(other.epoch())
    data = log.log.snapshot()
    assert data is not None
    restored = CompartmentLog.of(PROCESS, data)
    restored.period = "2027q1"
    restored.follow(old.log)
    log.log = restored
    assert isinstance(log.decide(sender.epoch()), Admit)
    assert isinstance(log.decide(other.signals()), Admit)
