# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A second implementation of sealing, deterministic, written from docs/spec.md alone.

It shares no code with Seinpost: ML-KEM-768 and ML-DSA-65 are the pure Python ``kyber-py`` and
``dilithium-py``, Ed25519 and X25519 are libsodium's, and HPKE, X-Wing, Cobblestone-256, Merkle trees and
MessagePack are written out here. Only AES-256-GCM comes from ``cryptography``. All randomness is SHAKE256
of a label: use it for test vectors and for nothing else.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from dilithium_py.ml_dsa import ML_DSA_65
from kyber_py.ml_kem import ML_KEM_768
from nacl.bindings import crypto_scalarmult, crypto_scalarmult_base
from nacl.signing import SigningKey as Ed25519Key

CHUNK = 16_384
Row = list[Any]


def rand(label: str, length: int) -> bytes:
    """``length`` bytes that depend on the label only."""
    return hashlib.shake_256(b"seinpost test vectors v1: " + label.encode()).digest(length)


def sha256(*parts: bytes) -> bytes:
    """SHA-256 of the parts, joined."""
    return hashlib.sha256(b"".join(parts)).digest()


# --- MessagePack (section 6.2) -----------------------------------------------------------------------


class Raw(bytes):
    """Bytes that are MessagePack already: for encodings that a decoder must refuse."""


class Pairs(list[tuple[Any, Any]]):
    """A map as a list of pairs, so that keys can repeat or stand in any order."""


@dataclass(frozen=True)
class Time:
    """A timestamp extension value."""

    seconds: int
    nanoseconds: int = 0


def msgpack(value: Any) -> bytes:
    """The shortest MessagePack form; maps in the order given."""
    match value:
        case Raw():
            return bytes(value)
        case None:
            return b"\xc0"
        case bool():
            return b"\xc3" if value else b"\xc2"
        case int():
            return _integer(value)
        case str():
            data = value.encode()
            size = len(data)
            if size < 32:
                return bytes((0xA0 | size,)) + data
            return _sized(size, 0xD9, 0xDA, 0xDB) + data
        case bytes():
            return _sized(len(value), 0xC4, 0xC5, 0xC6) + value
        case Time():
            return _timestamp(value)
        case Pairs():
            pairs: Sequence[tuple[Any, Any]] = value
        case dict():
            pairs = list(value.items())
        case list() | tuple():
            head = bytes((0x90 | len(value),)) if len(value) < 16 else _sized(len(value), None, 0xDC, 0xDD)
            return head + b"".join(map(msgpack, value))
        case _:
            raise TypeError(type(value))
    head = bytes((0x80 | len(pairs),)) if len(pairs) < 16 else _sized(len(pairs), None, 0xDE, 0xDF)
    return head + b"".join(msgpack(k) + msgpack(v) for k, v in pairs)


def _sized(size: int, code8: int | None, code16: int, code32: int) -> bytes:
    if code8 is not None and size < 1 << 8:
        return struct.pack(">BB", code8, size)
    return struct.pack(">BH", code16, size) if size < 1 << 16 else struct.pack(">BI", code32, size)


def _integer(value: int) -> bytes:
    if 0 <= value < 128 or -32 <= value < 0:
        return bytes((value & 0xFF,))
    if value > 0:
        for code, letter in zip((0xCC, 0xCD, 0xCE, 0xCF), "BHIQ", strict=True):
            if value < 1 << 8 * struct.calcsize(letter):
                return struct.pack(">B" + letter, code, value)
    for code, letter in zip((0xD0, 0xD1, 0xD2, 0xD3), "bhiq", strict=True):
        if value >= -(1 << 8 * struct.calcsize(letter) - 1):
            return struct.pack(">B" + letter, code, value)
    raise OverflowError(value)


def _timestamp(time: Time) -> bytes:
    if time.nanoseconds == 0 and 0 <= time.seconds < 1 << 32:
        return b"\xd6\xff" + struct.pack(">I", time.seconds)
    if 0 <= time.seconds < 1 << 34:
        return b"\xd7\xff" + struct.pack(">Q", time.nanoseconds << 34 | time.seconds)
    return b"\xc7\x0c\xff" + struct.pack(">Iq", time.nanoseconds, time.seconds)


# --- Keys and signatures (sections 3.2 and 3.3) -----------------------------------------------------

SIGNATURE_LABEL = b"COMPSIG-MLDSA65-Ed25519-SHA512"


class Signer:
    """A composite signing key from 64 bytes of seed; deterministic ML-DSA (FIPS 204, rnd of zeros)."""

    def __init__(self, seed: bytes) -> None:
        mldsa_public, self._mldsa = ML_DSA_65.key_derive(seed[:32])
        self._ed25519 = Ed25519Key(seed[32:])
        self.public = mldsa_public + self._ed25519.verify_key.encode()
        self.sender_id = sha256(b"seinpost/sender/v1", self.public)[:16]

    def sign(self, message: bytes, context: bytes, mldsa_context: bytes = SIGNATURE_LABEL) -> bytes:
        """The composite signature, 3,373 bytes."""
        preimage = b"".join(
            (
                b"CompositeAlgorithmSignatures2025",
                SIGNATURE_LABEL,
                bytes((len(context),)),
                context,
                hashlib.sha512(message).digest(),
            )
        )
        return self.sign_bare(preimage, mldsa_context)

    def sign_bare(self, preimage: bytes, mldsa_context: bytes = SIGNATURE_LABEL) -> bytes:
        """Both halves over ``preimage`` itself."""
        mldsa = ML_DSA_65.sign(self._mldsa, preimage, ctx=mldsa_context, deterministic=True)
        return mldsa + self._ed25519.sign(preimage).signature


