# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The broker's decision on every kind of envelope that must not enter a log, and on those that must."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from harness.memory import NOW_MS, MemoryLog, Sender, make_directory, shipped
from harness.samples import encoded

from seinpost_broker.core import compartment_log
from seinpost_broker.core.compartment_log import Admit, Ahead, AlreadyLogged, CompartmentLog
from seinpost_schemas.clear_bodies import (
    Recall,
    RecallReason,
    Receipt,
    ReceiptState,
    Run,
    Share,
    ShareSlot,
)
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.envelope import Envelope
from seinpost_schemas.errors import BindingError, MalformedError, Reason, RefusedError
from seinpost_schemas.header import ZERO_32
from seinpost_schemas.kinds import Action, Kind
from seinpost_schemas.limits import MAX_EPOCH_AGE_MS, RECEIPT_INTERVAL_MS


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def sender(log: MemoryLog) -> Sender:
    """NCSC, whose epoch is in the log."""
    made = Sender()
    log.admit(made.epoch())
    return made


def of(sender: Sender) -> dict[str, Any]:
    """Under the sender's running epoch."""
    assert sender.secrets is not None
    return {"epoch_id": sender.secrets.epoch_id}


def refused(reason: Reason, call: Callable[[], object], says: str = "") -> RefusedError:
    with pytest.raises(RefusedError) as error:
        call()
    assert error.value.reason is reason, error.value
    assert says in error.value.message
    return error.value


# -- what is admitted --------------------------------------------------------------------------------


def test_a_chain_is_admitted_in_order_with_rising_indexes(log: MemoryLog, sender: Sender) -> None:
    for index in range(1, 6):
        envelope = sender.signals()
        decision = log.decide(envelope)
        assert isinstance(decision, Admit)
        assert decision.index == index
        log.admit(envelope)
    log.admit(sender.end())
    assert log.log.size == 7


def test_what_is_logged_is_answered_again_with_its_index(log: MemoryLog, sender: Sender) -> None:
    envelope = sender.signals()
    entry = log.admit(envelope)
    log.admit(sender.signals())
    again = log.decide(envelope, now_ms=NOW_MS + 10_000_000)
    assert again == AlreadyLogged(1, entry.admitted_ms)


def test_two_parties_chains_are_each_their_own(log: MemoryLog, sender: Sender) -> None:
    other = Sender("ibd")
    log.admit(other.epoch())
    for _ in range(3):
        log.admit(other.signals())
        log.admit(sender.signals())


def test_times_and_directory_sizes_never_go_back(log: MemoryLog, sender: Sender) -> None:
    first = log.admit(sender.signals(), now_ms=NOW_MS + 50)
    second = log.admit(sender.signals(), now_ms=NOW_MS - 5_000)
    assert second.admitted_ms == first.admitted_ms == NOW_MS + 50
    assert second.directory_size == shipped().size


def test_a_seq_may_be_passed_over(log: MemoryLog, sender: Sender) -> None:
    log.admit(sender.signals(seq=900))
    log.admit(sender.signals())


# -- the chain ---------------------------------------------------------------------------------------


def test_a_second_envelope_at_one_seq_is_a_fork_and_refused(log: MemoryLog, sender: Sender) -> None:
    head = sender.head
    log.admit(sender.signals())
    for prev in (head, sender.head):
        refused(Reason.REPLAY, lambda p=prev: log.decide(sender.signals(seq=2, prev_hash=p)), "fork")  # type: ignore[misc]


def test_an_older_seq_is_refused(log: MemoryLog, sender: Sender) -> None:
    log.admit(sender.signals(seq=10))
    refused(Reason.REPLAY, lambda: log.decide(sender.signals(seq=9)))


def test_an_envelope_ahead_of_its_chain_is_held(log: MemoryLog, sender: Sender) -> None:
    first, second = sender.signals(), sender.signals()
    assert isinstance(log.decide(second), Ahead)
    log.admit(first)
    log.admit(second)


def test_a_successor_of_a_refused_one_is_refused_at_once(log: MemoryLog, sender: Sender) -> None:
    lost = sender.signals()
    log.log.note_refusal(lost)
    refused(Reason.GAP, lambda: log.decide(sender.signals()), "was refused")


