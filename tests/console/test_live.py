# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The stream tells every change, once, and whoever missed some hears at once."""

from __future__ import annotations

import asyncio
import itertools

from seinpost.console.live import BUSY_SECONDS, GATHER_SECONDS, Live


class Model:
    version = 1


async def test_a_reader_that_missed_changes_hears_the_newest_at_once() -> None:
    model = Model()
    live = Live(lambda: model.version)
    missed = live.current
    model.version = 7
    stream = live.stream(missed)
    event = await asyncio.wait_for(anext(stream), 1)
    assert event.id == live.current
    await stream.aclose()  # type: ignore[attr-defined]


async def test_a_reader_that_is_current_hears_only_of_a_change_and_no_content() -> None:
    model = Model()
    live = Live(lambda: model.version)
    stream = live.stream(live.current)
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.01)
    live.wake()
    await asyncio.sleep(0.1)
    assert not waiting.done()
    model.version = 2
    live.wake()
    event = await asyncio.wait_for(waiting, 1)
    assert (event.id, event.data) == (live.current, "changed")
    await stream.aclose()  # type: ignore[attr-defined]


async def test_closing_ends_every_stream() -> None:
    live = Live(lambda: 1)
    stream = live.stream(live.current)
    waiting = asyncio.ensure_future(anext(stream, None))
    await asyncio.sleep(0.01)
    live.close()
    assert await asyncio.wait_for(waiting, 1) is None


def test_another_start_has_other_numbers() -> None:
    assert Live(lambda: 1).current != Live(lambda: 1).current


async def tell_times(live: Live, model: Model, events: int) -> list[float]:
    """When each of some events came, while something changes all the time."""
    clock = asyncio.get_running_loop().time
    began, times = clock(), []

    async def change() -> None:
        while True:
            model.version += 1
            live.wake()
            await asyncio.sleep(0.005)

    changing = asyncio.ensure_future(change())
    stream = live.stream(live.current)
    for _ in range(events):
        await asyncio.wait_for(anext(stream), 10)
        times.append(clock() - began)
    changing.cancel()
    await stream.aclose()  # type: ignore[attr-defined]
    return times


async def test_a_change_after_a_calm_moment_is_told_at_once_and_many_are_told_together() -> None:
    model = Model()
    first, *rest = await tell_times(Live(lambda: model.version), model, 4)
    assert first < GATHER_SECONDS / 2
    gaps = [later - sooner for sooner, later in itertools.pairwise([first, *rest])]
    assert min(gaps) > GATHER_SECONDS * 0.9


async def test_while_much_comes_pages_are_told_once_a_second() -> None:
    model = Model()
    first, second = await tell_times(Live(lambda: model.version, lambda: True), model, 2)
    assert second - first > BUSY_SECONDS * 0.9
