# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""MessagePack in one form."""

from __future__ import annotations

import datetime as dt

import msgspec
import pytest

from seinpost_schemas import canonical
from seinpost_schemas.errors import MalformedError


class Point(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    x: int
    note: str = ""
    at: dt.datetime | None = None


POINT = canonical.decoder(Point)


def decode(data: bytes) -> Point:
    return canonical.decode(POINT, data, "point")


def test_the_one_form_is_read() -> None:
    assert canonical.encode(Point(1)) == b"\x81\xa1x\x01"
    assert decode(b"\x81\xa1x\x01") == Point(1)
    assert decode(b"\x82\xa1x\x01\xa4note\xa1n") == Point(1, "n")


OTHERS = {
    "a key twice": b"\x82\xa1x\x01\xa1x\x01",
    "a key twice, different values": b"\x82\xa1x\x02\xa1x\x01",
    "another order": b"\x82\xa4note\xa1n\xa1x\x01",
    "u8 for a small number": b"\x81\xa1x\xcc\x01",
    "u64 for a small number": b"\x81\xa1x\xcf" + bytes(7) + b"\x01",
    "a signed number": b"\x81\xa1x\xd0\x01",
    "str8 for a short key": b"\x81\xd9\x01x\x01",
    "map16": b"\xde\x00\x01\xa1x\x01",
    "map32": b"\xdf\x00\x00\x00\x01\xa1x\x01",
    "a default written out": b"\x82\xa1x\x01\xa4note\xa0",
    "nil for a default": b"\x82\xa1x\x01\xa2at\xc0",
    "an unknown key": b"\x82\xa1x\x01\xa1y\x01",
    "a float": b"\x81\xa1x\xcb\x3f\xf0" + bytes(6),
    "a boolean": b"\x81\xa1x\xc3",
    "a byte after": b"\x81\xa1x\x01\x00",
    "cut short": b"\x81\xa1x",
    "nothing": b"",
    "an array": b"\x91\x01",
    "no UTF-8": b"\x82\xa1x\x01\xa4note\xa1\xff",
    "bin for a key": b"\x81\xc4\x01x\x01",
    "an unused byte": b"\xc1",
    "a time with its long form": b"\x82\xa1x\x01\xa2at\xc7\x0c\xff" + bytes(12),
    "a time with nanoseconds": b"\x82\xa1x\x01\xa2at\xd7\xff\x00\x00\x00\x04" + bytes(4),
    "a time out of range": b"\x82\xa1x\x01\xa2at\xc7\x0c\xff" + bytes(4) + b"\x7f" + b"\xff" * 7,
    "an extension of another type": b"\x82\xa1x\x01\xa2at\xd4\x05\x00",
    "nested too deeply": b"\x91" * 100_000,
}


@pytest.mark.parametrize("data", OTHERS.values(), ids=OTHERS.keys())
def test_every_other_form_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError, match=r"^point: "):
        decode(data)


@pytest.mark.parametrize(
    ("seconds", "form"), [(0, b"\xd6\xff"), ((1 << 32) - 1, b"\xd6\xff"), (1 << 32, b"\xd7\xff")]
)
def test_a_time_has_its_shortest_form(seconds: int, form: bytes) -> None:
    point = Point(1, at=dt.datetime.fromtimestamp(seconds, dt.UTC))
    assert b"\xa2at" + form in canonical.encode(point)
    assert decode(canonical.encode(point)) == point


def test_an_error_does_not_quote_a_value() -> None:
    strict = canonical.decoder(dict[str, int])
    for decoder, value in ((strict, {"k": "a secret"}), (POINT, {"x": "a secret"})):
        with pytest.raises(MalformedError) as refused:
            canonical.decode(decoder, canonical.encode(value), "point")
        assert "a secret" not in str(refused.value)


def test_an_error_does_not_quote_an_invalid_choice() -> None:
    from seinpost_schemas.signal import Handling

    value = {"schema": 1, "signal_type": "a secret"}
    with pytest.raises(MalformedError, match="invalid value") as refused:
        canonical.decode(canonical.decoder(Handling), canonical.encode(value), "handling")
    assert "a secret" not in str(refused.value)


def test_an_error_does_not_quote_an_unknown_key() -> None:
    with pytest.raises(MalformedError) as refused:
        decode(canonical.encode({"x": 1, "Jan Jansen\nERROR root: forged": 1}))
    assert "Jansen" not in str(refused.value)


class Wide(msgspec.Struct, frozen=True, omit_defaults=True):
    a: int = 0
    b: int = 0
    c: int = 0
    d: int = 0
    e: int = 0
    f: int = 0
    g: int = 0
    h: int = 0
    i: int = 0
    j: int = 0
    k: int = 0
    l: int = 0  # noqa: E741
    m: int = 0
    n: int = 0
    o: int = 0
    p: int = 0


def test_a_map_header_is_of_the_fields_that_are_there() -> None:
    assert canonical.encode((1, Wide(a=1))) == b"\x92\x01\xde\x00\x01\xa1a\x01"
    assert canonical.encode_versioned((1, Wide(a=1))) == b"\x92\x01\x81\xa1a\x01"
    full = Wide(*range(1, 1 + len(Wide.__struct_fields__)))
    assert canonical.encode_versioned((1, full)) == canonical.encode((1, full))
