# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The queue's order, its filters, relations and counts."""

from __future__ import annotations

import datetime as dt
import time

import msgspec
import pytest
from feed_samples import START_MS, act, delivery, identifier, signal

from seinpost.console.feed_view import PAGE_ROWS, Entry, FeedView
from seinpost.console.filters import Filters, parse_filters
from seinpost.console.index.row_set import RowSet
from seinpost.console.matching import Meant
from seinpost.console.text_search import TextSearch
from seinpost.delivery import Alarm, Audited, Delivery
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.signal import Act, ActReport, Indicator


def titles(view: FeedView, **filters: object) -> list[str]:
    return [e.signal.report.title for e in view.queue(Filters(**filters)).entries]  # type: ignore[arg-type]


def add(
    view: FeedView,
    number: int,
    title: str,
    place: str = "depv/process",
    sender: str = "ncsc",
    **fields: object,
) -> Entry:
    entry = view.add(
        delivery(number, signal(title, id=identifier(number), **fields), place=place, sender=sender)
    )
    assert entry is not None
    return entry


@pytest.fixture
def view() -> FeedView:
    made = FeedView()
    add(made, 1, "oud en ernstig", severity=5)
    add(made, 2, "matig", severity=3, place="ong/debate", sender="cvdm", techniques=("disarm:T0049",))
    add(made, 3, "nieuw en ernstig", severity=5, election="TK2025")
    add(made, 4, "zonder ernst", sender="aivd")
    add(made, 5, "oefening", severity=5, exercise=True)
    return made


def test_the_most_severe_come_first_and_of_those_the_newest(view: FeedView) -> None:
    assert titles(view) == ["nieuw en ernstig", "oud en ernstig", "matig", "zonder ernst"]
    assert titles(view, order="newest") == ["zonder ernst", "nieuw en ernstig", "matig", "oud en ernstig"]


def test_exercise_signals_stand_apart(view: FeedView) -> None:
    assert titles(view, exercise=True) == ["oefening"]
    assert view.count(exercise=False) == 4
    assert view.count(exercise=True, unread=True) == 1


def test_what_was_read_goes_behind_what_was_not(view: FeedView) -> None:
    first = view.queue(Filters()).entries[0]
    assert view.mark_read(first)
    assert not view.mark_read(first)
    assert titles(view) == ["oud en ernstig", "matig", "zonder ernst", "nieuw en ernstig"]
    assert titles(view, unread=True) == ["oud en ernstig", "matig", "zonder ernst"]
    assert view.count(exercise=False, unread=True) == 3


def test_what_was_read_before_a_restart_is_read() -> None:
    view = FeedView(is_read=lambda d: d.index == 1)
    view.add(delivery(1))
    view.add(delivery(2))
    assert [e.unread for e in view.queue(Filters()).entries] == [True, False]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"theme": "debate"}, ["matig"]),
        ({"classification": "ong"}, ["matig"]),
        ({"sender": "aivd"}, ["zonder ernst"]),
        ({"severity": 4}, ["nieuw en ernstig", "oud en ernstig"]),
        ({"technique": "disarm:T0049"}, ["matig"]),
        ({"election": "TK2025"}, ["nieuw en ernstig"]),
        ({"theme": "debate", "sender": "aivd"}, []),
    ],
)
def test_each_filter_keeps_what_it_names(
    view: FeedView, filters: dict[str, object], expected: list[str]
) -> None:
    assert titles(view, **filters) == expected


def test_a_delivery_that_comes_again_is_one_signal(view: FeedView) -> None:
    assert view.add(delivery(1)) is None
    assert len(view) == 5


def test_pages_hold_every_signal_once() -> None:
    view = FeedView()
    for number in range(PAGE_ROWS * 2 + 7):
        view.add(delivery(number))
    for entry in view.queue(Filters()).entries[:9]:
        view.mark_read(entry)
    for order in ("priority", "newest"):
        seen = [e.place for page in (1, 2, 3) for e in view.queue(Filters(order=order, page=page)).entries]  # type: ignore[arg-type]
        assert sorted(seen) == list(range(PAGE_ROWS * 2 + 7))
    assert view.queue(Filters(page=99)).page == 3
    filtered = view.queue(Filters(sender="ncsc", page=3))
    assert (len(filtered.entries), filtered.total, filtered.pages) == (7, PAGE_ROWS * 2 + 7, 3)


