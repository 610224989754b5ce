# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The rights of an envelope: the sender's, an epoch's audience, and a sealed envelope's epoch."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pytest

from seinpost_schemas.compartment import Classification, Compartment, Theme
from seinpost_schemas.epoch_body import EpochBody, Slot
from seinpost_schemas.errors import MalformedError, Reason, RefusedError
from seinpost_schemas.header import Header
from seinpost_schemas.kinds import Action, Kind
from seinpost_schemas.policy import Member, View
from seinpost_schemas.register import parse_register
from seinpost_schemas.rights import (
    LoggedEpoch,
    epoch_keys,
    verify_epoch_open,
    verify_epoch_rights,
    verify_sealed_rights,
    verify_sender_rights,
)

HOUR = 3_600_000
DEBATE = Compartment(Classification.DEPV, Theme.DEBATE)
LATE = int(dt.datetime(2026, 12, 1, tzinfo=dt.UTC).timestamp() * 1000)


@pytest.fixture
def view(enclave: Any) -> View:
    register = parse_register(enclave.note(enclave.text()))
    members = [
        Member(p, p.identities[0], enclave.keys[p.token], enclave.keys[p.token].verifying_key())
        for p in register.parties
    ]
    return View(register, b"E" * 16, members)


def member(view: View, token: str) -> Member:
    return next(m for m in view.members if m.party.token == token)


def body(view: View, audience: str, *parties: str, reply_to: bytes = bytes(16)) -> EpochBody:
    ids = sorted(member(view, p).keys.kem_key_id for p in parties)
    return EpochBody(
        audience=view.audience(audience).code,
        reply_to=reply_to,
        commitment=bytes(32),
        protected_commitment=bytes(32),
        slots=tuple(Slot(i, bytes(1_200)) for i in ids),
    )


def epoch(view: View, header: Header, audience: str, *parties: str, **change: Any) -> LoggedEpoch:
    logged = LoggedEpoch(
        sender_id=header.sender_id,
        origin="ncsc",
        compartment=header.compartment,
        audience=view.audience(audience).code,
        reply_to=bytes(16),
        admitted_ms=1_000,
        slot_ids=tuple(s.kem_key_id for s in body(view, audience, *parties).slots),
    )
    return msgspec.structs.replace(logged, **change)


def refusal(reason: Reason, call: Any, *arguments: Any) -> None:
    with pytest.raises(RefusedError) as refused:
        call(*arguments)
    assert refused.value.reason is reason


def test_a_sender_needs_a_mandate_for_the_kind(view: View, header: Header, at_ms: int) -> None:
    ncsc, tafel = member(view, "ncsc"), member(view, "tafel")
    verify_sender_rights(view, ncsc, header, at_ms)
    verify_sender_rights(view, ncsc, header, at_ms, Action.PUBLISH)
    refusal(Reason.MANDATE, verify_sender_rights, view, tafel, header, at_ms)
    refusal(Reason.MANDATE, verify_sender_rights, view, ncsc, header, LATE)


def test_the_claimed_action_must_be_the_kinds_and_the_senders(view: View, header: Header, at_ms: int) -> None:
    tafel = member(view, "tafel")
    opening = msgspec.structs.replace(header, kind=Kind.EPOCH)
    verify_sender_rights(view, tafel, opening, at_ms, Action.READ)
    verify_sender_rights(view, tafel, opening, at_ms, Action.FEEDBACK)
    verify_sender_rights(view, tafel, opening, at_ms)
    refusal(Reason.MANDATE, verify_sender_rights, view, tafel, opening, at_ms, Action.PUBLISH)
    refusal(Reason.MANDATE, verify_sender_rights, view, tafel, opening, at_ms, Action.SHARE)


def test_a_kind_of_a_later_version_has_no_rights(view: View, header: Header, at_ms: int) -> None:
    with pytest.raises(MalformedError):
        verify_sender_rights(view, member(view, "ncsc"), msgspec.structs.replace(header, kind=10), at_ms)


def test_an_epochs_slots_are_exactly_its_audience(view: View, header: Header, at_ms: int) -> None:
    ncsc = member(view, "ncsc")
    verify_epoch_rights(view, ncsc, header, body(view, "all", "ncsc", "tafel"), at_ms)
    for parties in (("ncsc",), ("tafel",), ()):
        refusal(Reason.EPOCH, verify_epoch_rights, view, ncsc, header, body(view, "all", *parties), at_ms)
    verify_epoch_rights(view, ncsc, header, body(view, "own", "ncsc"), at_ms)
    refusal(Reason.EPOCH, verify_epoch_rights, view, ncsc, header, body(view, "own", "ncsc", "tafel"), at_ms)


