# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""HPKE with MLKEM768_X25519, HKDF-SHA256 and AES-256-GCM, from `cryptography`: wrap and unwrap.

Only the client holds this module: the broker's package has no code that could open anything.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import mlkem, x25519

from seinpost_schemas.epoch_body import WRAPPED_BYTES
from seinpost_schemas.errors import BadSlotError, MalformedError
from seinpost_schemas.keys import KEM_PUBLIC_BYTES, kem_key_id_of

SEED_BYTES = 96
_MLKEM_PUBLIC_BYTES = 1184
_SUITE = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


class KemPrivateKey:
    """A reader's key from 96 bytes of seed: ML-KEM-768 seed 64 ‖ X25519 private key 32."""

    __slots__ = ("_key", "key_id", "public", "seed")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise MalformedError(f"a KEM seed has {SEED_BYTES} bytes, not {len(seed)}")
        self.seed = bytes(seed)
        mlkem_key = mlkem.MLKEM768PrivateKey.from_seed_bytes(seed[:64])
        x25519_key = x25519.X25519PrivateKey.from_private_bytes(seed[64:])
        self._key = hpke.MLKEM768X25519PrivateKey(mlkem_key, x25519_key)
        self.public = mlkem_key.public_key().public_bytes_raw() + x25519_key.public_key().public_bytes_raw()
        self.key_id = kem_key_id_of(self.public)

    def __repr__(self) -> str:
        return f"KemPrivateKey(key_id={self.key_id.hex()})"

    def unwrap(self, wrapped: bytes, info: bytes) -> bytes:
        """The 64 bytes in a slot; raises ``BadSlotError`` when it was not made for this key and info."""
        try:
            secrets = _SUITE.decrypt(wrapped, self._key, info=info)
        except (InvalidTag, ValueError):
            raise BadSlotError("a slot names this reader's key and does not open with it") from None
        if len(secrets) != 64:
            raise BadSlotError("a slot does not hold two 32-byte secrets")
        return secrets


def wrap(secrets: bytes, kem_public: bytes, info: bytes) -> bytes:
    """64 bytes of secrets wrapped to a 1,216-byte public key: 1,200 bytes."""
    if len(kem_public) != KEM_PUBLIC_BYTES:
        raise MalformedError(f"a KEM public key has {KEM_PUBLIC_BYTES} bytes, not {len(kem_public)}")
    try:
        key = hpke.MLKEM768X25519PublicKey(
            mlkem.MLKEM768PublicKey.from_public_bytes(kem_public[:_MLKEM_PUBLIC_BYTES]),
            x25519.X25519PublicKey.from_public_bytes(kem_public[_MLKEM_PUBLIC_BYTES:]),
        )
        wrapped = _SUITE.encrypt(secrets, key, info=info)
    except ValueError:
        raise MalformedError("a KEM public key is not a key") from None
    if len(wrapped) != WRAPPED_BYTES:
        raise RuntimeError("HPKE returned a ciphertext of another length")
    return wrapped
