# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Moments at the ends of the calendar are drawn; a page that cannot be drawn was opened by nobody."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from feed_samples import delivery, signal

from seinpost.console.drawing import Drawing
from seinpost.console.feed_view import FeedView
from seinpost.console.sessions import Session
from seinpost.console.signal_page import SignalPage
from seinpost.console.situation import parse_asked
from seinpost.console.words import moment

LAST = dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC)
FIRST = dt.datetime(1, 1, 1, tzinfo=dt.UTC)


@pytest.fixture(params=["Europe/Amsterdam", "America/New_York", "UTC"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


def test_a_moment_at_either_end_of_the_calendar_is_drawn(zone: str) -> None:
    here = {"Europe/Amsterdam": "31-12-9999 23:59 UTC", "America/New_York": "31-12-9999 18:59"}
    last = here.get(zone, "31-12-9999 23:59")
    assert moment(LAST, "nl") == last
    assert moment(int(LAST.timestamp() * 1000) + 999, "nl") == last
    assert moment(FIRST, "en").startswith(("1-01-01", "0001-01-01"))
    assert moment(0, "en")[:8] in ("1970-01-", "1969-12-")


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize("at_ms", [253_402_300_800_000, (1 << 63) - 1, (1 << 64) - 1])
def test_a_number_beyond_every_calendar_is_its_end(at_ms: int) -> None:
    assert moment(at_ms, "en").startswith("9999-12-31 ")


@pytest.mark.usefixtures("zone")
def test_an_ordinary_moment_is_in_local_time_and_says_no_zone(zone: str) -> None:
    hours = {"Europe/Amsterdam": "14:30", "America/New_York": "08:30", "UTC": "12:30"}
    assert moment(dt.datetime(2026, 7, 1, 12, 30, tzinfo=dt.UTC), "nl") == f"01-07-2026 {hours[zone]}"


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "1970-01-01"])
def test_a_report_of_a_day_at_the_end_of_the_calendar_is_one_of_today(day: str) -> None:
    today = dt.date(2026, 11, 28)
    asked = parse_asked({"first": day, "last": day}, [], today, exercise=False)
    assert (asked.first, asked.last) == (today, today)


class Breaking(Drawing):
    """A drawing whose pages cannot be drawn until they can."""

    def __init__(self) -> None:
        self.broken = True
        self.drawn = 0

    def page(self, request: Any, name: str, values: dict[str, object], status: int = 200) -> Any:
        request.state.session.take_notice()
        if self.broken:
            raise OverflowError
        self.drawn += 1
        return values


async def test_a_signal_whose_page_cannot_be_drawn_was_opened_by_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    view, opened = FeedView(), []
    entry = view.add(delivery(1, signal("Voor altijd", valid_until=LAST)))
    table: Any = SimpleNamespace(open=opened.append)
    drawing, accounts = Breaking(), Any
    monkeypatch.setattr(SignalPage, "entry", lambda *_: entry)
    monkeypatch.setattr(SignalPage, "_values", lambda *_, **__: {"a": "page"})
    page = SignalPage(table, accounts, drawing)  # type: ignore[arg-type]
    session = Session(csrf="c", began=0.0, used=0.0, notice="Gedaan.", notice_at="proof")
    request: Any = SimpleNamespace(headers={}, state=SimpleNamespace(session=session))
    with pytest.raises(OverflowError):
        await page.show(request)
    assert (opened, session.notice, session.notice_at) == ([], "Gedaan.", "proof")
    drawing.broken = False
    assert await page.show(request) == {"a": "page"}  # type: ignore[comparison-overlap]
    assert (opened, session.notice) == ([entry], "")
