# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""UUIDv7 signal ids (RFC 9562, section 5.7), as 16 bytes and as text."""

from __future__ import annotations

from .errors import MalformedError

_FIXED_BITS = 0x7 << 76 | 0x2 << 62
"""Version 7 and variant 10."""
_FREE_BITS = (1 << 128) - 1 ^ (0xF << 76 | 0x3 << 62)


def make_id(now_ms: int, random10: bytes) -> bytes:
    """A 16-byte UUIDv7 from Unix milliseconds and 10 random bytes."""
    if len(random10) != 10:
        raise ValueError("a UUIDv7 takes 10 random bytes")
    bits = now_ms << 80 | int.from_bytes(random10, "big")
    return (bits & _FREE_BITS | _FIXED_BITS).to_bytes(16, "big")


def format_id(raw: bytes) -> str:
    """Lower-case hex in groups of 8-4-4-4-12; raises ``MalformedError`` unless it is a UUIDv7."""
    if len(raw) != 16 or raw[6] >> 4 != 7 or raw[8] >> 6 != 2:
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
