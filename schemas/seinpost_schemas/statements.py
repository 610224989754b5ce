# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What an identity itself says in the directory: its next KEM key, and its end (specification, section 8.4).

Prekey, 4,647 bytes: label "seinpost/prekey/v1" 18 ‖ enclave_id 16 ‖ sender_id 16 ‖ number 8 ‖ HPKE public key 1,216 ‖
composite signature 3,373 over all before it. Own revocation, 3,439 bytes: label "seinpost/own-revocation/v1" 26 ‖
enclave_id 16 ‖ sender_id 16 ‖ suspect_from 8 (Unix milliseconds) ‖ signature. The label is the signature's context
too: neither can be taken for the other, nor for an envelope.
"""

from __future__ import annotations

import struct

import msgspec

from . import labels
from .entry import MAX_TIME_MS
from .errors import BindingError, MalformedError
from .keys import KEM_PUBLIC_BYTES, kem_key_id_of, verify_kem_public
from .signing import SIGNATURE_BYTES, SigningKey, VerifyingKey

_FIXED = struct.Struct(">16s16sQ")
PREKEY_BYTES = len(labels.PREKEY) + _FIXED.size + KEM_PUBLIC_BYTES + SIGNATURE_BYTES
OWN_REVOCATION_BYTES = len(labels.OWN_REVOCATION) + _FIXED.size + SIGNATURE_BYTES


class PrekeyStatement(msgspec.Struct, frozen=True):
    """From now on, seal to this: ``kem`` 1,216 bytes; ``number`` rises with every statement of a sender_id."""

    enclave_id: bytes
    sender_id: bytes
    number: int
    kem: bytes

    @property
    def kem_key_id(self) -> bytes:
        """16 bytes."""
        return kem_key_id_of(self.kem)

    def sign(self, key: SigningKey) -> bytes:
        """The object that the directory logs."""
        signed = labels.PREKEY + _FIXED.pack(self.enclave_id, self.sender_id, self.number) + self.kem
        return signed + key.sign(signed, labels.PREKEY)


class OwnRevocation(msgspec.Struct, frozen=True):
    """I no longer count, and am suspect from a moment (Unix milliseconds) on."""

    enclave_id: bytes
    sender_id: bytes
    suspect_from_ms: int

    def sign(self, key: SigningKey) -> bytes:
        """The object that the directory logs."""
        signed = labels.OWN_REVOCATION + _FIXED.pack(self.enclave_id, self.sender_id, self.suspect_from_ms)
        return signed + key.sign(signed, labels.OWN_REVOCATION)


def is_prekey(data: bytes) -> bool:
    """Whether bytes claim to be a prekey statement."""
    return data.startswith(labels.PREKEY)


def is_statement(data: bytes) -> bool:
    """Whether bytes claim to be one of the two; a submission begins with a length, which is never that large."""
    return data.startswith((labels.PREKEY, labels.OWN_REVOCATION))


def decode_prekey(data: bytes) -> PrekeyStatement:
    """What a statement claims, not verified; raises ``MalformedError``."""
    enclave_id, sender_id, number = _fixed(data, labels.PREKEY, PREKEY_BYTES)
    if number == 0:
        raise MalformedError("prekeys are numbered from 1")
    start = len(labels.PREKEY) + _FIXED.size
    return PrekeyStatement(enclave_id, sender_id, number, data[start : start + KEM_PUBLIC_BYTES])


def decode_own_revocation(data: bytes) -> OwnRevocation:
    """What a statement claims, not verified; raises ``MalformedError``."""
    enclave_id, sender_id, moment_ms = _fixed(data, labels.OWN_REVOCATION, OWN_REVOCATION_BYTES)
    if moment_ms >= MAX_TIME_MS:
        raise MalformedError("a moment of suspicion is beyond every calendar")
    return OwnRevocation(enclave_id, sender_id, moment_ms)


def _fixed(data: bytes, label: bytes, length: int) -> tuple[bytes, bytes, int]:
    if len(data) != length or not data.startswith(label):
        raise MalformedError(f"a statement of {len(data)} bytes is none of an identity's")
    enclave_id, sender_id, number = _FIXED.unpack_from(data, len(label))
    return enclave_id, sender_id, number


def verify_prekey(data: bytes, enclave_id: bytes, key: VerifyingKey) -> PrekeyStatement:
    """A statement of this enclave (16-byte id) that this key signed, with a key that can be sealed to.

    Raises ``MalformedError``, ``BindingError`` or ``SignatureError``.
    """
    statement = decode_prekey(data)
    _verify(data, statement.enclave_id, statement.sender_id, enclave_id, key, labels.PREKEY)
    verify_kem_public(statement.kem)
    return statement


def verify_own_revocation(data: bytes, enclave_id: bytes, key: VerifyingKey) -> OwnRevocation:
    """A revocation in this enclave (16-byte id) that the revoked key itself signed.

    Raises ``MalformedError``, ``BindingError`` or ``SignatureError``.
    """
    statement = decode_own_revocation(data)
    _verify(data, statement.enclave_id, statement.sender_id, enclave_id, key, labels.OWN_REVOCATION)
    return statement


def _verify(
    data: bytes, enclave: bytes, sender: bytes, enclave_id: bytes, key: VerifyingKey, context: bytes
) -> None:
    if enclave != enclave_id:
        raise BindingError("an identity's statement is for another enclave")
    if sender != key.sender_id:
        raise BindingError("an identity's statement is another's")
    key.verify(data[-SIGNATURE_BYTES:], data[:-SIGNATURE_BYTES], context)
