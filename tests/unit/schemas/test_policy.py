# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Mandates, prohibitions, ceilings and audiences, at their boundaries."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pytest

from seinpost_schemas.compartment import Classification, Compartment, Theme
from seinpost_schemas.errors import MalformedError, Reason, RefusedError
from seinpost_schemas.keys import KeyObject
from seinpost_schemas.kinds import Action, Kind
from seinpost_schemas.policy import (
    Member,
    View,
    action_of,
    audience_members,
    may,
    verify_audience_use,
    verify_ceiling,
    verify_mandate,
    verify_not_expired,
    verify_signal_type,
)
from seinpost_schemas.register import Prohibition, Register, parse_register

PROCESS = Compartment(Classification.DEPV, Theme.PROCESS)
DEBATE = Compartment(Classification.DEPV, Theme.DEBATE)
OPEN = Compartment(Classification.ONG, Theme.PROCESS)


def ms(year: int, month: int, day: int) -> int:
    return int(dt.datetime(year, month, day, tzinfo=dt.UTC).timestamp() * 1000)


NOW = ms(2026, 6, 1)


@pytest.fixture(scope="session")
def register(enclave: Any) -> Register:
    return parse_register(enclave.note(enclave.text()))


def look(enclave: Any, register: Register) -> View:
    members = [
        Member(party, identity, enclave.keys[party.token], enclave.keys[party.token].verifying_key())
        for party in register.parties
        for identity in party.identities
    ]
    return View(register, b"E" * 16, members)


@pytest.fixture
def view(enclave: Any, register: Register) -> View:
    return look(enclave, register)


def refusal(reason: Reason, call: Any, *arguments: Any) -> RefusedError:
    with pytest.raises(RefusedError) as refused:
        call(*arguments)
    assert refused.value.reason is reason
    return refused.value


def with_party(register: Register, token: str, **change: Any) -> Register:
    parties = [msgspec.structs.replace(p, **change) if p.token == token else p for p in register.parties]
    return msgspec.structs.replace(register, parties=tuple(parties))


def prohibition(**change: Any) -> Prohibition:
    base = Prohibition(party="ncsc", action=Action.PUBLISH, basis="Wet X", status="note")
    return msgspec.structs.replace(base, **change)


# Mandates


def test_a_mandate_allows_what_it_says(view: View) -> None:
    ncsc = view.party("ncsc")
    mandate = verify_mandate(view, ncsc, Action.PUBLISH, PROCESS, NOW)
    assert mandate is ncsc.mandates[0]
    assert may(view, ncsc, Action.READ, PROCESS, NOW)


def test_a_mandate_allows_nothing_else(view: View) -> None:
    ncsc, tafel = view.party("ncsc"), view.party("tafel")
    refusal(Reason.MANDATE, verify_mandate, view, ncsc, Action.PUBLISH, DEBATE, NOW)
    refusal(Reason.MANDATE, verify_mandate, view, ncsc, Action.RELEASE, PROCESS, NOW)
    refusal(Reason.MANDATE, verify_mandate, view, tafel, Action.PUBLISH, PROCESS, NOW)
    assert not may(view, ncsc, Action.READ_PROTECTED, PROCESS, NOW)


def test_an_empty_policy_refuses_everything(enclave: Any, register: Register) -> None:
    empty = look(enclave, with_party(register, "ncsc", mandates=()))
    for action in Action:
        for theme in Theme:
            for level in (Classification.ONG, Classification.DEPV):
                compartment = Compartment(level, theme)
                refusal(Reason.MANDATE, verify_mandate, empty, empty.party("ncsc"), action, compartment, NOW)


def test_all_themes_are_all(view: View) -> None:
    for theme in Theme:
        assert may(view, view.party("tafel"), Action.READ, Compartment(Classification.DEPV, theme), NOW)


def test_read_implies_feedback_and_nothing_more(view: View) -> None:
    tafel = view.party("tafel")
    implied = {a for a in Action if may(view, tafel, a, PROCESS, NOW)}
    assert implied == {Action.READ, Action.READ_PROTECTED, Action.FEEDBACK}


def test_from_is_inclusive_and_until_exclusive(view: View) -> None:
    ncsc = view.party("ncsc")
    begins, ends = ms(2026, 2, 1), ms(2026, 12, 1)
    refusal(Reason.MANDATE, verify_mandate, view, ncsc, Action.PUBLISH, PROCESS, begins - 1)
    verify_mandate(view, ncsc, Action.PUBLISH, PROCESS, begins)
    verify_mandate(view, ncsc, Action.PUBLISH, PROCESS, ends - 1)
    refusal(Reason.MANDATE, verify_mandate, view, ncsc, Action.PUBLISH, PROCESS, ends)


# Ceilings and clearances


