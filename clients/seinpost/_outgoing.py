# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What a lane sends: signals and acts, which are sealed in batches, and receipts and recalls, which are clear."""

from __future__ import annotations

import asyncio

import msgspec

from seinpost_schemas.clear_bodies import SHARE_SLOT_BYTES
from seinpost_schemas.header import ZERO_16
from seinpost_schemas.kinds import Action, Kind
from seinpost_schemas.sections import EncodedSignal

from .answer import Answer
from .epochs import EpochSecrets
from .sharing import Commitments


class Channel(msgspec.Struct, frozen=True):
    """What an envelope is and for whom: what is sealed together shares a channel, and so an epoch.

    ``audience`` is a register's name, empty for clear bodies. ``reply_to`` is the 16-byte epoch_id that is
    answered, whose audience is computed from ``origin``'s side; zero and empty for what answers nothing.
    """

    kind: Kind
    action: Action
    audience: str = ""
    reply_to: bytes = ZERO_16
    origin: str = ""


def signals_for(audience: str) -> Channel:
    """Signals to a named audience."""
    return Channel(Kind.SIGNALS, Action.PUBLISH, audience)


class Shared(msgspec.Struct, frozen=True):
    """Past epochs for one identity, by its 16-byte sender_id: wrapped when the share is signed, to its newest key."""

    reader: bytes
    epochs: tuple[tuple[EpochSecrets, Commitments], ...]


class Outgoing(msgspec.Struct, eq=False):
    """Something validated on its way: an encoded signal or act, a clear body as bytes, or epochs to share.

    ``size`` is ``size_of`` the content. ``due_ms`` is when a reader is late with opening it; 0 when nobody has to.
    """

    content: EncodedSignal | bytes | Shared
    signal_id: str
    channel: Channel
    answer: asyncio.Future[Answer]
    size: int
    due_ms: int = 0
    tries: int = 0


def size_of(content: EncodedSignal | bytes | Shared) -> int:
    """Bytes of content."""
    if isinstance(content, EncodedSignal):
        return content.size
    return len(content) if isinstance(content, bytes) else len(content.epochs) * SHARE_SLOT_BYTES
