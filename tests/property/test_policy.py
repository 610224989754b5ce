# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Rights move one way: a mandate only adds, a prohibition only removes, and nothing gives nothing."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from seinpost_schemas.compartment import Classification, Compartment, Theme
from seinpost_schemas.errors import RefusedError
from seinpost_schemas.keys import KeyObject
from seinpost_schemas.kinds import Action
from seinpost_schemas.policy import Member, View, may, verify_signal_type
from seinpost_schemas.register import (
    Audience,
    Broker,
    Identity,
    Log,
    Mandate,
    Party,
    Periods,
    Prohibition,
    Register,
    Registrars,
)
from seinpost_schemas.signing import SigningKey

KEY = SigningKey(bytes(64)).public
DAY_MS = 86_400_000
EPOCH_DAY = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
START_MS = int(EPOCH_DAY.timestamp() * 1000)
THEMES = [t.token for t in Theme]
TYPES = ["incident", "indicator", "assessment", "alert", "request-for-information"]
TOKENS = ["bzk", "om", "ec"]
TIMES = st.integers(START_MS - DAY_MS, START_MS + 12 * DAY_MS)
COMPARTMENTS = st.builds(Compartment, st.sampled_from(Classification), st.sampled_from(Theme))

DAYS = st.none() | st.integers(0, 10).map(lambda n: EPOCH_DAY + dt.timedelta(days=n))
MANDATES = st.builds(
    Mandate,
    themes=st.just(("all",)) | st.lists(st.sampled_from(THEMES), min_size=1, max_size=3).map(tuple),
    actions=st.lists(st.sampled_from(Action), min_size=1, max_size=4).map(tuple),
    basis=st.just("default"),
    status=st.just("default"),
    ceiling=st.sampled_from(["ong", "depv"]),
    signal_types=st.lists(st.sampled_from(TYPES), max_size=2).map(tuple),
    starts=DAYS,
    until=DAYS,
)
PROHIBITIONS = st.builds(
    Prohibition,
    party=st.sampled_from(TOKENS),
    action=st.sampled_from(Action),
    basis=st.just("default"),
    status=st.just("default"),
    themes=st.lists(st.sampled_from(THEMES), max_size=2).map(tuple),
    signal_types=st.lists(st.sampled_from(TYPES), max_size=2).map(tuple),
)
AUDIENCES = (
    Audience(name="all", code=1, members="readers"),
    Audience(name="tafel", code=2, members=("bzk",), sender=True),
    Audience(name="own", code=3, members=(), sender=True),
)


@st.composite
def registers(draw: st.DrawFn) -> Register:
    return Register(
        enclave="test",
        version=1,
        issued=EPOCH_DAY,
        expires=EPOCH_DAY + dt.timedelta(days=365),
        ceiling=draw(st.sampled_from(["ong", "depv"])),
        schema=1,
        periods=Periods(current="2026q1", next="2026q2"),
        quorum=0,
        registrars=Registrars(threshold=1, keys=("unused",)),
        log=Log(ed25519="", mldsa44=""),
        brokers=(Broker(name="b1", nats="U"),),
        audiences=AUDIENCES,
        parties=tuple(
            Party(
                token=token,
                oin=f"00000099{i:09d}000",
                name_nl=token,
                name_en=token,
                clearance=draw(st.sampled_from(["ong", "depv"])),
                mandates=tuple(draw(st.lists(MANDATES, max_size=3))),
            )
            for i, token in enumerate(TOKENS)
        ),
        prohibitions=tuple(draw(st.lists(PROHIBITIONS, max_size=2))),
    )


def view_of(register: Register) -> View:
    identity = Identity(name="desk", sender_id="", keys="", nats="")
    members = [
        Member(party, identity, KeyObject(b"%016d" % i * 124, b"%016d" % i * 76), KEY)
        for i, party in enumerate(register.parties)
    ]
    return View(register, b"E" * 16, members)


def rights(register: Register, compartment: Compartment, at_ms: int) -> set[tuple[str, ...]]:
    """Everything that anybody may do in a compartment at a time: actions, audiences and signal types."""
    view, found = view_of(register), set()
    for party in register.parties:
        for action in Action:
            if may(view, party, action, compartment, at_ms):
                found.add((party.token, action.value))
        for audience in register.audiences:
            try:
                members = view.audience_members(audience, party, compartment, at_ms)
            except RefusedError:
                continue
            found |= {(party.token, audience.name, m.party.token) for m in members.values()}
    return found


def publishable(register: Register, compartment: Compartment, at_ms: int) -> set[tuple[str, str]]:
    """The signal types that each party may publish."""
    view, found = view_of(register), set()
    for party in register.parties:
        for signal_type in TYPES:
            try:
                verify_signal_type(view, party, compartment, signal_type, at_ms)
            except RefusedError:
                continue
            found.add((party.token, signal_type))
    return found


def with_mandate(register: Register, place: int, mandate: Mandate, at: int) -> Register:
    party = register.parties[place]
    mandates = (*party.mandates[:at], mandate, *party.mandates[at:])
    parties = list(register.parties)
    parties[place] = msgspec.structs.replace(party, mandates=mandates)
    return msgspec.structs.replace(register, parties=tuple(parties))