def test_related_signals_share_an_indicator_or_a_technique_and_the_rarest_weighs_most() -> None:
    view = FeedView()
    url = (Indicator(type="url", value="https://X.example"),)
    asked = add(view, 1, "gevraagd", indicators=url, techniques=("disarm:T0049",))
    add(view, 2, "zelfde techniek", techniques=("disarm:T0049",))
    add(view, 3, "zelfde indicator", indicators=(Indicator(type="url", value="https://x.example"),))
    add(view, 4, "andere soort", indicators=(Indicator(type="other", value="https://x.example"),))
    found = [(r.entry.signal.report.title, r.indicators, r.techniques) for r in view.related(asked)]
    assert found == [("zelfde indicator", 1, ()), ("zelfde techniek", 0, ("disarm:T0049",))]


def test_only_the_same_sender_replaces_a_signal() -> None:
    view = FeedView()
    old = add(view, 1, "oud")
    add(view, 2, "van een ander", sender="aivd", supersedes=(identifier(1),))
    assert view.superseded_by(old) == []
    new = add(view, 3, "nieuw", supersedes=(identifier(1),))
    assert view.superseded_by(old) == [new]


def test_an_act_is_kept_with_the_signal_that_it_is_about() -> None:
    view = FeedView()
    entry = add(view, 1, "betwist")
    assert view.add(act(2, identifier(1))) is None
    assert [a.report.act for _, a in view.acts(entry)] == ["dispute"]
    assert len(view) == 1


def test_each_change_raises_the_version(view: FeedView) -> None:
    versions = [view.version]
    view.add(delivery(9))
    versions.append(view.version)
    view.note_audited(
        Audited(compartment=Compartment.parse("depv/process"), period="2026q4", size=3, note=b"n"), 1
    )
    versions.append(view.version)
    view.note_alarm(Alarm(code="split-view", message="m", compartment="depv/process"))
    versions.append(view.version)
    view.mark_read(view.queue(Filters()).entries[0])
    versions.append(view.version)
    assert versions == sorted(set(versions))


def test_logs_tell_how_far_they_are_received_and_confirmed(view: FeedView) -> None:
    view.expect([Compartment.parse("ong/parties")])
    view.note_audited(
        Audited(compartment=Compartment.parse("depv/process"), period="2026q4", size=3, note=b"n"), 77
    )
    log = view.logs["depv/process"]
    assert (log.received, log.audited, log.confirmed_ms) == (6, 3, 77)
    assert view.logs["ong/parties"].received == 0


def test_counts_and_timeline_are_of_real_or_exercise_signals(view: FeedView) -> None:
    counts = view.counts(exercise=False)
    assert counts["theme"] == {"process": 3, "debate": 1}
    assert counts["sender"] == {"ncsc": 2, "cvdm": 1, "aivd": 1}
    assert counts["technique"] == {"disarm:T0049": 1}
    assert counts["unread"] == {"process": 3, "debate": 1}
    view.mark_read(view.queue(Filters(theme="debate")).entries[0])
    assert view.counts(exercise=False)["unread"]["debate"] == 0
    assert view.counts(exercise=True)["theme"] == {"process": 1}
    today = dt.datetime.fromtimestamp(START_MS / 1000).astimezone().date()
    assert view.timeline(today, 3, exercise=False) == {"process": [0, 0, 3], "debate": [0, 0, 1]}
    assert view.timeline(today + dt.timedelta(days=1), 3, exercise=False)["process"] == [0, 3, 0]
    assert view.timeline(today + dt.timedelta(days=9), 3, exercise=False) == {}


def test_each_sender_has_the_moment_of_its_newest_signal(view: FeedView) -> None:
    assert view.last_heard == {
        "ncsc": START_MS + 5 * 60_000,
        "cvdm": START_MS + 2 * 60_000,
        "aivd": START_MS + 4 * 60_000,
    }


def test_a_search_finds_words_in_any_case_or_accent_and_never_in_the_protected_section() -> None:
    from feed_samples import full_signal

    view = FeedView()
    view.add(delivery(1, full_signal()))
    view.add(delivery(2, signal("Coördinatie in Groningen")))

    def found(text: str) -> set[int]:
        search = TextSearch(text)
        search.look(view.texts(search.looked))
        return set(search.found)

    assert found("STEMPAS omloop") == {0}
    assert found("coordinatie") == {1}
    assert found("CO\u00d6RDIN\u200bATIE") == {1}
    assert found("stembureau-info.example") == {0}
    assert found("hxxps://stembureau-info[.]example/stempas") == {0}
    assert found("stembureaulid") == set()
    assert found("piket@ncsc") == set()
    assert found("stempas groningen") == set()


