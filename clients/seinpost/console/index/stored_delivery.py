# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A delivery as bytes, and back, with the parties that it is for; what is sealed in the index. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from seinpost.delivery import Delivery
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.signal import Act, Signal


class _Stored(msgspec.Struct, array_like=True):
    is_act: bool
    content: msgspec.Raw
    sender: str
    identity: str
    sender_id: bytes
    compartment: str
    index: int
    number: int
    kind: int
    admitted_ms: int
    created_ms: int
    object_hash: bytes
    leaf: bytes
    epoch_id: bytes
    audience: str
    period: str
    directory_size: int
    parties: tuple[str, ...]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Stored)
_signals = msgspec.msgpack.Decoder(Signal)
_acts = msgspec.msgpack.Decoder(Act)


def encode_delivery(delivery: Delivery, parties: Sequence[str]) -> bytes:
    """All of a delivery."""
    return _encoder.encode(
        _Stored(
            is_act=isinstance(delivery.signal, Act),
            content=msgspec.Raw(_encoder.encode(delivery.signal)),
            sender=delivery.sender,
            identity=delivery.identity,
            sender_id=delivery.sender_id,
            compartment=str(delivery.compartment),
            index=delivery.index,
            number=delivery.number,
            kind=delivery.kind,
            admitted_ms=delivery.admitted_ms,
            created_ms=delivery.created_ms,
            object_hash=delivery.object_hash,
            leaf=delivery.leaf,
            epoch_id=delivery.epoch_id,
            audience=delivery.audience,
            period=delivery.period,
            directory_size=delivery.directory_size,
            parties=tuple(parties),
        )
    )


def decode_delivery(data: bytes) -> tuple[Delivery, tuple[str, ...]]:
    """What was encoded, from bytes that were sealed here; raises ``msgspec.MsgspecError`` for others."""
    stored = _decoder.decode(data)
    content = (_acts if stored.is_act else _signals).decode(stored.content)
    fields = msgspec.structs.asdict(stored)
    for name in ("is_act", "content", "parties"):
        del fields[name]
    fields |= {"signal": content, "compartment": Compartment.parse(stored.compartment)}
    return Delivery(**fields), stored.parties
