# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Every MessagePack type of the contract has one form of bytes, whatever fields are there.

msgspec writes a struct's map with the length that its *type* has, 16 bits long above 15 fields; the shortest
form is the only one here. An independent reader of MessagePack, below, holds every byte to that.
"""

from __future__ import annotations

import datetime as dt
import importlib
import pkgutil
import struct
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from msgspec import inspect

import seinpost_schemas
from seinpost_schemas import canonical, sections
from seinpost_schemas.batch import decode_batch, encode_batch
from seinpost_schemas.errors import MalformedError
from seinpost_schemas.sections import decode_act, decode_signal, encode_act, encode_signal
from seinpost_schemas.signal import (
    Act,
    ActHandling,
    ActReport,
    Evidence,
    ExternalReference,
    Foreign,
    Handling,
    Indicator,
    PersonalDatum,
    Protected,
    Report,
    Signal,
)
from seinpost_schemas.uuid7 import format_id, make_id

MAP_LIMIT = 15
"""The most fields that fit in MessagePack's one-byte map header."""


# -- an independent reader of canonical MessagePack -------------------------------------------------


class Reader:
    """Reads one value and refuses every form but the shortest (specification, 6.2)."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        assert self.at + count <= len(self.data), "cut short"
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, width: int, above: int) -> int:
        """An unsigned number of ``width`` bytes, which must not fit in a shorter form."""
        value = int.from_bytes(self.take(width), "big")
        assert value > above, f"{value} in {width} bytes is not its shortest form"
        return value

    def value(self) -> Any:
        (first,) = self.take(1)
        if first < 0x80:
            return first
        if first < 0x90:
            return self.map(first & 0x0F)
        if first < 0xA0:
            return [self.value() for _ in range(first & 0x0F)]
        if first < 0xC0:
            return self.take(first & 0x1F).decode()
        if first >= 0xE0:
            return first - 256
        return FORMS[first](self)

    def map(self, count: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for _ in range(count):
            key = self.value()
            assert isinstance(key, str)
            assert key not in found, f"{key} twice"
            found[key] = self.value()
        return found

    def time(self, width: int) -> dt.datetime:
        assert self.take(1) == b"\xff", "the one extension is the timestamp, -1"
        raw = self.take(width)
        nanoseconds = 0
        if width == 4:
            (seconds,) = struct.unpack(">I", raw)
        elif width == 8:
            (both,) = struct.unpack(">Q", raw)
            nanoseconds, seconds = both >> 34, both & (1 << 34) - 1
            assert nanoseconds or seconds >= 1 << 32, "fits in 4 bytes"
        else:
            nanoseconds, seconds = struct.unpack(">Iq", raw)
            assert not 0 <= seconds < 1 << 34, "fits in 8 bytes"
        assert nanoseconds % 1_000 == 0, "whole microseconds"
        start = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
        return start + dt.timedelta(seconds=seconds, microseconds=nanoseconds // 1_000)


def extension_of_12(reader: Reader) -> dt.datetime:
    assert reader.take(1) == b"\x0c"
    return reader.time(12)


FORMS: dict[int, Callable[[Reader], Any]] = {
    0xC0: lambda r: None,
    0xC2: lambda r: False,
    0xC3: lambda r: True,
    0xC4: lambda r: r.take(r.number(1, -1)),
    0xC5: lambda r: r.take(r.number(2, 0xFF)),
    0xC6: lambda r: r.take(r.number(4, 0xFFFF)),
    0xC7: extension_of_12,
    0xCC: lambda r: r.number(1, 0x7F),
    0xCD: lambda r: r.number(2, 0xFF),
    0xCE: lambda r: r.number(4, 0xFFFF),
    0xCF: lambda r: r.number(8, 0xFFFFFFFF),
    0xD6: lambda r: r.time(4),
    0xD7: lambda r: r.time(8),
    0xD9: lambda r: r.take(r.number(1, 31)).decode(),
    0xDA: lambda r: r.take(r.number(2, 0xFF)).decode(),
    0xDB: lambda r: r.take(r.number(4, 0xFFFF)).decode(),
    0xDC: lambda r: [r.value() for _ in range(r.number(2, 15))],
    0xDD: lambda r: [r.value() for _ in range(r.number(4, 0xFFFF))],
    0xDE: lambda r: r.map(r.number(2, 15)),
    0xDF: lambda r: r.map(r.number(4, 0xFFFF)),
}


def read(data: bytes) -> Any:
    """The value in ``data``, if every byte of it is in its one form."""
    reader = Reader(data)
    value = reader.value()
    assert reader.at == len(data), "bytes after the value"
    return value


OTHER_FORMS = {
    "a small number in two bytes": b"\xcc\x01",
    "a small number in nine": b"\xcf" + bytes(7) + b"\x01",
    "a short text in str 8": b"\xd9\x01a",
    "a short text in str 32": b"\xdb\0\0\0\x01a",
    "a short bin in bin 16": b"\xc5\0\x01a",
    "a short array in array 16": b"\xdc\0\x01\x01",
    "a small map in map 16": b"\xde\0\x01\xa1a\x01",
    "a key twice": b"\x82\xa1a\x01\xa1a\x01",
    "a time in 12 bytes": b"\xc7\x0c\xff" + bytes(12),
    "a time in 8 bytes": b"\xd7\xff" + bytes(8),
    "a byte too many": b"\x01\x01",
    "one too few": b"\xa2a",
}


@pytest.mark.parametrize("data", OTHER_FORMS.values(), ids=OTHER_FORMS.keys())
def test_the_reader_here_refuses_every_other_form(data: bytes) -> None:
    with pytest.raises(AssertionError):
        read(data)


# -- every type that goes over the wire as MessagePack ----------------------------------------------


def decoders() -> dict[str, msgspec.msgpack.Decoder[Any]]:
    """Every typed MessagePack decoder in the contract, by module and name."""
    found = {}
    for module_info in pkgutil.walk_packages(seinpost_schemas.__path__, "seinpost_schemas."):
        module = importlib.import_module(module_info.name)
        for name, value in vars(module).items():
            # A submission is unwrapped and forgotten: what is signed and hashed is the note in it.
            if module_info.name.endswith(".submission"):
                continue
            if isinstance(value, msgspec.msgpack.Decoder) and value.type is not Any:
                found[f"{module_info.name.removeprefix('seinpost_schemas.')}.{name}"] = value
    return found


DECODERS = decoders()


def structs_in(type_: Any) -> Iterator[type[msgspec.Struct]]:
    """Every struct type that a value of this type may hold."""
    todo, seen = [inspect.type_info(type_)], set()
    while todo:
        info = todo.pop()
        if isinstance(info, inspect.StructType):
            if info.cls in seen:
                continue
            seen.add(info.cls)
            yield info.cls
            todo += [f.type for f in info.fields]
        for name in ("item_type", "type"):
            inner = getattr(info, name, None)
            if isinstance(inner, inspect.Type):
                todo.append(inner)
        for name in ("item_types", "types"):
            todo += list(getattr(info, name, ()))


STRUCTS = {cls for decoder in DECODERS.values() for cls in structs_in(decoder.type)}


def test_the_decoders_and_structs_of_the_wire_are_these() -> None:
    """A new one needs an example below."""
    assert set(DECODERS) == {
        "batch._MAIN",
        "batch._PROTECTED_PART",
        "sections._HANDLING",
        "sections._REPORT",
        "sections._INDICATORS",
        "sections._PROTECTED",
        "sections._ACT_HANDLING",
        "sections._ACT_REPORT",
    }
    assert {c.__name__ for c in STRUCTS} == {type(e).__name__ for e in MAXIMAL}


@pytest.mark.parametrize("cls", sorted(STRUCTS, key=lambda c: c.__name__), ids=lambda c: c.__name__)
def test_a_struct_on_the_wire_is_a_strict_map(cls: type[msgspec.Struct]) -> None:
    config = cls.__struct_config__
    assert not config.array_like
    assert config.forbid_unknown_fields
    assert config.omit_defaults
    assert config.frozen
    assert config.tag is None


def test_only_the_report_has_more_fields_than_a_short_map_and_it_has_its_own_encoding() -> None:
    wide = {c for c in STRUCTS if len(c.__struct_fields__) > MAP_LIMIT}
    assert wide == {Report}
    assert sections._encode_report is canonical.encode_versioned
    # As the content of [version, map]: the one place where that encoding looks.
    assert [name for name, d in DECODERS.items() if Report in set(structs_in(d.type))] == ["sections._REPORT"]


def test_why_it_needs_its_own_encoding() -> None:
    with pytest.raises(AssertionError, match="shortest"):
        read(canonical.encode((1, Report(title="t", text="t"))))


# -- examples ---------------------------------------------------------------------------------------

ID = make_id(1_793_000_000_000, bytes(10))
LATE = dt.datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=dt.UTC)
EARLY = dt.datetime(1, 1, 2, 3, 4, 5, 1, tzinfo=dt.UTC)
SHORT, VALUE, TEXT = "é" * 500, "v" * 4_000, "t" * 20_000
EVIDENCE = Evidence(sha256="0f" * 32, archive_url=VALUE)
REFERENCE = ExternalReference(system=SHORT, id=SHORT, url=VALUE)
FOREIGN = Foreign(media_type="application/" + "x" * 188, data=bytes(32_768))
INDICATOR = Indicator(type="windows-registry-key", value=VALUE, role=SHORT, first_seen=EARLY, last_seen=LATE)
DATUM = PersonalDatum(type=SHORT, value=VALUE, role=SHORT)
HANDLING = Handling(
    schema=1,
    signal_type="request-for-information",
    valid_until=LATE,
    tlp="amber+strict",
    classified_until=SHORT,
    pap="amber",
    severity=5,
    urgency="immediate",
    exercise=True,
    originator_consent=True,
    legal_basis=SHORT,
    personal_data="special",
    refers_to=(format_id(ID),) * 200,
    supersedes=(format_id(ID),) * 200,
    election="ABCD2026",
)
REPORT = Report(
    title="t" * 200,
    text=TEXT,
    language="nl-NL",
    observed_from=EARLY,
    observed_until=LATE,
    source_reliability="F",
    information_credibility=6,
    likelihood=SHORT,
    techniques=("disarm:T0097.202",) * 200,
    narrative=TEXT,
    channels=(SHORT,) * 200,
    targets=(SHORT,) * 200,
    regions=(SHORT,) * 200,
    attribution=SHORT,
    attributed_by=SHORT,
    action_requested=TEXT,
    evidence=(EVIDENCE,) * 200,
    external_references=(REFERENCE,) * 200,
    foreign=FOREIGN,
)
PROTECTED = Protected(source_description=TEXT, personal_data=(DATUM,) * 500, contact=TEXT)
ACT_HANDLING = ActHandling(schema=1, refers_to=(format_id(ID),) * 200, exercise=True)
ACT_REPORT = ActReport(act=SHORT, text=TEXT, official="a" * 40, status=SHORT, assignee="z" * 40)
MAXIMAL: list[msgspec.Struct] = [
    HANDLING, REPORT, EVIDENCE, REFERENCE, FOREIGN, INDICATOR, PROTECTED, DATUM, ACT_HANDLING, ACT_REPORT,
]  # fmt: skip
MINIMAL: list[msgspec.Struct] = [
    Handling(schema=1, signal_type="alert", valid_until=LATE, tlp="red"),
    Report(title="t", text="t"),
    Protected(),
    ActHandling(schema=1, refers_to=(format_id(ID),)),
    ActReport(act="a"),
]
WHERE: dict[type, tuple[str, Callable[[Any], Any], Callable[[object], bytes]]] = {
    Handling: ("sections._HANDLING", lambda v: v, canonical.encode),
    Report: ("sections._REPORT", lambda v: (1, v), canonical.encode_versioned),
    Indicator: ("sections._INDICATORS", lambda v: (1, (v,)), canonical.encode),
    Protected: ("sections._PROTECTED", lambda v: (1, v), canonical.encode),
    PersonalDatum: ("sections._PROTECTED", lambda v: (1, Protected(personal_data=(v,))), canonical.encode),
    Evidence: (
        "sections._REPORT",
        lambda v: (1, Report(title="t", text="t", evidence=(v,))),
        canonical.encode_versioned,
    ),
    ExternalReference: (
        "sections._REPORT",
        lambda v: (1, Report(title="t", text="t", external_references=(v,))),
        canonical.encode_versioned,
    ),
    Foreign: (
        "sections._REPORT",
        lambda v: (1, Report(title="t", text="t", foreign=v)),
        canonical.encode_versioned,
    ),
    ActHandling: ("sections._ACT_HANDLING", lambda v: v, canonical.encode),
    ActReport: ("sections._ACT_REPORT", lambda v: (1, v), canonical.encode),
}
"""For each struct: the decoder it goes through, the value around it, and how that is encoded."""


def there_and_back(value: msgspec.Struct) -> Any:
    """Encoded, read by the reader here, decoded and encoded again: the same bytes; what the reader saw."""
    name, around, encode = WHERE[type(value)]
    whole = around(value)
    data = encode(whole)
    seen = read(data)
    decoded = canonical.decode(DECODERS[name], data, "example", encode)
    assert decoded == whole
    assert encode(decoded) == data
    return seen


def variants(value: msgspec.Struct) -> Iterator[msgspec.Struct]:
    """The example with each subset of its optional fields that keeps the first n, or leaves out one."""
    fields = {f.name: f for f in msgspec.structs.fields(value)}
    optional = [n for n, f in fields.items() if not f.required]
    kept = [optional[:n] for n in range(len(optional) + 1)] + [
        [o for o in optional if o != x] for x in optional
    ]
    for names in kept:
        change = {n: fields[n].default for n in optional if n not in names}
        yield msgspec.structs.replace(value, **change)


@pytest.mark.parametrize("value", [*MAXIMAL, *MINIMAL], ids=lambda v: type(v).__name__)
def test_the_largest_and_the_smallest_example_are_in_their_one_form(value: msgspec.Struct) -> None:
    there_and_back(value)


@pytest.mark.parametrize("value", MAXIMAL, ids=lambda v: type(v).__name__)
def test_an_example_at_its_largest_has_every_field(value: msgspec.Struct) -> None:
    """Else it would not be one: the reader here sees all keys, in the order in which they are written down."""
    data = msgspec.msgpack.encode(value)
    assert list(msgspec.msgpack.decode(data)) == list(type(value).__struct_fields__)


@pytest.mark.parametrize("value", MAXIMAL, ids=lambda v: type(v).__name__)
def test_with_any_number_of_fields_there_is_one_form(value: msgspec.Struct) -> None:
    for variant in variants(value):
        there_and_back(variant)


def test_the_report_is_in_its_one_form_at_the_edge_of_the_short_map() -> None:
    counts = set()
    for variant in variants(REPORT):
        _, table = there_and_back(variant)
        counts.add(len(table))
        keys = list(table)
        assert keys == [f for f in Report.__struct_fields__ if f in table]
    assert {MAP_LIMIT - 1, MAP_LIMIT, MAP_LIMIT + 1, len(Report.__struct_fields__)} <= counts


@pytest.mark.parametrize("value", [v for v in variants(REPORT) if len(there_and_back(v)[1]) <= MAP_LIMIT][:6])
def test_a_report_with_the_long_map_of_a_few_fields_is_refused(value: Report) -> None:
    data = canonical.encode((1, value))
    assert data[2] == 0xDE
    with pytest.raises(MalformedError, match="canonical"):
        canonical.decode(DECODERS["sections._REPORT"], data, "report", canonical.encode_versioned)


# -- whole signals, acts and batches ----------------------------------------------------------------


def fitting(number: int, **change: Any) -> Signal:
    """Every field there is, of sizes that stay under a signal's 64 KiB."""
    report = msgspec.structs.replace(
        REPORT,
        text="t" * 2_000,
        narrative="n" * 300,
        action_requested="a" * 300,
        channels=("kanaal",) * 20,
        targets=("doel",) * 3,
        regions=("NL-GR",),
        evidence=(EVIDENCE,),
        external_references=(REFERENCE,),
        foreign=msgspec.structs.replace(FOREIGN, data=bytes(300)),
    )
    return Signal(
        id=format_id(make_id(1_793_000_000_000 + number, number.to_bytes(10, "big"))),
        handling=msgspec.structs.replace(HANDLING, refers_to=(format_id(ID),) * 17, supersedes=()),
        report=report,
        indicators=(INDICATOR,) * 2,
        protected=msgspec.structs.replace(PROTECTED, personal_data=(DATUM,), source_description="bron"),
        **change,
    )


