# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A new register version on its way to the directory: the note, and the key objects that it is the first to name.

Layout: length of the note u32 ‖ the note ‖ key objects, 3,216 bytes each. Anyone may hand one in: what counts
are the registrars' signatures, and that every key is named by the text that they signed.
"""

from __future__ import annotations

import struct

import msgspec

from .errors import MalformedError, TooLargeError
from .keys import KEY_OBJECT_BYTES
from .limits import MAX_BODY_BYTES, MAX_REGISTER_BYTES

_LENGTH = struct.Struct(">I")


class Submission(msgspec.Struct, frozen=True):
    """One version's note, and the key objects, 3,216 bytes each, that it needs."""

    note: bytes
    keys: tuple[bytes, ...] = ()

    def encode(self) -> bytes:
        """The bytes that are handed in; raises ``TooLargeError``."""
        data = b"".join((_LENGTH.pack(len(self.note)), self.note, *self.keys))
        if len(self.note) > MAX_REGISTER_BYTES or len(data) > MAX_BODY_BYTES:
            raise TooLargeError("too many new keys for one version: publish them in two")
        return data


def decode_submission(data: bytes) -> Submission:
    """Raises ``MalformedError``."""
    if len(data) > MAX_BODY_BYTES:
        raise TooLargeError(f"a submission of {len(data)} bytes is over the limit of {MAX_BODY_BYTES}")
    if len(data) < _LENGTH.size:
        raise MalformedError("a submission is a note and key objects, and nothing else")
    (length,) = _LENGTH.unpack_from(data)
    note, rest = data[_LENGTH.size : _LENGTH.size + length], data[_LENGTH.size + length :]
    if length > MAX_REGISTER_BYTES or len(note) != length or len(rest) % KEY_OBJECT_BYTES:
        raise MalformedError("a submission is a note and key objects, and nothing else")
    starts = range(0, len(rest), KEY_OBJECT_BYTES)
    return Submission(note, tuple(rest[i : i + KEY_OBJECT_BYTES] for i in starts))
