# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The register that `init` ships: valid by itself, and what the domain's table says, no more."""

from __future__ import annotations

import datetime as dt
import tomllib
from typing import Any

import pytest
from harness.memory import ISSUED, NOW_MS, keys_of, make_directory, shipped

from seinpost_broker.core import founding
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.cosignature import verify_threshold
from seinpost_schemas.errors import MalformedError, Reason, RefusedError
from seinpost_schemas.kinds import Action
from seinpost_schemas.note import Note, composite_type_and_key, format_vkey
from seinpost_schemas.oin import TEST_PREFIX
from seinpost_schemas.policy import View, may, verify_mandate, verify_signal_type
from seinpost_schemas.register import parse_register
from seinpost_schemas.signal import SignalType

THEMES = ("process", "debate", "parties", "international")
ALL = "process debate parties international"
# From the domain's table: publishes on, reads, clearance.
TABLE = {
    "bzk": (ALL, ALL, "depv"),
    "nctv": (ALL, ALL, "depv"),
    "politie": ("process parties", "process parties", "depv"),
    "om": ("process parties", "process parties", "depv"),
    "ncsc": ("process parties international", "process parties international", "depv"),
    "ibd": ("process", "process parties", "depv"),
    "kiesraad": ("process", "process", "depv"),
    "cvdm": ("debate", "debate", "depv"),
    "acm": ("debate", "debate international", "depv"),
    "ap": ("debate parties", "debate parties", "depv"),
    "aivd": (ALL, ALL, "depv"),
    "mivd": (ALL, ALL, "depv"),
    "ec": ("international", "international", "ong"),
    "tafel": ("", ALL, "depv"),
    "toezicht": ("", "", "depv"),
}
PROTECTED = {"tafel", "aivd", "mivd", "nctv", "politie", "om"}
KEYS = founding.FoundingKeys(
    registrars=[format_vkey("r-1", composite_type_and_key(keys_of("r-1").signing.public.raw))],
    threshold=1,
    log_ed25519=bytes(32),
    log_mldsa44=bytes(1312),
    brokers={"broker-1": keys_of("broker").nats},
)
WITNESSES = {"ncsc", "ibd", "ap", "toezicht"}


@pytest.fixture(scope="module")
def view() -> View:
    return shipped().current


def held(view: View, token: str, action: Action) -> set[tuple[str, str]]:
    """The compartments in which a party holds an action."""
    party = view.party(token)
    places = [(level, theme) for level in ("ong", "depv") for theme in THEMES]
    return {p for p in places if may(view, party, action, Compartment.parse("/".join(p)), NOW_MS)}


def expected(token: str, themes: str) -> set[tuple[str, str]]:
    levels = ("ong",) if TABLE[token][2] == "ong" else ("ong", "depv")
    return {(level, theme) for level in levels for theme in themes.split()}


# -- what each party may --------------------------------------------------------------------------


def test_the_parties_are_the_domains(view: View) -> None:
    assert {p.token: p.clearance for p in view.register.parties} == {t: row[2] for t, row in TABLE.items()}


@pytest.mark.parametrize("token", TABLE)
def test_each_party_holds_what_the_table_gives_it(view: View, token: str) -> None:
    publishes, reads, _ = TABLE[token]
    assert held(view, token, Action.PUBLISH) == expected(token, publishes)
    assert held(view, token, Action.SHARE) == expected(token, publishes)
    assert held(view, token, Action.READ) == expected(token, reads)
    assert held(view, token, Action.FEEDBACK) == expected(token, reads)
    assert held(view, token, Action.READ_PROTECTED) == (
        expected(token, reads) if token in PROTECTED else set()
    )
    assert bool(held(view, token, Action.WITNESS)) == (token in WITNESSES)
    assert bool(held(view, token, Action.AUDIT)) == (token == "toezicht")
    assert held(view, token, Action.RELEASE) == set()
    assert held(view, token, Action.REPORT) == set()


def test_no_report_mandate_is_shipped_before_its_law_is_in_force(view: View) -> None:
    actions = {a for p in view.register.parties for m in p.mandates for a in m.actions}
    assert Action.REPORT not in actions
    assert Action.RELEASE not in actions


def test_every_mandate_and_prohibition_has_a_basis_and_says_how_sure_it_is(view: View) -> None:
    stated = [m for p in view.register.parties for m in p.mandates] + list(view.register.prohibitions)
    assert len(stated) > 20
    for item in stated:
        assert len(item.basis) > 10
        assert (item.status == "note") == item.basis.startswith(founding.NOTE) or item.status == "default"