def test_a_signal_with_every_section_is_in_its_one_form_and_comes_back() -> None:
    signal = fitting(1)
    encoded = encode_signal(signal, make_id(1_793_000_000_001, (1).to_bytes(10, "big")))
    assert all(read(section) for section in encoded.sections if section is not None)
    assert None not in encoded.sections
    assert decode_signal(encoded) == signal


def test_an_act_is_in_its_one_form_and_comes_back() -> None:
    act = Act(id=format_id(ID), handling=ACT_HANDLING, report=ACT_REPORT)
    encoded = encode_act(act, ID)
    assert all(read(section) for section in encoded.sections if section is not None)
    assert decode_act(encoded) == act


@pytest.mark.parametrize("count", [1, 15, 16, 1_024])
@pytest.mark.parametrize("protected", [False, True])
def test_both_parts_of_a_batch_are_in_their_one_form(count: int, *, protected: bool) -> None:
    base = encode_signal(fitting(0), ID)
    if not protected:
        base = msgspec.structs.replace(base, sections=(*base.sections[:3], None))
    batch = [
        msgspec.structs.replace(base, id=make_id(1_793_000_000_000 + n, n.to_bytes(10, "big")))
        for n in range(count)
    ]
    made = encode_batch(batch, b"S" * 16, b"E" * 16, b"m" * 32, b"p" * 32)
    seed, rows = read(made.main)
    assert (seed, len(rows)) == (b"m" * 32, count)
    assert [row[4] is not None for row in rows] == [protected] * count
    assert (made.protected is not None) == protected
    if made.protected is not None:
        assert [index for index, _ in read(made.protected)[1]] == list(range(count))
    opened = decode_batch(
        made.main,
        made.protected,
        has_protected_part=protected,
        count=count,
        root=made.root,
        sender_id=b"S" * 16,
        epoch_id=b"E" * 16,
    )
    assert opened.signals == batch