def test_an_answer_has_the_audience_of_what_it_answers(view: View, header: Header, at_ms: int) -> None:
    answered = epoch(view, header, "tafel", "ncsc", "tafel")
    tafel = member(view, "tafel")
    good = body(view, "tafel", "ncsc", "tafel", reply_to=b"R" * 16)
    verify_epoch_rights(view, tafel, header, good, at_ms, answered)
    # Without the answered epoch the table's own audience would be the table alone.
    refusal(Reason.EPOCH, verify_epoch_rights, view, tafel, header, good, at_ms, None)
    other = msgspec.structs.replace(answered, compartment=DEBATE)
    refusal(Reason.EPOCH, verify_epoch_rights, view, tafel, header, good, at_ms, other)
    wrong = body(view, "all", "ncsc", "tafel", reply_to=b"R" * 16)
    refusal(Reason.AUDIENCE, verify_epoch_rights, view, tafel, header, wrong, at_ms, answered)


def test_only_a_reader_of_an_epoch_may_answer_it(view: View, header: Header, at_ms: int) -> None:
    own = epoch(view, header, "own", "ncsc")
    answer = body(view, "own", "ncsc", reply_to=b"R" * 16)
    refusal(
        Reason.AUDIENCE,
        epoch_keys,
        view,
        member(view, "tafel"),
        header.compartment,
        answer,
        at_ms,
        own,
    )


def test_an_epoch_serves_its_sender_in_its_compartment(view: View, header: Header) -> None:
    logged = epoch(view, header, "all", "ncsc", "tafel")
    assert verify_epoch_open(logged, header, 1_000) is logged
    refusal(Reason.EPOCH, verify_epoch_open, None, header, 1_000)
    for change in ({"compartment": DEBATE}, {"sender_id": b"X" * 16}, {"ended": True}):
        other = msgspec.structs.replace(logged, **change)
        refusal(Reason.EPOCH, verify_epoch_open, other, header, 1_000)


def test_an_epoch_lasts_one_hour_and_65536_envelopes(view: View, header: Header) -> None:
    logged = epoch(view, header, "all", "ncsc", "tafel")
    verify_epoch_open(logged, header, 1_000 + HOUR - 1)
    refusal(Reason.EPOCH, verify_epoch_open, logged, header, 1_000 + HOUR)
    verify_epoch_open(msgspec.structs.replace(logged, envelopes=65_535), header, 1_000)
    full = msgspec.structs.replace(logged, envelopes=65_536)
    refusal(Reason.EPOCH, verify_epoch_open, full, header, 1_000)


def test_an_old_or_full_epoch_may_still_be_ended(view: View, header: Header) -> None:
    end = msgspec.structs.replace(header, kind=Kind.END_OF_EPOCH)
    logged = epoch(view, header, "all", "ncsc", "tafel", envelopes=65_536)
    assert verify_epoch_open(logged, end, 1_000 + 2 * HOUR) is logged
    refusal(Reason.EPOCH, verify_epoch_open, msgspec.structs.replace(logged, ended=True), end, 1_000)


def test_a_sealed_envelope_needs_its_epochs_audience_as_it_was(
    view: View, header: Header, at_ms: int
) -> None:
    verify_sealed_rights(view, header, epoch(view, header, "all", "ncsc", "tafel"), at_ms)
    stale = epoch(view, header, "all", "ncsc")
    refusal(Reason.EPOCH, verify_sealed_rights, view, header, stale, at_ms)
    refusal(
        Reason.EPOCH, verify_sealed_rights, view, header, epoch(view, header, "all", "ncsc", "tafel"), LATE
    )


def test_a_sealed_envelope_needs_an_audience_for_its_kind(view: View, header: Header, at_ms: int) -> None:
    own = epoch(view, header, "own", "ncsc")
    verify_sealed_rights(view, msgspec.structs.replace(header, kind=Kind.TABLE_ACT), own, at_ms)
    refusal(Reason.AUDIENCE, verify_sealed_rights, view, header, own, at_ms)
    unknown = msgspec.structs.replace(own, audience=99)
    refusal(Reason.AUDIENCE, verify_sealed_rights, view, header, unknown, at_ms)
