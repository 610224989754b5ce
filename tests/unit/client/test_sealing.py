# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Sealing and opening: what a hostile sender, a hostile broker and a reader with fewer rights cannot do."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import msgspec
import pytest

from seinpost.epochs import EpochSecrets
from seinpost.sealing import open_envelope, open_verified, seal_envelope
from seinpost_schemas import labels
from seinpost_schemas.batch import encode_batch
from seinpost_schemas.compartment import Classification, Compartment, Theme
from seinpost_schemas.envelope import Envelope, decode_envelope, sign_envelope, verify_envelope
from seinpost_schemas.errors import (
    BindingError,
    DecryptionError,
    InvalidError,
    MalformedError,
    SignatureError,
)
from seinpost_schemas.header import HEADER_BYTES, Header, hash_body
from seinpost_schemas.kinds import SEALED, Kind
from seinpost_schemas.sealed_body import join_parts, split_parts
from seinpost_schemas.sections import EncodedSignal
from seinpost_schemas.signing import SIGNATURE_BYTES, SigningKey
from seinpost_schemas.uuid7 import make_id

SENDER = SigningKey(bytes(range(64)))
ATTACKER = SigningKey(bytes(range(1, 65)))
EPOCH = EpochSecrets(b"I" * 16, b"\x51" * 32, b"\x52" * 32)
UNPROTECTED = EpochSecrets(EPOCH.epoch_id, EPOCH.secret, None)
MLDSA_BYTES = SIGNATURE_BYTES - 64
PLACE = Header(
    kind=Kind.SIGNALS,
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


def signal(number: int, section3: bytes | None = None, section2: bytes | None = None) -> EncodedSignal:
    sections = (b"handling %d" % number, b"report %d" % number, section2, section3)
    return EncodedSignal(make_id(number, bytes(10)), sections)


PLAIN = [signal(1), signal(2, section2=b"indicators"), signal(3)]
MIXED = [signal(1, b"the source is a neighbour"), signal(2), signal(3, b"contact: desk 4")]


@pytest.fixture(scope="module")
def plain() -> Envelope:
    return seal_envelope(PLAIN, PLACE, EPOCH, SENDER)


@pytest.fixture(scope="module")
def mixed() -> Envelope:
    return seal_envelope(MIXED, PLACE, EPOCH, SENDER)


def reopen(envelope: Envelope, secrets: EpochSecrets = EPOCH) -> list[EncodedSignal]:
    return open_envelope(decode_envelope(envelope.encode()), SENDER.public, secrets).signals


# Round trips


@pytest.mark.parametrize("kind", sorted(SEALED))
def test_what_is_sealed_opens(kind: Kind) -> None:
    envelope = seal_envelope(PLAIN, msgspec.structs.replace(PLACE, kind=kind), EPOCH, SENDER)
    assert reopen(envelope) == PLAIN


@pytest.mark.parametrize("count", [1, 2, 3, 5, 100, 1_024])
def test_batches_of_every_size_open(count: int) -> None:
    signals = [signal(i, b"protected" if i % 7 == 0 else None) for i in range(count)]
    envelope = seal_envelope(signals, PLACE, EPOCH, SENDER)
    assert envelope.header.count == count
    assert reopen(envelope) == signals


def test_a_batch_whose_padded_size_is_a_multiple_of_the_chunk_opens() -> None:
    for size in (16_384, 32_768, 65_536):
        # A bucket of exactly `size`: 4 bytes of length, and what MessagePack adds around the section.
        close = [EncodedSignal(PLAIN[0].id, (b"", bytes(size - 400), None, None))]
        inside = encode_batch(close, SENDER.public.sender_id, EPOCH.epoch_id, bytes(32), bytes(32))
        missing = size - 4 - len(inside.main)
        signals = [EncodedSignal(PLAIN[0].id, (b"", bytes(size - 400 + missing), None, None))]
        envelope = seal_envelope(signals, PLACE, EPOCH, SENDER)
        assert len(split_parts(envelope.body)[0]) == 56 + size + 16 * (size // 16_384 + 1)
        assert reopen(envelope) == signals


def test_nothing_of_a_signal_is_readable_in_its_envelope(mixed: Envelope) -> None:
    wire = mixed.encode()
    for part in itertools.chain.from_iterable((s.id, *s.sections) for s in MIXED):
        assert part is None or part not in wire


@pytest.mark.parametrize("count", [0, 1_025])
def test_a_batch_outside_its_limits_is_our_own_bug(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 1024"):
        seal_envelope([signal(i) for i in range(count)], PLACE, EPOCH, SENDER)


def test_a_clear_kind_cannot_be_sealed_or_opened() -> None:
    with pytest.raises(ValueError, match="no sealed body"):
        seal_envelope(PLAIN, msgspec.structs.replace(PLACE, kind=Kind.RECEIPT), EPOCH, SENDER)
    header = msgspec.structs.replace(PLACE, kind=Kind.RECEIPT, body_hash=hash_body(b""))
    with pytest.raises(BindingError, match="no sealed body"):
        open_envelope(sign_envelope(header, b"", SENDER), SENDER.public, EPOCH)


def test_protected_sections_cannot_be_sealed_without_the_protected_secret() -> None:
    with pytest.raises(ValueError, match="protected section"):
        seal_envelope(MIXED, PLACE, UNPROTECTED, SENDER)


# Bits


def test_every_bit_of_the_header_is_signed(plain: Envelope) -> None:
    wire = plain.encode()
    context = labels.kind_context(plain.header.kind)
    for bit in range(HEADER_BYTES * 8):
        changed = bytearray(wire)
        changed[bit // 8] ^= 0x80 >> bit % 8
        with pytest.raises(SignatureError):
            SENDER.public.verify(plain.signature, bytes(changed[:HEADER_BYTES]), context)
        with pytest.raises((SignatureError, MalformedError)):
            verify_envelope(decode_envelope(bytes(changed)), SENDER.public)


def test_every_bit_of_the_signature_counts(plain: Envelope) -> None:
    for bit in range(SIGNATURE_BYTES * 8):
        changed = bytearray(plain.signature)
        changed[bit // 8] ^= 0x80 >> bit % 8
        with pytest.raises(SignatureError):
            verify_envelope(msgspec.structs.replace(plain, signature=bytes(changed)), SENDER.public)


def test_every_byte_of_the_body_is_signed_and_sealed(mixed: Envelope) -> None:
    for at in range(len(mixed.body)):
        changed = bytearray(mixed.body)
        changed[at] ^= 1 << at % 8
        body = bytes(changed)
        with pytest.raises(SignatureError):
            verify_envelope(msgspec.structs.replace(mixed, body=body), SENDER.public)
        with pytest.raises((DecryptionError, MalformedError)):
            open_verified(msgspec.structs.replace(mixed, body=body), EPOCH)


# Halves of a signature

OTHER = seal_envelope([signal(9)], msgspec.structs.replace(PLACE, seq=8), EPOCH, SENDER)
FORGED = sign_envelope(OTHER.header, OTHER.body, ATTACKER).signature
HALVES: dict[str, Callable[[bytes, bytes], bytes]] = {
    "no ML-DSA half": lambda _mldsa, ed: ed,
    "no Ed25519 half": lambda mldsa, _ed: mldsa,
    "empty": lambda _mldsa, _ed: b"",
    "a zero ML-DSA half": lambda _mldsa, ed: bytes(MLDSA_BYTES) + ed,
    "a zero Ed25519 half": lambda mldsa, _ed: mldsa + bytes(64),
    "halves swapped": lambda mldsa, ed: ed + mldsa,
    "the ML-DSA half of another message": lambda _mldsa, ed: OTHER.signature[:MLDSA_BYTES] + ed,
    "the Ed25519 half of another message": lambda mldsa, _ed: mldsa + OTHER.signature[MLDSA_BYTES:],
    "both halves of another message": lambda _mldsa, _ed: OTHER.signature,
    "one byte more": lambda mldsa, ed: mldsa + ed + b"\0",
    "one byte less": lambda mldsa, ed: (mldsa + ed)[:-1],
}


@pytest.mark.parametrize("build", HALVES.values(), ids=HALVES.keys())
def test_both_halves_of_the_signature_must_verify(
    plain: Envelope, build: Callable[[bytes, bytes], bytes]
) -> None:
    signature = build(plain.signature[:MLDSA_BYTES], plain.signature[MLDSA_BYTES:])
    with pytest.raises(SignatureError):
        verify_envelope(msgspec.structs.replace(plain, signature=signature), SENDER.public)


@pytest.mark.parametrize("half", [slice(0, MLDSA_BYTES), slice(MLDSA_BYTES, SIGNATURE_BYTES)])
def test_one_half_by_another_key_over_the_same_message_is_refused(plain: Envelope, half: slice) -> None:
    signature = bytearray(plain.signature)
    signature[half] = ATTACKER.sign(plain.header_bytes, labels.kind_context(Kind.SIGNALS))[half]
    with pytest.raises(SignatureError):
        verify_envelope(msgspec.structs.replace(plain, signature=bytes(signature)), SENDER.public)


@pytest.mark.parametrize("half", [slice(0, MLDSA_BYTES), slice(MLDSA_BYTES, None), slice(None)])
def test_a_half_made_for_another_kind_is_refused(plain: Envelope, half: slice) -> None:
    for kind in set(Kind) - {Kind.SIGNALS}:
        signature = bytearray(plain.signature)
        signature[half] = SENDER.sign(plain.header_bytes, labels.kind_context(kind))[half]
        with pytest.raises(SignatureError):
            verify_envelope(msgspec.structs.replace(plain, signature=bytes(signature)), SENDER.public)


def test_one_message_signed_twice_verifies_twice_and_mixes() -> None:
    # The control: halves of two signatures over one message are both good, so only the checks above refuse.
    first, second = (sign_envelope(OTHER.header, OTHER.body, SENDER) for _ in range(2))
    assert first.signature != second.signature
    assert first.object_hash == second.object_hash
    mixed = first.signature[:MLDSA_BYTES] + second.signature[MLDSA_BYTES:]
    verify_envelope(msgspec.structs.replace(first, signature=mixed), SENDER.public)


def test_another_key_is_refused(plain: Envelope) -> None:
    with pytest.raises(SignatureError):
        open_envelope(plain, ATTACKER.public, EPOCH)
    with pytest.raises(SignatureError):
        verify_envelope(msgspec.structs.replace(OTHER, signature=FORGED), SENDER.public)


# Re-addressing: the body stays, the header names another place, and the attacker signs it

MOVES: dict[str, dict[str, object]] = {
    "enclave": {"enclave_id": b"F" * 16},
    "classification": {"compartment": Compartment(Classification.ONG, Theme.PROCESS)},
    "theme": {"compartment": Compartment(Classification.DEPV, Theme.DEBATE)},
    "epoch": {"epoch_id": b"J" * 16},
    "kind": {"kind": Kind.FEEDBACK},
    "seq": {"seq": 8},
    "predecessor": {"prev_hash": b"q" * 32},
    "directory size": {"directory_size": 13},
    "time": {"created_ms": 1_790_000_000_001},
    "batch root": {"batch_root": b"r" * 32},
    "sender alone": {},
}


@pytest.mark.parametrize("change", MOVES.values(), ids=MOVES.keys())
@pytest.mark.parametrize("signer", [SENDER, ATTACKER], ids=["its own sender", "an attacker"])
def test_a_body_moved_to_another_place_does_not_open(
    plain: Envelope, change: dict[str, object], signer: SigningKey
) -> None:
    if signer is SENDER and not change:
        assert reopen(plain) == PLAIN  # the control: nothing moved
        return
    header = msgspec.structs.replace(plain.header, sender_id=signer.public.sender_id, **change)
    moved = sign_envelope(header, plain.body, signer)
    verify_envelope(decode_envelope(moved.encode()), signer.public)  # well signed, and yet:
    secrets = msgspec.structs.replace(EPOCH, epoch_id=header.epoch_id)
    with pytest.raises(DecryptionError):
        open_envelope(moved, signer.public, secrets)
    if header.epoch_id != EPOCH.epoch_id:
        with pytest.raises(BindingError, match="another epoch"):
            open_envelope(moved, signer.public, EPOCH)


def test_a_body_signed_by_an_attacker_in_the_senders_name_is_refused(plain: Envelope) -> None:
    stolen = sign_envelope(plain.header, plain.body, ATTACKER)
    with pytest.raises(SignatureError):
        open_envelope(stolen, SENDER.public, EPOCH)
    with pytest.raises(BindingError, match="another sender"):
        open_envelope(stolen, ATTACKER.public, EPOCH)


def test_the_two_parts_of_two_batches_do_not_mix(mixed: Envelope) -> None:
    again = seal_envelope(MIXED, PLACE, EPOCH, SENDER)
    main, protected = split_parts(mixed.body)
    other_main, other_protected = split_parts(again.body)
    for parts in ((main, other_protected), (other_main, protected), (protected, main)):
        body = join_parts(*parts)
        header = msgspec.structs.replace(mixed.header, body_len=len(body), body_hash=hash_body(body))
        with pytest.raises(DecryptionError):
            open_envelope(sign_envelope(header, body, SENDER), SENDER.public, EPOCH)


def test_a_protected_part_cannot_be_dropped_or_added(plain: Envelope, mixed: Envelope) -> None:
    for envelope, protected in ((mixed, b""), (plain, split_parts(mixed.body)[1])):
        body = join_parts(split_parts(envelope.body)[0], protected)
        header = msgspec.structs.replace(envelope.header, body_len=len(body), body_hash=hash_body(body))
        for secrets in (UNPROTECTED, EPOCH):
            with pytest.raises(InvalidError):
                open_envelope(sign_envelope(header, body, SENDER), SENDER.public, secrets)
