# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""MessagePack in exactly one form.

msgspec accepts duplicate keys, non-minimal integers and any key order, so every decoder here decodes
strictly typed, encodes again and compares: equal bytes, or ``MalformedError``. This runs after
decryption only; no signature or hash is ever checked over re-encoded bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from .errors import MalformedError

T = TypeVar("T")
_encode = msgspec.msgpack.Encoder().encode


encode = _encode
"""The one MessagePack form of a value, as bytes."""


def encode_versioned(value: object) -> bytes:
    """``[version, struct]`` in its one form, also for a struct of more than 15 fields.

    msgspec writes such a struct's map with a 16-bit length even when few fields are present; the shortest
    form is the only one here.
    """
    data = _encode(value)
    if data[2:4] == b"\xde\x00" and data[4] < 16:
        return b"%b%c%b" % (data[:2], 0x80 | data[4], data[5:])
    return data


def decode(
    decoder: msgspec.msgpack.Decoder[T], data: bytes, what: str, encode: Callable[[object], bytes] = _encode
) -> T:
    """``data`` through a typed decoder, in canonical form only; raises ``MalformedError``."""
    try:
        value = decoder.decode(data)
        again = encode(value)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError, OverflowError,
            ValueError) as error:  # fmt: skip
        # msgspec's text names fields and types, never values: it is safe in a log.
        raise MalformedError(f"{what}: {_without_values(error)}") from None
    if again != data:
        raise MalformedError(f"{what}: not in the one canonical encoding")
    return value


def _without_values(error: Exception) -> str:
    text = str(error)
    if text.startswith("Object contains unknown field"):
        # The message goes on with the key, which is the sender's.
        return "Object contains an unknown field"
    # "Invalid enum value 'x'" is the one message of msgspec that quotes the input.
    return "invalid value" + text[text.find(" - ") :] if text.startswith("Invalid enum value") else text


def decoder(type_: Any) -> msgspec.msgpack.Decoder[Any]:
    """A strict decoder for a type."""
    return msgspec.msgpack.Decoder(type_, strict=True)
