# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A NATS client with raw credentials: what a hostile party has, and the HUB's own view."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Sequence

from nats.aio.client import Client
from nats.aio.msg import Msg

from seinpost._nats_client import SafeClient
from seinpost_broker.adapters.nats_bus import NatsBus

_DENIED = re.compile(r'permissions violation for (publish|subscription) to "([^"]+)"', re.IGNORECASE)


class RawClient:
    """One user's connection; collects what the server denied."""

    def __init__(self, client: Client, denied: list[tuple[str, str]]) -> None:
        self.client = client
        self.denied = denied

    async def settle(self) -> None:
        """Until the server has handled (and denied) everything sent so far.

        Only because this client's PING goes after what waits to be written: plain nats-py's goes before it, and its
        PONG says nothing.
        """
        await self.client.flush(timeout=30)

    async def denied_publishes(self, subjects: Sequence[str], data: bytes = b"junk") -> set[str]:
        """Publish on each subject; those that the server denied."""
        self.denied.clear()
        for subject in subjects:
            await self.client.publish(subject, data)
        await self.settle()
        return self._denied_of("publish", subjects)

    async def denied_subscriptions(self, subjects: Sequence[str]) -> set[str]:
        """Subscribe to each subject; those that the server denied."""
        self.denied.clear()
        made = [await self.client.subscribe(subject) for subject in subjects]
        await self.settle()
        for subscription in made:
            # What may be heard is not to be heard on: a client that falls behind loses its connection.
            await subscription.unsubscribe()
        return self._denied_of("subscription", subjects)

    def _denied_of(self, what: str, subjects: Sequence[str]) -> set[str]:
        """nats-py gives errors in lower case."""
        denied = {subject for kind, subject in self.denied if kind == what}
        return {s for s in subjects if s.lower() in denied}


@contextlib.asynccontextmanager
async def connected(url: str, seed: str, inbox: str = "_INBOX") -> AsyncIterator[RawClient]:
    """A connection with an NKEY seed."""
    denied: list[tuple[str, str]] = []

    async def on_error(error: Exception) -> None:
        if match := _DENIED.search(str(error)):
            denied.append((match[1].lower(), match[2]))

    client = SafeClient()
    await client.connect(
        url, nkeys_seed_str=seed, inbox_prefix=inbox.encode(), error_cb=on_error, allow_reconnect=False
    )
    try:
        yield RawClient(client, denied)
    finally:
        await client.close()


class Acks:
    """Counts what comes back to a wildcard inbox, by the token after it."""

    def __init__(self, client: Client, prefix: str) -> None:
        self._client = client
        self.prefix = prefix
        self.replies: dict[str, bytes] = {}

    async def listen(self) -> None:
        """Start."""

        async def take(message: Msg) -> None:
            self.replies[message.subject.removeprefix(self.prefix + ".")] = message.data

        await self._client.subscribe(self.prefix + ".*", cb=take)

    async def until(self, count: int, seconds: float = 30) -> None:
        """Until so many came."""
        async with asyncio.timeout(seconds):
            while len(self.replies) < count:
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def hub(url: str, seed: str) -> AsyncIterator[NatsBus]:
    """A broker's own connection."""
    bus = await NatsBus.connect(url, seed)
    try:
        yield bus
    finally:
        await bus.close()


async def stream_states(client: Client) -> dict[str, tuple[int, int, int]]:
    """(messages, bytes, last sequence) of every stream that HUB holds."""
    found: dict[str, tuple[int, int, int]] = {}
    manager = client.jsm() if hasattr(client, "jsm") else client.jetstream()
    offset = 0
    while True:
        page = await manager.streams_info(offset=offset)
        for info in page:
            found[info.config.name or ""] = (info.state.messages, info.state.bytes, info.state.last_seq)
        if len(page) == 0 or len(found) < offset + len(page):
            return found
        offset += len(page)
