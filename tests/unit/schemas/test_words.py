# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Words of a small vocabulary: remembered only after they matched, and never more than the limit."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from seinpost_schemas import words as module
from seinpost_schemas.errors import MalformedError
from seinpost_schemas.sections import decode_section
from seinpost_schemas.signal import Report
from seinpost_schemas.words import Words

BAD_LANGUAGES = ("NL", "", "nl\n", "nl-", "a", "\ud800", "nederlands", "nl_NL")
BAD_TECHNIQUES = (
    "T0001",
    "disarm:T1",
    "disarm:T0001\n",
    "disarm:T0001.1",
    " disarm:T0001",
    "attack:t1566",
    "",
)


@pytest.mark.parametrize("language", BAD_LANGUAGES)
def test_a_report_refuses_a_language_out_of_form(language: str) -> None:
    for _ in range(2):
        with pytest.raises(ValueError, match="language tag"):
            Report(title="t", text="x", language=language)


@pytest.mark.parametrize("technique", BAD_TECHNIQUES)
def test_a_report_refuses_a_technique_out_of_form_also_beside_a_good_one(technique: str) -> None:
    for _ in range(2):
        with pytest.raises(ValueError, match="techniques: expected"):
            Report(title="t", text="x", techniques=("disarm:T0001", technique))


@pytest.mark.parametrize(
    "fields", [{"language": "NL"}, {"techniques": ["disarm:T1"]}, {"techniques": ["disarm:T0001", "x"]}]
)
def test_what_arrives_out_of_form_is_refused_without_being_quoted(fields: dict[str, Any]) -> None:
    map_ = {"title": "t", "text": "x", **fields}
    with pytest.raises(MalformedError, match=r"^report: (language|techniques): expected"):
        decode_section(2, 1, msgspec.msgpack.encode([1, map_]))
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode(map_), type=Report)


def test_good_words_are_taken_again_and_again() -> None:
    for _ in range(3):
        report = Report(
            title="t", text="x", language="pt-BR", techniques=("disarm:T0001.001", "attack:T1566")
        )
        assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report


def test_what_is_remembered_is_bounded_and_stays_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_REMEMBERED", 3)
    words = Words(r"^[a-z]+[0-9]+$", "out of form")
    for number in range(50):
        words.verify((f"word{number}",))
        with pytest.raises(ValueError, match="out of form"):
            words.verify((f"word{number}", "UPPER"))
    assert len(words._seen) == 3
    words.verify(("word0", "word49"))


def test_a_value_that_is_no_string_is_refused() -> None:
    with pytest.raises(ValueError, match="out of form"):
        Words(r"^[a-z]+$", "out of form").verify((7,))  # type: ignore[arg-type]
