# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Filters on what became of signals and on indicators, and what hostile values do to them: nothing."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote

import msgspec
import pytest
from feed_samples import HOSTILE, START_MS, act, delivery, identifier, signal
from hypothesis import given
from hypothesis import strategies as st

from seinpost.console.feed_view import FeedView, Ref
from seinpost.console.filters import Filters, parse_filters
from seinpost.console.matching import IndicatorSought, Meant
from seinpost.console.sessions import Session
from seinpost.console.text_search import TextSearch
from seinpost.delivery import Delivery
from seinpost_schemas.signal import Act, ActReport, Indicator

AUDIENCE = ("bzk", "tafel")
LOG = "2026q4/depv/process"
DAY_MS = 86_400_000


def titles(view: FeedView, meant: Meant | None = None, **filters: object) -> list[str]:
    page = view.queue(Filters(**filters), meant or Meant())  # type: ignore[arg-type]
    return [e.signal.report.title for e in page.entries]


def add(view: FeedView, number: int, title: str, **fields: object) -> None:
    made = delivery(number, signal(title, id=identifier(number), **fields), minutes=0)
    assert view.add(made, AUDIENCE) is not None


def said(number: int, about: int, what: str, *, by: str = "tafel", kind: int = 6, **fields: str) -> Delivery:
    made = act(number, identifier(about), what)
    assert isinstance(made.signal, Act)
    report = ActReport(act=what, **fields)
    return msgspec.structs.replace(
        made, sender=by, kind=kind, signal=msgspec.structs.replace(made.signal, report=report)
    )


@pytest.fixture
def view() -> FeedView:
    made = FeedView()
    domain = Indicator(type="domain-name", value="Kwaad.example")
    other = Indicator(type="other", value="kwaad.example")
    add(made, 1, "een", indicators=(domain,), urgency="immediate", severity=5)
    add(made, 2, "twee", indicators=(other,), techniques=("disarm:T0049",), election="TK2025", severity=4)
    add(made, 3, "drie", indicators=(domain, other), severity=3)
    return made


# -- indicators -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("", "kwaad.example", ["een", "twee", "drie"]),
        ("", " KWAAD.example ", ["een", "twee", "drie"]),
        ("domain-name", "kwaad.example", ["een", "drie"]),
        ("other", "kwaad.example", ["twee", "drie"]),
        ("url", "kwaad.example", []),
        ("", "kwaad", []),
        ("", "kwaad.example\0", []),
    ],
)
def test_an_indicator_is_found_by_its_value_and_kind(
    view: FeedView, kind: str, value: str, expected: list[str]
) -> None:
    assert titles(view, Meant(indicator=IndicatorSought(kind, value)), indicator="x") == expected


def test_an_indicator_that_the_session_does_not_know_finds_nothing(view: FeedView) -> None:
    assert titles(view, indicator="0a1b2c3d") == []
    assert titles(view, search="0a1b2c3d") == []


@pytest.mark.parametrize("value", [*HOSTILE, "\ud800", "\0", "%", "'; DROP TABLE row; --", "x" * 4_000])
def test_hostile_indicators_are_found_and_find_nothing_else(view: FeedView, value: str) -> None:
    if value.isprintable() and "\ud800" not in value:
        add(view, 9, "vijandig", indicators=(Indicator(type="other", value=value),))
    expected = ["vijandig"] if value.isprintable() and "\ud800" not in value else []
    assert titles(view, Meant(indicator=IndicatorSought("", value)), indicator="x") == expected
    search = TextSearch(value)
    search.look(view.texts(0))
    assert len(search.found) <= 4


def test_a_session_gives_one_number_to_one_indicator_and_keeps_few() -> None:
    session = Session(csrf="x", began=0, used=0)
    number = session.add_indicator(IndicatorSought("", "kwaad.example"))
    assert session.add_indicator(IndicatorSought("", "kwaad.example")) == number
    assert session.add_indicator(IndicatorSought("url", "kwaad.example")) != number
    for n in range(300):
        session.add_indicator(IndicatorSought("", str(n)))
    assert number not in session.indicators
    assert len(session.indicators) == 200


def test_a_search_that_goes_is_stopped() -> None:
    session = Session(csrf="x", began=0, used=0)
    first = session.searches[session.add_search("woord")]
    for n in range(30):
        session.add_search(str(n))
    assert first.stopped


# -- what became of signals -----------------------------------------------------------------------


def test_status_at_the_table_is_a_filter_and_what_nobody_spoke_of_is_new(view: FeedView) -> None:
    view.add(said(10, 2, "status", kind=8, status="in-hand"))
    view.add(said(11, 3, "status", kind=8, status="closed"))
    assert [titles(view, status=s) for s in ("new", "in-hand", "closed")] == [["een"], ["twee"], ["drie"]]
    view.add(said(12, 3, "status", kind=8, status="new"))
    view.add(said(13, 2, "status", kind=8, status="verzonnen"))
    assert [titles(view, status=s) for s in ("new", "in-hand", "closed")] == [["een", "drie"], ["twee"], []]


