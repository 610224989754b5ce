# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Room for what is on its way: never more than there is, first come first served, and none is lost by giving up."""

from __future__ import annotations

import asyncio
import random

from seinpost._notices import REPEAT_SECONDS, Notices
from seinpost._room import Room


async def turn() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


def begin(room: Room, *sizes: int) -> list[asyncio.Task[None]]:
    return [asyncio.ensure_future(room.take(size)) for size in sizes]


async def done(*tasks: asyncio.Task[None]) -> list[bool]:
    await turn()
    return [t.done() for t in tasks]


async def end(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def test_there_is_room_until_there_are_too_many() -> None:
    room = Room(2, 1_000)
    waiting = begin(room, 1, 1, 1)
    assert await done(*waiting) == [True, True, False]
    room.give_back(1)
    assert await done(*waiting) == [True, True, True]


async def test_there_is_room_until_they_are_too_large_together() -> None:
    room = Room(100, 1_000)
    waiting = begin(room, 600, 400, 1)
    assert await done(*waiting) == [True, True, False]
    room.give_back(400)
    assert await done(*waiting) == [True, True, True]


async def test_what_is_larger_than_all_of_it_goes_alone() -> None:
    room = Room(100, 1_000)
    waiting = begin(room, 5_000, 1)
    assert await done(*waiting) == [True, False]
    room.give_back(5_000)
    assert await done(*waiting) == [True, True]


async def test_a_large_one_is_not_passed_by() -> None:
    room = Room(100, 1_000)
    waiting = begin(room, 600, 900, 10)
    assert await done(*waiting) == [True, False, False]
    room.give_back(600)
    assert await done(*waiting) == [True, True, True]


async def test_who_gives_up_while_it_waits_lets_the_next_in() -> None:
    room = Room(100, 1_000)
    waiting = begin(room, 600, 900, 10)
    assert await done(*waiting) == [True, False, False]
    await end(waiting[1])
    assert (await done(waiting[2])) == [True]
    room.give_back(600)
    room.give_back(10)
    (again,) = begin(room, 1_000)
    assert await done(again) == [True]


async def test_who_gives_up_just_as_it_is_let_in_gives_its_room_back() -> None:
    room = Room(1, 1_000)
    waiting = begin(room, 1, 1, 1)
    await turn()
    room.give_back(1)
    await end(waiting[1])
    assert await done(waiting[2]) == [True]


async def test_who_was_given_up_just_before_room_came_does_not_take_it() -> None:
    room = Room(1, 1_000)
    waiting = begin(room, 1, 1, 1)
    await turn()
    waiting[1].cancel()
    room.give_back(1)
    assert await done(waiting[2]) == [True]
    await asyncio.wait({waiting[1]})


async def test_it_is_said_each_time_that_someone_waits() -> None:
    said: list[int] = []
    room = Room(1, 10, lambda: said.append(1))
    waiting = begin(room, 1, 1, 1)
    await turn()
    assert len(said) == 2
    room.give_back(1)
    room.give_back(1)
    await turn()
    assert len(said) == 2
    await asyncio.wait(waiting)


async def test_whatever_comes_and_gives_up_the_room_is_what_it_was() -> None:
    """Against a count that is kept beside it: never too much at once, and nothing left behind."""
    chance = random.Random(5)
    room = Room(7, 1_000)
    inside: list[int] = []

    async def visit(size: int) -> None:
        await room.take(size)
        inside.append(size)
        assert len(inside) <= 7
        assert sum(inside) <= 1_000 or len(inside) == 1
        try:
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)
        finally:
            inside.remove(size)
            room.give_back(size)

    tasks = []
    for _ in range(600):
        tasks.append(asyncio.ensure_future(visit(chance.choice((1, 90, 400, 1_500)))))
        if chance.random() < 0.3:
            chance.choice(tasks).cancel()
        if chance.random() < 0.5:
            await asyncio.sleep(0)
    async with asyncio.timeout(30):
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert not [o for o in outcomes if isinstance(o, Exception)]
    assert (room._taken_items, room._taken_bytes, len(room._queue)) == (0, 0, 0)


def test_a_notice_is_told_at_once_and_again_after_a_minute_only() -> None:
    told: list[str] = []
    notices = Notices(told.append)
    for now in (5.0, 5.1, 5.0 + REPEAT_SECONDS - 0.1):
        notices.say("full", now)
    assert told == ["full"]
    notices.say("quota", 6.0)
    notices.say("full", 5.0 + REPEAT_SECONDS)
    assert told == ["full", "quota", "full"]
