# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What a running server has that the register does not ask for, and the other way round. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from .layout import Consumer, Stream


def stream_differences(wanted: Sequence[Stream], found: Iterable[Stream]) -> list[str]:
    """A sentence per stream that is missing, set otherwise, or nobody's."""
    by_name = {s.name: s for s in found}
    lines = []
    for stream in wanted:
        there = by_name.pop(stream.name, None)
        if there is None:
            lines.append(f"stream {stream.name} is missing")
        else:
            lines += [f"stream {stream.name}: {x}" for x in _settings(stream, there)]
    return lines + [f"stream {name} is there, and the register does not ask for it" for name in by_name]


def consumer_differences(wanted: Sequence[Consumer], found: Iterable[Consumer]) -> list[str]:
    """A sentence per consumer that is missing, set otherwise, or nobody's."""
    by_place = {(c.stream, c.name): c for c in found}
    lines = []
    for consumer in wanted:
        where = f"consumer {consumer.name} on {consumer.stream}"
        there = by_place.pop((consumer.stream, consumer.name), None)
        if there is None:
            lines.append(f"{where} is missing")
        else:
            lines += [f"{where}: {x}" for x in _settings(consumer, there)]
    extra = (f"consumer {name} on {stream}" for stream, name in by_place)
    return lines + [f"{where} is there, and the register does not ask for it" for where in extra]


def surplus(wanted: Sequence[Consumer], found: Iterable[Consumer]) -> list[Consumer]:
    """Readers' consumers that the register does not ask for any more; brokers' own are never among them."""
    places = {(c.stream, c.name) for c in wanted}
    return [c for c in found if not c.acks and (c.stream, c.name) not in places]


def _settings(wanted: msgspec.Struct, found: msgspec.Struct) -> list[str]:
    return [
        f"{field} is {getattr(found, field)!r}, the register asks for {getattr(wanted, field)!r}"
        for field in wanted.__struct_fields__
        if getattr(wanted, field) != getattr(found, field)
    ]
