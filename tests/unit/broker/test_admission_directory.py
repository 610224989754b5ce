# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Admission while the directory moves on under the senders, answers to epochs, and what a log may cost in memory."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pytest
from trial.enclave import T0, TrialEnclave, identity, party_of
from trial.log import TrialLog
from trial.samples import act, encoded

from seinpost.epochs import EpochSecrets, Recipient, make_epoch
from seinpost.identity import Identity
from seinpost_broker.core import compartment_log
from seinpost_broker.core.compartment_log import Admit, Ahead, CompartmentLog
from seinpost_schemas.clear_bodies import Share, ShareSlot
from seinpost_schemas.directory import TrustedDirectory
from seinpost_schemas.envelope import Envelope
from seinpost_schemas.errors import Reason, RefusedError, UnavailableError
from seinpost_schemas.kinds import Action, Kind
from seinpost_schemas.limits import MAX_EPOCH_ENVELOPES

NCSC, IBD, TAFEL = identity("ncsc-1"), identity("ibd-1"), identity("tafel-1")


class Admitting:
    """A broker's log of depv/process, on a directory that can be amended."""

    def __init__(self, enclave: TrialEnclave) -> None:
        self.enclave = enclave
        self.made = TrialLog(enclave)
        self.core = CompartmentLog(self.made.compartment)
        self.directory = enclave.directory()

    def decide(
        self, envelope: Envelope, action: Action = Action.PUBLISH, directory: TrustedDirectory | None = None
    ) -> Any:
        known = directory or self.directory
        member = known.current.member(envelope.header.sender_id)
        return self.core.decide(envelope, member, action, known, self.made.now_ms)

    def admit(self, envelope: Envelope, action: Action = Action.PUBLISH) -> Admit:
        decision = self.decide(envelope, action)
        assert isinstance(decision, Admit), decision
        leaf = CompartmentLog.leaf_of(decision.entry)
        self.core.apply(decision.entry, envelope.signature, envelope.body, self.directory.current, leaf=leaf)
        self.core.confirm()
        self.made.append(envelope)
        return decision

    def epoch(self, sender: Identity, audience: str = "all", action: Action = Action.PUBLISH) -> EpochSecrets:
        envelope, secrets = self.made.epoch(sender, audience)
        self.admit(envelope, action)
        return secrets

    def amend(self, change: Any) -> None:
        """The next register version, known to the broker."""
        self.enclave.amend(change)
        self.enclave.feed(self.directory)

    def refuse(self, envelope: Envelope, reason: Reason, action: Action = Action.PUBLISH) -> None:
        with pytest.raises(RefusedError) as refused:
            self.decide(envelope, action)
        assert refused.value.reason is reason, refused.value


@pytest.fixture
def log(enclave: TrialEnclave) -> Admitting:
    return Admitting(enclave)


@pytest.fixture
def enclave() -> TrialEnclave:
    return TrialEnclave()


def nothing(table: dict[str, Any]) -> None:
    """A version that changes nothing that matters."""


def without(token: str) -> Any:
    def change(table: dict[str, Any]) -> None:
        party_of(table, token)["mandates"] = []

    return change


def stil_reads(table: dict[str, Any]) -> None:
    party_of(table, "stil")["mandates"] = [
        {"themes": ["process"], "actions": ["read"], "basis": "Wet", "status": "default", "ceiling": "depv"}
    ]


# -- an older directory size ----------------------------------------------------------------------


def test_an_older_size_is_admitted_when_nothing_that_matters_changed(log: Admitting) -> None:
    secrets = log.epoch(NCSC)
    before = log.enclave.size
    log.amend(nothing)
    admitted = log.admit(log.made.signals(NCSC, secrets, directory_size=before))
    assert admitted.entry.directory_size == before + 1


