# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A broker's answer to an envelope, as JSON on ``seinpost.answer.<party>`` (specification, section 9)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from .entry import from_base64, to_base64
from .errors import MalformedError, Reason
from .header import HEADER_BYTES
from .inclusion import Inclusions, decode_inclusions
from .register import Hex16, Hex32
from .signing import SIGNATURE_BYTES


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The newest logged header of a chain with its signature, in base64: its owner can verify it."""

    header: str
    signature: str

    def parts(self) -> tuple[bytes, bytes]:
        """(header bytes, signature); raises ``MalformedError``."""
        return from_base64(self.header, HEADER_BYTES), from_base64(self.signature, SIGNATURE_BYTES)


class BrokerAnswer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What became of one envelope."""

    object: Hex32
    sender: Hex16
    compartment: str
    verdict: Literal["admitted", "refused"]
    period: str | None = None
    index: Annotated[int, Meta(ge=0, le=(1 << 63) - 1)] | None = None
    admitted_ms: Annotated[int, Meta(ge=0, le=(1 << 63) - 1)] | None = None
    reason: Reason | None = None
    message: Annotated[str, Meta(max_length=1_000)] | None = None
    basis: Annotated[str, Meta(max_length=500)] | None = None
    head: Head | None = None

    def encode(self) -> bytes:
        """JSON bytes."""
        return msgspec.json.encode(self)


_DECODER = msgspec.json.Decoder(BrokerAnswer, strict=True)


def decode_answer(data: bytes) -> BrokerAnswer:
    """Raises ``MalformedError`` for anything but a whole answer."""
    try:
        answer = _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MalformedError("a broker's answer is not in its form") from None
    if answer.verdict == "admitted" and None in (answer.period, answer.index, answer.admitted_ms):
        raise MalformedError("an admission names its period, log index and time")
    if answer.verdict == "refused" and (answer.reason is None or answer.message is None):
        raise MalformedError("a refusal names its reason")
    return answer


class _Verdict(msgspec.Struct):
    verdict: str


def decode_any_answer(data: bytes) -> BrokerAnswer | Inclusions:
    """What became of an envelope, or the proof of it; raises ``MalformedError``."""
    try:
        verdict = msgspec.json.decode(data, type=_Verdict).verdict
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MalformedError("a broker's answer is not in its form") from None
    return decode_inclusions(data) if verdict == "included" else decode_answer(data)


def head_of(header_bytes: bytes, signature: bytes) -> Head:
    """A chain's signed head for a refusal."""
    return Head(to_base64(header_bytes), to_base64(signature))
