# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Entries of the admission log: what was refused, and why (specification, section 8.5)."""

from __future__ import annotations

import struct

import msgspec

from . import labels
from .errors import MalformedError, Reason

_FIXED = struct.Struct(">QQ32s")
_MIN_BYTES = len(labels.ADMISSION_ENTRY) + _FIXED.size
MAX_ADMISSION_ENTRY_BYTES = _MIN_BYTES + max(len(r) for r in Reason)


class AdmissionEntry(msgspec.Struct, frozen=True):
    """One refusal; ``refused`` is the SHA-256 of the message as it came in, 32 bytes."""

    admitted_ms: int
    directory_size: int
    refused: bytes
    reason: Reason

    def encode(self) -> bytes:
        """The bytes that the log's leaf hash covers."""
        fixed = _FIXED.pack(self.admitted_ms, self.directory_size, self.refused)
        return labels.ADMISSION_ENTRY + fixed + self.reason.encode("ascii")


def decode_admission_entry(data: bytes) -> AdmissionEntry:
    """Raises ``MalformedError``."""
    if not _MIN_BYTES < len(data) <= MAX_ADMISSION_ENTRY_BYTES or not data.startswith(labels.ADMISSION_ENTRY):
        raise MalformedError("an admission entry has its label, time, directory size, hash and reason")
    admitted_ms, directory_size, refused = _FIXED.unpack_from(data, len(labels.ADMISSION_ENTRY))
    try:
        reason = Reason(data[_MIN_BYTES:].decode("ascii"))
    except (ValueError, UnicodeDecodeError):
        raise MalformedError("an admission entry's reason is not a known one") from None
    return AdmissionEntry(admitted_ms, directory_size, refused, reason)