def test_an_older_size_is_refused_when_a_recipient_was_removed(log: Admitting) -> None:
    secrets = log.epoch(NCSC)
    before = log.enclave.size
    log.amend(without("kiesraad"))
    log.refuse(log.made.signals(NCSC, secrets, directory_size=before), Reason.STALE_DIRECTORY)
    late, _ = log.made.epoch(NCSC, directory_size=before)
    log.refuse(late, Reason.STALE_DIRECTORY)


def test_a_removed_identity_alone_is_a_removed_recipient(log: Admitting) -> None:
    secrets = log.epoch(NCSC)
    before = log.enclave.size

    def drop(table: dict[str, Any]) -> None:
        party_of(table, "ncsc")["identities"].pop()

    log.amend(drop)
    log.refuse(log.made.signals(NCSC, secrets, directory_size=before), Reason.STALE_DIRECTORY)


def test_at_the_new_size_the_old_epoch_is_no_longer_its_audience(log: Admitting) -> None:
    secrets = log.epoch(NCSC)
    log.amend(without("kiesraad"))
    log.refuse(log.made.signals(NCSC, secrets), Reason.EPOCH)
    log.epoch(NCSC)


def test_an_added_reader_does_not_hold_up_who_has_not_heard_of_it(log: Admitting) -> None:
    secrets = log.epoch(NCSC)
    before = log.enclave.size
    log.amend(stil_reads)
    log.admit(log.made.signals(NCSC, secrets, directory_size=before))
    late, _ = log.made.epoch(IBD, directory_size=before)
    log.admit(late)


def test_who_has_heard_of_it_seals_to_it(log: Admitting) -> None:
    secrets = log.epoch(NCSC)
    log.amend(stil_reads)
    log.refuse(log.made.signals(NCSC, secrets), Reason.EPOCH)
    log.epoch(NCSC)


def test_a_sender_whose_mandate_was_removed_is_refused_at_any_size(log: Admitting) -> None:
    secrets = log.epoch(NCSC)
    before = log.enclave.size
    log.amend(without("ncsc"))
    log.refuse(log.made.signals(NCSC, secrets, directory_size=before), Reason.MANDATE)


def test_a_broker_whose_directory_is_behind_its_log_admits_nothing(log: Admitting) -> None:
    """Another broker logged at a directory that this one has not read: what it removed is not known here."""
    behind = log.enclave.directory()
    secrets = log.epoch(NCSC)
    log.amend(nothing)
    log.epoch(IBD)
    log.amend(without("ncsc"))
    envelope = log.made.signals(NCSC, secrets, directory_size=behind.size)
    with pytest.raises((UnavailableError, RefusedError)):
        log.decide(envelope, directory=behind)


# -- answers --------------------------------------------------------------------------------------


def answer(
    log: Admitting, sender: Identity, audience: str, epoch_id: bytes, readers: list[Identity]
) -> Envelope:
    recipients = {r.kem.key_id: Recipient(r.kem.public, read_protected=False) for r in readers}
    code = log.directory.current.audience(audience).code
    return make_epoch(log.made.place(sender, Kind.EPOCH), code, recipients, sender.signing, epoch_id)[0]


READERS = [TAFEL, NCSC, identity("ncsc-2")]


def test_an_answer_goes_to_the_audience_of_what_it_answers(log: Admitting) -> None:
    asked = log.epoch(NCSC, "tafel").epoch_id
    for readers in (READERS[:1], READERS[:2], [*READERS, IBD], []):
        log.refuse(answer(log, TAFEL, "tafel", asked, readers), Reason.EPOCH, Action.FEEDBACK)
    log.refuse(answer(log, TAFEL, "all", asked, READERS), Reason.AUDIENCE, Action.FEEDBACK)
    log.refuse(answer(log, TAFEL, "tafel", b"?" * 16, READERS), Reason.EPOCH, Action.FEEDBACK)
    log.refuse(answer(log, IBD, "tafel", asked, READERS), Reason.AUDIENCE, Action.FEEDBACK)
    log.refuse(answer(log, IBD, "tafel", asked, [*READERS, IBD]), Reason.AUDIENCE, Action.FEEDBACK)
    log.admit(answer(log, TAFEL, "tafel", asked, READERS), Action.FEEDBACK)


