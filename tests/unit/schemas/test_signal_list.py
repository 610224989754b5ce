# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Signals encoded and decoded together give what they give one by one, errors included."""

from __future__ import annotations

import datetime as dt

import msgspec
import pytest

from seinpost_schemas import canonical
from seinpost_schemas.errors import MalformedError, TooLargeError, UpdateNeededError
from seinpost_schemas.sections import EncodedSignal, decode_signal, encode_signal
from seinpost_schemas.signal import Evidence, Handling, Indicator, Protected, Report, Signal
from seinpost_schemas.signal_list import _decode_all, _encode_all, decode_signals, encode_signals
from seinpost_schemas.uuid7 import make_id

UNTIL = dt.datetime(2026, 12, 31, tzinfo=dt.UTC)
HANDLING = Handling(schema=1, signal_type="incident", valid_until=UNTIL, tlp="amber")
FULL = Report(
    title="t", text="x", language="nl", observed_from=UNTIL, observed_until=UNTIL, source_reliability="A",
    information_credibility=1, likelihood="l", techniques=("disarm:T0049",), narrative="n", channels=("c",),
    targets=("t",), regions=("r",), attribution="a", attributed_by="b", action_requested="q",
    evidence=(Evidence(sha256="0" * 64),),
)  # fmt: skip
SIGNALS = [
    Signal(handling=HANDLING, report=Report(title="one", text="text")),
    Signal(
        handling=msgspec.structs.replace(HANDLING, severity=5),
        report=FULL,
        indicators=(Indicator(type="url", value="https://a.example"),),
        protected=Protected(contact="desk"),
    ),
    Signal(handling=HANDLING, report=Report(title="three", text="text"), protected=Protected(contact="c")),
    Signal(
        handling=HANDLING,
        report=Report(title="four", text="text", language="fr"),
        indicators=(Indicator(type="other", value="v"), Indicator(type="other", value="w")),
    ),
]
IDS = [make_id(1_793_000_000_000, bytes((n,)) * 10) for n in range(len(SIGNALS))]
ENCODED = [encode_signal(s, i) for s, i in zip(SIGNALS, IDS, strict=True)]


def with_section(number: int, section: int, data: bytes | None) -> list[EncodedSignal]:
    sections = list(ENCODED[number].sections)
    sections[section] = data
    changed = EncodedSignal(IDS[number], tuple(sections))  # type: ignore[arg-type]
    return [*ENCODED[:number], changed, *ENCODED[number + 1 :]]


@pytest.mark.parametrize("times", [0, 1, 3, 4, 100])
def test_together_is_one_by_one(times: int) -> None:
    signals, ids = SIGNALS * times, IDS * times
    assert encode_signals(signals, ids) == ENCODED * times
    assert decode_signals(ENCODED * times) == [decode_signal(e) for e in ENCODED] * times


def test_the_quick_way_is_taken() -> None:
    assert _encode_all(SIGNALS, IDS) == ENCODED
    assert _decode_all(ENCODED) == [decode_signal(e) for e in ENCODED]


def test_more_than_an_array_of_two_bytes_counts() -> None:
    many = 70_000
    plain = encode_signals(SIGNALS[:1] * many, IDS[:1] * many)
    assert len(plain) == many == len(decode_signals(plain))


def test_ids_and_signals_are_as_many() -> None:
    with pytest.raises(ValueError, match="an id"):
        encode_signals(SIGNALS, IDS[1:])


def test_a_value_out_of_form_is_named() -> None:
    wrong = msgspec.structs.replace(SIGNALS[1], report=msgspec.structs.replace(FULL, title=""))
    with pytest.raises(MalformedError, match="report: Expected `str` of length >= 1"):
        encode_signals([*SIGNALS, wrong], [*IDS, IDS[0]])
    unencodable = msgspec.structs.replace(SIGNALS[0], report=msgspec.structs.replace(FULL, title=object()))
    with pytest.raises(MalformedError, match="cannot be encoded"):
        encode_signals([unencodable], IDS[:1])


