# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The key object: an identity's public keys, as the directory logs it and the register names it.

Layout, 3,216 bytes: label "seinpost/keys/v1" 16 ‖ composite public key 1,984 ‖ HPKE public key 1,216
(ML-KEM-768 1,184 ‖ X25519 32). The register holds ``keys_hash``, the SHA-256 of these
bytes under its own label, so a TOML text stays readable.
"""

from __future__ import annotations

import hashlib

import msgspec
from cryptography.hazmat.primitives.asymmetric import mlkem, x25519

from . import labels
from .errors import MalformedError
from .signing import PUBLIC_KEY_BYTES, VerifyingKey, sender_id_of

KEM_PUBLIC_BYTES = 1216
_MLKEM_PUBLIC_BYTES = 1184
_PROBE = x25519.X25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY_OBJECT_BYTES = len(labels.KEYS) + PUBLIC_KEY_BYTES + KEM_PUBLIC_BYTES


def kem_key_id_of(kem_public: bytes) -> bytes:
    """The 16-byte id of an HPKE public key."""
    return hashlib.sha256(labels.KEM_KEY + kem_public).digest()[:16]


def verify_kem_public(kem: bytes) -> None:
    """Raise ``MalformedError`` unless 1,216 bytes are an HPKE public key that can be sealed to."""
    try:
        mlkem.MLKEM768PublicKey.from_public_bytes(kem[:_MLKEM_PUBLIC_BYTES])
        # The exchange fails for a point of low order, whose secret everyone knows.
        _PROBE.exchange(x25519.X25519PublicKey.from_public_bytes(kem[_MLKEM_PUBLIC_BYTES:]))
    except ValueError:
        raise MalformedError("a KEM public key is not a key") from None


class KeyObject(msgspec.Struct, frozen=True):
    """One identity's public keys: ``signing`` 1,984 bytes, ``kem`` 1,216 bytes."""

    signing: bytes
    kem: bytes

    @property
    def sender_id(self) -> bytes:
        """16 bytes."""
        return sender_id_of(self.signing)

    @property
    def kem_key_id(self) -> bytes:
        """16 bytes."""
        return kem_key_id_of(self.kem)

    def verifying_key(self) -> VerifyingKey:
        """The signing half, parsed."""
        return VerifyingKey(self.signing)

    def verify_kem(self) -> None:
        """Raise ``MalformedError`` unless the KEM half is a key that can be sealed to."""
        verify_kem_public(self.kem)

    def encode(self) -> bytes:
        """The 3,216 bytes that the directory logs."""
        return labels.KEYS + self.signing + self.kem

    def keys_hash(self) -> bytes:
        """32 bytes; what the register names."""
        return hashlib.sha256(self.encode()).digest()


def decode_key_object(data: bytes) -> KeyObject:
    """Key object bytes, parsed; raises ``MalformedError``."""
    if len(data) != KEY_OBJECT_BYTES or not data.startswith(labels.KEYS):
        raise MalformedError("a key object has its label, a signing key and a KEM key, and nothing else")
    signing = data[len(labels.KEYS) : len(labels.KEYS) + PUBLIC_KEY_BYTES]
    return KeyObject(signing=signing, kem=data[len(labels.KEYS) + PUBLIC_KEY_BYTES :])