def test_an_answer_to_an_answer_has_the_first_ones_audience(log: Admitting) -> None:
    asked = log.epoch(NCSC, "tafel").epoch_id
    first = answer(log, TAFEL, "tafel", asked, READERS)
    log.admit(first, Action.FEEDBACK)
    second = answer(log, NCSC, "tafel", first.object_hash[:16], READERS)
    log.admit(second)


def test_feedback_travels_under_an_answer(log: Admitting) -> None:
    asked = log.epoch(NCSC, "tafel").epoch_id
    envelope, secrets = log.made.epoch(TAFEL, "tafel", asked, origin="ncsc")
    log.admit(envelope, Action.FEEDBACK)
    log.admit(log.made.signals(TAFEL, secrets, [act(1)], Kind.FEEDBACK), Action.FEEDBACK)
    log.refuse(log.made.signals(TAFEL, secrets, [encoded(1)]), Reason.MANDATE)


def test_an_answer_loses_its_right_when_a_reader_of_the_answered_epoch_goes(log: Admitting) -> None:
    asked = log.epoch(NCSC, "tafel").epoch_id
    envelope, secrets = log.made.epoch(TAFEL, "tafel", asked, origin="ncsc")
    log.admit(envelope, Action.FEEDBACK)
    before = log.enclave.size

    def drop(table: dict[str, Any]) -> None:
        party_of(table, "ncsc")["identities"].pop()

    log.amend(drop)
    late = log.made.signals(TAFEL, secrets, [act(1)], Kind.FEEDBACK, directory_size=before)
    log.refuse(late, Reason.STALE_DIRECTORY, Action.FEEDBACK)


# -- shares ---------------------------------------------------------------------------------------


def shares_no_more(table: dict[str, Any]) -> None:
    for mandate in party_of(table, "ncsc")["mandates"]:
        mandate["actions"] = [a for a in mandate["actions"] if a != "share"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [(shares_no_more, Reason.MANDATE), (without("kiesraad"), Reason.STALE_DIRECTORY)],
    ids=["mandate", "reader"],
)
def test_what_one_may_share_is_asked_of_the_newest_directory(
    log: Admitting, change: Any, reason: Reason
) -> None:
    epoch = log.epoch(NCSC)
    before = log.enclave.size
    body = Share((ShareSlot(epoch.epoch_id, identity("kiesraad-1").kem.key_id, bytes(1_200)),)).encode()
    log.decide(log.made.clear(NCSC, Kind.SHARE, body), Action.SHARE)
    log.amend(change)
    log.refuse(log.made.clear(NCSC, Kind.SHARE, body, directory_size=before), reason, Action.SHARE)


# -- limits ---------------------------------------------------------------------------------------


def test_an_epoch_carries_65536_envelopes(log: Admitting) -> None:
    secrets = log.epoch(NCSC)
    epoch = log.core._epochs.unended(secrets.epoch_id)
    assert epoch is not None
    epoch.envelopes = MAX_EPOCH_ENVELOPES - 1
    log.admit(log.made.signals(NCSC, secrets))
    log.refuse(log.made.signals(NCSC, secrets), Reason.EPOCH)


def test_refused_headers_are_remembered_for_the_newest_only(
    log: Admitting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compartment_log, "_REFUSED_PER_CHAIN", 3)
    log.epoch(NCSC)
    refused = []
    for number in range(5):
        envelope = log.made.clear(NCSC, Kind.RECALL, bytes(number + 1))
        log.core.note_refusal(envelope)
        refused.append(envelope)
    for place, envelope in enumerate(refused):
        after = log.made.clear(NCSC, Kind.RECALL, b"?", seq=9, prev_hash=envelope.object_hash)
        if place < 2:
            assert isinstance(log.decide(after), Ahead)
        else:
            log.refuse(after, Reason.GAP)


