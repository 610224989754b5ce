# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What a revocation in the register says, and what it takes away."""

from __future__ import annotations

from typing import Any

import pytest

from seinpost_schemas.compartment import Compartment
from seinpost_schemas.errors import MalformedError, Reason, RefusedError
from seinpost_schemas.policy import Member, View
from seinpost_schemas.register import Register, parse_register, register_problems

AT_MS = 1_790_000_000_000
PLACE = Compartment.parse("depv/process")


def block(sender_id: str, suspect: str = "suspect_from = 2026-03-01T00:00:00Z") -> str:
    return f'\n[[revocations]]\nsender_id = "{sender_id}"\nreason = "laptop gestolen"\n{suspect}\n'


def view_of(register: Register, enclave: Any) -> View:
    members = [
        Member(p, p.identities[0], enclave.keys[p.token], enclave.keys[p.token].verifying_key())
        for p in register.parties
    ]
    return View(register, bytes(16), members)


def test_a_revoked_identity_is_refused_and_gets_no_slot(enclave: Any) -> None:
    keys = enclave.keys["tafel"]
    register = parse_register(enclave.note(enclave.text() + block(keys.sender_id.hex())))
    view = view_of(register, enclave)
    with pytest.raises(RefusedError) as refused:
        view.member(keys.sender_id)
    assert (refused.value.reason, refused.value.basis) == (Reason.REVOKED, "laptop gestolen")
    ncsc = view.party("ncsc")
    assert keys.kem_key_id not in view.audience_members(view.audience("all"), ncsc, PLACE, AT_MS)
    assert view.known_member(keys.sender_id).party.token == "tafel"
    assert register.in_force(view.party("tafel")) == ()
    assert len(register.in_force(ncsc)) == 1


def test_without_the_revocation_it_has_both(enclave: Any) -> None:
    view = view_of(parse_register(enclave.note(enclave.text())), enclave)
    keys = enclave.keys["tafel"]
    assert view.member(keys.sender_id).party.token == "tafel"
    members = view.audience_members(view.audience("all"), view.party("ncsc"), PLACE, AT_MS)
    assert keys.kem_key_id in members


@pytest.mark.parametrize(
    "suspect",
    [
        "",
        'suspect_log = "2026q4/depv/process"',
        "suspect_index = 3",
        'suspect_from = 2026-03-01T00:00:00Z\nsuspect_log = "2026q4/depv/process"\nsuspect_index = 3',
    ],
)
def test_a_revocation_names_one_time_or_one_place(enclave: Any, suspect: str) -> None:
    with pytest.raises(MalformedError, match="either a time"):
        parse_register(enclave.note(enclave.text() + block("ab" * 16, suspect)))


def test_a_place_in_a_log_is_enough(enclave: Any) -> None:
    suspect = 'suspect_log = "2026q4/depv/process"\nsuspect_index = 3'
    text = enclave.text() + block("ab" * 16, suspect)
    assert parse_register(enclave.note(text)).revocations[0].suspect_index == 3


def test_an_identity_is_revoked_once(enclave: Any) -> None:
    with pytest.raises(MalformedError, match="revoked identity twice"):
        parse_register(enclave.note(enclave.text() + block("ab" * 16) * 2))


def test_every_problem_of_a_text_is_told(enclave: Any) -> None:
    text = enclave.text() + block("ab" * 16) * 2
    text = text.replace("threshold = 2", "threshold = 9").replace('next = "2027q1"', 'next = "2026q4"')
    problems = register_problems(text)
    assert len(problems) == 3
    for part in ("next period", "threshold", "revoked identity twice"):
        assert any(part in p for p in problems)
    assert register_problems(enclave.text()) == []
    assert len(register_problems("x = [")) == 1
