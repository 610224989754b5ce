# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A search runs beside everything else, says how far it is, and can be stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from feed_samples import delivery, identifier, signal

from seinpost.console import searching as module
from seinpost.console.feed_view import FeedView
from seinpost.console.index.index_seal import IndexChangedError
from seinpost.console.index.rows import TextPart
from seinpost.console.searching import Searching
from seinpost.console.text_search import TextSearch

PARTS = 200


class SlowView(FeedView):
    """Texts that come slowly, as from a disk."""

    def __init__(self) -> None:
        super().__init__()
        self.given = 0
        self.broken = False
        for number in range(PARTS):
            self.add(delivery(number, signal(f"Nummer {number}", id=identifier(number))))

    def texts(self, first: int) -> Iterator[TextPart]:
        import time

        for row in range(first, PARTS):
            time.sleep(0.002)
            if self.broken and row > 20:
                raise IndexChangedError
            self.given += 1
            yield TextPart(row, 1, f"nummer {row}".encode())


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(module, "FIRST_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(module, "TELL_SECONDS", 0.05)
    return []


async def until_it_ends(searching: Searching, search: TextSearch) -> None:
    async with asyncio.timeout(20):
        while (task := searching._running.get(search)) is not None and not task.done():
            await asyncio.sleep(0.01)


async def test_a_page_waits_a_moment_and_is_told_of_the_rest(told: list[str]) -> None:
    view = SlowView()
    searching = Searching(view, lambda: told.append("more"), lambda: told.append("changed"))
    search = TextSearch("nummer")
    loop = asyncio.get_running_loop()
    started = loop.time()
    await searching.look(search)
    assert loop.time() - started < 0.3
    assert 0 < search.looked < PARTS
    assert len(search.found) == search.looked
    # Others get their turn all the while: a look at most every few milliseconds is in their way.
    turns = 0
    while search.looked < PARTS:
        await asyncio.sleep(0)
        turns += 1
    assert turns > PARTS / 4
    await until_it_ends(searching, search)
    assert len(search.found) == PARTS
    assert set(told) == {"more"}
    assert len(told) > 2


async def test_a_search_that_is_done_is_not_done_again(told: list[str]) -> None:
    view = FeedView()
    view.add(delivery(1))
    searching = Searching(view, lambda: told.append("more"), lambda: None)
    search = TextSearch("signaal")
    await searching.look(search)
    await searching.look(search)
    assert (len(search.found), search.looked, told) == (1, 1, [])
    view.add(delivery(2))
    await searching.look(search)
    assert (len(search.found), search.looked) == (2, 2)


async def test_a_search_that_is_stopped_looks_no_further(told: list[str]) -> None:
    view = SlowView()
    searching = Searching(view, lambda: told.append("more"), lambda: None)
    search = TextSearch("nummer")
    await searching.look(search)
    search.stopped = True
    await until_it_ends(searching, search)
    looked = search.looked
    assert looked < PARTS
    await searching.look(search)
    assert (search.looked, view.given) == (looked, looked)


async def test_two_pages_of_one_search_do_not_search_twice(told: list[str]) -> None:
    view = SlowView()
    searching = Searching(view, lambda: None, lambda: None)
    search = TextSearch("nummer")
    await asyncio.gather(searching.look(search), searching.look(search))
    await until_it_ends(searching, search)
    assert view.given == PARTS


async def test_an_index_that_does_not_fit_together_is_told(told: list[str]) -> None:
    view = SlowView()
    view.broken = True
    searching = Searching(view, lambda: None, lambda: told.append("changed"))
    await searching.look(search := TextSearch("nummer"))
    await until_it_ends(searching, search)
    assert told == ["changed"]


async def test_what_was_found_before_everything_was_built_again_is_forgotten(told: list[str]) -> None:
    view = FeedView()
    view.add(delivery(1, signal("Het eerste", id=identifier(1))))
    searching = Searching(view, lambda: None, lambda: None)
    await searching.look(search := TextSearch("eerste"))
    assert set(search.found) == {0}
    view._rows = FeedView()._rows
    view.start_over()
    view.add(delivery(2, signal("Het tweede", id=identifier(2))))
    view.add(delivery(1, signal("Het eerste", id=identifier(1))))
    await searching.look(search)
    assert set(search.found) == {1}
