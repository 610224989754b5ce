# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Sections as bytes: which must be there, in which form, and which version."""

from __future__ import annotations

import datetime as dt

import msgspec
import pytest

from seinpost_schemas import canonical
from seinpost_schemas.errors import MalformedError, TooLargeError, UpdateNeededError
from seinpost_schemas.kinds import Kind
from seinpost_schemas.sections import (
    EncodedSignal,
    decode_act,
    decode_signal,
    encode_act,
    encode_signal,
    is_act,
    signal_id_bytes,
)
from seinpost_schemas.signal import (
    Act,
    ActHandling,
    ActReport,
    Foreign,
    Handling,
    Indicator,
    Protected,
    Report,
    Signal,
)
from seinpost_schemas.uuid7 import format_id, make_id

ID = make_id(1, bytes(10))
HANDLING = Handling(
    schema=1, signal_type="alert", valid_until=dt.datetime(2026, 1, 1, tzinfo=dt.UTC), tlp="red"
)
SIGNAL = Signal(
    id=format_id(ID),
    handling=HANDLING,
    report=Report(title="t", text="x"),
    indicators=(Indicator(type="url", value="v"),),
    protected=Protected(contact="desk 4"),
)
ACT = Act(
    id=format_id(ID),
    handling=ActHandling(schema=1, refers_to=(format_id(ID),)),
    report=ActReport(act="seen"),
)
ENCODED, ENCODED_ACT = encode_signal(SIGNAL, ID), encode_act(ACT, ID)


def with_section(section: int, data: bytes | None, base: EncodedSignal = ENCODED) -> EncodedSignal:
    sections = list(base.sections)
    sections[section] = data
    return EncodedSignal(ID, tuple(sections))  # type: ignore[arg-type]


def test_sections_are_the_specifications() -> None:
    handling, report, indicators, protected = map(msgspec.msgpack.decode, ENCODED.sections)
    assert list(handling) == ["schema", "signal_type", "valid_until", "tlp"]
    assert report == [1, {"title": "t", "text": "x"}]
    assert indicators == [1, [{"type": "url", "value": "v"}]]
    assert protected == [1, {"contact": "desk 4"}]
    assert ENCODED.size == sum(len(s or b"") for s in ENCODED.sections)


def test_a_signal_comes_back_and_may_do_without_sections_2_and_3() -> None:
    assert decode_signal(ENCODED) == SIGNAL
    plain = msgspec.structs.replace(SIGNAL, indicators=(), protected=None)
    assert encode_signal(plain, ID).sections[2:] == (None, None)
    assert decode_signal(encode_signal(plain, ID)) == plain


@pytest.mark.parametrize("section", [0, 1])
def test_sections_0_and_1_must_be_there(section: int) -> None:
    with pytest.raises(MalformedError, match="a signal has"):
        decode_signal(with_section(section, None))
    with pytest.raises(MalformedError, match="an act has"):
        decode_act(with_section(section, None, ENCODED_ACT))


def test_an_act_comes_back_and_has_no_other_sections() -> None:
    assert decode_act(ENCODED_ACT) == ACT
    for section in (2, 3):
        with pytest.raises(MalformedError, match="no others"):
            decode_act(with_section(section, ENCODED.sections[section], ENCODED_ACT))


def test_a_signal_is_no_act_and_an_act_no_signal() -> None:
    with pytest.raises(MalformedError):
        decode_act(with_section(2, None, with_section(3, None)))
    with pytest.raises(MalformedError):
        decode_signal(ENCODED_ACT)


def test_an_empty_list_of_indicators_is_malformed() -> None:
    with pytest.raises(MalformedError, match="length >= 1"):
        decode_signal(with_section(2, canonical.encode((1, ()))))


