# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The reading that fills the index: where it goes on, and when everything is read again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from feed_samples import START_MS, delivery, identifier, signal
from index_filling import KEY, open_index, seen, store

from seinpost._heard_receipts import ReceiptRow
from seinpost._reading_state import Facts
from seinpost.console.feed_view import FeedView
from seinpost.console.filters import Filters
from seinpost.console.index.columns import Columns
from seinpost.console.index.index_seal import IndexChangedError
from seinpost.console.marks import IndexSeen, Marks
from seinpost.console.matching import Meant
from seinpost.console.reading import BEHIND_ENTRIES, OpenIndex, Reading
from seinpost.delivery import Alarm, Delivery
from seinpost_schemas.clear_bodies import ReceiptState

STREAM = "FEED_2026q4_depv_process"
SECONDS = 10


class Feed:
    """A connection that gives what comes after the place that its reader stored, and then waits."""

    def __init__(self, index: Any, deliveries: list[Delivery], *periods: str) -> None:
        self._index = index
        self._deliveries = deliveries
        self.starts: list[int] = []
        self.alarms: list[Alarm] = []
        self.behind = (0, 0)
        self.periods = periods or ("2026q4",)
        self.break_at: Callable[[Delivery], bool] = lambda _: False

    @property
    def directory(self) -> Any:
        periods = SimpleNamespace(readable=self.periods)
        return SimpleNamespace(view=SimpleNamespace(register=SimpleNamespace(periods=periods)))

    def audience(self, _delivery: Delivery) -> list[str]:
        return ["bzk"]

    def remember_alarms(self, alarms: list[Alarm]) -> None:
        self.alarms += alarms

    def reading_progress(self) -> tuple[int, int]:
        return self.behind

    async def signals(self, *, from_start: bool) -> AsyncIterator[Delivery]:
        assert not from_start
        position = self._index.position(STREAM)
        self.starts.append(position)
        for number, made in enumerate(self._deliveries[position - 1 :], position):
            if self.break_at(made):
                raise IndexChangedError
            yield made
            store(self._index, "depv/process", number, [seen(made)])
        await asyncio.Event().wait()


class Desk:
    """A reading with its index."""

    def __init__(self, folder: Path) -> None:
        self.marks = Marks(folder, KEY)
        self.index = open_index(folder)
        self.view = FeedView(self.marks.is_read, self.index)
        self.changes = 0
        self.reading = Reading(self.view, self.marks, self._changed, OpenIndex(self.index, ""))
        self.reading.restore(START_MS)

    def _changed(self) -> None:
        self.changes += 1

    async def run(self, feed: Feed, until: Callable[[], bool]) -> None:
        task = asyncio.ensure_future(self.reading.run(feed))  # type: ignore[arg-type]
        async with asyncio.timeout(SECONDS):
            while not until():
                assert not task.done(), task.exception()
                await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    def close(self) -> None:
        self.index.close()
        self.marks.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.close()


def many(number: int) -> list[Delivery]:
    return [delivery(n, signal(f"Signaal {n}", id=identifier(n))) for n in range(1, number + 1)]


async def test_it_goes_on_where_the_index_ends(desk: Desk, tmp_path: Path) -> None:
    feed = Feed(desk.index, many(120))
    await desk.run(feed, lambda: desk.index.stored_rows == 120)
    assert desk.changes >= 120
    desk.close()
    again = Desk(tmp_path)
    feed = Feed(again.index, many(150))
    await again.run(feed, lambda: again.index.stored_rows == 150)
    assert feed.starts == [121]
    assert len(again.view) == 150
    again.close()


async def test_everything_is_read_again_when_the_index_does_not_fit_together(desk: Desk) -> None:
    feed = Feed(desk.index, many(60))
    broken = [True]

    def break_once(made: Delivery) -> bool:
        if made.index == 40 and broken:
            broken.clear()
            return True
        return False

    feed.break_at = break_once
    await desk.run(feed, lambda: desk.index.stored_rows == 60)
    assert feed.starts == [1, 1]
    assert (len(desk.view), desk.view.built, desk.reading.rebuilt) == (60, 1, "damaged")


