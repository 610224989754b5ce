# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What officials see is there in Dutch, and what is compiled is what is written."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from jinja2 import Environment, nodes
from jinja2.ext import extract_from_ast

from seinpost import act_words, alarm_words
from seinpost.cli._text import load_texts
from seinpost.console import situation_words, words
from seinpost_schemas.clear_bodies import RecallReason, reason_name
from seinpost_schemas.errors import MalformedError
from seinpost_schemas.signal import SignalType

ROOT = Path(__file__).parents[3]
CLIENT = ROOT / "clients" / "seinpost"
DUTCH = CLIENT / "locale" / "nl" / "LC_MESSAGES" / "seinpost.po"


def texts_in_code() -> set[str]:
    """The literal arguments of every call of ``texts(...)``, and the names that are looked up by value."""
    found: set[str] = set(SignalType.__args__) | {"act"} | set(map(reason_name, RecallReason))
    for path in CLIENT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and (
                (isinstance(node.func, ast.Name) and node.func.id == "texts")
                or (isinstance(node.func, ast.Attribute) and node.func.attr in ("_texts", "plural"))
            ):
                found |= {a.value for a in node.args if isinstance(a, ast.Constant)}
    from seinpost.cli.watch import _HEADINGS

    return found | {name for name, _ in _HEADINGS} | texts_of_the_console()


def texts_of_the_console() -> set[str]:
    """The literal arguments of every ``t(...)`` in a template, and the words that are looked up by a code."""
    rooms = (words, situation_words, act_words, alarm_words)
    found = {text for room in rooms for table in room.BY_VALUE for text in table.values()}
    for path in (CLIENT / "console" / "templates").glob("*.html"):
        tree = Environment(autoescape=True).parse(path.read_text())
        found |= {text for _, _, text in extract_from_ast(tree, ("t",)) if isinstance(text, str)}
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Getattr) and call.node.attr == "plural":
                found |= {a.value for a in call.args if isinstance(a, nodes.Const)}
    return found


def dutch() -> dict[str, str]:
    """Each form of a text by itself: of one, and of more where a number asks for it."""
    with DUTCH.open("rb") as file:
        texts = [(m.id, m.string) for m in read_po(file) if m.id]
    found = {str(i): str(s) for i, s in texts if isinstance(i, str)}
    for ids, strings in texts:
        if not isinstance(ids, str):
            found |= dict(zip(ids, strings, strict=True))
    return found


def test_every_text_has_a_dutch_one_and_none_is_left_over() -> None:
    assert set(dutch()) == texts_in_code()
    assert all(dutch().values())


def test_a_dutch_text_has_the_same_fields() -> None:
    import string

    def fields(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    assert {k: fields(k) for k in dutch()} == {k: fields(v) for k, v in dutch().items()}


def test_the_compiled_catalogue_is_current() -> None:
    command = [sys.executable, ROOT / "tools" / "compile_texts.py", "--check"]
    assert subprocess.run(command, timeout=60).returncode == 0


def test_a_number_asks_for_its_form() -> None:
    dutch, english = load_texts("nl"), load_texts("en")
    forms = ("at most {count} envelope", "at most {count} envelopes")
    assert [dutch.plural(*forms, n) for n in (0, 1, 2)] == [
        "ten hoogste {count} enveloppen", "ten hoogste {count} envelop", "ten hoogste {count} enveloppen"
    ]  # fmt: skip
    assert [english.plural(*forms, n) for n in (0, 1, 2)] == [forms[1], forms[0], forms[1]]


def test_dutch_is_first_and_english_second() -> None:
    assert load_texts("nl")("sender") == "afzender"
    assert load_texts("en")("sender") == "sender"
    with pytest.raises(MalformedError, match="nl or en"):
        load_texts("fy")


@pytest.mark.parametrize(
    "wrong",
    [
        "mee onderteken",
        "wat zij moesten",
        "sectie",
        "woordenboek",
        "vaste bestemming",
        "logperiodes",
        "verzonden",
    ],
)
def test_dutch_is_written_as_the_language_and_the_glossary_have_it(wrong: str) -> None:
    assert [text for text in dutch().values() if wrong in text.lower()] == []
