# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""UUIDv7 signal ids (RFC 9562, section 5.7), as 16 bytes and as text."""

from __future__ import annotations

from .errors import MalformedError


def make_id(now_ms: int, random10: bytes) -> bytes:
    """A 16-byte UUIDv7 from Unix milliseconds and 10 random bytes."""
    if len(random10) != 10:
        raise ValueError("a UUIDv7 takes 10 random bytes")
    raw = bytearray(now_ms.to_bytes(6, "big") + random10)
    raw[6] = 0x70 | raw[6] & 0x0F
    raw[8] = 0x80 | raw[8] & 0x3F
    return bytes(raw)


def format_id(raw: bytes) -> str:
    """Lower-case hex in groups of 8-4-4-4-12; raises ``MalformedError`` unless it is a UUIDv7."""
    verify_id(raw)
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def parse_id(text: str) -> bytes:
    """The 16 bytes of a UUIDv7 in its one text form; raises ``MalformedError``."""
    try:
        raw = bytes.fromhex(text.replace("-", ""))
    except ValueError:
        raise MalformedError("a signal id is a UUIDv7 in lower-case hex") from None
    if format_id(raw) != text:
        raise MalformedError("a signal id is a UUIDv7 in lower-case hex")
    return raw


def verify_id(raw: bytes) -> None:
    """Raise ``MalformedError`` unless 16 bytes with version 7 and variant 10."""
    if len(raw) != 16 or raw[6] >> 4 != 7 or raw[8] >> 6 != 2:
        raise MalformedError("a signal id is a UUIDv7 of 16 bytes")
