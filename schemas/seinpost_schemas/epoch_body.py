# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The clear body of an epoch (kind 1), and the ``info`` that binds each slot (specification, section 5).

audience 1 ‖ reply_to 16 ‖ commitment 32 ‖ protected commitment 32 ‖ slot count 2 ‖ slots, sorted:
kem_key_id 16 ‖ HPKE ciphertext 1,200 (encapsulation 1,120 ‖ 64 sealed bytes ‖ tag 16).
"""

from __future__ import annotations

import hashlib
import itertools
import struct
from collections.abc import Sequence

import msgspec

from . import labels
from .errors import MalformedError, TooLargeError
from .header import SUITE, Header
from .limits import MAX_SLOTS

WRAPPED_BYTES = 1200
SLOT_BYTES = 16 + WRAPPED_BYTES
_FIXED = struct.Struct(">B16s32s32sH")
_INFO = struct.Struct(">B16s16sQ32s32s32s16sBBQ")


class Slot(msgspec.Struct, frozen=True):
    """The epoch's secrets for one reader's key: id 16 bytes, ``wrapped`` 1,200 bytes."""

    kem_key_id: bytes
    wrapped: bytes


class EpochBody(msgspec.Struct, frozen=True, kw_only=True):
    """An epoch's audience code, reply_to (16 bytes, zero if none), commitments and slots."""

    audience: int
    reply_to: bytes
    commitment: bytes
    protected_commitment: bytes
    slots: tuple[Slot, ...]

    def encode(self) -> bytes:
        """The body's bytes."""
        fixed = _FIXED.pack(
            self.audience, self.reply_to, self.commitment, self.protected_commitment, len(self.slots)
        )
        return fixed + b"".join(s.kem_key_id + s.wrapped for s in self.slots)


def decode_epoch_body(body: bytes) -> EpochBody:
    """Body bytes, taken apart; raises ``MalformedError`` unless the slots rise strictly."""
    if len(body) < _FIXED.size:
        raise MalformedError("an epoch's body is shorter than its fixed part")
    audience, reply_to, commitment, protected_commitment, count = _FIXED.unpack_from(body)
    if count > MAX_SLOTS:
        raise TooLargeError(f"{count} slots are over the limit of {MAX_SLOTS}")
    if len(body) != _FIXED.size + count * SLOT_BYTES:
        raise MalformedError("an epoch's body does not end where its slots do")
    if audience == 0:
        raise MalformedError("audience code 0 does not exist")
    slots = tuple(
        Slot(body[at : at + 16], body[at + 16 : at + SLOT_BYTES])
        for at in range(_FIXED.size, len(body), SLOT_BYTES)
    )
    refuse_unsorted([s.kem_key_id for s in slots])
    return EpochBody(
        audience=audience,
        reply_to=reply_to,
        commitment=commitment,
        protected_commitment=protected_commitment,
        slots=slots,
    )


def refuse_unsorted(keys: Sequence[bytes]) -> None:
    """Raise ``MalformedError`` unless keys rise strictly: one form, and no key twice."""
    if any(a >= b for a, b in itertools.pairwise(keys)):
        raise MalformedError("slots are sorted by key id, each once")


def commit(secret: bytes) -> bytes:
    """The commitment, 32 bytes, to an epoch's 32-byte secret."""
    return hashlib.sha256(labels.COMMITMENT + secret).digest()


def commit_protected(secret: bytes) -> bytes:
    """The commitment, 32 bytes, to an epoch's 32-byte protected secret."""
    return hashlib.sha256(labels.PROTECTED_COMMITMENT + secret).digest()


def slot_info(header: Header, commitment: bytes, protected_commitment: bytes, kem_key_id: bytes) -> bytes:
    """HPKE ``info`` of an epoch's slot: everything that a slot must not be moved away from.

    pyca's HPKE has no AAD, so all binding is here; authenticity comes from the envelope's signature.
    """
    return labels.EPOCH_SLOT + _pack_info(header, commitment, protected_commitment, kem_key_id)


def share_info(
    header: Header, commitment: bytes, protected_commitment: bytes, kem_key_id: bytes, epoch_id: bytes
) -> bytes:
    """HPKE ``info`` of a share's slot (kind 9): its own label, and the epoch_id at the end.

    ``header`` is the header of the share's own envelope.
    """
    return labels.SHARE_SLOT + _pack_info(header, commitment, protected_commitment, kem_key_id) + epoch_id


def _pack_info(header: Header, commitment: bytes, protected_commitment: bytes, kem_key_id: bytes) -> bytes:
    return _INFO.pack(
        SUITE,
        header.enclave_id,
        header.sender_id,
        header.seq,
        header.prev_hash,
        commitment,
        protected_commitment,
        kem_key_id,
        header.compartment.classification.code,
        header.compartment.theme.code,
        header.directory_size,
    )
