# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A delivery as bytes, and back, with the parties that it is for; what is sealed in the index. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from seinpost.delivery import Delivery
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.signal import Act, Signal

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[bool, tuple[str, ...], bytes, list[Any]])
_signals = msgspec.msgpack.Decoder(Signal)
_acts = msgspec.msgpack.Decoder(Act)
_APART = ("signal", "compartment")
_FIELDS = tuple(name for name in Delivery.__struct_fields__ if name not in _APART)


def encode_delivery(delivery: Delivery, parties: Sequence[str]) -> bytes:
    """All of a delivery: whether it is an act, the parties, its content, its compartment and its other fields."""
    fields = [str(delivery.compartment), *(getattr(delivery, name) for name in _FIELDS)]
    content = _encoder.encode(delivery.signal)
    return _encoder.encode((isinstance(delivery.signal, Act), tuple(parties), content, fields))


def decode_delivery(data: bytes) -> tuple[Delivery, tuple[str, ...]]:
    """What was encoded, from bytes that were sealed here.

    Raises ``msgspec.MsgspecError`` for others, and for those of a version with other fields.
    """
    is_act, parties, content, (compartment, *values) = _decoder.decode(data)
    if len(values) != len(_FIELDS):
        raise msgspec.ValidationError("a delivery of another version")
    signal = (_acts if is_act else _signals).decode(content)
    fields = dict(zip(_FIELDS, values, strict=True))
    return Delivery(signal=signal, compartment=Compartment.parse(compartment), **fields), parties
