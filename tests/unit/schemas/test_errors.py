# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Errors: four branches, closed lists of codes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from seinpost_schemas import errors
from seinpost_schemas.errors import InvalidError, Reason, RefusedError, SeinpostError

CLASSES = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, Exception)]
SPEC = (Path(__file__).parents[3] / "docs" / "spec.md").read_text("utf-8")


@pytest.mark.parametrize("cls", CLASSES)
def test_every_error_is_one_of_ours(cls: type[Exception]) -> None:
    assert issubclass(cls, SeinpostError)
    assert not issubclass(cls, (ValueError, RuntimeError, TypeError, OSError))
    assert cls.__doc__


def test_every_kind_of_invalid_bytes_has_its_own_code() -> None:
    codes = [c.code for c in CLASSES if issubclass(c, InvalidError)]
    assert len(codes) == len(set(codes)) > 8


def test_the_codes_of_vectors_are_the_specifications() -> None:
    section = SPEC[SPEC.index("## 11.") :]
    listed = set(re.findall(r"`([a-z-]+)`", section[section.index("| expect |") :]))
    codes = {c.code for c in CLASSES if issubclass(c, InvalidError)}
    expected = {
        "malformed",
        "too-large",
        "signature",
        "binding",
        "bad-slot",
        "commitment",
        "decryption",
        "root",
    }
    assert expected <= listed
    assert expected <= codes


def test_the_reasons_are_the_specifications_in_its_order() -> None:
    section = SPEC[SPEC.index("| reason | when |") : SPEC.index("## 10.")]
    assert re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE) == [r.value for r in Reason]


def test_a_refusal_says_reason_message_and_basis() -> None:
    refused = RefusedError(Reason.MANDATE, "om has no mandate", "Wet X")
    assert str(refused) == "mandate: om has no mandate (basis: Wet X)"
    assert (refused.reason, refused.message, refused.basis) == (Reason.MANDATE, "om has no mandate", "Wet X")
    assert str(RefusedError(Reason.QUOTA, "too fast")) == "quota: too fast"
