# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The report form's fields, and the signal that they make. Pure."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping

import msgspec

from seinpost_schemas.errors import MalformedError
from seinpost_schemas.signal import SCHEMA, Indicator, Signal

from .defang import refang
from .techniques import named

FIELDS = (
    "theme", "classification", "audience", "signal_type", "severity", "tlp", "valid_until", "classified_until",
    "personal_data", "election", "exercise", "title", "text", "techniques", "indicators", "action_requested",
    "source_description", "contact",
)  # fmt: skip
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_HANDLE = re.compile(r"(?<![\w.])@[A-Za-z0-9_]{3,}")
_PHONE = re.compile(r"(?<!\d)(?:\+31|0)[ -]?[1-9](?:[ -]?\d){8}(?!\d)")
_IPV4 = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_DOMAIN = re.compile(r"(?:[\w-]+\.)+[A-Za-z]{2,}")
_HASHES = {32: "file-md5", 40: "file-sha1", 64: "file-sha256", 128: "file-sha512"}


def empty_form(today: dt.date) -> dict[str, str]:
    """The fields at first."""
    form = dict.fromkeys(FIELDS, "")
    form["valid_until"] = f"{today + dt.timedelta(days=90):%Y-%m-%d}"
    return form | {"signal_type": "incident", "severity": "3", "tlp": "amber", "personal_data": "none"}


def taken(form: Mapping[str, str]) -> dict[str, str]:
    """The form's own fields, as a browser sent them."""
    return {name: form.get(name, "").replace("\r\n", "\n").strip() for name in FIELDS}


def to_signal(form: Mapping[str, str]) -> Signal:
    """The signal; raises ``MalformedError`` naming the field."""
    handling: dict[str, object] = {
        "schema": SCHEMA,
        "signal_type": form["signal_type"],
        "valid_until": _end_of_day(form["valid_until"]),
        "tlp": form["tlp"],
        "classified_until": form["classified_until"] or None,
        "severity": int(form["severity"]) if form["severity"].isdigit() else None,
        "personal_data": form["personal_data"],
        "election": form["election"] or None,
        "exercise": form["exercise"] == "1",
    }
    report = {
        "title": form["title"],
        "text": form["text"],
        "techniques": [_technique(line) for line in form["techniques"].split()],
        "action_requested": form["action_requested"] or None,
    }
    protected = {name: form[name] for name in ("source_description", "contact") if form[name]}
    table = {
        "handling": handling,
        "report": report,
        "indicators": [_indicator(line) for line in form["indicators"].splitlines() if line.strip()],
        "protected": protected or None,
    }
    try:
        return msgspec.convert(msgspec.to_builtins(table), Signal)
    except msgspec.ValidationError as error:
        raise MalformedError(str(error)) from None


def _end_of_day(date: str) -> str:
    try:
        day = dt.date.fromisoformat(date)
    except ValueError:
        raise MalformedError("valid_until: a date is needed") from None
    return dt.datetime.combine(day, dt.time(23, 59), dt.UTC).isoformat()


def _technique(word: str) -> str:
    identifier = word if ":" in word else f"disarm:{word}"
    if identifier.startswith("disarm:") and not named(identifier).name:
        raise MalformedError("techniques: one of these is not in the DISARM vocabulary")
    return identifier


def _indicator(line: str) -> dict[str, str]:
    value = refang(line.strip())
    return {"type": kind_of(value), "value": value}


def kind_of(value: str) -> str:
    """The type of an indicator, from its form."""
    if re.match(r"[a-z][a-z0-9+.-]*://", value, re.IGNORECASE):
        return "url"
    if _EMAIL.fullmatch(value):
        return "email-addr"
    if _IPV4.fullmatch(value):
        return "ipv4-addr"
    if re.fullmatch(r"[0-9a-fA-F:]+", value) and value.count(":") > 1:
        return "ipv6-addr"
    if re.fullmatch(r"[0-9a-fA-F]+", value) and len(value) in _HASHES:
        return _HASHES[len(value)]
    return "domain-name" if _DOMAIN.fullmatch(value) else "other"


def personal_data_in(signal: Signal) -> list[str]:
    """Fields outside the protected section that seem to hold an address, account or number of a person."""
    fields = {
        "title": signal.report.title,
        "text": signal.report.text,
        "action_requested": signal.report.action_requested or "",
    }
    found = [
        name
        for name, text in fields.items()
        if _EMAIL.search(text) or _HANDLE.search(text) or _PHONE.search(text)
    ]
    if any(_is_personal(indicator) for indicator in signal.indicators):
        found.append("indicators")
    return found


def _is_personal(indicator: Indicator) -> bool:
    return indicator.type in ("email-addr", "user-account") or bool(_HANDLE.search(indicator.value))