def test_disputed_is_what_a_party_last_said_that_does_not_hold(view: FeedView) -> None:
    view.add(said(10, 1, "dispute", by="ncsc"))
    view.add(said(11, 2, "false-positive", by="aivd"))
    view.add(said(12, 3, "question", by="aivd"))
    assert titles(view, disputed=True) == ["een", "twee"]
    view.add(said(13, 1, "corroborate", by="aivd"))
    assert titles(view, disputed=True) == ["een", "twee"]
    view.add(said(14, 1, "corroborate", by="ncsc"))
    assert titles(view, disputed=True) == ["twee"]


def test_an_act_that_came_before_its_signal_counts_when_that_comes() -> None:
    view = FeedView()
    view.add(said(10, 4, "dispute"))
    view.add(said(11, 4, "status", kind=8, status="closed"))
    assert titles(view, disputed=True) == []
    add(view, 4, "later")
    assert titles(view, disputed=True, status="closed") == ["later"]


def test_late_is_what_someone_should_have_opened_by_now(view: FeedView) -> None:
    soon, later = START_MS + 20 * 60_000, START_MS + 2 * DAY_MS
    assert titles(view, Meant(now_ms=START_MS), late=True) == []
    assert titles(view, Meant(now_ms=soon), late=True) == ["een"]
    assert titles(view, Meant(now_ms=later), late=True) == ["een", "twee", "drie"]
    view.note_opened("bzk", LOG, (1, 0), (2, 0))
    assert titles(view, Meant(now_ms=later), late=True) == ["een", "twee", "drie"]
    view.note_opened("tafel", LOG, (2, 0), (9, 0))
    assert titles(view, Meant(now_ms=later), late=True) == ["een", "drie"]
    view.note_recalled(LOG, 3, identifier(3))
    assert titles(view, Meant(now_ms=later), late=True) == ["een"]
    # What comes long after it should have been opened is late at once.
    add(view, 4, "vier")
    assert titles(view, Meant(now_ms=later), late=True) == ["een", "vier"]


def test_without_an_audience_nobody_is_late() -> None:
    view = FeedView()
    view.add(delivery(1))
    assert titles(view, Meant(now_ms=START_MS + 90 * DAY_MS), late=True) == []


def test_what_was_taken_back_is_found_by_nothing_of_its_content(view: FeedView) -> None:
    view.note_recalled(LOG, 2, identifier(2))
    search = TextSearch("twee")
    search.look(view.texts(0))
    sought = Meant(search.found, IndicatorSought("", "kwaad.example"))
    assert titles(view, sought, search="x") == []
    assert titles(view, sought, indicator="x") == ["een", "drie"]
    assert titles(view, technique="disarm:T0049") == []
    assert titles(view, election="TK2025") == []
    # It stands in the queue, as taken back.
    assert "twee" in titles(view)


def test_a_recall_of_a_signal_that_is_elsewhere_takes_nothing_back(view: FeedView) -> None:
    for log, leaf in ((LOG, 3), ("2026q4/ong/process", 2), ("2027q1/depv/process", 2)):
        view.note_recalled(log, leaf, identifier(2))
    assert titles(view, technique="disarm:T0049") == ["twee"]


# -- links ----------------------------------------------------------------------------------------


def test_a_link_of_every_filter_comes_back_as_it_went_and_says_nothing() -> None:
    asked = Filters(indicator="0a1b2c3d", status="in-hand", late=True, disputed=True)
    assert parse_filters(dict(parse_qsl(asked.query()[2:]))) == asked


@given(st.dictionaries(st.sampled_from([*Filters.__struct_fields__]), st.text(max_size=50), max_size=14))
def test_whatever_a_link_holds_is_a_filter_that_finds_what_it_can(fields: dict[str, str]) -> None:
    asked = parse_filters(fields)
    assert parse_filters(dict(parse_qsl(asked.query(page=asked.page)[2:]))) == asked
    assert quote(asked.query(), safe="/?&=:._%-") == asked.query()
    view = FeedView()
    view.add(delivery(1))
    assert view.queue(asked).total in (0, 1)


@pytest.mark.parametrize(
    "ref",
    [
        Ref("2026q4", "depv", "process", 10**40, 0),
        Ref("2026q4", "depv", "process", 1, 10**40),
        Ref("../..", "depv", "process", 1, 0),
        Ref("2026q4/depv", "process", "", 1, 0),
        Ref("2026q4", "depv", "process", 2, 0),
    ],
)
def test_a_place_where_nothing_is_holds_nothing(ref: Ref) -> None:
    view = FeedView()
    view.add(delivery(1))
    view.add(act(2, identifier(1)))
    assert view.get(ref) is None
    assert view.get(Ref("2026q4", "depv", "process", 1, 0)) is not None