def test_what_the_note_says_has_its_status_and_nothing_else_has(view: View) -> None:
    noted = {p.token for p in view.register.parties for m in p.mandates if m.status == "note"}
    assert noted == {"bzk", "kiesraad", "tafel"}


# -- the Kiesraad ---------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("level", ["ong", "depv"])
def test_an_assessment_by_the_kiesraad_is_refused_on_every_theme_with_its_basis(
    view: View, theme: str, level: str
) -> None:
    place = Compartment.parse(f"{level}/{theme}")
    with pytest.raises(RefusedError) as refused:
        verify_signal_type(view, view.party("kiesraad"), place, "assessment", NOW_MS)
    assert refused.value.reason is Reason.PROHIBITED
    assert founding.NOTE in (refused.value.basis or "")


@pytest.mark.parametrize("kind", [t for t in SignalType.__args__ if t != "assessment"])
def test_anything_else_by_the_kiesraad_goes_on_its_own_theme_to_the_table(view: View, kind: str) -> None:
    place = Compartment.parse("depv/process")
    mandate = verify_signal_type(view, view.party("kiesraad"), place, kind, NOW_MS)
    assert mandate.default_audience == "tafel"


def test_the_kiesraad_does_not_publish_on_the_debate_and_is_told_why(view: View) -> None:
    with pytest.raises(RefusedError) as refused:
        verify_mandate(view, view.party("kiesraad"), Action.PUBLISH, Compartment.parse("ong/debate"), NOW_MS)
    assert refused.value.reason is Reason.PROHIBITED
    assert refused.value.basis


@pytest.mark.parametrize("token", [t for t in TABLE if t != "kiesraad"])
def test_nobody_else_is_prohibited_anything(view: View, token: str) -> None:
    assert not [p for p in view.register.prohibitions if p.party == token]


# -- the text -------------------------------------------------------------------------------------


def test_the_text_is_valid_for_a_year_and_of_version_1(view: View) -> None:
    register = view.register
    assert (register.version, register.ceiling, register.schema, register.quorum) == (1, "depv", 1, 0)
    assert register.expires - register.issued == dt.timedelta(days=365)
    assert {a.name: a.code for a in register.audiences} == {"all": 1, "tafel": 2, "own": 3}
    assert register.registrars.threshold == 2


def test_oins_have_the_test_prefix_twenty_digits_and_are_different(view: View) -> None:
    oins = [p.oin for p in view.register.parties]
    assert len(set(oins)) == len(oins) == len(TABLE)
    assert all(o.startswith(TEST_PREFIX) and len(o) == 20 and o.isdigit() for o in oins)


def test_some_parties_alone_make_a_register_too() -> None:
    """`init --party`: those that are left out keep their place, without identities."""

    def only_two(table: dict[str, Any]) -> None:
        for party in table["parties"]:
            if party["token"] not in ("ncsc", "tafel"):
                party["identities"] = []

    view = make_directory(change=only_two).current
    assert {m.party.token for m in view.members} == {"ncsc", "tafel"}
    assert len(view.register.parties) == len(TABLE)


@pytest.mark.parametrize("change", ["quorum", "threshold", "expires"])
def test_a_register_that_cannot_be_right_is_refused_at_its_founding(change: str) -> None:
    def spoil(table: dict[str, Any]) -> None:
        if change == "quorum":
            table["quorum"] = 2
        elif change == "threshold":
            table["registrars"]["threshold"] = 3
        else:
            table["expires"] = table["issued"]

    with pytest.raises(MalformedError):
        make_directory(change=spoil)


def test_names_in_any_language_are_carried_whole() -> None:
    text = founding.founding_text.__doc__
    assert text
    name = 'Ministerie "van" \\ Één\u2028🗳'

    def rename(table: dict[str, Any]) -> None:
        table["parties"][0]["name_nl"] = name

    assert make_directory(change=rename).current.register.parties[0].name_nl == name
    assert tomllib.loads("a = 1") == {"a": 1}


# -- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("witnesses", "quorum"),
    [(0, 0), (1, 1), (2, 2), (3, 2), (4, 3), (5, 4), (6, 4), (7, 5), (10, 7), (15, 10)],
)
def test_a_quorum_is_the_smallest_that_no_faulty_minority_can_split(witnesses: int, quorum: int) -> None:
    assert founding.quorum_of(witnesses) == quorum
    verify_threshold(witnesses, quorum)
    if witnesses:
        with pytest.raises(MalformedError):
            verify_threshold(witnesses, quorum - 1)


