# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Names that people could take for one another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seinpost_schemas.errors import MalformedError
from seinpost_schemas.lookalike import skeleton, verify_distinct_names, verify_plain_name


@pytest.mark.parametrize(
    "other", ["kiesraad", "KIESRAAD", "Kies raad", "Kiésraad", "Ｋｉｅｓｒａａｄ", "Kiesra\u0430d"]
)
def test_two_owners_with_names_that_look_alike_are_refused(other: str) -> None:
    with pytest.raises(MalformedError, match=r"look alike"):
        verify_distinct_names([("party kiesraad", "Kiesraad"), ("party x", other)])


def test_one_owner_may_have_one_name_in_two_languages() -> None:
    verify_distinct_names([("party nctv", "NCTV"), ("party nctv", "NCTV"), ("party om", "OM")])


@pytest.mark.parametrize("name", ["Kies\u200braad", "Kies\u202eraad", "a\x07"])
def test_hidden_characters_are_refused(name: str) -> None:
    with pytest.raises(MalformedError, match="cannot be seen"):
        verify_plain_name(name, "party x")


@pytest.mark.parametrize("name", ["Полиция", "Ελλάς", "Één ministerie (2026)", "選挙 🗳"])
def test_a_name_in_one_script_is_a_name(name: str) -> None:
    verify_plain_name(name, "party x")


def test_a_whole_word_in_cyrillic_looks_like_the_latin_one() -> None:
    assert skeleton("ОМ") == skeleton("om")


@given(st.text(max_size=20))
def test_a_skeleton_has_itself_as_skeleton(name: str) -> None:
    assert skeleton(skeleton(name)) == skeleton(name)
