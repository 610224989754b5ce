# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A broker's second answer: proof that what it admitted is in the log that a quorum cosigned (specification, 9.4).

JSON on the party's answer subject. One of them carries one checkpoint, and the inclusion proofs of envelopes
of one sender under it.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from .entry import from_base64
from .errors import MalformedError
from .merkle import HASH_BYTES
from .register import Hex16, Hex32

MAX_ITEMS = 256
_MAX_HASHES = 63
_Count = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]


class Inclusion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One envelope: its place, what its entry says beside header and signature, and the proof in base64."""

    object: Hex32
    index: _Count
    admitted_ms: _Count
    directory_size: _Count
    proof: Annotated[tuple[str, ...], Meta(max_length=_MAX_HASHES)]

    def hashes(self) -> tuple[bytes, ...]:
        """The proof's 32-byte hashes; raises ``MalformedError``."""
        hashes = tuple(from_base64(h, HASH_BYTES) for h in self.proof)
        if any(len(h) != HASH_BYTES for h in hashes):
            raise MalformedError("an inclusion proof is made of 32-byte hashes")
        return hashes


class Inclusions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Envelopes of one sender under one checkpoint, whose ``note`` stands verbatim."""

    sender: Hex16
    compartment: str
    period: str
    note: str
    items: Annotated[tuple[Inclusion, ...], Meta(min_length=1, max_length=MAX_ITEMS)]
    verdict: Literal["included"] = "included"

    def encode(self) -> bytes:
        """JSON bytes."""
        return msgspec.json.encode(self)


_DECODER = msgspec.json.Decoder(Inclusions, strict=True)


def decode_inclusions(data: bytes) -> Inclusions:
    """Raises ``MalformedError`` for anything but a whole answer of this kind."""
    try:
        return _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MalformedError("a broker's proof is not in its form") from None
