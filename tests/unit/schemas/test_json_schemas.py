# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The published JSON Schemas against the parser: the same things are signals for both."""

from __future__ import annotations

import copy
import datetime as dt
import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from seinpost.demo.incidents import load_publications
from seinpost.signal_json import format_signal, parse_signal
from seinpost_schemas.errors import MalformedError

ROOT = Path(__file__).parents[3]
NAMES = ("signal", "act", "answer")
HANDLING = {"schema": 1, "signal_type": "incident", "valid_until": "2099-01-01T00:00:00Z", "tlp": "red"}
SIGNAL: dict[str, Any] = {"handling": HANDLING, "report": {"title": "t", "text": "x"}}


def load(name: str) -> dict[str, Any]:
    folder = files("seinpost_schemas") / "jsonschema"
    schema: dict[str, Any] = json.loads(folder.joinpath(f"{name}.schema.json").read_text("utf-8"))
    return schema


VALIDATOR = jsonschema.Draft202012Validator(load("signal"))


def test_they_are_what_the_structs_say() -> None:
    command = [sys.executable, ROOT / "tools" / "write_json_schemas.py", "--check"]
    assert subprocess.run(command, timeout=60).returncode == 0


@pytest.mark.parametrize("name", NAMES)
def test_they_are_json_schemas(name: str) -> None:
    schema = load(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"].endswith(f"/{name}.schema.json")


def test_every_incident_is_a_signal_for_both() -> None:
    publications, _ = load_publications(dt.datetime(2026, 11, 1, tzinfo=dt.UTC))
    assert len(publications) > 50
    for publication in publications:
        text = format_signal(publication.signal)
        VALIDATOR.validate(json.loads(text))
        assert parse_signal(text) == publication.signal


def changed(path: str, value: Any) -> dict[str, Any]:
    """A signal with another value at a dotted path; ``...`` takes it away."""
    made = copy.deepcopy(SIGNAL)
    *parents, last = path.split(".")
    node = made
    for key in parents:
        node = node.setdefault(key, {})
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return made


GOOD = [
    ("handling.severity", 5),
    ("handling.severity", None),
    ("handling.exercise", True),
    ("handling.valid_until", "2099-01-01T00:00:00+01:00"),
    ("handling.election", "TK2027"),
    ("report.language", "nl-NL"),
    ("report.techniques", ["disarm:T0085", "attack:T1566.001"]),
    ("report.evidence", [{"sha256": "0f" * 32}]),
    ("report.foreign", {"media_type": "application/json", "data": "e30="}),
    ("indicators", [{"type": "url", "value": "https://example.org"}]),
    ("protected", {"contact": "x"}),
    ("protected", None),
    ("id", "01a20ac0-879f-7d6c-b809-731e81567669"),
]
BAD = [
    ("handling", ...),
    ("report", ...),
    ("handling.tlp", ...),
    ("handling.tlp", "purple"),
    ("handling.schema", 2),
    ("handling.schema", 0),
    ("handling.schema", "1"),
    ("handling.signal_type", "rumour"),
    ("handling.valid_until", "2099-01-01T00:00:00"),
    ("handling.valid_until", "tomorrow"),
    ("handling.severity", 6),
    ("handling.severity", 2.5),
    ("handling.exercise", "yes"),
    ("handling.election", "TK2027\n"),
    ("handling.refers_to", ["not-an-id"]),
    ("handling.extra", 1),
    ("report.title", ""),
    ("report.title", "t" * 201),
    ("report.text", "x" * 20_001),
    ("report.language", "Dutch"),
    ("report.techniques", ["T0085"]),
    ("report.evidence", [{"sha256": "0F" * 32}]),
    ("report.evidence", [{}]),
    ("indicators", [{"type": "url", "value": "x"}] * 501),
    ("indicators", [{"type": "smell", "value": "x"}]),
    ("indicators", {}),
    ("protected", []),
    ("id", "01a20ac0-879f-4d6c-b809-731e81567669"),
    ("extra", 1),
]


@pytest.mark.parametrize(("path", "value"), GOOD)
def test_what_is_good_is_good_for_both(path: str, value: Any) -> None:
    made = changed(path, value)
    VALIDATOR.validate(made)
    parse_signal(json.dumps(made))


@pytest.mark.parametrize(("path", "value"), BAD)
def test_what_is_bad_is_bad_for_both(path: str, value: Any) -> None:
    made = changed(path, value)
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(made)
    with pytest.raises(MalformedError):
        parse_signal(json.dumps(made))


def test_what_a_schema_cannot_say_the_parser_does() -> None:
    """Bytes over a limit in base64, and times that no calendar has, are the parser's."""
    for path, value in (
        ("report.foreign", {"media_type": "a/b", "data": "A" * 43_700}),
        ("handling.valid_until", "2099-13-01T00:00:00Z"),
    ):
        with pytest.raises(MalformedError):
            parse_signal(json.dumps(changed(path, value)))


@pytest.mark.parametrize(
    ("row", "good"),
    [
        ({"line": 1, "signal": None, "verdict": "refused", "reason": "malformed", "message": "x"}, True),
        ({"line": 1, "signal": None, "verdict": "refused", "message": "x"}, False),
        ({"line": 1, "signal": None, "verdict": "admitted"}, False),
        ({"line": 0, "signal": None, "verdict": "refused", "reason": "gap", "message": "x"}, False),
        ({"line": 1, "signal": None, "verdict": "refused", "reason": "mood", "message": "x"}, False),
    ],
)
def test_an_answer_has_what_its_verdict_needs(row: dict[str, Any], good: bool) -> None:
    assert jsonschema.Draft202012Validator(load("answer")).is_valid(row) == good
