# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What others do with the same signals: one by one, with less, or with nothing at all."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from typing import Protocol

import msgspec
import nacl.public
import nacl.signing
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import mlkem, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jwe, jws
from joserfc.jwk import OKPKey

from seinpost_schemas.signal import Signal
from seinpost_schemas.signing import SIGNATURE_BYTES, SigningKey

_CONTEXT = b"seinpost/bench/v1"
_SUITE = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


class Peer(Protocol):
    """Typed signals to bytes, and back to typed signals."""

    def seal(self, signals: Sequence[Signal]) -> object:
        """What would be sent."""
        ...

    def open(self, sealed: object) -> list[Signal]:
        """What a reader has then."""
        ...


class Signed:
    """One composite signature per signal, and nothing else."""

    def __init__(self) -> None:
        self.key = SigningKey(os.urandom(64))

    def seal(self, signals: Sequence[Signal]) -> list[bytes]:
        """Signatures."""
        return [self.key.sign(msgspec.msgpack.encode(s), _CONTEXT) for s in signals]


class Hybrid:
    """Post-quantum as we are, signal by signal: a composite signature, then HPKE to the one reader."""

    def __init__(self) -> None:
        self.key = SigningKey(os.urandom(64))
        first, second = mlkem.MLKEM768PrivateKey.generate(), x25519.X25519PrivateKey.generate()
        self.reader = hpke.MLKEM768X25519PrivateKey(first, second)
        self.public = hpke.MLKEM768X25519PublicKey(first.public_key(), second.public_key())
        self.decoder = msgspec.msgpack.Decoder(Signal)

    def seal(self, signals: Sequence[Signal]) -> list[bytes]:
        """One HPKE message per signal."""
        encoded = [msgspec.msgpack.encode(s) for s in signals]
        return [_SUITE.encrypt(self.key.sign(e, _CONTEXT) + e, self.public, info=_CONTEXT) for e in encoded]

    def open(self, sealed: object) -> list[Signal]:
        """Typed signals."""
        found = []
        for message in sealed:  # type: ignore[attr-defined]
            opened = _SUITE.decrypt(message, self.reader, info=_CONTEXT)
            self.key.public.verify(opened[:SIGNATURE_BYTES], opened[SIGNATURE_BYTES:], _CONTEXT)
            found.append(self.decoder.decode(opened[SIGNATURE_BYTES:]))
        return found


class Nacl:
    """PyNaCl, classical only: Ed25519 sign, then a sealed box, per signal."""

    def __init__(self) -> None:
        self.signing = nacl.signing.SigningKey.generate()
        private = nacl.public.PrivateKey.generate()
        self.box = nacl.public.SealedBox(private.public_key)
        self.unbox = nacl.public.SealedBox(private)
        self.decoder = msgspec.msgpack.Decoder(Signal)

    def seal(self, signals: Sequence[Signal]) -> list[bytes]:
        """One sealed box per signal."""
        return [bytes(self.box.encrypt(bytes(self.signing.sign(msgspec.msgpack.encode(s))))) for s in signals]

    def open(self, sealed: object) -> list[Signal]:
        """Typed signals."""
        verify = self.signing.verify_key.verify
        boxes: list[bytes] = sealed  # type: ignore[assignment]
        return [self.decoder.decode(verify(self.unbox.decrypt(s))) for s in boxes]


class Jose:
    """joserfc, classical only: a JWS (Ed25519) in a JWE (ECDH-ES on X25519, A256GCM), per signal of JSON."""

    def __init__(self) -> None:
        self.signing = OKPKey.generate_key("Ed25519")
        self.reader = OKPKey.generate_key("X25519")
        self.decoder = msgspec.json.Decoder(Signal)

    def seal(self, signals: Sequence[Signal]) -> list[str]:
        """One compact JWE per signal."""
        signed = [
            jws.serialize_compact(
                {"alg": "Ed25519"}, msgspec.json.encode(s), self.signing, algorithms=["Ed25519"]
            )
            for s in signals
        ]
        header = {"alg": "ECDH-ES", "enc": "A256GCM"}
        return [
            jwe.encrypt_compact(header, s, self.reader, algorithms=["ECDH-ES", "A256GCM"]) for s in signed
        ]

    def open(self, sealed: object) -> list[Signal]:
        """Typed signals."""
        found = []
        for token in sealed:  # type: ignore[attr-defined]
            inner = jwe.decrypt_compact(token, self.reader, algorithms=["ECDH-ES", "A256GCM"]).plaintext
            payload = jws.deserialize_compact(inner or b"", self.signing, algorithms=["Ed25519"]).payload
            found.append(self.decoder.decode(payload))
        return found


class Floor:
    """Nothing but msgspec, SHA-256 and AES-GCM over the same bytes: no leaf, no signature, no validation."""

    def __init__(self) -> None:
        self.aead = AESGCM(os.urandom(32))
        self.decoder = msgspec.msgpack.Decoder(list[Signal])

    def seal(self, signals: Sequence[Signal]) -> tuple[bytes, bytes]:
        """(ciphertext, digest); the nonce is fixed, since nothing of this is ever sent."""
        data = msgspec.msgpack.encode(signals)
        return self.aead.encrypt(bytes(12), data, None), hashlib.sha256(data).digest()

    def open(self, sealed: object) -> list[Signal]:
        """Typed signals."""
        ciphertext, digest = sealed  # type: ignore[misc]
        data = self.aead.decrypt(bytes(12), ciphertext, None)
        if hashlib.sha256(data).digest() != digest:
            raise RuntimeError("the floor did not give back what it took")
        return self.decoder.decode(data)


class Plain:
    """A ceiling: the library's encoding and typed decoding of all signals, with no protection at all."""

    def __init__(self, library: object) -> None:
        self.encoder = library.Encoder()  # type: ignore[attr-defined]
        self.decoder = library.Decoder(list[Signal])  # type: ignore[attr-defined]

    def seal(self, signals: Sequence[Signal]) -> bytes:
        """Plain bytes."""
        data: bytes = self.encoder.encode(signals)
        return data

    def open(self, sealed: object) -> list[Signal]:
        """Typed signals."""
        signals: list[Signal] = self.decoder.decode(sealed)
        return signals