@pytest.mark.parametrize(
    ("section", "newer"),
    [
        (0, canonical.encode({"schema": 2, "shape": "unknown"})),
        (1, canonical.encode((2, {"title": "t", "new": 1}))),
        (2, canonical.encode((2, "anything"))),
        (3, canonical.encode((7,))),
    ],
)
def test_a_newer_schema_needs_an_update_and_is_no_alarm(section: int, newer: bytes) -> None:
    with pytest.raises(UpdateNeededError, match="newer Seinpost"):
        decode_signal(with_section(section, newer))


@pytest.mark.parametrize(
    "data",
    [
        canonical.encode((True, {"title": "t"})),
        canonical.encode((0, {"title": "t"})),
        canonical.encode(("2", {"title": "t"})),
        canonical.encode((2.5, {"title": "t"})),
        canonical.encode(2),
        canonical.encode(()),
        b"\x92\x02",
        b"\x81\x81\x01\x01\x02",
        b"\x91" * 60_000,
    ],
)
def test_what_only_looks_newer_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError):
        decode_signal(with_section(1, data))


def test_a_signal_has_at_most_65536_bytes() -> None:
    room = 65_536 - encode_signal(msgspec.structs.replace(SIGNAL, indicators=()), ID).size
    assert room > 0
    foreign = Foreign(media_type="a/b", data=bytes(32_768))
    texts = {"text": "é" * 10_000, "narrative": "é" * 8_000, "foreign": foreign}
    large = msgspec.structs.replace(SIGNAL, report=Report(title="t", **texts))
    with pytest.raises(TooLargeError):
        encode_signal(large, ID)
    with pytest.raises(TooLargeError):
        decode_signal(with_section(3, bytes(65_536)))
    with pytest.raises(TooLargeError):
        decode_act(with_section(1, bytes(65_536), ENCODED_ACT))


@pytest.mark.parametrize(
    "report",
    [
        Report(title="", text="x"),
        Report(title="t", text="x", observed_from=dt.datetime(2026, 1, 1)),  # noqa: DTZ001 - naive on purpose
        Report(title="\ud800", text="x"),
        Report(title=1, text="x"),  # type: ignore[arg-type]
        Report(title="t", text="x", narrative=object()),  # type: ignore[arg-type]
    ],
)
def test_a_signal_made_by_hand_is_validated_before_it_is_sealed(report: Report) -> None:
    with pytest.raises(MalformedError, match=r"^report: "):
        encode_signal(msgspec.structs.replace(SIGNAL, report=report), ID)


def test_an_id_is_read_when_there_is_one() -> None:
    assert signal_id_bytes(SIGNAL) == signal_id_bytes(ACT) == ID
    assert signal_id_bytes(msgspec.structs.replace(SIGNAL, id=None)) is None
    with pytest.raises(MalformedError):
        signal_id_bytes(msgspec.structs.replace(SIGNAL, id="1"))


def test_kinds_6_to_8_carry_acts() -> None:
    assert {kind for kind in Kind if is_act(kind)} == {Kind.FEEDBACK, Kind.RELEASE, Kind.TABLE_ACT}


@pytest.mark.parametrize("section", [2, 3])
def test_a_section_of_no_bytes_is_not_an_absent_one(section: int) -> None:
    with pytest.raises(MalformedError):
        decode_signal(with_section(section, b""))


def test_a_signal_has_at_most_500_indicators() -> None:
    many = msgspec.structs.replace(SIGNAL, indicators=SIGNAL.indicators * 501)
    with pytest.raises(MalformedError):
        decode_signal(encode_signal(many, ID))


def test_a_report_in_the_shortest_form_is_the_one_that_is_read() -> None:
    shortest = b"\x92\x01\x82\xa5title\xa1t\xa4text\xa1x"
    assert decode_signal(with_section(1, shortest)).report == Report(title="t", text="x")
    assert ENCODED.sections[1] == shortest
    with pytest.raises(MalformedError):
        decode_signal(with_section(1, shortest.replace(b"\x92\x01\x82", b"\x92\x01\xde\x00\x02")))
