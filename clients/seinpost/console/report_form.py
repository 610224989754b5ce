# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The report form's fields, and the signal that they make. Pure."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Mapping

import msgspec

from seinpost_schemas.errors import MalformedError
from seinpost_schemas.limits import (
    MAX_INDICATORS,
    MAX_TEXT_CHARACTERS,
    MAX_TITLE_CHARACTERS,
    MAX_VALUE_CHARACTERS,
)
from seinpost_schemas.signal import SCHEMA, Indicator, Signal

from .audience_preview import Choices
from .defang import refang
from .marking import LOWEST
from .techniques import by_name, named

TECHNIQUES = 5
"""How many techniques the form has room for."""
_TECHNIQUE_FIELDS = tuple(f"technique_{number}" for number in range(1, TECHNIQUES + 1))
FIELDS = (
    "theme", "classification", "audience", "signal_type", "severity", "urgency", "tlp", "valid_until",
    "classified_until", "personal_data", "election", "exercise", "title", "text", "source_reliability",
    "information_credibility", *_TECHNIQUE_FIELDS, "indicators", "action_requested", "source_description", "contact",
)  # fmt: skip
_ELECTION = re.compile(r"[A-Z]{2,4}[0-9]{4}")
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_HANDLE = re.compile(r"(?<![\w.])@[A-Za-z0-9_]{3,}")
_PHONE = re.compile(r"(?<!\d)(?:\+31|0)[ -]?[1-9](?:[ -]?\d){8}(?!\d)")
_IPV4 = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_DOMAIN = re.compile(r"(?:[\w-]+\.)+[A-Za-z]{2,}")
_ATTACK = re.compile(r"attack:T[0-9]{4}(\.[0-9]{3})?")
_HASHES = {32: "file-md5", 40: "file-sha1", 64: "file-sha256", 128: "file-sha512"}


def empty_form(today: dt.date, choices: Choices) -> dict[str, str]:
    """The fields at first: where there is one possibility only, it stands there."""
    form = dict.fromkeys(FIELDS, "")
    form["valid_until"] = f"{today + dt.timedelta(days=90):%Y-%m-%d}"
    form["theme"] = choices.themes[0] if len(choices.themes) == 1 else ""
    form["classification"] = choices.levels[0] if choices.levels else ""
    return form | {"signal_type": "incident", "severity": "3", "tlp": "amber", "personal_data": "none"}


def taken(form: Mapping[str, str]) -> dict[str, str]:
    """The form's own fields, as a browser sent them."""
    return {name: form.get(name, "").replace("\r\n", "\n").strip() for name in FIELDS}


def form_digest(form: Mapping[str, str], key: bytes) -> str:
    """What stands for exactly these fields, under a key of the session: so that what is published was previewed."""
    fields = msgspec.json.encode([form[name] for name in FIELDS])
    return hmac.new(key, b"seinpost/console/report/v1" + fields, hashlib.sha256).hexdigest()


def faults_in(form: Mapping[str, str], choices: Choices, today: dt.date) -> dict[str, str]:
    """What is not right yet, by field: the code of a sentence in ``words.FAULTS``."""
    wrong = {
        "theme": form["theme"] not in choices.themes,
        "classification": form["classification"] not in choices.levels,
        "audience": bool(form["audience"]) and form["audience"] not in choices.audiences,
        "severity": form["severity"] not in ("1", "2", "3", "4", "5"),
        "title": not 1 <= len(form["title"]) <= MAX_TITLE_CHARACTERS,
        "text": not 1 <= len(form["text"]) <= MAX_TEXT_CHARACTERS,
        "valid_until": not _is_ahead(form["valid_until"], today),
        "classified_until": form["classification"] not in ("", LOWEST) and not form["classified_until"],
        "election": bool(form["election"]) and not _ELECTION.fullmatch(form["election"]),
    }
    found = {name: name for name, is_wrong in wrong.items() if is_wrong}
    found |= {name: "technique" for name in _TECHNIQUE_FIELDS if form[name] and not _technique(form[name])}
    lines = [line for line in form["indicators"].splitlines() if line.strip()]
    if len(lines) > MAX_INDICATORS or any(len(line) > MAX_VALUE_CHARACTERS for line in lines):
        found["indicators"] = "indicators"
    return found


def _is_ahead(day: str, today: dt.date) -> bool:
    try:
        return dt.date.fromisoformat(day) >= today
    except ValueError:
        return False


def to_signal(form: Mapping[str, str]) -> Signal:
    """The signal of a form without faults; raises ``MalformedError`` for what no field shows."""
    handling: dict[str, object] = {
        "schema": SCHEMA,
        "signal_type": form["signal_type"],
        "valid_until": _end_of_day(form["valid_until"]),
        "tlp": form["tlp"],
        "classified_until": form["classified_until"] or None,
        "severity": int(form["severity"]) if form["severity"].isdigit() else None,
        "urgency": form["urgency"] or None,
        "personal_data": form["personal_data"],
        "election": form["election"] or None,
        "exercise": form["exercise"] == "1",
    }
    credibility = form["information_credibility"]
    techniques = [_technique(form[name]) for name in _TECHNIQUE_FIELDS if form[name]]
    report = {
        "title": form["title"],
        "text": form["text"],
        "source_reliability": form["source_reliability"] or None,
        "information_credibility": int(credibility) if credibility.isdigit() else None,
        "techniques": list(dict.fromkeys(technique for technique in techniques if technique)),
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


def _technique(said: str) -> str:
    """The id that is meant by a number, a name, or both; empty when the vocabulary has none."""
    number = said.split(" ", 1)[0]
    identifier = number if ":" in number else f"disarm:{number}"
    if _ATTACK.fullmatch(identifier) or named(identifier).name:
        return identifier
    return by_name(said)


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