def test_a_chain_cannot_start_again_or_branch_off(log: MemoryLog, sender: Sender) -> None:
    older = sender.head
    log.admit(sender.signals())
    log.admit(sender.signals())
    refused(Reason.GAP, lambda: log.decide(sender.signals(prev_hash=ZERO_32)))
    refused(Reason.GAP, lambda: log.decide(sender.signals(prev_hash=older)))


# -- rights ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("party", "place", "reason"),
    [
        ("kiesraad", "depv/debate", Reason.PROHIBITED),
        ("cvdm", "depv/process", Reason.MANDATE),
        ("tafel", "depv/process", Reason.MANDATE),
        ("toezicht", "ong/process", Reason.MANDATE),
        ("ec", "depv/international", Reason.CLASSIFICATION),
    ],
)
def test_a_party_without_the_mandate_is_refused(party: str, place: str, reason: Reason) -> None:
    compartment = Compartment.parse(place)
    sender, log = Sender(party, compartment), MemoryLog(compartment)
    # Sealed by hand, for somebody: the party's own library would not have.
    everyone = Sender("bzk", compartment).recipients()
    refused(reason, lambda: log.decide(sender.epoch(recipients=everyone)))


@pytest.mark.parametrize("action", [Action.READ, Action.FEEDBACK, Action.SHARE, Action.RELEASE])
def test_a_kind_is_not_sent_under_another_action(log: MemoryLog, sender: Sender, action: Action) -> None:
    refused(Reason.MANDATE, lambda: log.decide(sender.signals(), action))


def test_nothing_is_admitted_on_an_expired_register(log: MemoryLog, sender: Sender) -> None:
    late = NOW_MS + 400 * 86_400_000
    refused(Reason.REGISTER_EXPIRED, lambda: log.decide(sender.signals(), now_ms=late))


@pytest.mark.parametrize("size", [0, 3, 1_000])
def test_an_unknown_directory_size_is_refused(log: MemoryLog, sender: Sender, size: int) -> None:
    refused(Reason.STALE_DIRECTORY, lambda: log.decide(sender.signals(directory_size=size)))


# -- epochs ------------------------------------------------------------------------------------------


def test_slots_must_be_exactly_the_audience(log: MemoryLog) -> None:
    right = Sender().recipients()
    outsider = Sender("cvdm").keys
    extra = {outsider.kem.key_id: next(iter(right.values()))}
    extra = {k: msgspec.structs.replace(v, kem_public=outsider.kem.public) for k, v in extra.items()}
    keys = list(right)
    for wrong in (
        {},
        {k: right[k] for k in keys[1:]},
        {k: right[k] for k in keys[:-1]},
        right | extra,
        {k: right[k] for k in keys[1:]} | extra,
    ):
        refused(Reason.EPOCH, lambda w=wrong: log.decide(Sender().epoch(recipients=w)), "slots")  # type: ignore[misc]
    log.admit(Sender().epoch(recipients=right))


def test_the_slots_of_one_audience_are_not_those_of_another(log: MemoryLog) -> None:
    sender = Sender()
    tafel = sender.recipients("tafel")
    assert set(tafel) < set(sender.recipients("all"))
    refused(Reason.EPOCH, lambda: log.decide(Sender().epoch("all", recipients=tafel)))
    refused(Reason.EPOCH, lambda: log.decide(Sender().epoch("tafel", recipients=sender.recipients("all"))))


def test_an_epoch_is_its_senders_and_its_compartments(log: MemoryLog, sender: Sender) -> None:
    other = Sender("ibd")
    other.secrets = sender.secrets
    refused(Reason.EPOCH, lambda: log.decide(other.signals()), "another sender's")
    elsewhere = MemoryLog(Compartment.parse("depv/parties"))
    moved = Sender("ncsc", Compartment.parse("depv/parties"))
    moved.secrets = sender.secrets
    refused(Reason.EPOCH, lambda: elsewhere.decide(moved.signals()), "not in this compartment's log")


def test_an_epoch_that_has_ended_carries_nothing(log: MemoryLog, sender: Sender) -> None:
    log.admit(sender.signals())
    log.admit(sender.end())
    ended = sender.head
    refused(Reason.EPOCH, lambda: log.decide(sender.signals()), "ended")
    refused(
        Reason.EPOCH,
        lambda: log.decide(sender.clear(Kind.END_OF_EPOCH, bytes(12), prev_hash=ended, **of(sender))),
    )