def test_a_state_secret_is_refused_before_anything_else(view: View) -> None:
    for level in (Classification.STGC, Classification.STGG, Classification.STGZG):
        refused = refusal(
            Reason.CLASSIFICATION,
            verify_ceiling,
            view.register,
            view.party("ncsc"),
            Compartment(level, Theme.PROCESS),
        )
        assert "state secret" in refused.message


def test_the_enclaves_ceiling_holds(enclave: Any, register: Register) -> None:
    low = look(enclave, msgspec.structs.replace(register, ceiling="ong"))
    refusal(Reason.CEILING, verify_mandate, low, low.party("ncsc"), Action.PUBLISH, PROCESS, NOW)
    verify_mandate(low, low.party("ncsc"), Action.PUBLISH, OPEN, NOW)


def test_the_partys_clearance_holds(enclave: Any, register: Register) -> None:
    low = look(enclave, with_party(register, "ncsc", clearance="ong"))
    refusal(Reason.CLASSIFICATION, verify_mandate, low, low.party("ncsc"), Action.READ, PROCESS, NOW)
    verify_mandate(low, low.party("ncsc"), Action.READ, OPEN, NOW)


def test_the_mandates_ceiling_holds_and_names_its_basis(enclave: Any, register: Register) -> None:
    mandate = msgspec.structs.replace(register.parties[0].mandates[0], ceiling="ong", basis="Besluit 1")
    low = look(enclave, with_party(register, "ncsc", mandates=(mandate,)))
    refused = refusal(Reason.CEILING, verify_mandate, low, low.party("ncsc"), Action.PUBLISH, PROCESS, NOW)
    assert refused.basis == "Besluit 1"
    wide = msgspec.structs.replace(mandate, ceiling="depv", basis="Besluit 2")
    both = look(enclave, with_party(register, "ncsc", mandates=(mandate, wide)))
    assert verify_mandate(both, both.party("ncsc"), Action.PUBLISH, PROCESS, NOW).basis == "Besluit 2"


# Prohibitions


def test_a_prohibition_goes_before_a_mandate_and_names_its_basis(enclave: Any, register: Register) -> None:
    for themes in ((), ("process",), ("debate", "process")):
        closed = look(enclave, msgspec.structs.replace(register, prohibitions=(prohibition(themes=themes),)))
        refused = refusal(
            Reason.PROHIBITED, verify_mandate, closed, closed.party("ncsc"), Action.PUBLISH, PROCESS, NOW
        )
        assert refused.basis == "Wet X"
        assert str(refused) == "prohibited: ncsc must not publish on process (basis: Wet X)"


def test_a_prohibition_is_of_one_party_action_and_theme(enclave: Any, register: Register) -> None:
    for change in ({"party": "tafel"}, {"action": Action.RELEASE}, {"themes": ("debate",)}):
        closed = look(enclave, msgspec.structs.replace(register, prohibitions=(prohibition(**change),)))
        verify_mandate(closed, closed.party("ncsc"), Action.PUBLISH, PROCESS, NOW)


def test_a_prohibition_of_signal_types_is_of_those_only(view: View) -> None:
    ncsc = view.party("ncsc")
    verify_signal_type(view, ncsc, PROCESS, "alert", NOW)
    refused = refusal(Reason.PROHIBITED, verify_signal_type, view, ncsc, PROCESS, "assessment", NOW)
    assert refused.basis == "Kamerstuk 36 552"


def test_a_mandate_of_signal_types_is_of_those_only(enclave: Any, register: Register) -> None:
    wide = register.parties[0].mandates[0]
    narrow = msgspec.structs.replace(wide, signal_types=("alert",), basis="Besluit 3")
    view = look(enclave, with_party(register, "ncsc", mandates=(narrow,)))
    ncsc = view.party("ncsc")
    assert verify_signal_type(view, ncsc, PROCESS, "alert", NOW) is narrow
    refused = refusal(Reason.MANDATE, verify_signal_type, view, ncsc, PROCESS, "incident", NOW)
    assert refused.basis == "Besluit 3"


def test_a_prohibition_on_all_themes_is_on_all_themes(enclave: Any) -> None:
    text = enclave.text().replace('signal_types = ["assessment"]', 'themes = ["all"]')
    assert text != enclave.text()
    closed = look(enclave, parse_register(enclave.note(text)))
    assert not may(closed, closed.party("ncsc"), Action.PUBLISH, PROCESS, NOW)


def test_the_order_of_mandates_does_not_matter(enclave: Any, register: Register) -> None:
    wide = register.parties[0].mandates[0]
    narrow = msgspec.structs.replace(wide, signal_types=("alert",))
    for mandates in ((wide, narrow), (narrow, wide)):
        both = look(enclave, with_party(register, "ncsc", mandates=mandates))
        ncsc = both.party("ncsc")
        assert verify_signal_type(both, ncsc, PROCESS, "incident", NOW) is wide
        verify_signal_type(both, ncsc, PROCESS, "alert", NOW)


