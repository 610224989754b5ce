# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Admission while readers change their KEM keys, or revoke themselves: the broker and every reader say the same."""

from __future__ import annotations

import pytest
from trial.enclave import T0, TrialEnclave, identity
from trial.log import take

from seinpost_schemas.envelope import Envelope
from seinpost_schemas.epoch_body import decode_epoch_body
from seinpost_schemas.errors import Reason, RefusedError

from .test_admission_directory import Admitting

NCSC, TAFEL, KIESRAAD = identity("ncsc-1"), identity("tafel-1"), identity("kiesraad-1")
HOUR_MS = 3_600_000


@pytest.fixture
def enclave() -> TrialEnclave:
    return TrialEnclave()


@pytest.fixture
def log(enclave: TrialEnclave) -> Admitting:
    return Admitting(enclave)


def know(log: Admitting) -> None:
    log.enclave.feed(log.directory)


def slots(envelope: Envelope) -> set[bytes]:
    return {s.kem_key_id for s in decode_epoch_body(envelope.body).slots}


def test_who_knows_of_a_new_key_seals_to_it_alone(log: Admitting) -> None:
    before = log.enclave.size
    new = log.enclave.state_prekey("tafel-1", 1)
    know(log)
    envelope, _ = log.made.epoch(NCSC)
    assert new.key_id in slots(envelope)
    assert TAFEL.kem.key_id not in slots(envelope)
    # The old key's slots under a size at which the new one was known: not the audience's keys.
    old, _ = log.made.epoch(NCSC, directory_size=before)
    lying = log.made.clear(NCSC, 1, old.body)
    log.refuse(lying, Reason.EPOCH)
    log.admit(envelope)
    log.made.reader()


def test_a_new_key_ends_no_epoch_and_holds_up_nobody(log: Admitting) -> None:
    secrets = log.epoch(NCSC)
    before = log.enclave.size
    log.enclave.state_prekey("tafel-1", 1)
    log.enclave.state_prekey("tafel-1", 2)
    log.enclave.state_prekey("kiesraad-1", 1)
    know(log)
    log.admit(log.made.signals(NCSC, secrets, directory_size=before))
    log.admit(log.made.signals(NCSC, secrets))
    late, _ = log.made.epoch(NCSC, directory_size=before)
    log.admit(late)
    # A reader accepts all of it, and so does one that knew the new keys before it began.
    log.made.reader()


def test_an_epoch_under_a_key_that_gave_way_an_hour_ago_is_refused_by_the_broker(log: Admitting) -> None:
    before = log.enclave.size
    log.enclave.state_prekey("tafel-1", 1, at_ms=T0)
    know(log)
    log.made.now_ms = T0 + HOUR_MS
    just, _ = log.made.epoch(NCSC, directory_size=before)
    log.admit(just)
    log.made.now_ms += 1
    late, _ = log.made.epoch(NCSC, directory_size=before)
    log.refuse(late, Reason.STALE_DIRECTORY)
    log.admit(log.made.epoch(NCSC)[0])


def test_and_by_every_reader_of_a_broker_that_admits_it(log: Admitting) -> None:
    before = log.enclave.size
    log.enclave.state_prekey("tafel-1", 1, at_ms=T0)
    log.made.now_ms = T0 + HOUR_MS + 1
    late, _ = log.made.epoch(NCSC, directory_size=before)
    reader = log.made.reader()
    with pytest.raises(RefusedError) as refused:
        take(reader, log.made.message(late))
    assert refused.value.reason is Reason.STALE_DIRECTORY
    # Logged while the directory did not have it yet: then it was in order.
    take(reader, log.made.message(late, directory_size=before))


def test_who_revoked_itself_is_refused_and_left_out(log: Admitting) -> None:
    secrets = log.epoch(NCSC)
    before = log.enclave.size
    early = log.made.signals(KIESRAAD, log.made.epoch(KIESRAAD, "tafel")[1], directory_size=before)
    log.enclave.state_end("kiesraad-1", T0)
    know(log)
    with pytest.raises(RefusedError) as refused:
        log.decide(early)
    assert refused.value.reason is Reason.REVOKED
    log.refuse(log.made.signals(NCSC, secrets, directory_size=before), Reason.STALE_DIRECTORY)
    log.refuse(log.made.signals(NCSC, secrets), Reason.EPOCH)
    envelope, _ = log.made.epoch(NCSC)
    assert KIESRAAD.kem.key_id not in slots(envelope)
    log.admit(envelope)


def test_a_removed_readers_new_key_does_not_bring_it_back(log: Admitting) -> None:
    """An epoch to a reader's last key but one, from before it was revoked: its owner is gone, whatever its keys."""
    secrets = log.epoch(NCSC)
    before = log.enclave.size
    log.enclave.state_prekey("kiesraad-1", 1)
    log.enclave.state_end("kiesraad-1", T0)
    know(log)
    log.refuse(log.made.signals(NCSC, secrets, directory_size=before), Reason.STALE_DIRECTORY)
    late, _ = log.made.epoch(NCSC, directory_size=before + 1)
    log.refuse(late, Reason.STALE_DIRECTORY)