def test_a_search_goes_on_where_it_left_off() -> None:
    view = FeedView()
    search = TextSearch("signaal")
    view.add(delivery(1))
    search.look(view.texts(search.looked))
    view.add(delivery(2))
    search.look(view.texts(search.looked))
    assert (set(search.found), search.looked) == ({0, 1}, 2)
    assert [e.place for e in view.queue(Filters(search="x"), Meant(found=RowSet({1}))).entries] == [1]


def test_a_link_holds_codes_only_and_comes_back_as_it_went() -> None:
    asked = Filters(
        theme="debate", severity=3, technique="disarm:T0097.202", search="0a1b2c3d", unread=True, page=4
    )
    link = asked.query(page=4)
    from urllib.parse import parse_qsl

    assert parse_filters(dict(parse_qsl(link[2:]))) == asked
    assert "page" not in asked.query(theme="process")


@pytest.mark.parametrize(
    "fields",
    [
        {"theme": "<script>"}, {"classification": "stgg"}, {"sender": "A B"}, {"severity": "9"}, {"severity": "x"},
        {"technique": "T1"}, {"election": "tk"}, {"search": "woorden uit een signaal"}, {"page": "0"},
        {"page": "9" * 30}, {"order": "x"}, {"unread": "ja"},
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_meant_does_not_filter(fields: dict[str, str]) -> None:
    assert parse_filters(fields) == Filters()


def test_filtering_a_hundred_thousand_signals_is_not_felt() -> None:
    view = FeedView()
    base = delivery(0)
    for number in range(100_000):
        view.add(msgspec.structs.replace(base, index=number, admitted_ms=START_MS + number * 7919 % 100_003))
    started = time.perf_counter()
    page = view.queue(Filters(theme="process", severity=0, sender="ncsc"))
    assert page.total == 100_000
    assert time.perf_counter() - started < 0.5  # the target is 0.1 s on a machine of one's own


def test_signals_at_one_place_of_two_periods_are_two() -> None:
    first = delivery(1, signal("Voor de wisseling"))
    view = FeedView()
    assert view.add(first) is not None
    assert view.add(msgspec.structs.replace(first, signal=signal("Erna"), period="2027q1")) is not None
    assert len(view) == 2
    view.note_audited(
        Audited(compartment=Compartment.parse("depv/process"), period="2027q1", size=9, note=b"n"), 77
    )
    # What is confirmed of the newest log says nothing of the one before it.
    assert view.log(first.period, "depv/process").audited == 0
    assert view.logs["depv/process"].audited == 9


def at_table(
    number: int,
    about: str,
    status: str | None,
    what: str = "status",
    kind: int = 8,
    assignee: str | None = None,
) -> Delivery:
    made = act(number, about)
    report = ActReport(act=what, status=status, official="a-7", assignee=assignee)
    assert isinstance(made.signal, Act)
    return msgspec.structs.replace(
        made, kind=kind, signal=msgspec.structs.replace(made.signal, report=report)
    )


def test_the_newest_table_act_holds_and_is_not_shown_as_what_others_did() -> None:
    view = FeedView()
    entry = add(view, 1, "een")
    assert view.at_table(entry) is None
    for number, status in enumerate(("in-hand", "closed", "new"), 2):
        before = view.version
        assert view.add(at_table(number, identifier(1), status)) is None
        found = view.at_table(entry)
        assert found is not None
        assert (found.status, found.official) == (status, "a-7")
        assert view.version > before
    assert view.acts(entry) == []


@pytest.mark.parametrize(
    ("status", "what", "kind"),
    [("lost", "status", 8), (None, "status", 8), ("closed", "praise", 8), ("closed", "status", 6)],
)
def test_only_a_table_act_with_a_known_status_counts(status: str | None, what: str, kind: int) -> None:
    view = FeedView()
    entry = add(view, 1, "een")
    view.add(at_table(2, identifier(1), status, what, kind))
    assert view.at_table(entry) is None


def test_an_assignment_and_a_status_leave_each_other_as_they_are() -> None:
    view = FeedView()
    entry = add(view, 1, "een")
    for number, (what, status, assignee, found) in enumerate(
        (
            ("assign", None, "a-8", ("new", "a-8")),
            ("status", "in-hand", None, ("in-hand", "a-8")),
            ("assign", None, "a-9", ("in-hand", "a-9")),
            ("assign", None, None, ("in-hand", None)),
        ),
        2,
    ):
        view.add(at_table(number, identifier(1), status, what, assignee=assignee))
        held = view.at_table(entry)
        assert held is not None
        assert (held.status, held.assignee) == found
    assert [made.report.assignee for _, made in view.table_acts(entry)] == ["a-8", None, "a-9", None]
