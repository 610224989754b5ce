# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A compartment log's state as bytes, so that a broker need not read a million entries to start.

It is this broker's own file and says nothing that the stream does not. It is used only when it is whole, when the
stream still holds its last entry, and when its tree is the one that the checkpoint in custody signed.
"""

from __future__ import annotations

import hashlib

import msgspec

from seinpost_schemas.compartment import Compartment
from seinpost_schemas.rights import LoggedEpoch

from .places import Columns

_MAGIC = b"seinpost-snapshot/2\n"
_DIGEST_BYTES = 32


class Head(msgspec.Struct, frozen=True, array_like=True):
    """A chain's newest logged header."""

    seq: int
    hash: bytes
    header_bytes: bytes
    signature: bytes


class Epoch(msgspec.Struct, frozen=True, array_like=True):
    """What a log says of one epoch; its compartment is the log's."""

    sender_id: bytes
    origin: str
    audience: int
    reply_to: bytes
    admitted_ms: int
    slot_ids: tuple[bytes, ...]
    envelopes: int
    last_seq: int
    ended: bool


class State(msgspec.Struct, frozen=True, array_like=True):
    """Everything that a log's decisions rest on."""

    compartment: str
    last_leaf: bytes | None
    last_ms: int
    last_directory_size: int
    heads: dict[bytes, Head]
    epochs: dict[bytes, Epoch]
    receipts: dict[bytes, int]
    places: Columns
    leaves: bytes


def encode_snapshot(state: State) -> bytes:
    """The file's bytes: magic, SHA-256, state."""
    data = msgspec.msgpack.encode(state)
    return _MAGIC + hashlib.sha256(data).digest() + data


def decode_snapshot(data: bytes) -> State:
    """Raises ``ValueError`` for a file that is not whole, or of another version."""
    start = len(_MAGIC) + _DIGEST_BYTES
    if not data.startswith(_MAGIC) or hashlib.sha256(data[start:]).digest() != data[len(_MAGIC) : start]:
        raise ValueError("not a whole snapshot of this version")
    try:
        return msgspec.msgpack.decode(data[start:], type=State)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from None


def stored_epoch(epoch: LoggedEpoch) -> Epoch:
    """An epoch to be stored."""
    return Epoch(
        epoch.sender_id,
        epoch.origin,
        epoch.audience,
        epoch.reply_to,
        epoch.admitted_ms,
        epoch.slot_ids,
        epoch.envelopes,
        epoch.last_seq,
        epoch.ended,
    )


def logged_epoch(epoch: Epoch, compartment: Compartment) -> LoggedEpoch:
    """A stored epoch, in its log's compartment."""
    return LoggedEpoch(
        sender_id=epoch.sender_id,
        origin=epoch.origin,
        compartment=compartment,
        audience=epoch.audience,
        reply_to=epoch.reply_to,
        admitted_ms=epoch.admitted_ms,
        slot_ids=epoch.slot_ids,
        envelopes=epoch.envelopes,
        last_seq=epoch.last_seq,
        ended=epoch.ended,
    )
