# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Checkpoints (C2SP tlog-checkpoint v1.0.0) with an Ed25519 (0x01) and an ML-DSA-44 (0x06) line.

Note text: origin, size in decimal, base64 of the 32-byte root; no extension lines. Our verifier demands
both lines. The 0x06 line (C2SP tlog-cosignature) carries the signer's timestamp in Unix seconds.
"""

from __future__ import annotations

import struct

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519, mldsa

from .entry import from_base64, to_base64
from .errors import BindingError, MalformedError, SignatureError
from .note import (
    COSIGNATURE_MLDSA44_TYPE,
    Note,
    NoteSignature,
    find_line,
    key_id,
    parse_note,
    sign_note_ed25519,
    verify_ed25519,
)

MLDSA44_SIGNATURE_BYTES = 2420
_MAX_TIMESTAMP = (1 << 63) - 1
_MAX_TREE_SIZE = (1 << 63) - 1
"""What those who keep a log's size can keep; no log comes near it."""


class Checkpoint(msgspec.Struct, frozen=True):
    """The size and 32-byte root of a log."""

    origin: str
    tree_size: int
    root_hash: bytes

    def text(self) -> str:
        """The note text."""
        return f"{self.origin}\n{self.tree_size}\n{to_base64(self.root_hash)}\n"


class LogPublicKeys(msgspec.Struct, frozen=True):
    """An enclave's log keys: Ed25519 32 bytes, ML-DSA-44 1,312 bytes."""

    ed25519: bytes
    mldsa44: bytes


class LogKeys:
    """An enclave's log signing keys, from 64 bytes of seed: Ed25519 32 ‖ ML-DSA-44 32."""

    def __init__(self, seed: bytes) -> None:
        if len(seed) != 64:
            raise MalformedError(f"a log key's seed has 64 bytes, not {len(seed)}")
        self._ed25519 = ed25519.Ed25519PrivateKey.from_private_bytes(seed[:32])
        self._mldsa = mldsa.MLDSA44PrivateKey.from_seed_bytes(seed[32:])
        self.public = LogPublicKeys(
            self._ed25519.public_key().public_bytes_raw(), self._mldsa.public_key().public_bytes_raw()
        )

    def sign(self, checkpoint: Checkpoint, timestamp: int) -> bytes:
        """The signed note's bytes; ``timestamp`` in Unix seconds goes into the 0x06 line."""
        name = checkpoint.origin
        message = cosignature_message(name, timestamp, checkpoint)
        mldsa_line = NoteSignature(
            name,
            key_id(name, COSIGNATURE_MLDSA44_TYPE + self.public.mldsa44),
            struct.pack(">Q", timestamp) + self._mldsa.sign(message),
        )
        lines = (sign_note_ed25519(checkpoint.text(), name, self._ed25519), mldsa_line)
        return Note(checkpoint.text(), lines).encode()


def cosignature_message(cosigner: str, timestamp: int, checkpoint: Checkpoint) -> bytes:
    """The bytes under a 0x06 line: a subtree from 0 to the checkpoint's size."""
    name, origin = cosigner.encode(), checkpoint.origin.encode()
    if len(name) > 255 or len(origin) > 255 or not 0 < timestamp <= _MAX_TIMESTAMP:
        raise MalformedError("a cosignature's names are at most 255 bytes and its timestamp is positive")
    return b"".join(
        (
            b"subtree/v1\n\0",
            bytes((len(name),)),
            name,
            struct.pack(">Q", timestamp),
            bytes((len(origin),)),
            origin,
            struct.pack(">QQ", 0, checkpoint.tree_size),
            checkpoint.root_hash,
        )
    )


def parse_checkpoint(note: Note) -> Checkpoint:
    """The checkpoint in a note's text; raises ``MalformedError``. Not a verification."""
    lines = note.text.split("\n")
    if len(lines) != 4 or lines[3] or not lines[0]:
        raise MalformedError("a checkpoint is three lines: origin, size, root")
    if (
        not (lines[1].isascii() and lines[1].isdigit())
        or len(lines[1]) > 19
        or str(int(lines[1])) != lines[1]
        or int(lines[1]) > _MAX_TREE_SIZE
    ):
        raise MalformedError("a checkpoint's size is a plain decimal number below 2^63")
    root = from_base64(lines[2], 32)
    if len(root) != 32:
        raise MalformedError("a checkpoint's root has 32 bytes")
    return Checkpoint(lines[0], int(lines[1]), root)


def verify_checkpoint(data: bytes, origin: str, keys: LogPublicKeys) -> tuple[Checkpoint, int]:
    """(checkpoint, timestamp in Unix seconds) of a note that both log keys signed.

    Raises ``MalformedError``, ``BindingError`` for another log's, ``SignatureError``.
    """
    note = parse_note(data)
    checkpoint = parse_checkpoint(note)
    if checkpoint.origin != origin:
        raise BindingError("the checkpoint is of another log")
    verify_ed25519(note, origin, keys.ed25519)
    line = find_line(note, origin, COSIGNATURE_MLDSA44_TYPE + keys.mldsa44)
    if len(line.signature) != 8 + MLDSA44_SIGNATURE_BYTES:
        raise MalformedError("a 0x06 line holds a timestamp and an ML-DSA-44 signature")
    timestamp = int.from_bytes(line.signature[:8], "big")
    message = cosignature_message(origin, timestamp, checkpoint)
    try:
        mldsa.MLDSA44PublicKey.from_public_bytes(keys.mldsa44).verify(line.signature[8:], message)
    except InvalidSignature:
        raise SignatureError(f"the ML-DSA-44 line of {origin} does not verify") from None
    return checkpoint, timestamp
