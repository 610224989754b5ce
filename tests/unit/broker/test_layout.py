# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Streams, consumers and rights of the shipped register: each right belongs to a mandate, and nothing else is there.

What a mandate gives is worked out here from the register's own text, not with the product's policy.
"""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import pytest
from harness.memory import NOW_MS, make_directory, shipped

from seinpost_broker.core import layout
from seinpost_broker.service.checkpointer import ACTIVE_SECONDS
from seinpost_schemas.compartment import all_compartments
from seinpost_schemas.policy import View
from seinpost_schemas.register import Party

LEVELS = {"ong": 0, "depv": 1}
THEMES = ("process", "debate", "parties", "international")
PERIODS = ("2026q4", "2027q1")
PLACES = tuple(itertools.product(LEVELS, THEMES))
TOKENS = [p.token for p in shipped().current.register.parties]


@pytest.fixture(scope="module")
def view() -> View:
    return shipped().current


def granted(view: View, party: Party, action: str, level: str, theme: str, at_ms: int = NOW_MS) -> bool:
    """Whether the register's text gives a party an action in a compartment."""
    register = view.register
    if LEVELS[level] > min(LEVELS[register.ceiling], LEVELS[party.clearance]):
        return False
    for prohibition in register.prohibitions:
        every_type = not prohibition.signal_types
        in_theme = not prohibition.themes or theme in prohibition.themes
        if prohibition.party == party.token and prohibition.action == action and in_theme and every_type:
            return False
    for mandate in party.mandates:
        actions = set(mandate.actions) | ({"feedback"} if "read" in mandate.actions else set())
        themes = THEMES if "all" in mandate.themes else mandate.themes
        begun = mandate.starts is None or mandate.starts.timestamp() * 1000 <= at_ms
        ended = mandate.until is not None and mandate.until.timestamp() * 1000 <= at_ms
        covers = action in actions and theme in themes and LEVELS[level] <= LEVELS[mandate.ceiling]
        if covers and begun and not ended:
            return True
    return False


def pulled(view: View, party: Party, at_ms: int = NOW_MS) -> set[str]:
    """The feeds that a party may pull: with a read or an audit mandate."""
    return {
        f"FEED_{period}_{level}_{theme}"
        for period in PERIODS
        for level, theme in PLACES
        if granted(view, party, "read", level, theme, at_ms)
        or granted(view, party, "audit", level, theme, at_ms)
    }


