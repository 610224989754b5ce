# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Epochs: every reader gets the same secrets, or finds out that it does not."""

from __future__ import annotations

import msgspec
import pytest

from seinpost.epochs import EpochSecrets, Recipient, epoch_id_of, make_epoch, open_epoch
from seinpost.kem import KemPrivateKey, wrap
from seinpost_schemas.compartment import Classification, Compartment, Theme
from seinpost_schemas.envelope import Envelope, decode_envelope, sign_envelope, verify_envelope
from seinpost_schemas.epoch_body import (
    EpochBody,
    Slot,
    commit,
    commit_protected,
    decode_epoch_body,
    share_info,
    slot_info,
)
from seinpost_schemas.errors import BadSlotError, CommitmentError, MalformedError
from seinpost_schemas.header import Header, hash_body
from seinpost_schemas.kinds import Kind
from seinpost_schemas.signing import SigningKey

SENDER = SigningKey(bytes(range(64)))
READER = KemPrivateKey(b"\1" * 96)
PROTECTED_READER = KemPrivateKey(b"\2" * 96)
STRANGER = KemPrivateKey(b"\3" * 96)
ONE, OTHER, NOISE = b"\x51" * 32, b"\x52" * 32, b"\x53" * 32

PLACE = Header(
    kind=Kind.EPOCH,
    compartment=Compartment(Classification.DEPV, Theme.PROCESS),
    enclave_id=b"E" * 16,
    sender_id=SENDER.public.sender_id,
    epoch_id=bytes(16),
    seq=7,
    prev_hash=b"p" * 32,
    directory_size=12,
    created_ms=1_790_000_000_000,
    count=0,
    batch_root=bytes(32),
    body_len=0,
    body_hash=bytes(32),
)


def sign_body(body: EpochBody, place: Header = PLACE) -> Envelope:
    """An epoch envelope as its signer pleases: what a hostile sender can make."""
    data = body.encode()
    return sign_envelope(
        msgspec.structs.replace(place, body_len=len(data), body_hash=hash_body(data)), data, SENDER
    )


def hostile_epoch(
    given: dict[KemPrivateKey, bytes], secret: bytes = ONE, protected: bytes = OTHER, place: Header = PLACE
) -> Envelope:
    """An epoch that commits to ``secret`` and ``protected``, and gives each reader 64 bytes of choice."""
    commitment, second = commit(secret), commit_protected(protected)
    slots = [
        Slot(key.key_id, wrap(secrets, key.public, slot_info(place, commitment, second, key.key_id)))
        for key, secrets in sorted(given.items(), key=lambda item: item[0].key_id)
    ]
    return sign_body(
        EpochBody(
            audience=1,
            reply_to=bytes(16),
            commitment=commitment,
            protected_commitment=second,
            slots=tuple(slots),
        ),
        place,
    )


@pytest.fixture(scope="module")
def epoch() -> tuple[Envelope, EpochSecrets]:
    return make_epoch(
        PLACE,
        3,
        {
            READER.key_id: Recipient(READER.public, read_protected=False),
            PROTECTED_READER.key_id: Recipient(PROTECTED_READER.public, read_protected=True),
        },
        SENDER,
        reply_to=b"R" * 16,
    )


def test_every_reader_gets_the_senders_secrets(epoch: tuple[Envelope, EpochSecrets]) -> None:
    envelope, secrets = epoch
    received = verify_envelope(decode_envelope(envelope.encode()), SENDER.public)
    assert open_epoch(received, READER, read_protected=False) == EpochSecrets(
        epoch_id_of(envelope), secrets.secret, None
    )
    assert open_epoch(received, PROTECTED_READER, read_protected=True) == secrets


def test_an_epoch_is_named_by_its_envelope(epoch: tuple[Envelope, EpochSecrets]) -> None:
    envelope, secrets = epoch
    assert secrets.epoch_id == envelope.object_hash[:16]
    body = decode_epoch_body(envelope.body)
    assert (body.audience, body.reply_to) == (3, b"R" * 16)
    assert [s.kem_key_id for s in body.slots] == sorted([READER.key_id, PROTECTED_READER.key_id])
    assert envelope.header.kind == Kind.EPOCH


def test_two_epochs_have_nothing_in_common(epoch: tuple[Envelope, EpochSecrets]) -> None:
    _, again = make_epoch(PLACE, 3, {READER.key_id: Recipient(READER.public, read_protected=True)}, SENDER)
    assert again.protected is not None
    assert epoch[1].protected is not None
    values = {again.secret, again.protected, epoch[1].secret, epoch[1].protected}
    assert len(values) == 4


def test_a_reader_without_a_slot_gets_nothing(epoch: tuple[Envelope, EpochSecrets]) -> None:
    assert open_epoch(epoch[0], STRANGER, read_protected=True) is None


def test_a_reader_without_read_protected_gets_noise_for_the_second_secret(
    epoch: tuple[Envelope, EpochSecrets],
) -> None:
    envelope, secrets = epoch
    body = decode_epoch_body(envelope.body)
    slot = next(s for s in body.slots if s.kem_key_id == READER.key_id)
    info = slot_info(envelope.header, body.commitment, body.protected_commitment, READER.key_id)
    inside = READER.unwrap(slot.wrapped, info)
    assert inside[:32] == secrets.secret
    assert inside[32:] != secrets.protected
    assert inside[32:] not in (bytes(32), secrets.secret)


def test_the_noise_is_not_held_to_the_commitment_and_never_returned(
    epoch: tuple[Envelope, EpochSecrets],
) -> None:
    opened = open_epoch(epoch[0], READER, read_protected=False)
    assert opened is not None
    assert opened.protected is None