def test_a_mandate_that_has_ended_covers_no_signal_type(enclave: Any, register: Register) -> None:
    view = look(enclave, register)
    refusal(Reason.MANDATE, verify_signal_type, view, view.party("ncsc"), PROCESS, "alert", ms(2026, 12, 1))


# Audiences


def tokens(view: View, name: str, sender: str, compartment: Compartment = PROCESS) -> list[str]:
    members = audience_members(view, view.audience(name), view.party(sender), compartment, NOW)
    assert list(members) == sorted(members)
    assert all(key == m.keys.kem_key_id for key, m in members.items())
    assert view.audience_members(view.audience(name), view.party(sender), compartment, NOW) == members
    return sorted(m.party.token for m in members.values())


def test_readers_are_those_who_may_read(view: View) -> None:
    assert tokens(view, "all", "ncsc") == ["ncsc", "tafel"]
    assert tokens(view, "all", "ncsc", DEBATE) == ["tafel"]


def test_an_audience_is_its_members_and_the_sender_if_it_says_so(view: View) -> None:
    assert tokens(view, "tafel", "ncsc") == ["ncsc", "tafel"]
    assert tokens(view, "tafel", "tafel") == ["tafel"]
    assert tokens(view, "own", "ncsc") == ["ncsc"]


def test_a_named_member_that_may_not_read_is_left_out(view: View) -> None:
    assert tokens(view, "tafel", "ncsc", DEBATE) == ["tafel"]


def test_an_audience_without_readers_is_refused(view: View) -> None:
    own = view.audience("own")
    for call in (lambda *a: audience_members(view, *a), view.audience_members):
        refusal(Reason.AUDIENCE, call, own, view.party("ncsc"), DEBATE, NOW)


def test_an_audience_changes_when_a_mandate_ends(view: View) -> None:
    everyone, ncsc = view.audience("all"), view.party("ncsc")
    for at_ms, size in ((ms(2026, 2, 1) - 1, 1), (ms(2026, 2, 1), 2), (ms(2026, 12, 1), 1)):
        assert len(view.audience_members(everyone, ncsc, PROCESS, at_ms)) == size


def test_own_carries_table_acts_only_and_they_only_own(view: View) -> None:
    own, everyone = view.audience("own"), view.audience("all")
    verify_audience_use(Kind.TABLE_ACT, own)
    refusal(Reason.AUDIENCE, verify_audience_use, Kind.TABLE_ACT, everyone)
    refusal(Reason.AUDIENCE, verify_audience_use, Kind.TABLE_ACT, view.audience("tafel"))
    for kind in (Kind.SIGNALS, Kind.FEEDBACK, Kind.RELEASE):
        verify_audience_use(kind, everyone)
        refusal(Reason.AUDIENCE, verify_audience_use, kind, own)


def test_two_identities_with_one_kem_key_are_not_one_reader(enclave: Any, register: Register) -> None:
    ncsc, tafel = register.parties
    stolen = KeyObject(enclave.keys["tafel"].signing, enclave.keys["ncsc"].kem)
    members = [
        Member(ncsc, ncsc.identities[0], enclave.keys["ncsc"], enclave.keys["ncsc"].verifying_key()),
        Member(tafel, tafel.identities[0], stolen, stolen.verifying_key()),
    ]
    with pytest.raises(MalformedError, match="one KEM key"):
        View(register, b"E" * 16, members)


# Names


def test_what_is_not_in_the_register_is_refused(view: View) -> None:
    refusal(Reason.UNKNOWN_SENDER, view.member, bytes(16))
    refusal(Reason.UNKNOWN_SENDER, view.party, "nctv")
    assert "all, tafel, own" in refusal(Reason.AUDIENCE, view.audience, "press").message
    refusal(Reason.AUDIENCE, view.audience_of_code, 9)
    assert view.audience_of_code(2).name == "tafel"
    assert view.member(view.members[0].keys.sender_id) is view.members[0]


def test_a_register_holds_until_it_expires(register: Register) -> None:
    verify_not_expired(register, ms(2027, 1, 1) - 1)
    refusal(Reason.REGISTER_EXPIRED, verify_not_expired, register, ms(2027, 1, 1))


def test_a_kind_is_sent_under_its_actions() -> None:
    assert action_of(Kind.SIGNALS) == {Action.PUBLISH}
    assert action_of(Kind.SHARE, Action.READ) == {Action.SHARE, Action.READ}
    refusal(Reason.MANDATE, action_of, Kind.SIGNALS, Action.READ)
    with pytest.raises(MalformedError):
        action_of(10)
