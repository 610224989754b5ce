# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A reader as the library runs it, on memory for a network and a real state directory."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

from seinpost._directory import DirectoryFollower
from seinpost._keyring import Keyring
from seinpost._reading_state import ReadingState
from seinpost.delivery import Alarm, Delivery, Recalled
from seinpost.identity import Identity
from seinpost.subscriber import Subscriber
from seinpost_schemas.subjects import feed_stream

from .enclave import TrialEnclave
from .log import TrialLog
from .network import PERIOD, MemoryTransport

SECONDS = 20.0


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition; an error when it does not come true."""
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.005)


class TrialReader:
    """Reads logs to their end, as one process would; ``read`` again is that process started again."""

    def __init__(self, enclave: TrialEnclave, identity: Identity, path: Path, *logs: TrialLog) -> None:
        self.identity = identity
        self.path = path
        self.logs = logs
        self.transport = MemoryTransport(enclave, *logs)
        self._enclave = enclave
        self.deliveries: list[Delivery] = []
        self.alarms: list[Alarm] = []
        self.recalled: list[Recalled] = []
        self.confirm = False
        """Whether the directory's checkpoint is looked at before anything is read."""
        self.application: Callable[[Delivery], Awaitable[None]] | None = None
        """What is done with each signal before the next is taken."""

    @property
    def codes(self) -> list[str]:
        """The alarms' names."""
        return [a.code for a in self.alarms]

    @property
    def titles(self) -> list[str]:
        """What was delivered."""
        return [d.signal.report.title for d in self.deliveries]  # type: ignore[union-attr]

    async def read(
        self, *, from_start: bool = False, stop: Callable[[], bool] | None = None
    ) -> list[Delivery]:
        """Read until everything is stored as read (or ``stop``), and end; what came in this run."""
        before = len(self.deliveries)
        self.transport.entered.clear()
        state = ReadingState(self.path, self.identity.storage_key)
        keyring = Keyring(self.path, self.identity)
        follower = DirectoryFollower(self._enclave.enclave_id, self.transport, state)
        following = asyncio.ensure_future(follower.follow())
        reading: asyncio.Future[None] | None = None
        try:
            await follower.wait_for(lambda: follower.directory.view_at(follower.directory.size) is not None)
            if self.confirm:
                await follower.confirm()
            subscriber = Subscriber(
                keyring,
                follower,
                self.transport,
                state,
                self.alarms.append,
                lambda _: None,
                self.recalled.append,
            )
            streams = {feed_stream(PERIOD, log.compartment): log for log in self.logs}

            async def take() -> None:
                async with contextlib.aclosing(subscriber.signals(from_start=from_start)) as deliveries:
                    async for delivery in deliveries:
                        self.deliveries.append(delivery)
                        if self.application is not None:
                            await self.application(delivery)

            def finished() -> bool:
                return bool(streams) and all(
                    name in self.transport.entered
                    and state.position(name) > (log.messages[-1].seq if log.messages else 0)
                    for name, log in streams.items()
                )

            reading = asyncio.ensure_future(take())
            await until(lambda: reading.done() or (stop or finished)())
            if reading.done():
                reading.result()
        finally:
            for task in filter(None, (reading, following)):
                task.cancel()
            await asyncio.wait({t for t in (reading, following) if t is not None})
            state.close()
            keyring.close()
        return self.deliveries[before:]
