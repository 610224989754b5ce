# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A new register version on its way to the directory: the note, and the key objects that it is the first to name.

MessagePack: a map of ``note`` (bytes) and ``keys`` (list of bytes). Anyone may hand one in: what counts
are the registrars' signatures, and that every key is named by the text that they signed.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from .errors import MalformedError, TooLargeError
from .keys import KEY_OBJECT_BYTES
from .limits import MAX_BODY_BYTES, MAX_REGISTER_BYTES

_Key = Annotated[bytes, Meta(min_length=KEY_OBJECT_BYTES, max_length=KEY_OBJECT_BYTES)]


class Submission(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version's note and the key objects, 3,216 bytes each, that it needs."""

    note: Annotated[bytes, Meta(max_length=MAX_REGISTER_BYTES)]
    keys: Annotated[tuple[_Key, ...], Meta(max_length=256)] = ()

    def encode(self) -> bytes:
        """The bytes that are handed in; raises ``TooLargeError``."""
        data = msgspec.msgpack.encode(self)
        if len(data) > MAX_BODY_BYTES:
            raise TooLargeError("too many new keys for one version: publish them in two")
        return data


_DECODER = msgspec.msgpack.Decoder(Submission, strict=True)


def decode_submission(data: bytes) -> Submission:
    """Raises ``MalformedError``."""
    if len(data) > MAX_BODY_BYTES:
        raise TooLargeError(f"a submission of {len(data)} bytes is over the limit of {MAX_BODY_BYTES}")
    try:
        return _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MalformedError("a submission is a note and key objects, and nothing else") from None
