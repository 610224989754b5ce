# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A broker's answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from seinpost_schemas.answer import BrokerAnswer, decode_answer, head_of
from seinpost_schemas.errors import MalformedError, Reason
from seinpost_schemas.header import Header

ADMITTED: dict[str, Any] = {
    "object": "0f" * 32,
    "sender": "1e" * 16,
    "compartment": "depv/process",
    "verdict": "admitted",
    "period": "2026q4",
    "index": 7,
    "admitted_ms": 1_790_000_000_000,
}
REFUSED: dict[str, Any] = {
    **{k: ADMITTED[k] for k in ("object", "sender", "compartment")},
    "verdict": "refused",
    "reason": "gap",
    "message": "the predecessor did not come",
}


def decode(fields: dict[str, Any]) -> BrokerAnswer:
    return decode_answer(json.dumps(fields).encode())


def test_an_admission_names_its_place() -> None:
    answer = decode(ADMITTED)
    assert (answer.period, answer.index, answer.admitted_ms) == ("2026q4", 7, 1_790_000_000_000)
    assert json.loads(answer.encode()) == ADMITTED


def test_a_refusal_names_its_reason_and_the_chains_head(header: Header) -> None:
    head = head_of(header.encode(), b"s" * 3_373)
    answer = decode(
        {**REFUSED, "basis": "Wet X", "head": {"header": head.header, "signature": head.signature}}
    )
    assert (answer.reason, answer.basis) == (Reason.GAP, "Wet X")
    assert answer.head is not None
    assert answer.head.parts() == (header.encode(), b"s" * 3_373)
    assert decode_answer(answer.encode()) == answer


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_of_the_list_is_read(reason: Reason) -> None:
    assert decode({**REFUSED, "reason": reason.value}).reason is reason


BAD: dict[str, dict[str, Any]] = {
    "an admission without its index": {**ADMITTED, "index": None},
    "an admission without its period": {**ADMITTED, "period": None},
    "a refusal without its reason": {**REFUSED, "reason": None},
    "a refusal without its message": {**REFUSED, "message": None},
    "a reason that is not in the list": {**REFUSED, "reason": "because"},
    "another verdict": {**ADMITTED, "verdict": "maybe"},
    "an unknown key": {**ADMITTED, "extra": 1},
    "an object in capitals": {**ADMITTED, "object": "0F" * 32},
    "a short object": {**ADMITTED, "object": "0f" * 31},
    "a short sender": {**ADMITTED, "sender": "1e" * 15},
    "an index as text": {**ADMITTED, "index": "7"},
    "no compartment": {k: v for k, v in ADMITTED.items() if k != "compartment"},
    "a head with an unknown key": {**REFUSED, "head": {"header": "", "signature": "", "more": 1}},
}


@pytest.mark.parametrize("fields", BAD.values(), ids=BAD.keys())
def test_any_other_answer_is_malformed(fields: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        decode(fields)


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"{", b"\xff", b'{"object":"\xff"}', b"[" * 100_000])
def test_what_is_no_json_object_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError):
        decode_answer(data)


@pytest.mark.parametrize("field", ["header", "signature"])
def test_a_head_in_another_base64_is_malformed(header: Header, field: str) -> None:
    head = {"header": head_of(header.encode(), b"s").header, "signature": "cw==", field: "!!!!"}
    answer = decode({**REFUSED, "head": head})
    assert answer.head is not None
    with pytest.raises(MalformedError):
        answer.head.parts()


def test_an_admission_names_its_time() -> None:
    with pytest.raises(MalformedError):
        decode({**ADMITTED, "admitted_ms": None})


@pytest.mark.parametrize("field", ["index", "admitted_ms"])
def test_a_place_and_a_time_are_not_negative(field: str) -> None:
    with pytest.raises(MalformedError):
        decode({**ADMITTED, field: -1})