def expected_rights(view: View, party: Party, identity: str, at_ms: int = NOW_MS) -> set[tuple[str, bool]]:
    """(subject, whether its reply is a stream of messages) of everything that one user may publish on."""
    rights = {
        (f"seinpost.in.{level}.{theme}.{action}.{party.token}", False)
        for action in ("publish", "read", "feedback", "release", "share")
        for level, theme in PLACES
        if granted(view, party, action, level, theme, at_ms)
    }
    rights.add((f"seinpost.in.directory.{party.token}", False))
    streams = pulled(view, party, at_ms)
    for stream in {"ANSWERS", "HOURLY"} | streams:
        rights.add((f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{identity}", True))
        rights.add((f"$JS.API.CONSUMER.RESET.{stream}.{identity}", False))
    rights.add(("$JS.API.DIRECT.GET.DIRECTORY", True))
    logs = {"directory"} | {s.removeprefix("FEED_").replace("_", ".") for s in streams}
    if party.token == "toezicht" and streams:
        rights.add(("$JS.API.DIRECT.GET.ADMISSION", True))
        logs.add("admission")
    carried = [(level, theme) for level, theme in PLACES if level == "ong" or view.register.ceiling != "ong"]
    if all(granted(view, party, "audit", level, theme, at_ms) for level, theme in carried):
        rights |= {("$JS.API.DIRECT.GET.CHECKPOINTS", True), ("$JS.API.DIRECT.GET.HOURLY", True)}
    for log in logs:
        rights.add((f"$JS.API.DIRECT.GET.CHECKPOINTS.seinpost.checkpoint.{log}", False))
        rights.add((f"$JS.API.DIRECT.GET.HOURLY.seinpost.hourly.{log}", False))
    for stream in streams:
        rights.add((f"$JS.API.DIRECT.GET.{stream}", True))
    return rights


def rights_of(view: View, party: Party, identity: str, at_ms: int = NOW_MS) -> list[tuple[str, bool]]:
    return [(r.subject, r.answers_many) for r in layout.identity_rights(view, party, identity, at_ms)]


# -- rights ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", TOKENS)
def test_an_identity_has_the_rights_of_its_partys_mandates_and_no_others(view: View, token: str) -> None:
    party = view.party(token)
    (identity,) = party.identities
    rights = rights_of(view, party, identity.name)
    assert set(rights) == expected_rights(view, party, identity.name)
    assert len(set(rights)) == len(rights)


@pytest.mark.parametrize("token", TOKENS)
def test_no_right_has_a_wildcard_or_names_another_party_or_identity(view: View, token: str) -> None:
    party = view.party(token)
    others = {p.token for p in view.register.parties} - {token}
    for subject, _ in rights_of(view, party, f"{token}-1"):
        tokens = subject.split(".")
        assert all(tokens)
        assert not set(subject) & set("*> \t\r\n\"'{}")
        assert not others & set(tokens)
        assert not {f"{o}-1" for o in others} & set(tokens)


@pytest.mark.parametrize("token", TOKENS)
def test_no_right_reaches_a_stream_that_brokers_write(view: View, token: str) -> None:
    """Directly: the ingress streams alone take what a party publishes."""
    party = view.party(token)
    for subject, _ in rights_of(view, party, f"{token}-1"):
        taken_by = [
            s.name for s in layout.streams(view.register) if any(matches(p, subject) for p in s.subjects)
        ]
        if subject.startswith("seinpost."):
            assert taken_by == [f"IN_{token}"]
        else:
            assert taken_by == []
            assert subject.split(".")[:3] in (["$JS", "API", "CONSUMER"], ["$JS", "API", "DIRECT"])


def test_actions_that_are_not_for_sending_give_no_subject(view: View) -> None:
    """read-protected, witness, report and audit are rights without an ingress."""
    subjects = {s for t in TOKENS for s, _ in rights_of(view, view.party(t), f"{t}-1")}
    used = {s.split(".")[4] for s in subjects if s.startswith("seinpost.in.") and s.count(".") == 5}
    assert used == {"publish", "read", "feedback", "share"}


def test_who_audits_pulls_everything_and_sends_nothing(view: View) -> None:
    rights = {s for s, _ in rights_of(view, view.party("toezicht"), "toezicht-1")}
    assert [s for s in rights if s.startswith("seinpost.in.")] == ["seinpost.in.directory.toezicht"]
    assert len([s for s in rights if "MSG.NEXT.FEED_" in s]) == len(PERIODS) * len(PLACES)


def test_a_party_without_a_mandate_reads_its_answers_and_the_directory() -> None:
    def strip(table: dict[str, Any]) -> None:
        next(p for p in table["parties"] if p["token"] == "acm")["mandates"] = []

    view = make_directory(change=strip).current
    assert {s for s, _ in rights_of(view, view.party("acm"), "acm-1")} == {
        "$JS.API.CONSUMER.MSG.NEXT.ANSWERS.acm-1",
        "$JS.API.CONSUMER.RESET.ANSWERS.acm-1",
        "$JS.API.CONSUMER.MSG.NEXT.HOURLY.acm-1",
        "$JS.API.CONSUMER.RESET.HOURLY.acm-1",
        "$JS.API.DIRECT.GET.HOURLY.seinpost.hourly.directory",
        "$JS.API.DIRECT.GET.DIRECTORY",
        "seinpost.in.directory.acm",
        "$JS.API.DIRECT.GET.CHECKPOINTS.seinpost.checkpoint.directory",
    }


def test_a_right_begins_and_ends_with_its_mandate() -> None:
    begin, end = (dt.datetime(2026, 11, day, tzinfo=dt.UTC) for day in (10, 20))

    def limit(table: dict[str, Any]) -> None:
        for mandate in next(p for p in table["parties"] if p["token"] == "ibd")["mandates"]:
            mandate |= {"from": begin, "until": end}

    view = make_directory(change=limit).current
    party = view.party("ibd")
    first, last = (int(t.timestamp() * 1000) for t in (begin, end))
    counts = {at: len(rights_of(view, party, "ibd-1", at)) for at in (first - 1, first, last - 1, last)}
    assert counts[first - 1] == counts[last] == 8
    assert counts[first] == counts[last - 1] > 8
    for at in counts:
        assert set(rights_of(view, party, "ibd-1", at)) == expected_rights(view, party, "ibd-1", at)
        names = {c.stream for c in layout.consumers(view, at) if c.name == "ibd-1"}
        assert names == {"ANSWERS", "HOURLY"} | pulled(view, party, at)


def test_a_lower_ceiling_takes_its_compartments_from_everyone() -> None:
    def lower(table: dict[str, Any]) -> None:
        table["ceiling"] = "ong"

    view = make_directory(change=lower).current
    assert not [s.name for s in layout.streams(view.register) if "depv" in s.name]
    assert not [c.stream for c in layout.consumers(view, NOW_MS) if "depv" in c.stream]
    for token in TOKENS:
        rights = rights_of(view, view.party(token), f"{token}-1")
        assert not [s for s, _ in rights if "depv" in s]
        assert set(rights) == expected_rights(view, view.party(token), f"{token}-1")


def test_a_witness_reads_the_directory_and_the_newest_checkpoints_and_publishes_nothing() -> None:
    register = make_directory().current.register
    logs = ["directory", "admission"]
    logs += [
        f"{p}.{c.classification.token}.{c.theme.token}"
        for p in (register.periods.current, register.periods.next)
        for c in all_compartments(register.ceiling_level)
    ]
    rights = [(r.subject, r.answers_many) for r in layout.witness_rights(register)]
    assert set(rights) == {
        ("$JS.API.DIRECT.GET.DIRECTORY", True),
        *((f"$JS.API.DIRECT.GET.CHECKPOINTS.seinpost.checkpoint.{log}", False) for log in logs),
        *((f"$JS.API.DIRECT.GET.HOURLY.seinpost.hourly.{log}", False) for log in logs),
    }
    assert len(rights) == len(set(rights))


# -- streams --------------------------------------------------------------------------------------


def test_all_checkpoints_of_a_day_are_kept_and_one_an_hour_for_good(view: View) -> None:
    """Four a second of one log are as many as a broker makes; the first of each hour is never removed."""
    found = {s.name: s for s in layout.streams(view.register)}
    checkpoints, hourly = found["CHECKPOINTS"], found["HOURLY"]
    assert (checkpoints.max_age_seconds, checkpoints.max_bytes) == (86_400, -1)
    assert round(1 / ACTIVE_SECONDS) == 4
    assert checkpoints.max_messages_per_subject >= 4 * 86_400
    assert (hourly.max_age_seconds, hourly.max_bytes, hourly.max_messages_per_subject) == (0, -1, -1)
    assert hourly.append_only


def matches(pattern: str, subject: str) -> bool:
    """NATS' own rule for wildcards."""
    wanted, tokens = pattern.split("."), subject.split(".")
    for place, token in enumerate(wanted):
        if token == ">":
            return len(tokens) > place
        if place >= len(tokens) or token not in ("*", tokens[place]):
            return False
    return len(tokens) == len(wanted)


def overlap(one: str, other: str) -> bool:
    """Whether a subject exists that both patterns match."""
    first, second = one.split("."), other.split(".")
    for a, b in zip(first, second, strict=False):
        if ">" in (a, b):
            return True
        if "*" not in (a, b) and a != b:
            return False
    return len(first) == len(second)


def test_the_streams_are_these(view: View) -> None:
    names = [s.name for s in layout.streams(view.register)]
    feeds = [f"FEED_{p}_{level}_{theme}" for p in PERIODS for level, theme in PLACES]
    fixed = ["DIRECTORY", "ADMISSION", "CHECKPOINTS", "HOURLY", "CUSTODY", "ANSWERS"]
    assert sorted(names) == sorted([*fixed, *(f"IN_{t}" for t in TOKENS), *feeds])


def test_no_two_streams_take_the_same_message(view: View) -> None:
    patterns = [(s.name, p) for s in layout.streams(view.register) for p in s.subjects]
    for (one, a), (other, b) in itertools.combinations(patterns, 2):
        assert not overlap(a, b), (one, other)


def test_the_rule_for_overlaps_is_a_rule() -> None:
    assert overlap("a.*.c", "a.b.*")
    assert overlap("a.>", "a.b.c")
    assert not overlap("a.*.c", "a.b.d")
    assert not overlap("a.b", "a.b.c")


def test_logs_are_append_only_and_nothing_else_is_kept_for_ever(view: View) -> None:
    for stream in layout.streams(view.register):
        is_log = stream.name.startswith("FEED_") or stream.name in ("DIRECTORY", "ADMISSION", "HOURLY")
        assert stream.append_only == is_log
        if is_log:
            assert (stream.max_age_seconds, stream.max_bytes, stream.max_messages_per_subject) == (0, -1, -1)
        else:
            assert stream.max_age_seconds or stream.max_bytes > 0 or stream.max_messages_per_subject > 0


def test_each_party_has_an_ingress_of_its_own_with_a_quota(view: View) -> None:
    for token in TOKENS:
        (stream,) = (s for s in layout.streams(view.register) if s.name == f"IN_{token}")
        assert stream.subjects == (f"seinpost.in.*.*.*.{token}", f"seinpost.in.directory.{token}")
        assert stream.work_queue
        assert 0 < stream.max_bytes <= 1 << 30


def test_a_party_reads_nothing_directly_but_the_directory_and_checkpoints(view: View) -> None:
    direct = {s.name for s in layout.streams(view.register) if s.allow_direct}
    feeds = {s.name for s in layout.streams(view.register) if s.name.startswith("FEED_")}
    assert direct == {"DIRECTORY", "CHECKPOINTS", "ADMISSION", "HOURLY"} | feeds


def test_one_period_named_twice_makes_its_streams_once(view: View) -> None:
    assert layout.periods(view.register) == PERIODS


# -- consumers ------------------------------------------------------------------------------------


def test_the_consumers_are_these(view: View) -> None:
    found = {(c.stream, c.name): (c.filter_subject, c.acks) for c in layout.consumers(view, NOW_MS)}
    wanted: dict[tuple[str, str], tuple[str | None, bool]] = {}
    for party in view.register.parties:
        wanted[f"IN_{party.token}", "brokers"] = (None, True)
        for identity in party.identities:
            wanted["HOURLY", identity.name] = (None, False)
            wanted["ANSWERS", identity.name] = (f"seinpost.answer.{party.token}", False)
            for stream in pulled(view, party):
                wanted[stream, identity.name] = (None, False)
    assert found == wanted
    assert len(layout.consumers(view, NOW_MS)) == len(found)
    for consumer in layout.consumers(view, NOW_MS):
        if consumer.stream == "HOURLY":
            party = next(p for p in view.register.parties if consumer.name in {i.name for i in p.identities})
            logs = {s.removeprefix("FEED_").replace("_", ".") for s in pulled(view, party)} | {"directory"}
            logs |= {"admission"} if party.token == "toezicht" else set()
            assert set(consumer.filter_subjects) == {f"seinpost.hourly.{log}" for log in logs}
        else:
            assert consumer.filter_subjects == ()


def test_every_consumer_stands_on_a_stream_that_is_there(view: View) -> None:
    streams = {s.name for s in layout.streams(view.register)}
    assert {c.stream for c in layout.consumers(view, NOW_MS)} <= streams


def test_every_pull_that_a_right_allows_has_its_consumer(view: View) -> None:
    consumers = {(c.stream, c.name) for c in layout.consumers(view, NOW_MS)}
    for token in TOKENS:
        for subject, _ in rights_of(view, view.party(token), f"{token}-1"):
            if ".MSG.NEXT." in subject or ".RESET." in subject:
                stream, name = subject.split(".")[-2:]
                assert (stream, name) in consumers


def test_only_brokers_consumers_acknowledge_what_is_removed_by_it(view: View) -> None:
    """An identity that could acknowledge on a work queue would delete what was sent."""
    queues = {s.name for s in layout.streams(view.register) if s.work_queue}
    for consumer in layout.consumers(view, NOW_MS):
        assert consumer.acks == (consumer.name == layout.BROKERS_CONSUMER)
        assert consumer.acks == (consumer.stream in queues)


def test_an_ingress_holds_what_its_partys_quota_says() -> None:
    def change(table: dict[str, Any]) -> None:
        next(p for p in table["parties"] if p["token"] == "ap")["quota"] = {"bytes": 2 << 20, "messages": 9}

    made = {s.name: s for s in layout.streams(make_directory(change=change).current.register)}
    assert (made["IN_ap"].max_bytes, made["IN_ap"].max_messages) == (2 << 20, 9)
    assert (made["IN_om"].max_bytes, made["IN_om"].max_messages) == (1 << 30, -1)
