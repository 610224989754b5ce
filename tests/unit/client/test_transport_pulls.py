# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Two pulls stand open at all times, whatever a server says of those that ended."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from nats.aio.msg import Msg

from seinpost import _transport
from seinpost._transport import NatsTransport, StoredMessage

BATCH = _transport._BATCH


class Client:
    """Counts pulls; nothing else is asked of it."""

    def __init__(self) -> None:
        self.pulls = 0

    async def publish(self, _subject: str, _data: bytes, reply: str) -> None:
        self.pulls += 1


def stored(number: int) -> Msg:
    return Msg(None, "s", f"$JS.ACK.S.c.1.{number}.{number}.0.0", b"", None)  # type: ignore[arg-type]


def status(code: str, description: str) -> Msg:
    return Msg(None, "s", "", b"", {"Status": code, "Description": description})  # type: ignore[arg-type]


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the reading slept."""
    real, found = asyncio.sleep, []

    async def sleep(seconds: float, result: Any = None) -> Any:
        found.append(seconds)
        return await real(0, result)

    monkeypatch.setattr(_transport.asyncio, "sleep", sleep)
    return found


async def read(messages: list[Msg | None]) -> tuple[list[StoredMessage], int]:
    """What comes out of an inbox with these in it, and the number of pulls by then."""
    client = Client()
    queue: asyncio.Queue[Msg | None] = asyncio.Queue()
    for message in [*messages, None]:
        queue.put_nowait(message)
    transport = NatsTransport(client, {}, set(), asyncio.Event())  # type: ignore[arg-type]
    return [m async for m in transport._messages(queue, "next", "inbox")], client.pulls


async def test_a_completed_pull_is_followed_at_once_and_by_one(slept: list[float]) -> None:
    batches = [
        m
        for b in range(4)
        for m in (*[stored(b * BATCH + n) for n in range(1, BATCH + 1)], status("409", "Batch Completed"))
    ]
    found, pulls = await read(batches)
    assert [m.seq for m in found] == list(range(1, 4 * BATCH + 1))
    assert pulls == 2 + 4
    assert slept == []


async def test_a_server_that_does_not_say_so_is_the_same(slept: list[float]) -> None:
    found, pulls = await read([stored(n) for n in range(1, 4 * BATCH + 1)])
    assert (len(found), pulls, slept) == (4 * BATCH, 2 + 4, [])


async def test_a_pull_that_was_full_early_is_followed_at_once(slept: list[float]) -> None:
    early = [stored(1), status("409", "Message Size Exceeds MaxBytes")]
    rest = [stored(n) for n in range(2, BATCH + 2)]
    found, pulls = await read([*early, *rest])
    assert (len(found), pulls, slept) == (BATCH + 1, 2 + 1 + 1, [])


async def test_one_that_ended_for_want_of_messages_is_followed_at_once(slept: list[float]) -> None:
    found, pulls = await read([stored(1), status("408", "Request Timeout"), stored(2)])
    assert (len(found), pulls, slept) == (2, 2 + 1, [])


async def test_a_consumer_that_went_away_is_not_asked_in_a_tight_loop(slept: list[float]) -> None:
    _, pulls = await read([status("409", "Consumer Deleted"), status("503", "No Responders")])
    assert pulls == 2 + 2
    assert slept == [0.2, 0.2]