def test_an_epoch_lasts_an_hour(log: MemoryLog, sender: Sender) -> None:
    envelope = sender.signals()
    assert isinstance(log.decide(envelope, now_ms=NOW_MS + MAX_EPOCH_AGE_MS - 1), Admit)
    refused(Reason.EPOCH, lambda: log.decide(envelope, now_ms=NOW_MS + MAX_EPOCH_AGE_MS), "hour")


@pytest.mark.parametrize(("envelopes", "last_seq"), [(0, 0), (2, 3), (1, 3), (3, 2)])
def test_the_end_of_an_epoch_counts_what_the_log_holds(
    log: MemoryLog, sender: Sender, envelopes: int, last_seq: int
) -> None:
    log.admit(sender.signals())
    log.admit(sender.signals())
    if (envelopes, last_seq) == (2, 3):
        log.admit(sender.end(envelopes, last_seq))
    else:
        refused(Reason.EPOCH, lambda: log.decide(sender.end(envelopes, last_seq)))


def test_the_own_audience_carries_table_acts_only(log: MemoryLog) -> None:
    sender = Sender()
    log.admit(sender.epoch("own"), Action.READ)
    refused(Reason.AUDIENCE, lambda: log.decide(sender.signals()))


def test_an_audience_that_lost_a_member_needs_a_new_epoch(log: MemoryLog) -> None:
    """A mandate ends between the epoch and the signals: the recipient is gone, the sender must seal anew."""

    def change(register: dict[str, Any]) -> None:
        (politie,) = (p for p in register["parties"] if p["token"] == "politie")
        for mandate in politie["mandates"]:
            mandate["until"] = dt.datetime(2026, 11, 2, 0, 30, tzinfo=dt.UTC)

    directory = make_directory(change=change)
    before, log = Sender(directory=directory), MemoryLog(directory=directory)
    log.admit(before.epoch())
    log.admit(before.signals())
    refused(Reason.EPOCH, lambda: log.decide(before.signals(), now_ms=NOW_MS + 1_800_001))


# -- clear kinds ---------------------------------------------------------------------------------------


def receipt(leaf: int = 0, size: int = 1, period: str = "2026q4") -> bytes:
    return Receipt(period, size, bytes(32), (Run(period, 0, leaf, 0, 0, ReceiptState.OPENED),)).encode()


@pytest.mark.parametrize(
    "body", [receipt(1), receipt(0, 2), receipt(period="2027q1"), receipt(period="2026q3")]
)
def test_a_receipt_of_what_is_not_there_is_refused(log: MemoryLog, sender: Sender, body: bytes) -> None:
    assert log.log.size == 1
    with pytest.raises(BindingError, match="come after it"):
        log.decide(Sender("tafel").clear(Kind.RECEIPT, body), Action.READ)


@pytest.mark.usefixtures("sender")
def test_a_receipt_that_says_one_thing_4096_times_is_refused(log: MemoryLog) -> None:
    run = Run("2026q4", 0, 0, 0, 0, ReceiptState.OPENED)
    body = Receipt("2026q4", 1, bytes(32), (run,) * 4_096).encode()
    with pytest.raises(MalformedError, match="rise"):
        log.decide(Sender("tafel").clear(Kind.RECEIPT, body), Action.READ)


@pytest.mark.usefixtures("sender")
def test_receipts_come_at_most_every_30_seconds(log: MemoryLog) -> None:
    reader = Sender("tafel")
    log.admit(reader.clear(Kind.RECEIPT, receipt()), Action.READ)
    refused(Reason.QUOTA, lambda: log.decide(reader.clear(Kind.RECEIPT, receipt()), Action.READ))
    reader.seq, reader.head = 1, log.log.head(reader.keys.keys.sender_id).hash  # type: ignore[union-attr]
    log.admit(reader.clear(Kind.RECEIPT, receipt()), Action.READ, now_ms=NOW_MS + RECEIPT_INTERVAL_MS)


def recall_of(envelope: Envelope, index: int) -> bytes:
    signal_id = encoded(1).id
    return Recall(envelope.object_hash, "2026q4", index, signal_id, RecallReason.MISTAKE).encode()


@pytest.mark.parametrize("index", [1 << 32, 1 << 63, (1 << 64) - 1])
def test_a_recall_of_a_place_that_no_log_has_is_refused(log: MemoryLog, sender: Sender, index: int) -> None:
    envelope = sender.signals()
    log.admit(envelope)
    recall = sender.clear(Kind.RECALL, recall_of(envelope, index))
    refused(Reason.MANDATE, lambda: log.decide(recall), "not in this log at that index")


