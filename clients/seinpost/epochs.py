# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Epochs: one sender's content keys for one audience in one compartment (specification, section 5).

``make_epoch`` draws two secrets and wraps them to each reader; ``open_epoch`` gives a reader its
secrets back, checked against the commitments, so that all readers of an epoch hold the same ones or find
out that they do not.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Mapping

import msgspec

from seinpost_schemas.envelope import Envelope, UnsignedEnvelope, unsigned_envelope
from seinpost_schemas.epoch_body import (
    EpochBody,
    Slot,
    commit,
    commit_protected,
    decode_epoch_body,
    slot_info,
)
from seinpost_schemas.errors import CommitmentError
from seinpost_schemas.header import ZERO_16, ZERO_32, Header, hash_body
from seinpost_schemas.kinds import Kind
from seinpost_schemas.signing import SigningKey

from .kem import KemPrivateKey, wrap

SECRET_BYTES = 32


class EpochSecrets(msgspec.Struct, frozen=True):
    """What opens an epoch's bodies: ``secret`` 32 bytes; ``protected`` 32 bytes or ``None``."""

    epoch_id: bytes
    secret: bytes
    protected: bytes | None

    def __repr__(self) -> str:
        return f"EpochSecrets(epoch_id={self.epoch_id.hex()})"


class Recipient(msgspec.Struct, frozen=True):
    """A reader's 1,216-byte public key, and whether it may read the protected section."""

    kem_public: bytes
    read_protected: bool


def make_epoch(
    place: Header,
    audience: int,
    recipients: Mapping[bytes, Recipient],
    key: SigningKey,
    reply_to: bytes = ZERO_16,
) -> tuple[Envelope, EpochSecrets]:
    """A signed epoch envelope for ``recipients`` (by 16-byte kem_key_id) and its secrets; see ``draft_epoch``."""
    unsigned, secrets = draft_epoch(place, audience, recipients, reply_to)
    return unsigned.sign(key), secrets


def draft_epoch(
    place: Header, audience: int, recipients: Mapping[bytes, Recipient], reply_to: bytes = ZERO_16
) -> tuple[UnsignedEnvelope, EpochSecrets]:
    """An epoch envelope that is still to be signed, and its secrets.

    ``place`` gives the chain fields; its kind, body fields and epoch_id are set here.
    """
    secret, protected = os.urandom(SECRET_BYTES), os.urandom(SECRET_BYTES)
    commitment, protected_commitment = commit(secret), commit_protected(protected)
    slots = []
    for kem_key_id, recipient in sorted(recipients.items()):
        # A reader without read-protected gets random bytes: slots look alike, and it learns nothing.
        second = protected if recipient.read_protected else os.urandom(SECRET_BYTES)
        info = slot_info(place, commitment, protected_commitment, kem_key_id)
        slots.append(Slot(kem_key_id, wrap(secret + second, recipient.kem_public, info)))
    body = EpochBody(
        audience=audience,
        reply_to=reply_to,
        commitment=commitment,
        protected_commitment=protected_commitment,
        slots=tuple(slots),
    ).encode()
    header = msgspec.structs.replace(
        place,
        kind=Kind.EPOCH,
        epoch_id=ZERO_16,
        count=0,
        batch_root=ZERO_32,
        body_len=len(body),
        body_hash=hash_body(body),
    )
    envelope = unsigned_envelope(header, body)
    return envelope, EpochSecrets(epoch_id_of(envelope), secret, protected)


def epoch_id_of(envelope: Envelope | UnsignedEnvelope) -> bytes:
    """The 16-byte epoch_id of an epoch's envelope."""
    return envelope.object_hash[:16]


def open_epoch(envelope: Envelope, key: KemPrivateKey, *, read_protected: bool) -> EpochSecrets | None:
    """This reader's secrets of a *verified* epoch envelope; ``None`` when no slot names its key.

    Raises ``BadSlotError`` when a slot names the key and does not open, ``CommitmentError`` when the
    secrets are not the committed ones (the protected one is looked at only with ``read_protected``).
    """
    body = decode_epoch_body(envelope.body)
    slot = next((s for s in body.slots if s.kem_key_id == key.key_id), None)
    if slot is None:
        return None
    info = slot_info(envelope.header, body.commitment, body.protected_commitment, key.key_id)
    secrets = key.unwrap(slot.wrapped, info)
    secret, protected = secrets[:SECRET_BYTES], secrets[SECRET_BYTES:]
    if not hmac.compare_digest(commit(secret), body.commitment):
        raise CommitmentError("the epoch's secret is not the one it committed to")
    if read_protected and not hmac.compare_digest(commit_protected(protected), body.protected_commitment):
        raise CommitmentError("the epoch's protected secret is not the one it committed to")
    return EpochSecrets(epoch_id_of(envelope), secret, protected if read_protected else None)
