# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Log entries: what a compartment's log, the directory and the admission log hash into their leaves.

Feed entry, 249 bytes: label "seinpost/entry/v1" 17 ‖ admitted_ms 8 ‖ directory_size 8 ‖ header 184 ‖
signature_hash 32, in base64 in the NATS header ``Seinpost-Entry``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct

import msgspec

from . import labels
from .errors import MalformedError
from .header import HEADER_BYTES
from .signing import SIGNATURE_BYTES

ENTRY_HEADER = "Seinpost-Entry"
SIGNATURE_HEADER = "Seinpost-Signature"
MAX_TIME_MS = 253_402_300_800_000
"""Readers refuse an entry of this time or later (the year 10000): every calendar can show what they accept."""
_PREFIX = struct.Struct(">QQ")
ENTRY_BYTES = len(labels.ENTRY) + _PREFIX.size + HEADER_BYTES + 32


class Entry(msgspec.Struct, frozen=True):
    """One admitted envelope in its log; ``admitted_ms`` is the broker's clock, Unix milliseconds."""

    admitted_ms: int
    directory_size: int
    header_bytes: bytes
    signature_hash: bytes

    def encode(self) -> bytes:
        """The bytes that the log's leaf hash covers."""
        return b"".join(
            (
                labels.ENTRY,
                _PREFIX.pack(self.admitted_ms, self.directory_size),
                self.header_bytes,
                self.signature_hash,
            )
        )


def signature_hash(signature: bytes) -> bytes:
    """The labelled SHA-256 of a 3,373-byte signature."""
    return hashlib.sha256(labels.SIGNATURE + signature).digest()


def decode_entry(data: bytes) -> Entry:
    """Entry bytes, taken apart; raises ``MalformedError``."""
    if len(data) != ENTRY_BYTES or not data.startswith(labels.ENTRY):
        raise MalformedError(f"a log entry has its label and {ENTRY_BYTES} bytes in all, not {len(data)}")
    start = len(labels.ENTRY)
    admitted_ms, directory_size = _PREFIX.unpack_from(data, start)
    start += _PREFIX.size
    return Entry(
        admitted_ms, directory_size, data[start : start + HEADER_BYTES], data[start + HEADER_BYTES :]
    )


def to_base64(data: bytes) -> str:
    """Standard alphabet with padding, one line."""
    return base64.b64encode(data).decode("ascii")


def from_base64(text: str, limit_bytes: int) -> bytes:
    """Strict base64: standard alphabet, padded, canonical, at most ``limit_bytes`` decoded bytes."""
    if len(text) > (limit_bytes + 2) // 3 * 4:
        raise MalformedError(f"base64 text of {len(text)} characters is over its limit")
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError, ValueError):
        raise MalformedError("text is not standard base64") from None
    if len(data) > limit_bytes:
        raise MalformedError(f"base64 of {len(data)} bytes is over its limit of {limit_bytes}")
    # Strict decoding leaves one freedom, the unused bits of the last four characters.
    last = data[-(len(data) % 3 or 3) :]
    if len(text) != (len(data) + 2) // 3 * 4 or to_base64(last) != text[-4:]:
        raise MalformedError("base64 text is not in its one canonical form")
    return data


def feed_headers(entry: Entry, signature: bytes) -> dict[str, str]:
    """The two NATS headers that carry an entry and its signature."""
    return {ENTRY_HEADER: to_base64(entry.encode()), SIGNATURE_HEADER: to_base64(signature)}


def parse_feed_headers(headers: dict[str, str] | None) -> tuple[Entry, bytes, bytes]:
    """A feed message's (entry, entry bytes, signature); raises ``MalformedError``."""
    if not headers or ENTRY_HEADER not in headers or SIGNATURE_HEADER not in headers:
        raise MalformedError("a feed message carries Seinpost-Entry and Seinpost-Signature")
    entry_bytes = from_base64(headers[ENTRY_HEADER], ENTRY_BYTES)
    signature = from_base64(headers[SIGNATURE_HEADER], SIGNATURE_BYTES)
    entry = decode_entry(entry_bytes)
    if signature_hash(signature) != entry.signature_hash:
        raise MalformedError("the signature beside an entry is not the one that the entry names")
    return entry, entry_bytes, signature
