# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What is published of a log, held against what a witness has on disk. Pure.

A witness whose state was lost or put back would sign another history over one that it signed before. Its own
cosignatures, in what is published, tell it: until someone has looked, it cosigns nothing more of that log.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from seinpost_schemas.checkpoint import Checkpoint, LogPublicKeys, parse_checkpoint, verify_checkpoint
from seinpost_schemas.cosignature import Witness, verify_cosignature
from seinpost_schemas.directory import log_keys_of
from seinpost_schemas.errors import InvalidError
from seinpost_schemas.note import parse_note
from seinpost_schemas.register import Register
from seinpost_schemas.trusted_log import Position

Code = Literal["state-lost", "split-view", "signature", "unasked"]


class Finding(msgspec.Struct, frozen=True):
    """What is wrong with a log, by name."""

    origin: str
    code: Code
    message: str


def own_word(data: bytes, origin: str, own: Witness) -> Position | None:
    """The size and root in a note that this witness itself cosigned; ``None`` for any other note.

    The log's signatures are not asked for: what bears our own cosignature, we have said.
    """
    try:
        note = parse_note(data)
        checkpoint = parse_checkpoint(note)
        if checkpoint.origin != origin or verify_cosignature(note.signatures, checkpoint, own) is None:
            return None
    except InvalidError:
        return None
    return Position(checkpoint.tree_size, checkpoint.root_hash)


def forgotten(said: Position, held: Position) -> bool:
    """Whether what we said is not what we know, or beyond it. What is below it, we have gone on from."""
    if said.tree_size == held.tree_size:
        return said.root_hash != held.root_hash
    return said.tree_size > held.tree_size


def lost(origin: str, said: Position, held: Position) -> Finding:
    """What it means to have said more than is held, and what to do."""
    return Finding(
        origin,
        "state-lost",
        f"this witness cosigned {said.tree_size} entries of {origin}, and its state knows of {held.tree_size}: it "
        "was lost or put back, or a copy of this witness runs elsewhere. Nothing more of this log is cosigned. Put "
        "the newest witness.db back; if it is gone, hold the published checkpoint against those of other witnesses "
        "and start once with --resume",
    )


def look_at(data: bytes, origin: str, held: Position, own: Witness, register: Register) -> Finding | None:
    """What a published note says that cannot be, for who holds ``held``; ``None`` when nothing."""
    said = own_word(data, origin, own)
    if said is not None and forgotten(said, held):
        return lost(origin, said, held)
    try:
        checkpoint, _ = verify_checkpoint(data, origin, LogPublicKeys(*log_keys_of(register)))
    except InvalidError as error:
        return Finding(origin, "signature", f"what is published of {origin} does not verify: {error}")
    return _two_roots(checkpoint, held)


def _two_roots(checkpoint: Checkpoint, held: Position) -> Finding | None:
    same = checkpoint.tree_size == held.tree_size
    if not same or checkpoint.root_hash == held.root_hash:
        return None
    return Finding(
        checkpoint.origin,
        "split-view",
        f"{checkpoint.origin} is published with another root at size {held.tree_size} than was cosigned here",
    )