def test_a_reader_that_expects_the_protected_secret_and_gets_noise_finds_out(
    epoch: tuple[Envelope, EpochSecrets],
) -> None:
    with pytest.raises(CommitmentError, match="protected secret"):
        open_epoch(epoch[0], READER, read_protected=True)


def test_two_readers_given_different_secrets_is_detected() -> None:
    envelope = hostile_epoch({READER: ONE + OTHER, PROTECTED_READER: NOISE + OTHER})
    verify_envelope(decode_envelope(envelope.encode()), SENDER.public)
    honest = open_epoch(envelope, READER, read_protected=False)
    assert honest is not None
    assert honest.secret == ONE
    with pytest.raises(CommitmentError) as refused:
        open_epoch(envelope, PROTECTED_READER, read_protected=False)
    assert refused.value.code == "commitment"


def test_two_readers_given_different_protected_secrets_is_detected() -> None:
    envelope = hostile_epoch({READER: ONE + OTHER, PROTECTED_READER: ONE + NOISE})
    assert open_epoch(envelope, READER, read_protected=True) == EpochSecrets(
        epoch_id_of(envelope), ONE, OTHER
    )
    with pytest.raises(CommitmentError, match="protected secret"):
        open_epoch(envelope, PROTECTED_READER, read_protected=True)


def test_the_two_commitments_cannot_stand_in_for_each_other() -> None:
    assert commit(ONE) != commit_protected(ONE)
    swapped = hostile_epoch({READER: OTHER + ONE})
    with pytest.raises(CommitmentError):
        open_epoch(swapped, READER, read_protected=False)


def test_a_slot_made_for_another_key_is_a_bad_slot() -> None:
    commitment, second = commit(ONE), commit_protected(OTHER)
    info = slot_info(PLACE, commitment, second, READER.key_id)
    body = EpochBody(
        audience=1,
        reply_to=bytes(16),
        commitment=commitment,
        protected_commitment=second,
        slots=(Slot(READER.key_id, wrap(ONE + OTHER, STRANGER.public, info)),),
    )
    with pytest.raises(BadSlotError) as refused:
        open_epoch(sign_body(body), READER, read_protected=False)
    assert refused.value.code == "bad-slot"


OTHER_PLACES = {
    "enclave": {"enclave_id": b"F" * 16},
    "sender": {"sender_id": b"S" * 16},
    "seq": {"seq": 8},
    "previous hash": {"prev_hash": b"q" * 32},
    "classification": {"compartment": Compartment(Classification.ONG, Theme.PROCESS)},
    "theme": {"compartment": Compartment(Classification.DEPV, Theme.DEBATE)},
    "directory size": {"directory_size": 13},
}


@pytest.mark.parametrize("change", OTHER_PLACES.values(), ids=OTHER_PLACES.keys())
def test_slots_moved_to_another_place_do_not_open(
    epoch: tuple[Envelope, EpochSecrets], change: dict[str, object]
) -> None:
    body = decode_epoch_body(epoch[0].body)
    moved = sign_body(body, msgspec.structs.replace(PLACE, **change))
    with pytest.raises(BadSlotError):
        open_epoch(moved, READER, read_protected=False)


@pytest.mark.parametrize("field", ["commitment", "protected_commitment"])
def test_slots_under_another_commitment_do_not_open(epoch: tuple[Envelope, EpochSecrets], field: str) -> None:
    body = msgspec.structs.replace(decode_epoch_body(epoch[0].body), **{field: bytes(32)})
    with pytest.raises(BadSlotError):
        open_epoch(sign_body(body), READER, read_protected=False)


def test_a_slot_under_another_readers_name_does_not_open(epoch: tuple[Envelope, EpochSecrets]) -> None:
    body = decode_epoch_body(epoch[0].body)
    first, second = body.slots
    crossed = (Slot(first.kem_key_id, second.wrapped), Slot(second.kem_key_id, first.wrapped))
    envelope = sign_body(msgspec.structs.replace(body, slots=crossed))
    for key in (READER, PROTECTED_READER):
        with pytest.raises(BadSlotError):
            open_epoch(envelope, key, read_protected=False)


def test_a_shared_slot_is_not_an_epochs_slot(epoch: tuple[Envelope, EpochSecrets]) -> None:
    body = decode_epoch_body(epoch[0].body)
    info = share_info(PLACE, body.commitment, body.protected_commitment, READER.key_id, bytes(16))
    slots = (Slot(READER.key_id, wrap(ONE + OTHER, READER.public, info)),)
    with pytest.raises(BadSlotError):
        open_epoch(sign_body(msgspec.structs.replace(body, slots=slots)), READER, read_protected=False)


@pytest.mark.parametrize("order", [(1, 0), (0, 0)], ids=["unsorted", "one key twice"])
def test_slots_that_do_not_rise_are_refused(
    epoch: tuple[Envelope, EpochSecrets], order: tuple[int, int]
) -> None:
    body = decode_epoch_body(epoch[0].body)
    wrong = msgspec.structs.replace(body, slots=tuple(body.slots[i] for i in order))
    with pytest.raises(MalformedError, match="sorted"):
        open_epoch(sign_body(wrong), READER, read_protected=False)


def test_secrets_are_not_shown() -> None:
    shown = repr(EpochSecrets(b"I" * 16, ONE, OTHER))
    assert shown == f"EpochSecrets(epoch_id={(b'I' * 16).hex()})"