def test_a_log_that_is_full_takes_no_more(
    log: MemoryLog, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compartment_log, "MAX_LOG_ENTRIES", 2)
    log.admit(sender.signals())
    refused(Reason.QUOTA, lambda: log.decide(sender.signals()), "full")


def test_only_the_originators_party_recalls_and_only_what_is_there(log: MemoryLog, sender: Sender) -> None:
    envelope = sender.signals()
    log.admit(envelope)
    other = Sender("ibd")
    body = recall_of(envelope, 1)
    refused(Reason.MANDATE, lambda: log.decide(other.clear(Kind.RECALL, body)), "originator")
    for wrong in (recall_of(envelope, 0), recall_of(sender.signals(), 1)):
        refused(
            Reason.MANDATE, lambda w=wrong: log.decide(Sender("ibd").clear(Kind.RECALL, w)), "not in this log"
        )  # type: ignore[misc]
    sender.seq, sender.head = 2, envelope.object_hash
    log.admit(sender.clear(Kind.RECALL, body))


def test_a_share_is_of_ones_own_epochs_to_their_own_audience(log: MemoryLog, sender: Sender) -> None:
    assert sender.secrets is not None
    epoch_id = sender.secrets.epoch_id

    def share(key_id: bytes, epoch: bytes = epoch_id) -> bytes:
        return Share((ShareSlot(epoch, key_id, bytes(1_200)),)).encode()

    table, outside = Sender("tafel").keys.kem.key_id, Sender("cvdm").keys.kem.key_id
    refused(Reason.AUDIENCE, lambda: log.decide(sender.clear(Kind.SHARE, share(outside)), Action.SHARE))
    sender.seq, sender.head = 1, log.log.head(sender.keys.keys.sender_id).hash  # type: ignore[union-attr]
    refused(Reason.EPOCH, lambda: log.decide(sender.clear(Kind.SHARE, share(table, bytes(16))), Action.SHARE))
    other = Sender("ibd")
    refused(Reason.MANDATE, lambda: log.decide(other.clear(Kind.SHARE, share(table)), Action.SHARE))
    sender.seq, sender.head = 1, log.log.head(sender.keys.keys.sender_id).hash  # type: ignore[union-attr]
    log.admit(sender.clear(Kind.SHARE, share(table)), Action.SHARE)


@pytest.mark.parametrize(
    ("kind", "action"),
    [(Kind.RECEIPT, Action.READ), (Kind.RECALL, Action.PUBLISH), (Kind.SHARE, Action.SHARE)],
)
@pytest.mark.parametrize("body", [b"", b"x", bytes(50), bytes(65), bytes(1_234)])
def test_a_clear_body_that_does_not_decode_is_malformed(
    log: MemoryLog, kind: Kind, action: Action, body: bytes
) -> None:
    with pytest.raises(MalformedError):
        log.decide(Sender().clear(kind, body), action)


def test_a_kind_of_a_later_version_is_not_admitted(log: MemoryLog) -> None:
    with pytest.raises(MalformedError, match="not known"):
        log.decide(Sender().clear(10, b""))  # type: ignore[arg-type]


# -- taking back ---------------------------------------------------------------------------------------


def test_what_was_not_acknowledged_is_taken_back_whole(log: MemoryLog, sender: Sender) -> None:
    """Races are lost in the middle of everything: the state must be that of the confirmed entries."""
    log.admit(sender.signals())
    other = Sender("ibd")
    before = (log.log.size, log.log.last_leaf, log.log.tree.size, log.log.head(sender.keys.keys.sender_id))
    pending = [sender.signals(), other.epoch(), other.signals(), sender.end(), sender.epoch()]
    for envelope in pending:
        decision = log.decide(envelope)
        assert isinstance(decision, Admit)
        log.log.apply(
            decision.entry,
            envelope.signature,
            envelope.body,
            shipped().current,
            leaf=CompartmentLog.leaf_of(decision.entry),
        )
    assert log.log.size == before[0] + 5
    assert log.log.tree.size == before[2]
    log.log.undo()
    assert before == (
        log.log.size,
        log.log.last_leaf,
        log.log.tree.size,
        log.log.head(sender.keys.keys.sender_id),
    )
    assert log.log.head(other.keys.keys.sender_id) is None
    for envelope in pending:
        log.admit(envelope)
    assert log.log.tree.size == log.log.size