class Reader:
    """A reader's HPKE key pair from 96 bytes of seed."""

    def __init__(self, seed: bytes) -> None:
        self.seed = seed
        mlkem_public, _ = ML_KEM_768.key_derive(seed[:64])
        self.public = mlkem_public + crypto_scalarmult_base(seed[64:])
        self.kem_key_id = sha256(b"seinpost/kem-key/v1", self.public)[:16]


# --- HPKE with X-Wing (sections 3.1 and 3.3) --------------------------------------------------------

_HPKE_SUITE = b"HPKE" + struct.pack(">HHH", 0x647A, 0x0001, 0x0002)


def _extract(salt: bytes, label: bytes, material: bytes) -> bytes:
    labelled = b"HPKE-v1" + _HPKE_SUITE + label + material
    return hmac.digest(salt or bytes(32), labelled, "sha256")


def _expand(secret: bytes, label: bytes, info: bytes, length: int) -> bytes:
    labelled = length.to_bytes(2, "big") + b"HPKE-v1" + _HPKE_SUITE + label + info
    return hkdf_expand("sha256", secret, labelled, length)


def hkdf_expand(hash_name: str, secret: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand of RFC 5869."""
    output = block = b""
    counter = 1
    while len(output) < length:
        block = hmac.digest(secret, block + info + bytes((counter,)), hash_name)
        output += block
        counter += 1
    return output[:length]


def hpke_seal(public: bytes, info: bytes, plaintext: bytes, randomness: bytes) -> bytes:
    """Encapsulation 1,120 ‖ ciphertext; ``randomness`` is ML-KEM's m 32 ‖ X25519 ephemeral key 32."""
    secret_m, ciphertext_m = ML_KEM_768._encaps_internal(public[:1184], randomness[:32])
    ephemeral = randomness[32:]
    ciphertext_x = crypto_scalarmult_base(ephemeral)
    secret_x = crypto_scalarmult(ephemeral, public[1184:])
    shared = hashlib.sha3_256(secret_m + secret_x + ciphertext_x + public[1184:] + b"\\.//^\\").digest()
    context = b"\x00" + _extract(b"", b"psk_id_hash", b"") + _extract(b"", b"info_hash", info)
    secret = _extract(shared, b"secret", b"")
    key = _expand(secret, b"key", context, 32)
    nonce = _expand(secret, b"base_nonce", context, 12)
    return ciphertext_m + ciphertext_x + AESGCM(key).encrypt(nonce, plaintext, b"")


# --- Cobblestone-256 and padding (sections 3.4 and 6.5) ---------------------------------------------


def cobblestone(
    key: bytes, context: bytes, plaintext: bytes, salt: bytes, *, commitment: bytes | None = None
) -> bytes:
    """C2SP chunked-encryption; ``commitment`` replaces the right one, for readers to refuse."""
    info = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\x00" + salt + context
    okm = hkdf_expand("sha512", key, info, 76)
    aead, nonce = AESGCM(okm[:32]), int.from_bytes(okm[32:44], "big")
    chunks = [plaintext[at : at + CHUNK] for at in range(0, len(plaintext) + 1, CHUNK)]
    sealed = [aead.encrypt((nonce ^ i).to_bytes(12, "big"), chunk, b"") for i, chunk in enumerate(chunks)]
    return salt + (okm[44:] if commitment is None else commitment) + b"".join(sealed)


def bucket(length: int) -> int:
    """Padmé, with 256 as the smallest bucket."""
    if length <= 256:
        return 256
    e = length.bit_length() - 1
    s = e.bit_length()
    mask = 2 ** (e - s) - 1
    return (length + mask) & ~mask


def pad(content: bytes) -> bytes:
    """u32 length ‖ content ‖ zeros, to the bucket."""
    padded = struct.pack(">I", len(content)) + content
    return padded + bytes(bucket(len(padded)) - len(padded))


# --- Header (section 4) -----------------------------------------------------------------------------

HEADER = struct.Struct(">4sBBBB16s16s16sQ32sQQI32sI32s")
FIELDS = (
    "magic", "kind", "suite", "classification", "theme", "enclave_id", "sender_id", "epoch_id", "seq",
    "prev_hash", "directory_size", "created_ms", "count", "batch_root", "body_len", "body_hash",
)  # fmt: skip
Fields = dict[str, Any]


def header_bytes(fields: Fields) -> bytes:
    """184 bytes of the named fields."""
    return HEADER.pack(*(fields[name] for name in FIELDS))


def body_fields(body: bytes) -> Fields:
    """body_len and body_hash."""
    return {"body_len": len(body), "body_hash": sha256(b"seinpost/body/v1", body)}


def kind_context(kind: int) -> bytes:
    """The composite signature's context of an envelope kind."""
    return f"seinpost/kind-{kind}/v1".encode()


def object_hash(header: bytes) -> bytes:
    """An envelope's identity."""
    return sha256(b"seinpost/object/v1", header)


# --- Epochs (section 5) -----------------------------------------------------------------------------


def commitment_of(secret: bytes) -> bytes:
    """The main commitment."""
    return sha256(b"seinpost/commitment/v1", secret)


def protected_commitment_of(secret: bytes) -> bytes:
    """The protected commitment."""
    return sha256(b"seinpost/protected-commitment/v1", secret)


def slot_info(fields: Fields, commitment: bytes, protected_commitment: bytes, kem_key_id: bytes) -> bytes:
    """The HPKE info of section 5.2."""
    return b"".join(
        (
            b"seinpost/epoch-slot/v1",
            b"\x01",
            fields["enclave_id"],
            fields["sender_id"],
            fields["seq"].to_bytes(8, "big"),
            fields["prev_hash"],
            commitment,
            protected_commitment,
            kem_key_id,
            bytes((fields["classification"], fields["theme"])),
            fields["directory_size"].to_bytes(8, "big"),
        )
    )


@dataclass(frozen=True)
class Epoch:
    """A sealed epoch and its secrets."""

    envelope: bytes
    epoch_id: bytes
    secret: bytes
    protected: bytes
    fields: Fields
    signer: Signer


def epoch_body(
    audience: int,
    reply_to: bytes,
    commitments: tuple[bytes, bytes],
    slots: Sequence[tuple[bytes, bytes]],
    count: int | None = None,
) -> bytes:
    """The clear body of kind 1."""
    fixed = struct.pack(
        ">B16s32s32sH", audience, reply_to, *commitments, len(slots) if count is None else count
    )
    return fixed + b"".join(kem_key_id + wrapped for kem_key_id, wrapped in slots)


# --- Batches (sections 6.3 to 6.5) ------------------------------------------------------------------


@dataclass(frozen=True)
class Sig:
    """A signal as bytes: id and four sections."""

    id: bytes
    sections: tuple[bytes | None, bytes | None, bytes | None, bytes | None]


@dataclass
class Batch:
    """The rows of both parts, open to change, with the tree over the honest signals."""

    signals: list[Sig]
    leaves: list[bytes]
    root: bytes
    main: list[Any]
    protected: list[Any] | None = field(default=None)


def _slots(seed: bytes, count: int) -> list[bytes]:
    stream = hashlib.shake_256(b"seinpost/salts/v1" + seed).digest(128 * count)
    return [stream[at : at + 32] for at in range(0, len(stream), 32)]


def tree_root(leaves: Sequence[bytes]) -> bytes:
    """RFC 9162, section 2.1.1, as written there."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01", tree_root(leaves[:split]), tree_root(leaves[split:]))


def make_batch(
    label: str, signals: Sequence[Sig], sender_id: bytes, epoch_id: bytes, *, protected: bool | None = None
) -> Batch:
    """The parts and the tree; ``protected`` forces or suppresses the protected part."""
    with_protected = any(s.sections[3] is not None for s in signals) if protected is None else protected
    seed, protected_seed = rand(label + " seed", 32), rand(label + " protected seed", 32)
    slots = _slots(seed, len(signals))
    slots3 = _slots(protected_seed, len(signals)) if with_protected else slots
    leaves, rows = [], []
    for i, signal in enumerate(signals):
        digests = []
        for j, section in enumerate(signal.sections):
            slot = (slots3 if j == 3 else slots)[4 * i + j]
            present = section is not None
            digests.append(sha256(b"seinpost/section/v1", bytes((j,)), slot, section) if present else slot)
        leaves.append(sha256(b"\x00", b"seinpost/leaf/v1", signal.id, sender_id, epoch_id, *digests))
        rows.append([signal.id, *signal.sections[:3], digests[3] if with_protected else None])
    rows3 = [[i, s.sections[3]] for i, s in enumerate(signals) if s.sections[3] is not None]
    return Batch(
        signals=list(signals),
        leaves=leaves,
        root=tree_root(leaves),
        main=[seed, rows],
        protected=[protected_seed, rows3] if with_protected else None,
    )


Sealer = Callable[[bytes, bytes, bytes, bytes], bytes]


def seal_part(key: bytes, context: bytes, content: bytes, salt: bytes) -> bytes:
    """A padded part under Cobblestone-256."""
    return cobblestone(key, context, pad(content), salt)


def part_key(name: str, secret: bytes, epoch_id: bytes, seq: int) -> bytes:
    """The key of a part, ``name`` being "main" or "protected"."""
    info = f"seinpost/{name}-key/v1".encode() + epoch_id + seq.to_bytes(8, "big")
    return hkdf_expand("sha256", secret, info, 32)


def join(main: bytes, protected: bytes) -> bytes:
    """The frame of a sealed body."""
    return struct.pack(">I", len(main)) + main + struct.pack(">I", len(protected)) + protected
