# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Sections: every signal comes back whole, and each section has one encoding only."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seinpost.signal_json import format_signal, parse_signal
from seinpost_schemas.errors import SeinpostError
from seinpost_schemas.sections import EncodedSignal, decode_act, decode_signal, encode_act, encode_signal
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

ID = make_id(1_790_000_000_000, bytes(10))
SHORT = st.text(alphabet="ab Ïé漢😀\n\0", min_size=1, max_size=6)
EDGES = [(1, 1, 1), (1969, 12, 31), (2106, 2, 8), (2514, 6, 1), (9999, 12, 31)]
"""Around the limits of the three timestamp forms."""
TIMES = st.one_of(
    st.integers(0, 1 << 34).map(lambda s: dt.datetime.fromtimestamp(s, dt.UTC)),
    st.integers(0, 1 << 54).map(
        lambda us: dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(microseconds=us)
    ),
    st.sampled_from(EDGES).map(lambda day: dt.datetime(*day, tzinfo=dt.UTC)),
)
IDS = st.builds(make_id, st.integers(0, (1 << 48) - 1), st.binary(min_size=10, max_size=10)).map(format_id)


def tuples(values: st.SearchStrategy[Any], least: int = 0) -> st.SearchStrategy[Any]:
    return st.lists(values, min_size=least, max_size=least + 2).map(tuple)


