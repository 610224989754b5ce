# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The stream tells every change, once, and whoever missed some hears at once."""

from __future__ import annotations

import asyncio

from seinpost.console.live import Live


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
