# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Shares: past epochs' secrets for a reader who came later (kind 9; specification, section 7.5). Pure.

``seal_share`` wraps them to the reader's newest key, bound to the share's own header; ``open_share`` gives them back,
checked against the commitments of the epochs themselves, so that a share cannot show one reader other content.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Sequence

import msgspec

from seinpost_schemas.clear_bodies import Share, ShareSlot
from seinpost_schemas.epoch_body import commit, commit_protected, share_info
from seinpost_schemas.errors import CommitmentError
from seinpost_schemas.header import Header

from .epochs import SECRET_BYTES, EpochSecrets, Recipient
from .kem import KemPrivateKey, wrap


class Commitments(msgspec.Struct, frozen=True):
    """What an epoch committed to in the log: 32 bytes each."""

    epoch_id: bytes
    commitment: bytes
    protected_commitment: bytes


def seal_share(
    place: Header,
    epochs: Sequence[tuple[EpochSecrets, Commitments]],
    kem_key_id: bytes,
    recipient: Recipient,
) -> bytes:
    """The body of a share of ``epochs`` for one reader's 16-byte key id; ``place`` is the share's own header.

    The protected secret goes along only to a reader who may read the protected section, and if it is held here.
    """
    slots = []
    for secrets, committed in sorted(epochs, key=lambda e: e[1].epoch_id):
        give = recipient.read_protected and secrets.protected is not None
        # Otherwise random bytes: slots look alike, and it learns nothing.
        second = (secrets.protected if give else None) or os.urandom(SECRET_BYTES)
        info = share_info(
            place, committed.commitment, committed.protected_commitment, kem_key_id, committed.epoch_id
        )
        wrapped = wrap(secrets.secret + second, recipient.kem_public, info)
        slots.append(ShareSlot(committed.epoch_id, kem_key_id, wrapped))
    return Share(tuple(slots)).encode()


def open_share(
    header: Header,
    slot: ShareSlot,
    committed: Commitments,
    key: KemPrivateKey,
    *,
    read_protected: bool,
) -> EpochSecrets:
    """One past epoch's secrets from a *verified* share with this header.

    Raises ``BadSlotError`` when the slot does not open, ``CommitmentError`` when the secret is not the epoch's. The
    protected secret is left out when the reader may not have it, or the sharer did not.
    """
    info = share_info(
        header, committed.commitment, committed.protected_commitment, slot.kem_key_id, slot.epoch_id
    )
    secrets = key.unwrap(slot.wrapped, info)
    secret, protected = secrets[:SECRET_BYTES], secrets[SECRET_BYTES:]
    if not hmac.compare_digest(commit(secret), committed.commitment):
        raise CommitmentError("a shared secret is not the one that its epoch committed to")
    whole = hmac.compare_digest(commit_protected(protected), committed.protected_commitment)
    return EpochSecrets(slot.epoch_id, secret, protected if whole and read_protected else None)
