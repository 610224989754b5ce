# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A signal as JSON: real input goes there and back, every limit holds, and no error repeats what was written."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import msgspec
import pytest

from seinpost.demo.incidents import load_publications, refusals
from seinpost.signal_json import format_signal, parse_signal
from seinpost_schemas.errors import MalformedError, SeinpostError, TooLargeError
from seinpost_schemas.limits import MAX_JSON_BYTES, MAX_SIGNAL_BYTES
from seinpost_schemas.sections import decode_signal, encode_signal
from seinpost_schemas.uuid7 import make_id

NOW = dt.datetime(2026, 11, 2, 12, tzinfo=dt.UTC)
ID = make_id(1_793_000_000_000, bytes(10))


def table(**more: Any) -> dict[str, Any]:
    """A signal's least form, with fields added: ``report__language`` is a field of the report."""
    base: dict[str, Any] = {
        "handling": {
            "schema": 1,
            "signal_type": "incident",
            "valid_until": "2098-12-31T00:00:00Z",
            "tlp": "amber",
        },
        "report": {"title": "Titel", "text": "Tekst"},
    }
    for name, value in more.items():
        section, _, field = name.partition("__")
        if field:
            base.setdefault(section, {})[field] = value
        else:
            base[section] = value
    return base


def parse(value: Any) -> Any:
    return parse_signal(json.dumps(value))


def refused(value: Any, says: str) -> str:
    with pytest.raises(MalformedError, match=says) as error:
        parse(value)
    return str(error.value)


# -- real input -----------------------------------------------------------------------------------


def test_every_disarm_incident_goes_there_and_back() -> None:
    publications, _ = load_publications(NOW)
    assert len(publications) == 86
    for publication in [*publications, *refusals(NOW)]:
        text = format_signal(publication.signal)
        assert "\n" not in text
        assert parse_signal(text) == publication.signal
        assert parse_signal(text.encode()) == publication.signal
        encoded = encode_signal(publication.signal, ID)
        assert encoded.size <= MAX_SIGNAL_BYTES
        opened = decode_signal(encoded)
        assert opened == msgspec.structs.replace(publication.signal, id=opened.id)
        assert parse_signal(format_signal(opened)) == opened


def test_the_domains_own_example() -> None:
    example = {
        "handling": {
            "schema": 1,
            "signal_type": "incident",
            "valid_until": "2026-12-31T00:00:00Z",
            "tlp": "amber",
            "classified_until": "2027-03-18",
            "severity": 3,
            "personal_data": "none",
            "election": "TK2025",
        },
        "report": {
            "title": "False notices about closed polling stations",
            "text": "…",
            "language": "nl",
            "observed_from": "2026-11-20T08:00:00Z",
            "source_reliability": "B",
            "information_credibility": 2,
            "techniques": ["disarm:T0097.202", "attack:T1583.001"],
            "channels": ["telegram"],
            "regions": ["NL-GR"],
        },
        "indicators": [{"type": "domain-name", "value": "stembureau-info.example", "role": "source"}],
        "protected": None,
    }
    signal = parse(example)
    assert signal.report.techniques == ("disarm:T0097.202", "attack:T1583.001")
    assert signal.handling.valid_until == dt.datetime(2026, 12, 31, tzinfo=dt.UTC)
    assert parse_signal(format_signal(signal)) == signal


def test_least_and_most() -> None:
    assert parse(table()).indicators == ()
    most = parse(
        table(
            id="0198c5d7-a000-7000-8000-000000000001",
            handling__pap="red",
            handling__urgency="immediate",
            handling__exercise=True,
            handling__refers_to=["0198c5d7-a000-7000-8000-000000000001"] * 200,
            report__title="t" * 200,
            report__text="é" * 20_000,
            report__channels=["c" * 500] * 200,
            report__foreign={"media_type": "application/stix+json;version=2.1", "data": "AAAA"},
            protected__contact="loket",
            indicators=[{"type": "other", "value": "v" * 1_000}] * 500,
        )
    )
    assert parse_signal(format_signal(most)) == most


# -- limits ---------------------------------------------------------------------------------------