def every_day() -> list[dt.datetime]:
    return [dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(days=n) for n in range(4 * 366)]


def test_a_period_is_the_quarter_of_its_day() -> None:
    assert founding.period_of(ISSUED) == "2026q4"
    for day in every_day():
        assert founding.period_of(day) == f"{day.year}q{1 + [3, 6, 9, 12].index((day.month + 2) // 3 * 3)}"


def following(period: str) -> str:
    year, quarter = int(period[:4]), int(period[5])
    return f"{year + 1}q1" if quarter == 4 else f"{year}q{quarter + 1}"


def founded_on(day: dt.datetime) -> dict[str, str]:
    """The periods of a register issued on this day."""
    keys = founding.FoundingKeys(
        registrars=["a"], threshold=1, log_ed25519=b"", log_mldsa44=b"", brokers={"broker-1": "U"}
    )
    table: dict[str, dict[str, str]] = tomllib.loads(
        founding.founding_text("proef", day, [], keys, parties=())
    )
    return table["periods"]


@pytest.mark.parametrize(
    "day",
    [
        pytest.param(
            (year, month, last),
            id=f"{year}-{month}-{last}",
        )
        for year, month, last in [
            (2026, 1, 1),
            (2026, 2, 28),
            (2026, 3, 30),
            (2026, 3, 31),
            (2026, 4, 1),
            (2026, 6, 30),
            (2026, 7, 1),
            (2026, 9, 30),
            (2026, 10, 1),
            (2026, 11, 1),
            (2026, 12, 30),
            (2026, 12, 31),
            (2027, 12, 30),
            (2027, 12, 31),
        ]
    ],
)
def test_the_next_period_follows_the_current_one(day: tuple[int, int, int]) -> None:
    periods = founded_on(dt.datetime(*day, 12, tzinfo=dt.UTC))
    assert periods["next"] == following(periods["current"])


# -- what is foreseen and not dated ---------------------------------------------------------------


def test_nobody_may_release_anything_until_registrars_date_it(view: View) -> None:
    assert all(held(view, token, Action.RELEASE) == set() for token in TABLE)


def test_the_kiesraads_release_is_a_comment_that_gives_exactly_its_window_once_it_is_taken_over() -> None:
    text = founding.founding_text("proef", ISSUED, [], KEYS)
    draft = founding.DRAFTS["kiesraad"]
    assert text.count(draft) == 1
    lines = [line.removeprefix("# ") for line in draft.strip().splitlines()[1:]]
    assert all(line.startswith("# ") for line in draft.strip().splitlines())
    first, last = ISSUED + dt.timedelta(days=30), ISSUED + dt.timedelta(days=60)
    taken = "\n".join(lines).replace("from = JJJJ-MM-DDT00:00:00Z", f"from = {first:%Y-%m-%dT%H:%M:%SZ}")
    taken = taken.replace("until = JJJJ-MM-DDT00:00:00Z", f"until = {last:%Y-%m-%dT%H:%M:%SZ}")
    register = parse_register(Note(text.replace(draft, f"\n{taken}\n"), ()))
    view = View(register, bytes(16), [])
    place = Compartment.parse("ong/process")
    for days, allowed in ((0, False), (29, False), (30, True), (59, True), (60, False), (300, False)):
        at_ms = int((ISSUED + dt.timedelta(days=days)).timestamp() * 1000)
        assert may(view, view.party("kiesraad"), Action.RELEASE, place, at_ms) is allowed
        elsewhere = ("depv/process", "ong/debate", "ong/parties", "ong/international")
        assert not any(
            may(view, view.party("kiesraad"), Action.RELEASE, Compartment.parse(p), at_ms) for p in elsewhere
        )
        assert not any(
            may(view, p, Action.RELEASE, place, at_ms) for p in register.parties if p.token != "kiesraad"
        )
    mandate = verify_mandate(
        view, view.party("kiesraad"), Action.RELEASE, place, int(first.timestamp() * 1000)
    )
    assert (mandate.status, founding.NOTE in mandate.basis) == ("note", True)
    # As it stands it is no TOML: a date that nobody wrote activates nothing.
    with pytest.raises(MalformedError):
        parse_register(Note(text.replace(draft, "\n" + "\n".join(lines) + "\n"), ()))


def test_a_draft_stays_with_its_party_when_identities_come() -> None:
    text = founding.founding_text("proef", ISSUED, [], KEYS)
    _, _, after = text.partition('token = "kiesraad"')
    assert founding.DRAFTS["kiesraad"] in after.partition("[[parties]]")[0]
