# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Composite signatures, against the draft's construction."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, mldsa

from seinpost_schemas.errors import MalformedError, SignatureError
from seinpost_schemas.signing import (
    PUBLIC_KEY_BYTES,
    SIGNATURE_BYTES,
    SigningKey,
    VerifyingKey,
    sender_id_of,
)

SEED = bytes(range(64))
KEY = SigningKey(SEED)
CONTEXT = b"seinpost/kind-2/v1"
LABEL = b"COMPSIG-MLDSA65-Ed25519-SHA512"


def preimage(message: bytes, context: bytes) -> bytes:
    """M' of the specification, section 3.2."""
    return (
        b"CompositeAlgorithmSignatures2025"
        + LABEL
        + bytes([len(context)])
        + context
        + hashlib.sha512(message).digest()
    )


def test_a_signature_is_the_two_halves_of_the_draft() -> None:
    signature = KEY.sign(b"message", CONTEXT)
    assert len(signature) == SIGNATURE_BYTES == 3_309 + 64
    m = preimage(b"message", CONTEXT)
    first, second = KEY.public.raw[:1_952], KEY.public.raw[1_952:]
    mldsa.MLDSA65PublicKey.from_public_bytes(first).verify(signature[:3_309], m, LABEL)
    ed25519.Ed25519PublicKey.from_public_bytes(second).verify(signature[3_309:], m)


def test_a_signature_made_from_the_two_halves_verifies() -> None:
    m = preimage(b"message", CONTEXT)
    first = mldsa.MLDSA65PrivateKey.from_seed_bytes(SEED[:32]).sign(m, LABEL)
    second = ed25519.Ed25519PrivateKey.from_private_bytes(SEED[32:]).sign(m)
    KEY.public.verify(first + second, b"message", CONTEXT)
    without = mldsa.MLDSA65PrivateKey.from_seed_bytes(SEED[:32]).sign(m)
    with pytest.raises(SignatureError, match="ML-DSA-65"):
        KEY.public.verify(without + second, b"message", CONTEXT)


def test_message_and_context_are_both_signed() -> None:
    signature = KEY.sign(b"message", CONTEXT)
    KEY.public.verify(signature, b"message", CONTEXT)
    for message, context in ((b"messagf", CONTEXT), (b"message", CONTEXT + b"1"), (b"", CONTEXT)):
        with pytest.raises(SignatureError):
            KEY.public.verify(signature, message, context)


@pytest.mark.parametrize("context", [b"", bytes(256)])
def test_a_context_has_1_to_255_bytes(context: bytes) -> None:
    with pytest.raises(ValueError, match="context"):
        KEY.sign(b"message", context)
    KEY.public.verify(KEY.sign(b"", bytes(255)), b"", bytes(255))


def test_signing_is_hedged() -> None:
    assert KEY.sign(b"message", CONTEXT) != KEY.sign(b"message", CONTEXT)


def test_a_sender_id_is_the_labelled_hash_of_the_key() -> None:
    wanted = hashlib.sha256(b"seinpost/sender/v1" + KEY.public.raw).digest()[:16]
    assert sender_id_of(KEY.public.raw) == KEY.public.sender_id == wanted
    assert VerifyingKey(KEY.public.raw).sender_id == wanted


@pytest.mark.parametrize("length", [0, 32, 63, 65])
def test_a_seed_of_another_length_is_malformed(length: int) -> None:
    with pytest.raises(MalformedError):
        SigningKey(bytes(length))


@pytest.mark.parametrize("length", [0, 32, PUBLIC_KEY_BYTES - 1, PUBLIC_KEY_BYTES + 1])
def test_a_public_key_of_another_length_is_malformed(length: int) -> None:
    with pytest.raises(MalformedError):
        VerifyingKey(bytes(length))


def test_a_key_shows_its_id_and_not_its_seed() -> None:
    assert repr(KEY) == f"SigningKey(sender_id={KEY.public.sender_id.hex()})"
    assert not hasattr(KEY, "__dict__")