OVER = {
    "a title of 201": table(report__title="t" * 201),
    "an empty title": table(report__title=""),
    "a text of 20,001": table(report__text="t" * 20_001),
    "an empty text": table(report__text=""),
    "501 indicators": table(indicators=[{"type": "other", "value": "v"}] * 501),
    "an indicator of 4,001": table(indicators=[{"type": "other", "value": "v" * 4_001}]),
    "an empty indicator": table(indicators=[{"type": "other", "value": ""}]),
    "201 channels": table(report__channels=["c"] * 201),
    "a channel of 501": table(report__channels=["c" * 501]),
    "an empty channel": table(report__channels=[""]),
    "severity 0": table(handling__severity=0),
    "severity 6": table(handling__severity=6),
    "severity 2.5": table(handling__severity=2.5),
    "severity as text": table(handling__severity="3"),
    "severity true": table(handling__severity=True),
    "credibility 7": table(report__information_credibility=7),
    "reliability G": table(report__source_reliability="G"),
    "another signal type": table(handling__signal_type="rumour"),
    "another TLP": table(handling__tlp="AMBER"),
    "schema 0": table(handling__schema=0),
    "schema 2": table(handling__schema=2),
    "no time zone": table(handling__valid_until="2098-12-31T00:00:00"),
    "a date for a time": table(handling__valid_until="2098-12-31"),
    "a time that is none": table(handling__valid_until="2098-13-31T00:00:00Z"),
    "an election of another form": table(handling__election="tk2025"),
    "a technique without its namespace": table(report__techniques=["T0097"]),
    "a technique with a line break": table(report__techniques=["disarm:T0097\n"]),
    "a language with a space": table(report__language="nl nl"),
    "an id of another version": table(id="0198c5d7-a000-4000-8000-000000000001"),
    "an id in capitals": table(id="0198C5D7-A000-7000-8000-000000000001"),
    "an unknown field": table(report__titel="?"),
    "an unknown section": table(extra={}),
    "no report": {k: v for k, v in table().items() if k != "report"},
    "no handling": {"report": {"title": "t", "text": "t"}},
    "foreign data over 32 KiB": table(report__foreign={"media_type": "a/b", "data": "AAAA" * 10_923}),
    "foreign data that is not base64": table(report__foreign={"media_type": "a/b", "data": "?"}),
    "a list": [table()],
    "text": "a signal",
    "a number": 7,
    "null": None,
}


@pytest.mark.parametrize("value", OVER.values(), ids=OVER.keys())
def test_a_field_over_its_limit_or_of_another_form_is_malformed(value: Any) -> None:
    assert "\n" not in refused(value, "^not a signal: ")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b" \n\t ", "empty"),
        (b"{", "not JSON"),
        (b"{}{}", "not"),
        (b"{'a': 1}", "not JSON"),
        (b"\xff\xfe", "not"),
        (b'{"handling": "\xff"}', "not"),
        (b'{"handling": "\\ud800"}', "not"),
        (b"NaN", "not JSON"),
        (b"[" * 200_000, "not"),
        (b'{"handling":' * 80_000, "not"),
        (b"\xef\xbb\xbf{}", "not"),
    ],
)
def test_what_is_not_json_is_said(data: bytes, says: str) -> None:
    with pytest.raises(MalformedError, match=says) as error:
        parse_signal(data)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("place", [b'{"report": {"title": "a\xffb"}}', b'{"id": "\xff"}', b'{"\xff": 1}'])
def test_text_in_another_encoding_is_said(place: bytes) -> None:
    with pytest.raises(MalformedError, match="not UTF-8 text"):
        parse_signal(place)


def test_text_that_cannot_be_utf_8_is_said() -> None:
    with pytest.raises(MalformedError):
        parse_signal('{"handling": "\ud800"}')


def test_a_megabyte_is_looked_at_and_no_more() -> None:
    filler = json.dumps(table())[:-1]
    fits = filler + " " * (MAX_JSON_BYTES - len(filler) - 1) + "}"
    assert parse_signal(fits).report.title == "Titel"
    with pytest.raises(TooLargeError, match="limit of 1048576"):
        parse_signal(fits + " ")


