# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What each section may hold: the specification's tables, field by field."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pytest

from seinpost_schemas import canonical
from seinpost_schemas.errors import MalformedError
from seinpost_schemas.signal import ActHandling, ActReport, Handling, Indicator, Protected, Report, Section

ID = "0198c5d7-a000-7000-8000-000000000001"
WHOLE: dict[type[Section], dict[str, Any]] = {
    Handling: {
        "schema": 1,
        "signal_type": "alert",
        "valid_until": dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        "tlp": "red",
    },
    Report: {"title": "t", "text": "x"},
    Indicator: {"type": "url", "value": "v"},
    Protected: {},
    ActHandling: {"schema": 1, "refers_to": [ID]},
    ActReport: {"act": "seen"},
}


def decode(cls: type[Section], **change: Any) -> Section:
    fields = {k: v for k, v in {**WHOLE[cls], **change}.items() if v is not None}
    # Through the type first, so that keys stand in their order; the loose form keeps wrong values.
    ordered = {
        f.encode_name: fields[f.encode_name] for f in msgspec.structs.fields(cls) if f.encode_name in fields
    }
    try:
        return msgspec.convert(ordered, cls, builtin_types=(bytes, dt.datetime))
    except msgspec.ValidationError as error:
        raise MalformedError(str(error)) from None


@pytest.mark.parametrize("cls", WHOLE)
def test_the_required_fields_are_enough(cls: type[Section]) -> None:
    value = decode(cls)
    assert canonical.decode(canonical.decoder(cls), canonical.encode(value), "section") == value


@pytest.mark.parametrize("cls", [c for c in WHOLE if WHOLE[c]])
def test_the_required_fields_are_required(cls: type[Section]) -> None:
    for field in WHOLE[cls]:
        with pytest.raises(MalformedError, match=field):
            decode(cls, **{field: None})


GOOD: list[tuple[type[Section], str, Any]] = [
    (Handling, "classified_until", "2027 or the end of the case"),
    (Handling, "severity", 1),
    (Handling, "severity", 5),
    (Handling, "tlp", "amber+strict"),
    (Handling, "election", "TK2025"),
    (Handling, "election", "PSGR2027"[:4] + "2027"),
    (Handling, "refers_to", [ID] * 200),
    (Handling, "personal_data", "special"),
    (Report, "title", "t" * 200),
    (Report, "text", "x" * 20_000),
    (Report, "language", "nl"),
    (Report, "language", "zh-Hant-TW"),
    (Report, "techniques", ["disarm:T0049", "attack:T1583.001"]),
    (Report, "narrative", ""),
    (Report, "information_credibility", 6),
    (Report, "evidence", [{"sha256": "0f" * 32, "archive_url": "u" * 4_000}]),
    (Report, "external_references", [{"system": "MISP"}]),
    (Report, "foreign", {"media_type": "application/stix+json;version=2.1", "data": b"x" * 32_768}),
    (Indicator, "value", "v" * 4_000),
    (Indicator, "type", "other"),
    (Protected, "personal_data", [{"type": "name", "value": "v"}] * 500),
    (ActReport, "official", "A" * 40),
]
BAD: list[tuple[type[Section], str, Any]] = [
    (Handling, "schema", 0),
    (Handling, "schema", 2),
    (Handling, "schema", "1"),
    (Handling, "signal_type", "rumour"),
    (Handling, "valid_until", dt.datetime(2026, 1, 1)),  # noqa: DTZ001 - naive on purpose
    (Handling, "tlp", "AMBER"),
    (Handling, "tlp", "white"),
    (Handling, "classified_until", ""),
    (Handling, "classified_until", "x" * 501),
    (Handling, "pap", "amber+strict"),
    (Handling, "severity", 0),
    (Handling, "severity", 6),
    (Handling, "urgency", "now"),
    (Handling, "exercise", 1),
    (Handling, "personal_data", "some"),
    (Handling, "refers_to", [ID] * 201),
    (Handling, "refers_to", [ID.upper()]),
    (Handling, "supersedes", [ID.replace("-7", "-4")]),
    (Handling, "election", "T2025"),
    (Handling, "election", "TK25"),
    (Report, "title", ""),
    (Report, "title", "t" * 201),
    (Report, "text", ""),
    (Report, "text", "x" * 20_001),
    (Report, "language", "NL"),
    (Report, "language", "nl-"),
    (Report, "source_reliability", "G"),
    (Report, "information_credibility", 0),
    (Report, "information_credibility", 7),
    (Report, "techniques", ["T0049"]),
    (Report, "techniques", ["disarm:T49"]),
    (Report, "techniques", ["disarm:T0049.01"]),
    (Report, "techniques", ["disarm:T0049"] * 201),
    (Report, "narrative", "x" * 20_001),
    (Report, "channels", [""]),
    (Report, "regions", ["x" * 501]),
    (Report, "targets", ["x"] * 201),
    (Report, "evidence", [{}]),
    (Report, "evidence", [{"sha256": "0F" * 32}]),
    (Report, "evidence", [{"sha256": "0f" * 31}]),
    (Report, "evidence", [{"sha256": "0f" * 32, "archive_url": "u" * 4_001}]),
    (Report, "external_references", [{"id": "1"}]),
    (Report, "external_references", [{"system": "MISP", "more": "1"}]),
    (Report, "foreign", {"media_type": "json", "data": b""}),
    (Report, "foreign", {"media_type": "Application/json", "data": b""}),
    (Report, "foreign", {"media_type": "a/" + "b" * 199, "data": b""}),
    (Report, "foreign", {"media_type": "a/b", "data": b"x" * 32_769}),
    (Indicator, "type", "phone"),
    (Indicator, "value", ""),
    (Indicator, "value", "v" * 4_001),
    (Protected, "personal_data", [{"type": "name", "value": "v"}] * 501),
    (Protected, "personal_data", [{"type": "", "value": "v"}]),
    (ActHandling, "refers_to", []),
    (ActHandling, "refers_to", [ID] * 201),
    (ActReport, "act", ""),
    (ActReport, "official", "A" * 41),
    (ActReport, "official", "J. Jansen"),
]


@pytest.mark.parametrize(("cls", "field", "value"), GOOD)
def test_a_value_at_its_limit_is_read(cls: type[Section], field: str, value: Any) -> None:
    section = decode(cls, **{field: value})
    assert canonical.decode(canonical.decoder(cls), canonical.encode(section), "section") == section


@pytest.mark.parametrize(("cls", "field", "value"), BAD)
def test_a_value_beyond_its_limit_is_malformed(cls: type[Section], field: str, value: Any) -> None:
    with pytest.raises(MalformedError):
        decode(cls, **{field: value})


NEWLINES: list[tuple[type[Section], str, Any]] = [
    (Handling, "election", "TK2025\n"),
    (Handling, "refers_to", [ID + "\n"]),
    (Report, "language", "nl\n"),
    (Report, "techniques", ["disarm:T0049\n"]),
    (Report, "evidence", [{"sha256": "0f" * 32 + "\n"}]),
    (Report, "foreign", {"media_type": "a/b\n", "data": b""}),
    (ActReport, "official", "R-12\n"),
]


@pytest.mark.parametrize(("cls", "field", "value"), NEWLINES)
def test_a_final_newline_is_malformed(cls: type[Section], field: str, value: Any) -> None:
    with pytest.raises(MalformedError):
        decode(cls, **{field: value})
