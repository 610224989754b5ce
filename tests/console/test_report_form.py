# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What a form becomes, and what it warns of."""

from __future__ import annotations

import datetime as dt

import pytest

from seinpost.console.defang import refang
from seinpost.console.report_form import empty_form, kind_of, personal_data_in, taken, to_signal
from seinpost_schemas.errors import MalformedError


def filled(**fields: str) -> dict[str, str]:
    return empty_form(dt.date(2099, 1, 1)) | {"title": "Titel", "text": "Tekst"} | fields


def test_a_form_becomes_a_signal() -> None:
    form = filled(
        techniques="T0049 attack:T1583.001", indicators="hxxps://bad[.]example/x\n192.0.2.1\n",
        severity="4",
        classified_until="2099-03-18", exercise="1", election="TK2025", contact="Piket", personal_data="personal",
    )  # fmt: skip
    signal = to_signal(form)
    assert (signal.handling.severity, signal.handling.exercise, signal.handling.election) == (
        4,
        True,
        "TK2025",
    )
    assert signal.handling.valid_until == dt.datetime(2099, 4, 1, 23, 59, tzinfo=dt.UTC)
    assert signal.report.techniques == ("disarm:T0049", "attack:T1583.001")
    assert [(i.type, i.value) for i in signal.indicators] == [
        ("url", "https://bad.example/x"),
        ("ipv4-addr", "192.0.2.1"),
    ]
    assert signal.protected is not None
    assert signal.protected.contact == "Piket"


def test_an_empty_protected_section_is_none() -> None:
    assert to_signal(filled()).protected is None


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"title": ""}, "title"), ({"title": "x" * 201}, "title"), ({"valid_until": "ooit"}, "valid_until"),
        ({"techniques": "T9999"}, "techniques"), ({"techniques": "onzin"}, "techniques"), ({"tlp": "paars"}, "tlp"),
        ({"election": "verkiezing"}, "election"), ({"signal_type": "gerucht"}, "signal_type"),
        ({"severity": "7"}, "severity"),
    ],
)  # fmt: skip
def test_what_is_wrong_names_its_field(fields: dict[str, str], named: str) -> None:
    with pytest.raises(MalformedError, match=named):
        to_signal(filled(**fields))


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