async def test_a_page_that_finds_the_index_changed_makes_it_be_built_again(desk: Desk) -> None:
    feed = Feed(desk.index, many(60))
    await desk.run(feed, lambda: desk.index.stored_rows == 60)
    generation = desk.index.generation
    task = asyncio.ensure_future(desk.reading.run(feed))  # type: ignore[arg-type]
    await asyncio.sleep(0.05)
    desk.reading.start_over_soon()
    async with asyncio.timeout(SECONDS):
        while desk.index.generation == generation or desk.index.stored_rows < 60:
            await asyncio.sleep(0.005)
    assert len(desk.view) == 60
    assert [e.unread for e in desk.view.queue(Filters()).entries] == [True] * 50
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_period_that_is_no_longer_retained_is_in_no_index(desk: Desk) -> None:
    feed = Feed(desk.index, many(20))
    await desk.run(feed, lambda: desk.index.stored_rows == 20)
    later = Feed(desk.index, [], "2027q1", "2027q2")
    desk.reading.use(later)  # type: ignore[arg-type]
    await desk.run(later, lambda: bool(later.starts) and desk.index.stored_rows == 0)
    assert (len(desk.view), desk.reading.rebuilt) == (0, "retention")


async def test_a_period_that_is_retained_stays(desk: Desk) -> None:
    feed = Feed(desk.index, many(20), "2026q4", "2027q1")
    await desk.run(feed, lambda: desk.index.stored_rows == 20)
    desk.reading.use(feed)  # type: ignore[arg-type]
    await desk.run(feed, lambda: len(feed.starts) == 2)
    assert (desk.index.stored_rows, desk.reading.rebuilt) == (20, "")


async def test_progress_is_told_while_much_is_to_be_read(desk: Desk) -> None:
    feed = Feed(desk.index, many(3))
    assert desk.reading.progress is None
    feed.behind = (20, 20 + BEHIND_ENTRIES)
    found = []

    def look() -> bool:
        if desk.reading.active:
            found.append(desk.reading.progress)
        return desk.index.stored_rows == 3

    await desk.run(feed, look)
    assert found[-1] == (20, 20 + BEHIND_ENTRIES)
    feed.behind = (20, 19 + BEHIND_ENTRIES)
    await desk.run(feed, lambda: desk.reading.active and desk.reading.progress is None)


async def test_receipts_count_when_they_are_stored_and_for_what_a_share_opens_later(desk: Desk) -> None:
    feed = Feed(desk.index, many(3))
    await desk.run(feed, lambda: desk.index.stored_rows == 3)
    meant = Meant(now_ms=START_MS + 10**9)
    assert desk.view.queue(Filters(late=True), meant).total == 3
    opened = ReceiptRow(STREAM, 9, "bzk", 0, 2, 0, 0, 3, START_MS)
    store(desk.index, "depv/process", 9, facts=Facts(receipts=(opened,)))
    assert [e.ref.leaf_index for e in desk.view.queue(Filters(late=True), meant).entries] == [3]
    # Leaf 0 was sealed to others until now.
    desk.reading._take(feed, delivery(0))  # type: ignore[arg-type]
    assert [e.ref.leaf_index for e in desk.view.queue(Filters(late=True), meant).entries] == [3]


async def test_a_party_that_says_the_whole_log_again_and_again_is_work_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A receipt may say all of a log in four states, every 30 s: only what is new in it touches a row."""
    await desk.run(Feed(desk.index, many(40)), lambda: desk.index.stored_rows == 40)
    touched, covered = [], Columns.covered

    def counting(self: Columns, *place: Any) -> Any:
        rows = covered(self, *place)
        touched.extend(rows)
        return rows

    monkeypatch.setattr(Columns, "covered", counting)
    for at in range(41, 61):
        runs = tuple(ReceiptRow(STREAM, at, "bzk", 0, 40, 0, 9, state, START_MS) for state in ReceiptState)
        store(desk.index, "depv/process", at, facts=Facts(receipts=runs))
    said = len(ReceiptState) - 1
    assert sorted(touched) == sorted(list(range(40)) * said)
    touched.clear()
    desk.reading._take_states(desk.index)
    assert len(touched) == 40 * said


async def test_the_connection_hears_of_alarms_that_an_earlier_run_kept(desk: Desk, tmp_path: Path) -> None:
    alarm = Alarm(code="signature", message="m", compartment="depv/process", index=4)
    desk.reading.keep_alarm(alarm)
    await desk.run(Feed(desk.index, many(1)), lambda: desk.index.stored_rows == 1)
    desk.close()
    again = Desk(tmp_path)
    assert again.reading.kept_alarms() == [alarm]
    feed = Feed(again.index, [])
    again.reading.use(feed)  # type: ignore[arg-type]
    assert feed.alarms == [alarm]
    again.close()


async def test_how_far_the_index_came_is_remembered_later(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Later, because what was in the file a moment ago may not survive a power cut."""
    monkeypatch.setattr("seinpost.console.reading.REMEMBER_SECONDS", 0.05)
    assert desk.marks.index_seen() is None
    await desk.run(Feed(desk.index, many(9)), lambda: desk.index.stored_rows == 9)
    await desk.run(
        Feed(desk.index, []), lambda: desk.marks.index_seen() == IndexSeen(desk.index.generation, 9)
    )
