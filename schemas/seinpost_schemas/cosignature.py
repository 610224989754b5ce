# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Witness cosignatures on checkpoints (C2SP tlog-cosignature): Ed25519 (0x04) and ML-DSA-44 (0x06).

A witness counts only with both lines, valid, over the same checkpoint: neither a broken classical nor a
broken post-quantum scheme is enough. Each line carries its own timestamp, Unix seconds; the earlier counts.
A quorum k of n witnesses, of which f may be dishonest, must be above (n + f) / 2: any two quorums then
share an honest witness, who signs no two histories.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519, mldsa

from .checkpoint import MLDSA44_SIGNATURE_BYTES, Checkpoint, cosignature_message
from .errors import MalformedError, QuorumError, SignatureError
from .note import COSIGNATURE_MLDSA44_TYPE, Note, NoteSignature, key_id

COSIGNATURE_ED25519_TYPE = b"\x04"
WITNESS_SEED_BYTES = 64
_ED25519_SIGNATURE_BYTES = 64
_TIMESTAMP = struct.Struct(">Q")


class Witness(msgspec.Struct, frozen=True):
    """A witness's public half: its key name on notes, Ed25519 32 bytes, ML-DSA-44 1,312 bytes."""

    name: str
    ed25519: bytes
    mldsa44: bytes


class WitnessKeys:
    """A witness's signing keys, from 64 bytes of seed: Ed25519 32 ‖ ML-DSA-44 32."""

    def __init__(self, name: str, seed: bytes) -> None:
        if len(seed) != WITNESS_SEED_BYTES:
            raise MalformedError(f"a witness key's seed has {WITNESS_SEED_BYTES} bytes, not {len(seed)}")
        self._ed25519 = ed25519.Ed25519PrivateKey.from_private_bytes(seed[:32])
        self._mldsa = mldsa.MLDSA44PrivateKey.from_seed_bytes(seed[32:])
        self.public = Witness(
            name,
            self._ed25519.public_key().public_bytes_raw(),
            self._mldsa.public_key().public_bytes_raw(),
        )

    def cosign(self, checkpoint: Checkpoint, timestamp: int) -> tuple[NoteSignature, NoteSignature]:
        """The 0x04 and the 0x06 line; ``timestamp`` in Unix seconds, above 0."""
        name, stamp = self.public.name, _TIMESTAMP.pack(timestamp)
        message = cosignature_message(name, timestamp, checkpoint)
        classical = self._ed25519.sign(ed25519_message(timestamp, checkpoint))
        return (
            NoteSignature(name, _ed25519_id(self.public), stamp + classical),
            NoteSignature(name, _mldsa44_id(self.public), stamp + self._mldsa.sign(message)),
        )


def ed25519_message(timestamp: int, checkpoint: Checkpoint) -> bytes:
    """The bytes under a 0x04 line."""
    return f"cosignature/v1\ntime {timestamp}\n{checkpoint.text()}".encode()


def _ed25519_id(witness: Witness) -> bytes:
    return key_id(witness.name, COSIGNATURE_ED25519_TYPE + witness.ed25519)


def _mldsa44_id(witness: Witness) -> bytes:
    return key_id(witness.name, COSIGNATURE_MLDSA44_TYPE + witness.mldsa44)


def verify_cosignature(
    lines: Sequence[NoteSignature], checkpoint: Checkpoint, witness: Witness
) -> int | None:
    """The witness's timestamp in Unix seconds; ``None`` when it lacks a line.

    Raises ``SignatureError`` when a line of this witness is there and fails.
    """
    stamps: list[int] = []
    for line_id, size in (
        (_ed25519_id(witness), _ED25519_SIGNATURE_BYTES),
        (_mldsa44_id(witness), MLDSA44_SIGNATURE_BYTES),
    ):
        line = next((s for s in lines if s.name == witness.name and s.key_id == line_id), None)
        if line is None:
            return None
        if len(line.signature) != _TIMESTAMP.size + size:
            raise SignatureError(f"a cosignature of {witness.name} has another length")
        (timestamp,) = _TIMESTAMP.unpack_from(line.signature)
        signature = line.signature[_TIMESTAMP.size :]
        try:
            if size == _ED25519_SIGNATURE_BYTES:
                key = ed25519.Ed25519PublicKey.from_public_bytes(witness.ed25519)
                key.verify(signature, ed25519_message(timestamp, checkpoint))
            else:
                message = cosignature_message(witness.name, timestamp, checkpoint)
                mldsa.MLDSA44PublicKey.from_public_bytes(witness.mldsa44).verify(signature, message)
        except (InvalidSignature, MalformedError):
            raise SignatureError(f"a cosignature of {witness.name} does not verify") from None
        stamps.append(timestamp)
    return min(stamps)


def cosigned(note: Note, checkpoint: Checkpoint, witnesses: Sequence[Witness]) -> dict[str, int]:
    """The timestamps, by witness name, of all who cosigned; raises ``SignatureError`` for a bad line."""
    found = {w.name: verify_cosignature(note.signatures, checkpoint, w) for w in witnesses}
    return {name: timestamp for name, timestamp in found.items() if timestamp is not None}


def verify_quorum(note: Note, checkpoint: Checkpoint, witnesses: Sequence[Witness], quorum: int) -> int:
    """The k-th highest witness timestamp, Unix seconds; raises ``QuorumError`` when fewer than k cosigned.

    With quorum 0 there is nothing that a witness has said: raises too.
    """
    stamps = sorted(cosigned(note, checkpoint, witnesses).values(), reverse=True)
    if quorum < 1 or len(stamps) < quorum:
        raise QuorumError(f"{len(stamps)} witnesses cosigned {checkpoint.origin}; {quorum} are needed")
    return stamps[quorum - 1]


def verify_threshold(witnesses: int, quorum: int) -> None:
    """Raise ``MalformedError`` unless k > (n + f) / 2 with f = (n − 1) // 3; 0 of 0 is no witnessing yet."""
    faulty = max(0, (witnesses - 1) // 3)
    if (witnesses, quorum) != (0, 0) and not (witnesses + faulty) / 2 < quorum <= witnesses:
        raise MalformedError(
            f"a quorum of {quorum} of {witnesses} witnesses is not above (n + f) / 2 with f = {faulty}"
        )
