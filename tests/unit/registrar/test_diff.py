# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""No difference, no sentence; any difference in any field, at least one."""

from __future__ import annotations

import datetime as dt
import types
import typing
from typing import Any

import msgspec
import pytest
from harness.memory import shipped
from hypothesis import given, settings
from hypothesis import strategies as st

from seinpost.cli._text import load_texts
from seinpost.registrar.diff import register_diff
from seinpost_schemas.kinds import Action
from seinpost_schemas.quota import Quota
from seinpost_schemas.register import (
    Mandate,
    Prohibition,
    Register,
    Revocation,
    WitnessEntry,
)

DAY = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)


def whole() -> Register:
    """The shipped register with something in every list."""
    register = shipped().current.register
    keys = "AAAA"
    return msgspec.structs.replace(
        register,
        witnesses=(
            WitnessEntry(name="w1", party="ncsc", nats="U1", ed25519=keys, mldsa44=keys),
            WitnessEntry(name="w2", party="ap", nats="U2", ed25519=keys, mldsa44=keys),
        ),
        revocations=(
            Revocation(sender_id="ab" * 16, reason="verloren", suspect_from=DAY),
            Revocation(
                sender_id="cd" * 16, reason="gestolen", suspect_log="2026q4/ong/debate", suspect_index=3
            ),
        ),
    )


WHOLE = whole()
NAMES = {"name", "token", "sender_id"}


def said(old: Register, new: Register, language: str = "nl") -> list[str]:
    return register_diff(old, new, load_texts(language), language)


def other(value: Any) -> Any:
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, Action):
        return Action.REPORT if value is not Action.REPORT else Action.AUDIT
    if isinstance(value, str):
        return {"ong": "depv", "depv": "ong", "note": "default", "default": "note"}.get(value, value + "x")
    if isinstance(value, int):
        return value + 1
    if isinstance(value, dt.datetime):
        return value + dt.timedelta(microseconds=1)
    if value is None:
        return DAY
    raise TypeError(type(value))


def changes(value: Any) -> list[Any]:
    """Every value that differs from this one in one place, however deep; elements moved, lost or doubled too."""
    if isinstance(value, msgspec.Struct):
        return [
            msgspec.structs.replace(value, **{field: changed})
            for field in value.__struct_fields__
            for changed in changes(getattr(value, field))
        ]
    if isinstance(value, tuple):
        found = [(*value[:n], c, *value[n + 1 :]) for n, item in enumerate(value) for c in changes(item)]
        found += [(*value[:n], *value[n + 1 :]) for n in range(len(value))]
        return found + ([value[::-1]] if value[::-1] != value else [])
    return [other(value)]


EVERY_CHANGE = changes(WHOLE)


def test_the_changes_touch_every_field_of_every_table() -> None:
    def tables(type_: Any) -> set[type]:
        if isinstance(type_, type) and issubclass(type_, msgspec.Struct):
            hints = typing.get_type_hints(type_)
            return {type_}.union(*(tables(h) for h in hints.values()))
        if typing.get_origin(type_) in (tuple, types.UnionType, typing.Union):
            return set().union(*(tables(a) for a in typing.get_args(type_)))
        return set()

    seen: set[type] = set()

    def walk(value: Any) -> None:
        if isinstance(value, msgspec.Struct):
            seen.add(type(value))
            for field in value.__struct_fields__:
                walk(getattr(value, field))
        if isinstance(value, tuple):
            for item in value:
                walk(item)

    walk(WHOLE)
    assert tables(Register) == seen
    assert len(EVERY_CHANGE) > 500


def test_every_change_of_any_field_gives_a_sentence() -> None:
    texts = load_texts("nl")
    silent = [c for c in EVERY_CHANGE if not register_diff(WHOLE, c, texts, "nl")]
    assert silent == []
    assert not [c for c in EVERY_CHANGE if not register_diff(c, WHOLE, texts, "nl")]


@pytest.mark.parametrize("language", ["nl", "en"])
def test_no_difference_gives_no_sentence(language: str) -> None:
    assert said(WHOLE, whole(), language) == []


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(range(len(EVERY_CHANGE))), min_size=2, max_size=2))
def test_two_versions_are_equal_exactly_when_nothing_is_said(places: list[int]) -> None:
    one, two = (EVERY_CHANGE[p] for p in places)
    assert bool(said(one, two)) == (one != two)


# -- in words of officials --------------------------------------------------------------------------


def with_mandates(token: str, change: Any) -> Register:
    parties = tuple(
        msgspec.structs.replace(p, mandates=change(p.mandates)) if p.token == token else p
        for p in WHOLE.parties
    )
    return msgspec.structs.replace(WHOLE, parties=parties)