def test_a_signal_whose_sections_are_over_64_kib_is_too_large() -> None:
    large = parse(table(report__text="é" * 20_000, report__narrative="é" * 20_000))
    with pytest.raises(TooLargeError, match="65536"):
        encode_signal(large, ID)


# -- errors repeat nothing ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        table(handling__signal_type="Jan Jansen"),
        table(handling__election="Jan Jansen"),
        table(report__language="Jan Jansen"),
        table(report__techniques=["Jan Jansen"]),
        table(handling__severity="Jan Jansen"),
        table(handling__valid_until="Jan Jansen"),
        table(id="Jan Jansen"),
        table(indicators=[{"type": "Jan Jansen", "value": "v"}]),
        table(report__foreign={"media_type": "Jan Jansen", "data": "Jan Jansen"}),
        "Jan Jansen",
    ],
)
def test_an_error_names_the_field_and_not_what_stood_in_it(value: Any) -> None:
    with pytest.raises(SeinpostError) as error:
        parse(value)
    assert "Jansen" not in str(error.value)


# -- what the decoder lets pass, or does not say --------------------------------------------------

ONCE = b'"report": {"title": "t", "text": "x", "foreign": {"media_type": "a/b", "data": "AAAA"}}'
HANDLING = b'"handling": {"schema": 1, "signal_type": "incident", "valid_until": "2098-12-31T00:00:00Z", "tlp": "red"}'
INDICATORS = b'"indicators": [{"type": "url", "value": "\\"type\\": 1"}, {"type": "url", "value": "w"}]'


@pytest.mark.parametrize(
    ("members", "place"),
    [
        ([HANDLING, ONCE, ONCE], "$.report"),
        ([HANDLING, ONCE.replace(b'"text"', b'"title": "u", "text"')], "$.report.title"),
        ([HANDLING, ONCE.replace(b'"text"', b'"ti\\u0074le": "u", "text"')], "$.report.title"),
        ([HANDLING, ONCE.replace(b'"data"', b'"data": "AAAA", "data"')], "$.report.foreign.data"),
        (
            [HANDLING, ONCE, INDICATORS.replace(b'"w"', b'"v", "value": "w"')],
            "$.indicators[1].value",
        ),
    ],
)  # fmt: skip
def test_a_key_that_stands_there_twice_is_refused_by_its_place(members: list[bytes], place: str) -> None:
    with pytest.raises(MalformedError) as error:
        parse_signal(b"{" + b", ".join(members) + b"}")
    assert str(error.value) == f"not a signal: a key stands there twice - at `{place}`"


def test_keys_that_stand_in_different_objects_are_no_repetition() -> None:
    assert len(parse_signal(b"{" + b", ".join([HANDLING, ONCE, INDICATORS]) + b"}").indicators) == 2


@pytest.mark.parametrize("half", [r"\ud83d", r"\ude00", r"\ud83d\ud83d", r"\ud83dx"])
def test_half_a_character_is_said(half: str) -> None:
    with pytest.raises(MalformedError, match="half of a character"):
        parse_signal(json.dumps(table()).replace("Titel", half))


def test_a_byte_order_mark_is_said() -> None:
    with pytest.raises(MalformedError, match=r"byte order mark \(BOM\)"):
        parse_signal(b"\xef\xbb\xbf" + json.dumps(table()).encode())


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (
            table(handling__tlp="AMBER"),
            "choose from amber, amber+strict, clear, green, red - at `$.handling.tlp`",
        ),
        (table(handling__pap="x"), "choose from amber, clear, green, red - at `$.handling.pap`"),
        (table(indicators=[{"type": "x", "value": "v"}]), "choose from artifact, autonomous-system, "),
    ],
)
def test_choices_are_said(value: Any, says: str) -> None:
    with pytest.raises(MalformedError) as error:
        parse(value)
    assert says in str(error.value)


def test_what_is_too_long_is_said_by_its_limit() -> None:
    with pytest.raises(TooLargeError, match=f"^more than the limit of {MAX_JSON_BYTES} bytes"):
        parse_signal(b" " * (MAX_JSON_BYTES + 1))
