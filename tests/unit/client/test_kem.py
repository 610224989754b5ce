# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Wrapping and unwrapping of epoch secrets."""

from __future__ import annotations

import pytest

from seinpost.kem import KemPrivateKey, wrap
from seinpost_schemas.epoch_body import WRAPPED_BYTES
from seinpost_schemas.errors import BadSlotError, MalformedError, SeinpostError
from seinpost_schemas.keys import KEM_PUBLIC_BYTES, kem_key_id_of

SECRETS = bytes(range(64))
INFO = b"seinpost/epoch-slot/v1 of a test"


@pytest.fixture(scope="module")
def reader() -> KemPrivateKey:
    return KemPrivateKey(bytes(range(96)))


@pytest.fixture(scope="module")
def stranger() -> KemPrivateKey:
    return KemPrivateKey(bytes(range(1, 97)))


def test_a_reader_gets_back_what_was_wrapped(reader: KemPrivateKey) -> None:
    wrapped = wrap(SECRETS, reader.public, INFO)
    assert len(wrapped) == WRAPPED_BYTES == 1_200
    assert SECRETS not in wrapped
    assert reader.unwrap(wrapped, INFO) == SECRETS


def test_wrapping_twice_gives_two_ciphertexts(reader: KemPrivateKey) -> None:
    assert wrap(SECRETS, reader.public, INFO) != wrap(SECRETS, reader.public, INFO)


def test_a_key_is_its_seed(reader: KemPrivateKey) -> None:
    again = KemPrivateKey(bytes(range(96)))
    assert again.public == reader.public
    assert len(reader.public) == KEM_PUBLIC_BYTES
    assert again.key_id == reader.key_id == kem_key_id_of(reader.public)
    assert again.unwrap(wrap(SECRETS, reader.public, INFO), INFO) == SECRETS


def test_another_reader_gets_a_bad_slot(reader: KemPrivateKey, stranger: KemPrivateKey) -> None:
    with pytest.raises(BadSlotError) as refused:
        stranger.unwrap(wrap(SECRETS, reader.public, INFO), INFO)
    assert refused.value.code == "bad-slot"


def test_another_info_gives_a_bad_slot(reader: KemPrivateKey) -> None:
    with pytest.raises(BadSlotError):
        reader.unwrap(wrap(SECRETS, reader.public, INFO), INFO + b"\0")


def test_a_change_of_any_byte_gives_a_bad_slot(reader: KemPrivateKey) -> None:
    wrapped = wrap(SECRETS, reader.public, INFO)
    for at in range(len(wrapped)):
        changed = bytearray(wrapped)
        changed[at] ^= 1 << at % 8
        with pytest.raises(BadSlotError):
            reader.unwrap(bytes(changed), INFO)


@pytest.mark.parametrize("length", [0, 1, 1_119, 1_120, 1_135, 1_199, 1_201])
def test_a_slot_of_another_length_is_a_bad_slot(reader: KemPrivateKey, length: int) -> None:
    with pytest.raises(BadSlotError):
        reader.unwrap((wrap(SECRETS, reader.public, INFO) + b"\0")[:length], INFO)


def test_neither_half_of_a_hybrid_key_opens_alone() -> None:
    reader = KemPrivateKey(bytes(96))
    wrapped = wrap(SECRETS, reader.public, INFO)
    for seed in (bytes(64) + b"\1" * 32, b"\1" * 64 + bytes(32)):
        with pytest.raises(BadSlotError):
            KemPrivateKey(seed).unwrap(wrapped, INFO)


@pytest.mark.parametrize("length", [0, 32, 95, 97])
def test_a_seed_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(MalformedError, match="96 bytes"):
        KemPrivateKey(bytes(length))


@pytest.mark.parametrize("length", [0, 1_184, 1_215, 1_217])
def test_a_public_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(MalformedError, match="1216 bytes"):
        wrap(SECRETS, bytes(length), INFO)


def test_secrets_of_another_length_are_our_own_bug(reader: KemPrivateKey) -> None:
    with pytest.raises(RuntimeError):
        wrap(SECRETS[:63], reader.public, INFO)


def test_a_slot_that_holds_other_than_64_bytes_cannot_be_made_to_fit(reader: KemPrivateKey) -> None:
    # 63 bytes of plaintext make a ciphertext one byte short: the epoch body's fixed slot size refuses it,
    # and unwrap does too, whoever hands it over.
    from seinpost import kem

    short = kem._SUITE.encrypt(
        SECRETS[:63],
        kem.hpke.MLKEM768X25519PublicKey(
            kem.mlkem.MLKEM768PublicKey.from_public_bytes(reader.public[:1184]),
            kem.x25519.X25519PublicKey.from_public_bytes(reader.public[1184:]),
        ),
        info=INFO,
    )
    with pytest.raises(BadSlotError, match="two 32-byte secrets"):
        reader.unwrap(short, INFO)


def test_a_key_shows_its_id_and_not_its_secret(reader: KemPrivateKey) -> None:
    assert repr(reader) == f"KemPrivateKey(key_id={reader.key_id.hex()})"
    assert not hasattr(reader, "__dict__")


@pytest.mark.parametrize("public", [b"\xff" * KEM_PUBLIC_BYTES, bytes(KEM_PUBLIC_BYTES)])
def test_a_public_key_that_is_no_key_is_refused_as_such(public: bytes) -> None:
    with pytest.raises(SeinpostError):
        wrap(SECRETS, public, INFO)
