# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What signals try to hide is seen, and indicators are written so that nothing opens them."""

from __future__ import annotations

import re

import pytest

from seinpost.console.defang import defang
from seinpost.console.hostile_text import Piece, clamp, mixed_words, pieces
from seinpost.console.paper import css_string


@pytest.mark.parametrize(
    ("character", "name"),
    [("\u202e", "RLO"), ("\u2066", "LRI"), ("\u200b", "ZWSP"), ("\u200d", "ZWJ"), ("\ufeff", "BOM"), ("\u00ad", "SHY"),
     ("\x00", "U+0000"), ("\x1b", "U+001B"), ("\x85", "U+0085"), ("\u2028", "U+2028"), ("\u3164", "U+3164"),
     ("\ufe0f", "U+FE0F"), ("\U000e0041", "U+E0041"), ("\ue000", "U+E000"), ("\x7f", "U+007F")],
)  # fmt: skip
def test_a_character_that_hides_or_turns_text_stands_as_its_name(character: str, name: str) -> None:
    assert pieces(f"a{character}b") == [Piece("a"), Piece(name, mark=True), Piece("b")]


def test_ordinary_text_stays_as_it_is() -> None:
    assert pieces("Coördinatie: “één” – 100 % ✓ Ελλάδα") == [Piece("Coördinatie: “één” – 100 % ✓ Ελλάδα")]


def test_lines_stay_only_where_they_may() -> None:
    assert pieces("a\nb\tc") == [Piece("a b c")]
    assert pieces("a\nb", lines=True) == [Piece("a\nb")]


def test_piled_up_accents_are_taken_apart() -> None:
    assert pieces("z" + "\u0301" * 50) == [Piece("z\u0301\u0301"), Piece("U+0301 ×48", mark=True)]


def test_a_long_text_is_cut_and_says_so() -> None:
    assert clamp("abcdef", 4) == ("abcd", 2)
    assert clamp("abc", 4) == ("abc", 0)


def test_words_of_mixed_alphabets_are_named() -> None:
    assert mixed_words("pаypal en Москва en Ελλάδα en één") == ["pаypal"]
    assert mixed_words("stemhulp.example") == []


@pytest.mark.parametrize(
    ("kind", "value", "safe"),
    [
        ("url", "https://bad.example/a.b?c=d", "hxxps://bad[.]example/a.b?c=d"),
        ("url", "HTTP://bad.example", "HxxP://bad[.]example"),
        ("url", "ftp://bad.example/x", "fxp://bad[.]example/x"),
        ("domain-name", "a.b.example", "a[.]b[.]example"),
        ("ipv4-addr", "192.0.2.1", "192[.]0[.]2[.]1"),
        ("ipv6-addr", "2001:db8::1", "2001[:]db8::1"),
        ("email-addr", "a@b.example", "a[at]b[.]example"),
        ("file-sha256", "0" * 64, "0" * 64),
        ("other", "https://bad.example", "hxxps://bad[.]example"),
    ],
)
def test_an_indicator_cannot_be_opened_by_accident(kind: str, value: str, safe: str) -> None:
    assert defang(kind, value).casefold() == safe.casefold()


@pytest.mark.parametrize(
    "text", ['"; } body { display: none } /*', "\\", "a\nb", "</style>", "\u202e", "é", "url(//evil.example)"]
)
def test_nothing_leaves_a_string_in_a_style_sheet(text: str) -> None:
    written = css_string(text)
    assert re.fullmatch(r'"([A-Za-z0-9 ]|\\[0-9a-f]{6})*"', written)
    back = re.sub(r"\\([0-9a-f]{6})", lambda m: chr(int(m[1], 16)), written[1:-1])
    assert back == ("<RLO>" if text == "\u202e" else text.replace("\n", " "))