def some(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return values | st.none()


HANDLING = st.builds(
    Handling,
    schema=st.just(1),
    signal_type=st.sampled_from(["incident", "indicator", "assessment", "alert", "request-for-information"]),
    valid_until=TIMES,
    tlp=st.sampled_from(["clear", "green", "amber", "amber+strict", "red"]),
    classified_until=some(SHORT),
    pap=some(st.sampled_from(["clear", "green", "amber", "red"])),
    severity=some(st.integers(1, 5)),
    urgency=some(st.sampled_from(["low", "normal", "high", "immediate"])),
    exercise=st.booleans(),
    originator_consent=st.booleans(),
    legal_basis=some(SHORT),
    personal_data=st.sampled_from(["none", "personal", "special"]),
    refers_to=tuples(IDS),
    supersedes=tuples(IDS),
    election=some(st.sampled_from(["TK2025", "EP2029", "GR2030"])),
)
REPORT = st.builds(
    Report,
    title=SHORT,
    text=SHORT,
    language=some(st.sampled_from(["nl", "en-GB", "fry"])),
    observed_from=some(TIMES),
    observed_until=some(TIMES),
    source_reliability=some(st.sampled_from("ABCDEF")),
    information_credibility=some(st.integers(1, 6)),
    likelihood=some(SHORT),
    techniques=tuples(st.sampled_from(["disarm:T0049", "attack:T1583.001"])),
    narrative=some(SHORT),
    channels=tuples(SHORT),
    targets=tuples(SHORT),
    regions=tuples(SHORT),
    attribution=some(SHORT),
    attributed_by=some(SHORT),
    action_requested=some(SHORT),
    evidence=tuples(st.builds(Evidence, sha256=st.just("0f" * 32), archive_url=some(SHORT))),
    external_references=tuples(st.builds(ExternalReference, system=SHORT, id=some(SHORT), url=some(SHORT))),
    foreign=some(st.builds(Foreign, media_type=st.just("application/json"), data=st.binary(max_size=20))),
)
INDICATOR = st.builds(
    Indicator,
    type=st.sampled_from(["domain-name", "url", "user-account", "other"]),
    value=SHORT,
    role=some(SHORT),
    first_seen=some(TIMES),
    last_seen=some(TIMES),
)
DATA = st.builds(PersonalDatum, type=SHORT, value=SHORT, role=some(SHORT))
PROTECTED = st.builds(
    Protected, source_description=some(SHORT), personal_data=tuples(DATA), contact=some(SHORT)
)
SIGNALS = st.builds(
    Signal, id=IDS, handling=HANDLING, report=REPORT, indicators=tuples(INDICATOR), protected=some(PROTECTED)
)
ACTS = st.builds(
    Act,
    id=IDS,
    handling=st.builds(ActHandling, schema=st.just(1), refers_to=tuples(IDS, 1), exercise=st.booleans()),
    report=st.builds(
        ActReport,
        act=SHORT,
        text=some(SHORT),
        official=some(st.just("R-12")),
        status=some(SHORT),
        assignee=some(st.just("R-13")),
    ),
)


@settings(max_examples=60)
@given(SIGNALS)
def test_a_signal_comes_back(signal: Signal) -> None:
    signal = msgspec.structs.replace(signal, id=format_id(ID))
    encoded = encode_signal(signal, ID)
    assert decode_signal(encoded) == signal
    assert encode_signal(decode_signal(encoded), ID) == encoded


@settings(max_examples=60)
@given(SIGNALS)
def test_a_signal_comes_back_from_json(signal: Signal) -> None:
    assert parse_signal(format_signal(signal)) == signal
    assert parse_signal(format_signal(signal).encode()) == signal


@settings(max_examples=60)
@given(ACTS)
def test_an_act_comes_back(act: Act) -> None:
    act = msgspec.structs.replace(act, id=format_id(ID))
    encoded = encode_act(act, ID)
    assert decode_act(encoded) == act
    assert encoded.sections[2:] == (None, None)


PLAIN = Signal(
    handling=Handling(
        schema=1, signal_type="alert", valid_until=dt.datetime(2026, 1, 1, tzinfo=dt.UTC), tlp="red"
    ),
    report=Report(title="t", text="x"),
)
FIELDS = {
    "handling": HANDLING,
    "report": REPORT,
    "indicators": tuples(INDICATOR, 1),
    "protected": PROTECTED,
}


@settings(max_examples=200)
@pytest.mark.parametrize("section", range(4), ids=list(FIELDS))
@given(data=st.data())
def test_a_section_has_no_other_encoding(mangle: Any, section: int, data: st.DataObject) -> None:
    field, values = list(FIELDS.items())[section]
    drawn = msgspec.structs.replace(PLAIN, **{field: data.draw(values)})
    sections = list(encode_signal(drawn, ID).sections)
    changed = data.draw(mangle(st.just(sections[section])).filter(bool))
    sections[section] = changed
    try:
        signal = decode_signal(EncodedSignal(ID, tuple(sections)))
    except SeinpostError:
        return
    assert encode_signal(signal, ID).sections[section] == changed


@settings(max_examples=200)
@given(data=st.data())
def test_a_section_of_an_act_has_no_other_encoding(mangle: Any, data: st.DataObject) -> None:
    encoded = encode_act(data.draw(ACTS), ID)
    handling, report = (data.draw(mangle(st.just(s))) for s in encoded.sections[:2])
    try:
        act = decode_act(EncodedSignal(ID, (handling, report, None, None)))
    except SeinpostError:
        return
    assert encode_act(act, ID).sections == (handling, report, None, None)


@given(st.lists(st.binary(max_size=60) | st.none(), min_size=4, max_size=4), st.binary(max_size=17))
def test_random_sections_raise_our_errors_only(sections: list[bytes | None], signal_id: bytes) -> None:
    for decode in (decode_signal, decode_act):
        with pytest.raises(SeinpostError):
            decode(EncodedSignal(signal_id, tuple(sections)))  # type: ignore[arg-type]


@given(data=st.data())
def test_json_raises_our_errors_only(mangle: Any, data: st.DataObject) -> None:
    raw = data.draw(
        mangle(st.just(b'{"handling":{"schema":1,"tlp":"red"},"report":{"title":"t","text":"x"}}'))
    )
    with pytest.raises(SeinpostError):
        parse_signal(raw)


@given(st.text(max_size=40))
def test_text_that_is_no_signal_raises_our_errors_only(text: str) -> None:
    with pytest.raises(SeinpostError):
        parse_signal(text)
