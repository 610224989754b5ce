# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Leaving in the very moment in which something comes: the cancellation is not lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from nats.aio.msg import Msg

from seinpost._transport import NatsTransport


class Subscription:
    async def unsubscribe(self) -> None:
        pass


class Server:
    """A client whose server answers when it is told to."""

    def __init__(self) -> None:
        self.answer: Callable[[Msg], Awaitable[None]] | None = None

    def new_inbox(self) -> str:
        return "_INBOX_x.1"

    async def subscribe(self, _subject: str, cb: Any, **_options: Any) -> Subscription:
        self.answer = cb
        return Subscription()

    async def publish(self, _subject: str, _data: bytes, reply: str) -> None:
        pass


async def test_a_cancellation_that_comes_with_an_entry_counts() -> None:
    server = Server()
    transport = NatsTransport(server, {}, set(), asyncio.Event())  # type: ignore[arg-type]
    reading = asyncio.ensure_future(transport.read_from("DIRECTORY", 1))
    while server.answer is None:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    await server.answer(Msg(None, "s", "", b"", {"Nats-Sequence": "1"}))  # type: ignore[arg-type]
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(asyncio.shield(reading), 5)
