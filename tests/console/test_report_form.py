# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What a form becomes, and what it warns of."""

from __future__ import annotations

import datetime as dt

import pytest

from seinpost.console.audience_preview import Choices
from seinpost.console.defang import refang
from seinpost.console.report_form import (
    FIELDS,
    empty_form,
    faults_in,
    form_digest,
    kind_of,
    personal_data_in,
    taken,
    to_signal,
)
from seinpost.console.words import FAULTS
from seinpost_schemas.errors import MalformedError

TODAY = dt.date(2099, 1, 1)
CHOICES = Choices(
    ["process", "debate"], ["ong", "depv"], ["all", "tafel"], {"process": "all", "debate": "all"}
)


def filled(**fields: str) -> dict[str, str]:
    return empty_form(TODAY, CHOICES) | {"title": "Titel", "text": "Tekst", "theme": "process"} | fields


def test_a_form_becomes_a_signal() -> None:
    form = filled(
        technique_1="T0049 Flood Information Space", technique_3="attack:T1583.001",
        technique_5="flood information space",
        indicators="hxxps://bad[.]example/x\n192.0.2.1\n", severity="4", urgency="high", source_reliability="B",
        information_credibility="2", classified_until="2099-03-18", exercise="1", election="TK2025", contact="Piket",
        personal_data="personal",
    )  # fmt: skip
    assert faults_in(form, CHOICES, TODAY) == {}
    signal = to_signal(form)
    handling, report = signal.handling, signal.report
    assert (handling.severity, handling.urgency, handling.exercise) == (4, "high", True)
    assert handling.election == "TK2025"
    assert (report.source_reliability, report.information_credibility) == ("B", 2)
    assert handling.valid_until == dt.datetime(2099, 4, 1, 23, 59, tzinfo=dt.UTC)
    assert report.techniques == ("disarm:T0049", "attack:T1583.001")
    assert [(i.type, i.value) for i in signal.indicators] == [
        ("url", "https://bad.example/x"),
        ("ipv4-addr", "192.0.2.1"),
    ]
    assert signal.protected is not None
    assert signal.protected.contact == "Piket"


def test_where_there_is_one_possibility_it_stands_there() -> None:
    one = Choices(["process"], ["ong"], ["all"], {"process": "tafel"})
    form = empty_form(TODAY, one)
    assert (form["theme"], form["classification"], form["audience"]) == ("process", "ong", "")
    assert filled()["classification"] == "ong"
    assert empty_form(TODAY, CHOICES)["theme"] == ""


def test_an_empty_protected_section_is_none() -> None:
    assert to_signal(filled()).protected is None


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"title": ""}, "title"), ({"title": "x" * 201}, "title"), ({"text": ""}, "text"),
        ({"text": "x" * 20_001}, "text"), ({"valid_until": "ooit"}, "valid_until"),
        ({"valid_until": "2098-12-31"}, "valid_until"), ({"technique_2": "T9999"}, "technique_2"),
        ({"technique_1": "onzin"}, "technique_1"), ({"election": "verkiezing"}, "election"),
        ({"severity": "7"}, "severity"),
        ({"theme": ""}, "theme"), ({"theme": "international"}, "theme"),
        ({"classification": "stgg", "classified_until": "2099-03-18"}, "classification"),
        ({"classification": "depv"}, "classified_until"), ({"audience": "own"}, "audience"),
        ({"indicators": "x\n" * 501}, "indicators"), ({"indicators": "x" * 4_001}, "indicators"),
    ],
)  # fmt: skip
def test_what_is_wrong_names_its_field(fields: dict[str, str], named: str) -> None:
    found = faults_in(filled(**fields), CHOICES, TODAY)
    assert list(found) == [named]
    assert found[named] in FAULTS


@pytest.mark.parametrize("fields", [{"tlp": "paars"}, {"signal_type": "gerucht"}, {"urgency": "morgen"}])
def test_what_no_field_of_the_form_can_say_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(MalformedError):
        to_signal(filled(**fields))


def test_a_digest_is_of_every_field_and_of_one_session() -> None:
    digest = form_digest(filled(), b"key")
    assert form_digest(filled(), b"key") == digest
    assert form_digest(filled(), b"another") != digest
    for name in FIELDS:
        assert form_digest(filled(**{name: filled()[name] + "x"}), b"key") != digest, name


@pytest.mark.parametrize(
    ("value", "kind"),
    [("https://x.example/a", "url"), ("x.example", "domain-name"), ("192.0.2.1", "ipv4-addr"),
     ("2001:db8::1", "ipv6-addr"),
     ("a@x.example", "email-addr"), ("0" * 64, "file-sha256"), ("zomaar iets", "other")],
)  # fmt: skip
def test_an_indicator_gets_the_kind_that_it_looks_like(value: str, kind: str) -> None:
    assert kind_of(value) == kind
    assert refang("hxxps://x[.]example") == "https://x.example"


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"text": "mail jan@voorbeeld.example"}, ["text"]), ({"title": "account @jan_jansen"}, ["title"]),
        ({"text": "bel 06 12345678"}, ["text"]), ({"indicators": "jan@voorbeeld.example"}, ["indicators"]),
        ({"text": "Op 18-03-2026 om 10:00 bij stembureau 12"}, []), ({"contact": "jan@voorbeeld.example"}, []),
    ],
)  # fmt: skip
def test_personal_data_outside_the_protected_section_is_warned_of(
    fields: dict[str, str], found: list[str]
) -> None:
    assert personal_data_in(to_signal(filled(**fields))) == found


def test_only_the_forms_own_fields_are_taken() -> None:
    form = taken({"title": " a\r\nb ", "csrf": "geheim", "extra": "x"})
    assert form["title"] == "a\nb"
    assert not {"csrf", "extra"} & set(form)
