# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What explain says is what admission does."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pytest
from harness.memory import ISSUED, NOW_MS, make_directory, shipped

from seinpost.cli._text import load_texts
from seinpost.registrar.explain import explain_party, who_can_read
from seinpost.registrar.explained import explanation_lines, reader_lines, register_lines
from seinpost_schemas.compartment import Compartment, all_compartments
from seinpost_schemas.errors import RefusedError
from seinpost_schemas.kinds import Action
from seinpost_schemas.policy import View, verify_mandate

VIEW = shipped().current
PLACES = all_compartments(VIEW.register.ceiling_level)
OFFLINE = View(VIEW.register, bytes(16), [])


@pytest.mark.parametrize("token", [p.token for p in VIEW.register.parties])
def test_an_explanation_is_what_admission_answers(token: str) -> None:
    answers = {(a.compartment, a.action): a for a in explain_party(OFFLINE, token, NOW_MS).answers}
    assert len(answers) == len(PLACES) * len(Action)
    for place in PLACES:
        for action in Action:
            told = answers[str(place), action]
            assert (told.allowed, told.basis, told.status, told.reason) == admitted(token, action, place)


def admitted(
    token: str, action: Action, place: Compartment
) -> tuple[bool, str | None, str | None, str | None]:
    try:
        mandate = verify_mandate(VIEW, VIEW.party(token), action, place, NOW_MS)
    except RefusedError as refused:
        return False, refused.basis, None, str(refused.reason)
    return True, mandate.basis, mandate.status, None


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_who_can_read_is_who_gets_a_slot(place: Compartment) -> None:
    bzk = VIEW.party("bzk")
    slots = VIEW.audience_members(VIEW.audience("all"), bzk, place, NOW_MS).values()
    readers = who_can_read(OFFLINE, place, NOW_MS)
    assert {i for r in readers for i in r.identities} == {m.identity.name for m in slots}
    protected = {r.party for r in readers if r.protected}
    assert protected <= {"tafel", "aivd", "mivd", "nctv", "politie", "om"}


@pytest.mark.parametrize("level", ["stgc", "stgg", "stgzg"])
def test_nobody_reads_a_state_secret(level: str) -> None:
    place = Compartment.parse(f"{level}/debate")
    assert who_can_read(OFFLINE, place, NOW_MS) == []
    (line,) = reader_lines(OFFLINE, place, [], load_texts("nl"), "nl")
    assert line.startswith("Niemand kan het debat")


def test_a_mandate_that_is_yet_to_begin_is_told_apart() -> None:
    begins = ISSUED + dt.timedelta(days=30)

    def later(table: dict[str, Any]) -> None:
        party = next(p for p in table["parties"] if p["token"] == "kiesraad")
        party["mandates"].append(
            {
                "themes": ["process"],
                "actions": ["report"],
                "basis": "Stb. 2027, 12",
                "status": "note",
                "ceiling": "ong",
                "from": begins,
            }
        )

    view = make_directory(change=later).current
    before = explain_party(view, "kiesraad", NOW_MS)
    assert [m.basis for m in before.later] == ["Stb. 2027, 12"]
    assert not [a for a in before.answers if a.allowed and a.action is Action.REPORT]
    lines = explanation_lines(view, before, load_texts("nl"), "nl")
    assert [x for x in lines if x.startswith("GAAT MOGEN: rapporteren") and "vanaf 2026-12-01" in x]
    after = explain_party(view, "kiesraad", int(begins.timestamp() * 1000))
    assert [a.compartment for a in after.answers if a.allowed and a.action is Action.REPORT] == [
        "ong/process"
    ]
    assert after.later == ()


def test_a_revoked_identity_is_no_reader_and_is_shown_as_revoked() -> None:
    def revoke(table: dict[str, Any]) -> None:
        sender_id = next(p for p in table["parties"] if p["token"] == "om")["identities"][0]["sender_id"]
        table["revocations"] = [{"sender_id": sender_id, "reason": "weg", "suspect_from": ISSUED}]

    view = make_directory(change=revoke).current
    readers = {r.party: r.identities for r in who_can_read(view, PLACES[0], NOW_MS)}
    assert readers["om"] == ()
    assert readers["politie"] == ("politie-1",)
    lines = register_lines(view.register, load_texts("en"), "en")
    assert "  om-1  REVOKED: weg" in lines


def test_one_of_one_is_said_in_the_singular() -> None:
    def told(quorum: int, witnesses: int, threshold: int) -> list[str]:
        register = msgspec.structs.replace(
            OFFLINE.register,
            quorum=quorum,
            witnesses=("a witness",) * witnesses,
            registrars=msgspec.structs.replace(OFFLINE.register.registrars, threshold=threshold),
        )
        return register_lines(register, load_texts("nl"), "nl")

    one, more = told(1, 1, 1), told(3, 4, 2)
    assert one[1].endswith("getuigen: 1, van wie er 1 moet meetekenen")
    assert more[1].endswith("getuigen: 4, van wie er 3 moeten meetekenen")
    assert "1 van deze registerhouders moet tekenen:" in one
    assert "2 van deze registerhouders moeten tekenen:" in more


def test_prohibitions_come_with_their_basis_in_both_languages() -> None:
    explanation = explain_party(OFFLINE, "kiesraad", NOW_MS)
    for language, word in (("nl", "VERBODEN: "), ("en", "MUST NOT ")):
        lines = explanation_lines(OFFLINE, explanation, load_texts(language), language)
        told = [x for x in lines if x.startswith(word)]
        assert len(told) == 2
        assert all("Beslisnota" in x for x in told)


def test_a_quota_is_explained_and_shown_where_it_is_not_the_usual_one() -> None:
    def change(table: dict[str, Any]) -> None:
        party = next(p for p in table["parties"] if p["token"] == "ap")
        party["quota"] = {"bytes": 3 << 20, "bytes_per_second": 65_537, "connections": 2}

    register = make_directory(change=change).current.register
    view, texts = View(register, bytes(16), []), load_texts("en")
    told = "QUOTA: 3 MiB may wait for admission, 65537 bytes a second, 2 connections at one time"
    assert told in explanation_lines(view, explain_party(view, "ap", NOW_MS), texts, "en")
    usual = explanation_lines(view, explain_party(view, "om", NOW_MS), texts, "en")
    assert "QUOTA: 1 GiB may wait for admission, 64 MiB a second, 64 connections at one time" in usual
    assert [x.strip() for x in register_lines(register, texts, "en") if "QUOTA" in x] == [told]
