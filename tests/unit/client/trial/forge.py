# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Envelopes that a hostile sender seals: well-formed outside, and wrong inside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from seinpost.epochs import EpochSecrets
from seinpost.identity import Identity
from seinpost.kem import wrap
from seinpost.sealing import _seal_part
from seinpost_schemas import labels
from seinpost_schemas.batch import encode_batch
from seinpost_schemas.envelope import Envelope, sign_envelope
from seinpost_schemas.epoch_body import EpochBody, Slot, commit, commit_protected, slot_info
from seinpost_schemas.header import batch_context, hash_body
from seinpost_schemas.kinds import Kind
from seinpost_schemas.sealed_body import join_parts
from seinpost_schemas.sections import EncodedSignal

from .log import TrialLog


def seal_parts(
    log: TrialLog,
    sender: Identity,
    secrets: EpochSecrets,
    main: bytes,
    root: bytes,
    count: int = 1,
    protected: bytes | None = None,
) -> Envelope:
    """Any bytes as the main (and protected) part, under any root."""
    place = log.place(sender, Kind.SIGNALS, epoch_id=secrets.epoch_id, count=count, batch_root=root)
    context = batch_context(place.encode())
    sealed = b"".join(_seal_part(main, labels.MAIN_KEY, secrets.secret, place, context))
    second = b""
    if protected is not None:
        assert secrets.protected is not None
        second = b"".join(_seal_part(protected, labels.PROTECTED_KEY, secrets.protected, place, context))
    body = join_parts(sealed, second)
    header = msgspec.structs.replace(place, body_len=len(body), body_hash=hash_body(body))
    return sign_envelope(header, body, sender.signing)


def batch_of(
    sender: Identity, secrets: EpochSecrets, *signals: EncodedSignal, seed: bytes = b"s" * 32
) -> Any:
    """An honest batch's parts and root."""
    return encode_batch(signals, sender.sender_id, secrets.epoch_id, seed, b"p" * 32)


def epoch_giving(
    log: TrialLog,
    sender: Identity,
    inside: Mapping[bytes, tuple[Identity, bytes]],
    secrets: tuple[bytes, bytes],
    code: int = 1,
) -> tuple[Envelope, EpochSecrets]:
    """An epoch that commits to ``secrets`` and gives the holder of each slot 64 bytes of the sender's choice.

    ``inside`` is, by kem_key_id, whose key the slot is wrapped to and what is in it.
    """
    place = log.place(sender, Kind.EPOCH)
    commitments = commit(secrets[0]), commit_protected(secrets[1])
    slots = tuple(
        Slot(key_id, wrap(data, holder.kem.public, slot_info(place, *commitments, key_id)))
        for key_id, (holder, data) in sorted(inside.items())
    )
    body = EpochBody(
        audience=code,
        reply_to=bytes(16),
        commitment=commitments[0],
        protected_commitment=commitments[1],
        slots=slots,
    ).encode()
    header = msgspec.structs.replace(place, body_len=len(body), body_hash=hash_body(body))
    envelope = sign_envelope(header, body, sender.signing)
    return envelope, EpochSecrets(envelope.object_hash[:16], *secrets)
