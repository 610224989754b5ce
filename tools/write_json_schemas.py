# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Writes the published JSON Schemas from the structs that the parser uses; ``--check`` compares instead."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from seinpost_schemas.errors import Reason
from seinpost_schemas.signal import Act, Signal, SignalId

TARGET = Path(__file__).parents[1] / "schemas" / "seinpost_schemas" / "jsonschema"
BASE = "https://example.org/seinpost/schemas/1/"
OFFSET = "([Zz]|[+-][0-9]{2}:?[0-9]{2})$"
"""What ``format`` alone does not ask: a time with its offset."""


def of_struct(struct: type, name: str, title: str) -> dict[str, Any]:
    """The schema of a struct's JSON form, whole in one file."""
    (top,), parts = msgspec.json.schema_components([struct], ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{BASE}{name}.schema.json",
        "title": title,
        **top,
        "$defs": {key: with_offsets(part) for key, part in parts.items()},
    }


def with_offsets(node: Any) -> Any:
    """The schema with a pattern beside every date-time."""
    if isinstance(node, list):
        return [with_offsets(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {key: with_offsets(value) for key, value in node.items()}
    return {**made, "pattern": OFFSET} if made.get("format") == "date-time" else made


def answer() -> dict[str, Any]:
    """A line that `seinpost publish --json` prints."""
    signal_id = msgspec.json.schema(SignalId)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{BASE}answer.schema.json",
        "title": "What became of one signal: a line of seinpost publish --json",
        "type": "object",
        "properties": {
            "line": {"type": "integer", "minimum": 1, "description": "The line of the input."},
            "signal": {"anyOf": [signal_id, {"type": "null"}], "description": "Its id, if it has one."},
            "verdict": {"enum": ["admitted", "refused"]},
            "compartment": {"type": "string", "pattern": "^[a-z]+/[a-z]+$"},
            "index": {"type": "integer", "minimum": 0, "description": "The envelope's place in its log."},
            "reason": {"enum": [*sorted(r.value for r in Reason), "unavailable"]},
            "message": {"type": "string"},
            "basis": {"type": "string", "description": "The legal or administrative ground."},
        },
        "required": ["line", "signal", "verdict"],
        "additionalProperties": False,
        "if": {"properties": {"verdict": {"const": "admitted"}}},
        "then": {"required": ["compartment", "index"]},
        "else": {"required": ["reason", "message"]},
    }


def schemas() -> dict[str, str]:
    """File name → text."""
    made = {
        "signal": of_struct(Signal, "signal", "A signal: what seinpost publish reads and watch --json shows"),
        "act": of_struct(Act, "act", "Feedback, a release or a table act"),
        "answer": answer(),
    }
    return {
        f"{name}.schema.json": json.dumps(schema, indent=1, ensure_ascii=False) + "\n"
        for name, schema in made.items()
    }


def main() -> int:
    """0, or 1 when --check finds a file out of date."""
    stale = 0
    TARGET.mkdir(exist_ok=True)
    for name, text in schemas().items():
        path = TARGET / name
        if "--check" in sys.argv:
            stale += not path.exists() or path.read_text(encoding="utf-8") != text
        else:
            path.write_text(text, encoding="utf-8")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
