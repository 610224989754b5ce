# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Sealing and opening: the hot path that every signal takes (specification, section 6).

``seal_envelope``: encode → leaves → root → pad → Cobblestone-256 → header → composite signature.
``open_envelope``, in this order, so that nothing hostile is touched early: signature and body hash
verified → parts decrypted whole → padding → MessagePack in canonical form → leaves → root.

Pure given keys: no clock, no network, no disk; randomness comes from the operating system.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import msgspec
from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from seinpost_schemas import labels
from seinpost_schemas.batch import Disclosure, OpenedBatch, decode_batch, disclose, encode_batch
from seinpost_schemas.envelope import (
    MAX_ENVELOPE_BYTES,
    Envelope,
    UnsignedEnvelope,
    unsigned_envelope,
    verify_envelope,
)
from seinpost_schemas.errors import BindingError, DecryptionError
from seinpost_schemas.header import Header, batch_context, hash_body
from seinpost_schemas.kinds import SEALED
from seinpost_schemas.padding import pad_pieces, unpad
from seinpost_schemas.sealed_body import join_pieces, split_views
from seinpost_schemas.sections import EncodedSignal
from seinpost_schemas.signing import SigningKey, VerifyingKey

from .epochs import EpochSecrets

# glibc gives freed memory back to the kernel beyond twice the largest block that was freed so far, and the next
# envelope faults it in again, page by page: a tenth of sealing. After one block as large as some envelopes, which
# is never touched and so takes no memory, it keeps the few megabytes that envelopes need.
bytes(8 * MAX_ENVELOPE_BYTES)


def part_key(label: bytes, secret: bytes, epoch_id: bytes, seq: int) -> bytes:
    """The 32-byte Cobblestone key of a part: HKDF-Expand-SHA256(secret, label ‖ epoch_id ‖ seq 8)."""
    info = b"".join((label, epoch_id, seq.to_bytes(8, "big")))
    return HKDFExpand(algorithm=hashes.SHA256(), length=32, info=info).derive(secret)


def seal_envelope(
    signals: Sequence[EncodedSignal], place: Header, secrets: EpochSecrets, key: SigningKey
) -> Envelope:
    """One signed, sealed envelope of 1 to 1,024 validated signals; see ``seal_unsigned``."""
    return seal_unsigned(signals, place, secrets).sign(key)


def seal_unsigned(signals: Sequence[EncodedSignal], place: Header, secrets: EpochSecrets) -> UnsignedEnvelope:
    """A sealed envelope that is still to be signed: while it is, the next one can be sealed.

    ``place`` gives kind and chain fields; count, batch_root, epoch_id and body fields are set here.
    """
    if place.kind not in SEALED:
        raise ValueError(f"kind {place.kind} has no sealed body")
    batch = encode_batch(signals, place.sender_id, secrets.epoch_id, os.urandom(32), os.urandom(32))
    unsealed = msgspec.structs.replace(
        place, epoch_id=secrets.epoch_id, count=batch.count, batch_root=batch.root, body_len=0
    )
    context = batch_context(unsealed.encode())
    main = _seal_part(batch.main, labels.MAIN_KEY, secrets.secret, unsealed, context)
    protected: Sequence[bytes] = ()
    if batch.protected is not None:
        if secrets.protected is None:
            raise ValueError("these secrets cannot seal a protected section")
        protected = _seal_part(batch.protected, labels.PROTECTED_KEY, secrets.protected, unsealed, context)
    body = join_pieces(main, protected)
    header = msgspec.structs.replace(unsealed, body_len=len(body), body_hash=hash_body(body))
    return unsigned_envelope(header, body)


def _seal_part(content: bytes, label: bytes, secret: bytes, header: Header, context: bytes) -> list[bytes]:
    encryptor = Cobblestone256Encryptor(part_key(label, secret, header.epoch_id, header.seq), context)
    return [*map(encryptor.update, pad_pieces(content)), encryptor.finalize()]


def open_envelope(envelope: Envelope, sender: VerifyingKey, secrets: EpochSecrets) -> OpenedBatch:
    """The batch in a sealed envelope, verified whole; nothing is returned unless all of it holds.

    Raises ``SignatureError``, ``BindingError``, ``DecryptionError``, ``MalformedError`` or ``RootError``.
    """
    verify_envelope(envelope, sender)
    if envelope.header.sender_id != sender.sender_id:
        raise BindingError("the envelope names another sender than the key that signed it")
    return open_verified(envelope, secrets)


def open_verified(envelope: Envelope, secrets: EpochSecrets) -> OpenedBatch:
    """Like ``open_envelope`` for an envelope whose signature was verified already. Not a verification."""
    header = envelope.header
    main, protected, has_protected_part = _open_parts(envelope, secrets)
    return decode_batch(
        main,
        protected,
        has_protected_part=has_protected_part,
        count=header.count,
        root=header.batch_root,
        sender_id=header.sender_id,
        epoch_id=header.epoch_id,
    )


def disclose_signal(envelope: Envelope, secrets: EpochSecrets, number: int) -> tuple[Disclosure, ...]:
    """The four sections of one signal of a verified envelope with their salts, for a proof.

    Raises like ``open_verified``; ``ValueError`` for a signal that is not in it.
    """
    batch = open_verified(envelope, secrets)
    if not 0 <= number < len(batch.signals):
        raise ValueError(f"the envelope has no signal {number}")
    main, protected, has_protected_part = _open_parts(envelope, secrets)
    return disclose(
        main, protected, has_protected_part=has_protected_part, count=envelope.header.count, number=number
    )


def _open_parts(envelope: Envelope, secrets: EpochSecrets) -> tuple[bytes, bytes | None, bool]:
    """(main part, protected part if these secrets open it, whether there is one)."""
    header = envelope.header
    if header.kind not in SEALED:
        raise BindingError(f"kind {header.kind} has no sealed body")
    if header.epoch_id != secrets.epoch_id:
        raise BindingError("the envelope belongs to another epoch")
    main_sealed, protected_sealed = split_views(envelope.body)
    context = batch_context(envelope.header_bytes)
    main = _open_part(main_sealed, labels.MAIN_KEY, secrets.secret, header, context)
    protected = None
    if protected_sealed and secrets.protected is not None:
        protected = _open_part(protected_sealed, labels.PROTECTED_KEY, secrets.protected, header, context)
    return main, protected, bool(protected_sealed)


def _open_part(sealed: memoryview, label: bytes, secret: bytes, header: Header, context: bytes) -> bytes:
    decryptor = Cobblestone256Decryptor(part_key(label, secret, header.epoch_id, header.seq), context)
    try:
        # Nothing is used before finalize(): it is what detects a truncated tail.
        padded = b"".join((decryptor.update(sealed), decryptor.finalize()))
    except (InvalidTag, ValueError):
        raise DecryptionError("a sealed part does not open under its epoch's key") from None
    return unpad(padded)
