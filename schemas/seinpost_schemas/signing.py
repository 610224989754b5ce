# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Composite signatures: Ed25519 and ML-DSA-65 together, both of which must verify.

draft-ietf-lamps-pq-composite-sigs, ``id-MLDSA65-Ed25519-SHA512``:

- M' = "CompositeAlgorithmSignatures2025" ‖ Label ‖ len(ctx) ‖ ctx ‖ SHA-512(M)
- Label = "COMPSIG-MLDSA65-Ed25519-SHA512"
- signature = ML-DSA-65.Sign(M', ctx=Label) 3,309 bytes ‖ Ed25519.Sign(M') 64 bytes
- public key = ML-DSA-65 1,952 bytes ‖ Ed25519 32 bytes

The context names the use (``seinpost/kind-2/v1``), so a signature made for one kind is worthless for
another. The signature's bytes are never an identifier: ML-DSA signatures are randomised.
"""

from __future__ import annotations

import hashlib
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519, mldsa

from . import labels
from .errors import MalformedError, SignatureError

PUBLIC_KEY_BYTES = 1984
SIGNATURE_BYTES = 3373
SEED_BYTES = 64
MLDSA_SEED_BYTES = 32
_MLDSA_PUBLIC_BYTES = 1952
_MLDSA_SIGNATURE_BYTES = 3309
_PREFIX = b"CompositeAlgorithmSignatures2025"
_LABEL = b"COMPSIG-MLDSA65-Ed25519-SHA512"
_MAX_CONTEXT_BYTES = 255


def _preimage(message: bytes, context: bytes) -> bytes:
    if not 0 < len(context) <= _MAX_CONTEXT_BYTES:
        raise ValueError("a composite signature needs a context of 1 to 255 bytes")
    return b"".join((_PREFIX, _LABEL, bytes((len(context),)), context, hashlib.sha512(message).digest()))


class VerifyingKey:
    """A composite public key, ``raw`` 1,984 bytes, parsed once and used for many signatures."""

    __slots__ = ("_ed25519", "_mldsa", "raw", "sender_id")

    def __init__(self, raw: bytes) -> None:
        if len(raw) != PUBLIC_KEY_BYTES:
            raise MalformedError(f"a composite public key has {PUBLIC_KEY_BYTES} bytes, not {len(raw)}")
        self.raw = bytes(raw)
        self._mldsa = mldsa.MLDSA65PublicKey.from_public_bytes(self.raw[:_MLDSA_PUBLIC_BYTES])
        self._ed25519 = ed25519.Ed25519PublicKey.from_public_bytes(self.raw[_MLDSA_PUBLIC_BYTES:])
        self.sender_id = sender_id_of(self.raw)

    def verify(self, signature: bytes, message: bytes, context: bytes) -> None:
        """Raise ``SignatureError`` unless both halves of the 3,373-byte signature verify."""
        if len(signature) != SIGNATURE_BYTES:
            raise SignatureError(f"a composite signature has {SIGNATURE_BYTES} bytes, not {len(signature)}")
        preimage = _preimage(message, context)
        try:
            self._ed25519.verify(signature[_MLDSA_SIGNATURE_BYTES:], preimage)
        except InvalidSignature:
            raise SignatureError("the Ed25519 half of the signature does not verify") from None
        try:
            self._mldsa.verify(signature[:_MLDSA_SIGNATURE_BYTES], preimage, _LABEL)
        except InvalidSignature:
            raise SignatureError("the ML-DSA-65 half of the signature does not verify") from None


class Ed25519Signer(Protocol):
    """The Ed25519 half of a signing key, wherever it is kept: in this process, or in a token."""

    @property
    def public(self) -> bytes:
        """32 bytes."""
        ...

    def sign(self, data: bytes) -> bytes:
        """64 bytes; raises ``UnavailableError`` when what keeps the key does not sign."""
        ...


class _OwnEd25519:
    """An Ed25519 key in this process, from 32 bytes of seed."""

    __slots__ = ("public", "sign")

    def __init__(self, seed: bytes) -> None:
        key = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
        self.public = key.public_key().public_bytes_raw()
        self.sign = key.sign


class SigningKey:
    """A composite private key from 64 bytes of seed: ML-DSA-65 seed 32 ‖ Ed25519 seed 32.

    With another signer for the Ed25519 half, from the 32 bytes of ML-DSA-65 seed alone.
    """

    __slots__ = ("_ed25519", "_mldsa", "public")

    def __init__(self, seed: bytes, ed25519_signer: Ed25519Signer | None = None) -> None:
        wanted = SEED_BYTES if ed25519_signer is None else MLDSA_SEED_BYTES
        if len(seed) != wanted:
            raise MalformedError(f"a composite signing seed has {wanted} bytes here, not {len(seed)}")
        self._mldsa = mldsa.MLDSA65PrivateKey.from_seed_bytes(seed[:MLDSA_SEED_BYTES])
        self._ed25519 = ed25519_signer or _OwnEd25519(seed[MLDSA_SEED_BYTES:])
        self.public = VerifyingKey(self._mldsa.public_key().public_bytes_raw() + self._ed25519.public)

    def __repr__(self) -> str:
        return f"SigningKey(sender_id={self.public.sender_id.hex()})"

    def sign(self, message: bytes, context: bytes) -> bytes:
        """The 3,373-byte signature over ``message``; hedged, so two calls differ.

        The ML-DSA half releases the GIL: about a millisecond that another thread can use.
        """
        preimage = _preimage(message, context)
        return self._mldsa.sign(preimage, _LABEL) + self._ed25519.sign(preimage)


def sender_id_of(public_key: bytes) -> bytes:
    """The 16-byte sender_id of a composite public key."""
    return hashlib.sha256(labels.SENDER + public_key).digest()[:16]