def test_anothers_refusal_is_not_held_against_ones_own_chain(log: Admitting) -> None:
    mine = log.made.clear(NCSC, Kind.RECALL, b"?")
    log.core.note_refusal(mine)
    theirs = log.made.clear(IBD, Kind.RECALL, b"?", seq=2, prev_hash=mine.object_hash)
    assert isinstance(log.decide(theirs), Ahead)


def test_the_head_in_a_refusal_is_the_newest_logged_header_and_its_signature(log: Admitting) -> None:
    assert log.core.head(NCSC.sender_id) is None
    secrets = log.epoch(NCSC)
    newest = log.made.signals(NCSC, secrets)
    log.admit(newest)
    log.epoch(IBD)
    head = log.core.head(NCSC.sender_id)
    assert head is not None
    assert (head.seq, head.hash) == (2, newest.object_hash)
    assert (head.header_bytes, head.signature) == (newest.header_bytes, newest.signature)


def test_an_entry_is_stamped_with_this_brokers_time_and_directory(log: Admitting) -> None:
    envelope, _ = log.made.epoch(NCSC)
    admitted = log.admit(envelope)
    assert (admitted.index, admitted.entry.admitted_ms) == (0, T0)
    assert admitted.entry.directory_size == log.enclave.size
    assert admitted.entry.header_bytes == envelope.header_bytes


def test_the_same_header_under_a_second_signature_is_the_same_envelope(log: Admitting) -> None:
    """The identity of an envelope is its header's hash: a second signature does not log it twice."""
    envelope, _ = log.made.epoch(NCSC)
    log.admit(envelope)
    again = msgspec.structs.replace(envelope, signature=bytes(3_373))
    assert log.decide(again).index == 0


# -- an envelope that waited ----------------------------------------------------------------------


def revoked(table: dict[str, Any]) -> None:
    table.setdefault("revocations", []).append(
        {
            "sender_id": NCSC.sender_id.hex(),
            "reason": "gestolen",
            "suspect_from": dt.datetime(2026, 11, 1, tzinfo=dt.UTC),
        }
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (revoked, Reason.REVOKED),
        (without("ncsc"), Reason.MANDATE),
        (lambda t: party_of(t, "ncsc").update(clearance="ong"), Reason.CLASSIFICATION),
        (lambda t: party_of(t, "ncsc").update(identities=[]), Reason.UNKNOWN_SENDER),
    ],
    ids=["revoked", "mandate", "clearance", "removed"],
)
def test_what_its_sender_may_is_asked_when_it_is_logged_not_when_it_came_in(
    log: Admitting, change: Any, reason: Reason
) -> None:
    """It waited behind others, or for the store; every reader would refuse it, and every audit of the log fail."""
    secrets = log.epoch(NCSC)
    early = log.made.signals(NCSC, secrets)
    verified = log.directory.current.member(NCSC.sender_id)
    log.amend(change)
    with pytest.raises(RefusedError) as refused:
        log.core.decide(early, verified, Action.PUBLISH, log.directory, log.made.now_ms)
    assert refused.value.reason is reason


def test_an_identity_that_belongs_to_another_party_by_then_is_refused(log: Admitting) -> None:
    secrets = log.epoch(NCSC)
    early = log.made.signals(NCSC, secrets)
    verified = log.directory.current.member(NCSC.sender_id)

    def moved(table: dict[str, Any]) -> None:
        ncsc, ibd = party_of(table, "ncsc"), party_of(table, "ibd")
        (own,) = [i for i in ncsc["identities"] if i["name"] == "ncsc-1"]
        ncsc["identities"].remove(own)
        ibd["identities"].append(own)

    log.amend(moved)
    with pytest.raises(RefusedError) as refused:
        log.core.decide(early, verified, Action.PUBLISH, log.directory, log.made.now_ms)
    assert refused.value.reason is Reason.UNKNOWN_SENDER
