# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Themes, classifications and compartments."""

from __future__ import annotations

import itertools

import pytest

from seinpost_schemas.compartment import (
    CARRIED,
    Classification,
    Compartment,
    Theme,
    all_compartments,
    refuse_state_secret,
)
from seinpost_schemas.errors import MalformedError, Reason, RefusedError

LEVELS = list(Classification)


def test_tokens_and_codes_are_the_specifications() -> None:
    assert {c.token: c.code for c in LEVELS} == {"ong": 0, "depv": 1, "stgc": 2, "stgg": 3, "stgzg": 4}
    assert {t.token: t.code for t in Theme} == {"process": 1, "debate": 2, "parties": 3, "international": 4}


def test_tokens_and_codes_find_their_values() -> None:
    for cls in (Theme, Classification):
        for value in cls:
            assert cls.parse(value.token) is cls.from_code(value.code) is value


@pytest.mark.parametrize("code", [-1, 5, 255])
def test_an_unknown_code_is_malformed(code: int) -> None:
    for cls in (Theme, Classification):
        with pytest.raises(MalformedError):
            cls.from_code(code)
    with pytest.raises(MalformedError):
        Theme.from_code(0)


@pytest.mark.parametrize("token", ["", "DEPV", "depv ", "Process", "all", "0"])
def test_an_unknown_token_is_malformed_and_says_which_there_are(token: str) -> None:
    with pytest.raises(MalformedError, match="process, debate, parties, international"):
        Theme.parse(token)
    with pytest.raises(MalformedError, match="ong, depv, stgc, stgg, stgzg"):
        Classification.parse(token)


def test_a_level_dominates_itself_and_what_is_below() -> None:
    for one, other in itertools.product(LEVELS, LEVELS):
        assert one.dominates(other) == (LEVELS.index(one) >= LEVELS.index(other))


def test_only_the_first_two_levels_are_carried() -> None:
    assert CARRIED == (Classification.ONG, Classification.DEPV)
    for level in CARRIED:
        refuse_state_secret(level)
    for level in set(LEVELS) - set(CARRIED):
        assert level.is_state_secret
        with pytest.raises(RefusedError, match="never be put into Seinpost") as refused:
            refuse_state_secret(level)
        assert refused.value.reason is Reason.CLASSIFICATION


def test_a_compartment_comes_back_from_its_text() -> None:
    every = [Compartment(c, t) for c in LEVELS for t in Theme]
    assert [Compartment.parse(str(c)) for c in every] == every
    assert len({hash(c) for c in every}) == len(every) == 20
    assert str(Compartment(Classification.DEPV, Theme.PROCESS)) == "depv/process"


@pytest.mark.parametrize(
    "text", ["", "depv", "depv/", "/process", "depv/process/x", "depv process", "process/depv"]
)
def test_any_other_text_is_malformed(text: str) -> None:
    with pytest.raises(MalformedError):
        Compartment.parse(text)


def test_a_ceiling_lists_what_is_below_it() -> None:
    assert [str(c) for c in all_compartments(Classification.ONG)] == [f"ong/{t.token}" for t in Theme]
    assert len(all_compartments(Classification.DEPV)) == 8
    assert all_compartments(Classification.STGZG) == all_compartments(Classification.DEPV)