@pytest.mark.parametrize("index", [0, 127, 128, 255, 256, 1_023])
def test_an_index_in_the_protected_part_has_its_shortest_form(index: int) -> None:
    part = canonical.encode((b"p" * 32, [(index, b"section")]))
    assert read(part)[1] == [[index, b"section"]]
    name = "batch._PROTECTED_PART"
    assert canonical.decode(DECODERS[name], part, "part") == (b"p" * 32, [(index, b"section")])


TIMES = [
    dt.datetime(1970, 1, 1, tzinfo=dt.UTC),
    dt.datetime(2026, 11, 2, 12, 0, 0, 1, tzinfo=dt.UTC),
    dt.datetime(2106, 2, 7, 6, 28, 15, tzinfo=dt.UTC),
    dt.datetime(2106, 2, 7, 6, 28, 16, tzinfo=dt.UTC),
    dt.datetime(2514, 5, 30, 1, 53, 3, 999_999, tzinfo=dt.UTC),
    dt.datetime(2514, 5, 30, 1, 53, 4, tzinfo=dt.UTC),
    dt.datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=dt.UTC),
    EARLY,
    LATE,
]


@pytest.mark.parametrize("time", TIMES, ids=str)
def test_a_time_has_its_shortest_form_at_every_width(time: dt.datetime) -> None:
    seen = there_and_back(msgspec.structs.replace(HANDLING, valid_until=time))
    assert seen["valid_until"] == time