def test_a_quota_is_told_in_its_own_words() -> None:
    less = Quota(bytes=1 << 20, messages=100, bytes_per_second=1 << 16, connections=2)
    parties = tuple(msgspec.structs.replace(p, quota=less) if p.token == "ap" else p for p in WHOLE.parties)
    found = said(WHOLE, msgspec.structs.replace(WHOLE, parties=parties), "en")
    assert [x.partition("), ")[2] for x in found] == [
        "bytes that may wait for admission: 1073741824 becomes 1048576.",
        "envelopes that may wait for admission: - becomes 100.",
        "bytes a second: 67108864 becomes 65536.",
        "connections at one time: 64 becomes 2.",
    ]
    # A party that joins with one of its own does not do so unseen.
    others = tuple(p for p in parties if p.token != "ap")
    joined = said(
        msgspec.structs.replace(WHOLE, parties=others), msgspec.structs.replace(WHOLE, parties=parties), "en"
    )
    assert len([x for x in joined if "becomes 65536" in x or "becomes 2." in x]) == 2


def test_a_mandate_to_report_is_told_with_its_date_and_basis() -> None:
    report = Mandate(
        themes=("process",),
        actions=(Action.REPORT,),
        basis="Wet kwaliteitsbevordering uitvoering verkiezingsproces, Stb. 2027, 12",
        status="note",
        ceiling="ong",
        starts=dt.datetime(2027, 3, 1, tzinfo=dt.UTC),
    )
    assert said(WHOLE, with_mandates("kiesraad", lambda m: (*m, report))) == [
        "Kiesraad (kiesraad) mag: rapporteren aan het vertegenwoordigend orgaan over het verkiezingsproces, tot en met "
        "Ongerubriceerd, vanaf 2027-03-01, op grond van “Wet kwaliteitsbevordering uitvoering verkiezingsproces, "
        "Stb. 2027, 12” [beslisnota]."
    ]


def test_a_lost_theme_is_said_as_lost() -> None:
    def drop(mandates: tuple[Mandate, ...]) -> tuple[Mandate, ...]:
        return tuple(
            msgspec.structs.replace(m, themes=("parties",)) if m.themes == ("debate", "parties") else m
            for m in mandates
        )

    sentences = said(WHOLE, with_mandates("ap", drop))
    assert len(sentences) == 2
    assert all(
        s.startswith("Autoriteit Persoonsgegevens (ap) verliest het debat: niet langer ") for s in sentences
    )
    (english, _) = said(WHOLE, with_mandates("ap", drop), "en")
    assert english.startswith("Data Protection Authority (ap) loses the debate: no longer publish and share")


def test_a_party_that_joins_is_told_with_its_keys_and_mandates() -> None:
    without = msgspec.structs.replace(WHOLE, parties=tuple(p for p in WHOLE.parties if p.token != "ap"))
    party = WHOLE.party("ap")
    assert party is not None
    joined = said(without, WHOLE)
    assert "treedt toe: OIN 0000009900000" in joined[0]
    assert any(party.identities[0].keys in s for s in joined)
    assert sum("mag: " in s for s in joined) == len(party.mandates)
    assert any("verlaat het register" in s for s in said(WHOLE, without))


def test_registrars_are_named_with_fingerprints_and_a_threshold() -> None:
    registrars = msgspec.structs.replace(WHOLE.registrars, threshold=1, keys=WHOLE.registrars.keys[:1])
    sentences = said(WHOLE, msgspec.structs.replace(WHOLE, registrars=registrars))
    assert sentences[0] == "2 registerhouders moesten tekenen; voortaan 1."
    assert "registrar-2 mag niet langer tekenen (sleutel " in sentences[1]


def test_a_prohibition_and_a_revocation_are_told_with_their_grounds() -> None:
    prohibition = Prohibition(party="ap", action=Action.PUBLISH, basis="Besluit 12", status="default")
    grown = msgspec.structs.replace(WHOLE, prohibitions=(*WHOLE.prohibitions, prohibition))
    (sentence,) = said(WHOLE, grown)
    assert sentence.startswith(
        "Autoriteit Persoonsgegevens (ap) heeft een verbod op publiceren over alle thema's"
    )
    assert "Besluit 12" in sentence
    sender_id = WHOLE.parties[0].identities[0].sender_id
    revocation = Revocation(sender_id=sender_id, reason="laptop weg", suspect_from=DAY)
    (sentence,) = said(WHOLE, msgspec.structs.replace(WHOLE, revocations=(*WHOLE.revocations, revocation)))
    assert "bzk-1" in sentence
    assert sentence.endswith("is ingetrokken, verdacht vanaf 2026-12-01: laptop weg.")