@settings(max_examples=200)
@given(registers(), st.integers(0, 2), MANDATES, st.integers(0, 3), COMPARTMENTS, TIMES)
def test_one_more_mandate_never_removes_a_right(
    register: Register, place: int, mandate: Mandate, at: int, compartment: Compartment, at_ms: int
) -> None:
    more = with_mandate(register, place, mandate, at)
    assert rights(register, compartment, at_ms) <= rights(more, compartment, at_ms)


@settings(max_examples=200)
@given(registers(), st.integers(0, 2), MANDATES, COMPARTMENTS, TIMES)
def test_one_more_mandate_at_the_end_never_removes_a_signal_type(
    register: Register, place: int, mandate: Mandate, compartment: Compartment, at_ms: int
) -> None:
    more = with_mandate(register, place, mandate, len(register.parties[place].mandates))
    assert publishable(register, compartment, at_ms) <= publishable(more, compartment, at_ms)


@settings(max_examples=200)
@given(registers(), PROHIBITIONS, COMPARTMENTS, TIMES)
def test_one_more_prohibition_never_adds_a_right(
    register: Register, prohibition: Prohibition, compartment: Compartment, at_ms: int
) -> None:
    less = msgspec.structs.replace(register, prohibitions=(*register.prohibitions, prohibition))
    assert rights(less, compartment, at_ms) <= rights(register, compartment, at_ms)
    assert publishable(less, compartment, at_ms) <= publishable(register, compartment, at_ms)


@given(registers(), COMPARTMENTS, TIMES)
def test_without_mandates_nobody_may_do_anything(
    register: Register, compartment: Compartment, at_ms: int
) -> None:
    parties = tuple(msgspec.structs.replace(p, mandates=()) for p in register.parties)
    assert not rights(msgspec.structs.replace(register, parties=parties), compartment, at_ms)


@given(registers(), COMPARTMENTS, TIMES)
def test_a_right_is_within_clearance_ceiling_and_a_mandate(
    register: Register, compartment: Compartment, at_ms: int
) -> None:
    for token, what, *_ in rights(register, compartment, at_ms):
        party = register.party(token)
        assert party is not None
        assert not compartment.classification.is_state_secret
        if what in list(Action):
            for limit in (party.clearance, register.ceiling):
                assert Classification.parse(limit).dominates(compartment.classification)
            assert any(what in m.actions or "read" in m.actions for m in party.mandates)


@given(registers(), COMPARTMENTS, TIMES)
def test_a_lower_ceiling_never_adds_a_right(register: Register, compartment: Compartment, at_ms: int) -> None:
    low = msgspec.structs.replace(register, ceiling="ong")
    assert rights(low, compartment, at_ms) <= rights(register, compartment, at_ms)


@given(registers(), COMPARTMENTS, st.lists(TIMES, min_size=2, max_size=8))
def test_what_a_view_remembers_is_what_it_would_compute(
    register: Register, compartment: Compartment, times: list[int]
) -> None:
    view = view_of(register)
    boundaries = [
        int(t.timestamp() * 1000) + shift
        for p in register.parties
        for m in p.mandates
        for t in (m.starts, m.until)
        if t is not None
        for shift in (-1, 0, 1)
    ]

    def members(of: View, audience: Audience, sender: Party, at_ms: int) -> Any:
        try:
            return list(of.audience_members(audience, sender, compartment, at_ms))
        except RefusedError as refused:
            return refused.reason

    for at_ms in times + boundaries:
        for sender in register.parties:
            for audience in AUDIENCES:
                fresh = members(view_of(register), audience, sender, at_ms)
                assert members(view, audience, sender, at_ms) == fresh


@given(registers(), COMPARTMENTS, TIMES)
def test_no_right_changes_before_the_moment_that_a_view_names(
    register: Register, compartment: Compartment, at_ms: int
) -> None:
    view = view_of(register)
    change_ms = view.next_change_ms(at_ms)
    moments = [
        t.timestamp() * 1000 for p in register.parties for m in p.mandates for t in (m.starts, m.until) if t
    ]
    assert change_ms == min((t for t in moments if t > at_ms), default=None)
    until = int(change_ms) - 1 if change_ms is not None else at_ms + 10**12
    assert rights(register, compartment, at_ms) == rights(register, compartment, until)


# -- dominance ----------------------------------------------------------------------------------------

LEVELS = st.sampled_from(Classification)


@given(LEVELS, LEVELS, LEVELS)
def test_dominance_is_a_partial_order(
    one: Classification, two: Classification, three: Classification
) -> None:
    """Reflexive, antisymmetric, transitive; and of two levels one always dominates the other."""
    assert one.dominates(one)
    if one.dominates(two) and two.dominates(one):
        assert one is two
    if one.dominates(two) and two.dominates(three):
        assert one.dominates(three)
    assert one.dominates(two) or two.dominates(one)


@given(registers(), COMPARTMENTS, LEVELS, TIMES)
def test_a_right_goes_down_with_the_level_and_never_up_or_across(
    register: Register, compartment: Compartment, level: Classification, at_ms: int
) -> None:
    """What a party may at a level it may at every level that this one dominates: clearances and ceilings are bounds."""
    view, lower = view_of(register), Compartment(level, compartment.theme)
    if not compartment.classification.dominates(level):
        return
    for party in register.parties:
        for action in Action:
            assert may(view, party, action, lower, at_ms) or not may(view, party, action, compartment, at_ms)