def test_a_list_for_a_tuple_is_the_same_signal() -> None:
    listed = msgspec.structs.replace(SIGNALS[1], report=msgspec.structs.replace(FULL, channels=["c"]))
    assert encode_signals([SIGNALS[0], listed], IDS[:2]) == ENCODED[:2]


@pytest.mark.parametrize("section", [0, 1, 2, 3])
@pytest.mark.parametrize("data", [b"", b"\xc0", b"\x90", b"\x92\x01", b"\x92\x02\xc0"])
def test_a_bad_section_is_refused_as_by_itself(section: int, data: bytes) -> None:
    changed = with_section(1, section, data)
    with pytest.raises((MalformedError, UpdateNeededError)) as alone:
        decode_signal(changed[1])
    with pytest.raises(type(alone.value)) as together:
        decode_signals(changed)
    assert str(together.value) == str(alone.value)


@pytest.mark.parametrize("section", [0, 1])
def test_an_absent_section_is_refused(section: int) -> None:
    with pytest.raises(MalformedError):
        decode_signals(with_section(2, section, None))


def test_sections_that_lend_bytes_to_each_other_are_refused() -> None:
    """As one array both reports would decode; as sections neither is one."""
    for section in (0, 1, 2, 3):
        first, second = ENCODED[1].sections[section] or b"", ENCODED[1].sections[section] or b""
        sections = [list(ENCODED[1].sections), list(ENCODED[1].sections)]
        sections[0][section], sections[1][section] = first + second[:1], second[1:]
        lent = [EncodedSignal(IDS[n], tuple(s)) for n, s in enumerate(sections)]  # type: ignore[arg-type]
        with pytest.raises(MalformedError):
            decode_signals(lent)


def test_a_boundary_inside_a_text_is_refused() -> None:
    """A report whose text holds what looks like the start of a report, cut there."""
    inner = b"\x92\x01\x82\xa5title\xa1t\xa4text\xa1x"
    text = "yy" + inner.decode("latin-1")
    whole = canonical.encode_versioned((1, Report(title="t", text="z" * len(text))))
    head, z, tail = whole.partition(b"z" * len(text))
    joined = head + b"yy" + inner + tail
    assert z
    cut = joined.index(inner)
    sections = [list(ENCODED[0].sections), list(ENCODED[0].sections), list(ENCODED[0].sections)]
    sections[0][1], sections[1][1] = joined[:cut], joined[cut:]
    with pytest.raises(MalformedError):
        decode_signals([EncodedSignal(IDS[n], tuple(s)) for n, s in enumerate(sections)])  # type: ignore[arg-type]


def test_a_longer_form_is_refused() -> None:
    plain = ENCODED[0].sections[1] or b""
    assert plain[2] >> 4 == 8
    wide = plain[:2] + b"\xde\x00" + bytes((plain[2] & 15,)) + plain[3:]
    with pytest.raises(MalformedError, match="not in the one canonical encoding"):
        decode_signals(with_section(0, 1, wide))
    with pytest.raises(MalformedError):
        decode_signals(with_section(0, 1, b"\x92\xcc\x01" + plain[2:]))


def test_a_signal_over_the_limit_is_refused() -> None:
    large = msgspec.structs.replace(
        SIGNALS[0],
        indicators=tuple(Indicator(type="other", value=f"{n:0>2000}") for n in range(33)),
    )
    with pytest.raises(TooLargeError):
        encode_signals([*SIGNALS, large], [*IDS, IDS[0]])
    with pytest.raises(TooLargeError):
        decode_signals(with_section(0, 2, canonical.encode((1, large.indicators))))


def test_equal_handlings_are_one_object() -> None:
    first, _, third, _ = decode_signals(ENCODED)
    assert first.handling is third.handling
