# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The one publisher of an identity: under its lock for as long as it sends, or only for a moment."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable

from ._directory import DirectoryFollower
from ._lock import Lock
from ._sending_state import SendingState
from ._transport import Transport
from .config import Config
from .delivery import Alarm
from .identity import Identity
from .publisher import Publisher


class Publishing:
    """Makes a publisher when one is asked for, and closes it with ``close``."""

    def __init__(
        self,
        config: Config,
        identity: Identity,
        directory: DirectoryFollower,
        transport: Transport,
        *,
        on_waiting: Callable[[str], None],
        on_alarm: Callable[[Alarm], None],
    ) -> None:
        self._config = config
        self._identity = identity
        self._directory = directory
        self._transport = transport
        self._on_waiting = on_waiting
        self._on_alarm = on_alarm
        self._lock = Lock(config.state / "sending.lock")
        self._making = asyncio.Lock()
        self._stack = contextlib.AsyncExitStack()
        self._publisher: Publisher | None = None

    async def get(self) -> Publisher:
        """The publisher, for as long as this lives; waits while another process of this identity publishes."""
        async with self._making:
            if self._publisher is None:
                await self._lock.acquire(
                    lambda: self._on_waiting(
                        f"another process is publishing as {self._identity.name}; waiting until it has finished"
                    )
                )
                self._publisher = await self._stack.enter_async_context(self._running())
            return self._publisher

    @contextlib.asynccontextmanager
    async def briefly(self) -> AsyncGenerator[Publisher | None, None]:
        """The publisher, or one for this moment only; ``None`` while another process publishes.

        Who reads for days must not keep others of its identity from publishing.
        """
        async with self._making:
            if self._publisher is not None:
                yield self._publisher
            elif not self._lock.try_acquire():
                yield None
            else:
                async with self._running() as publisher:
                    yield publisher

    @contextlib.asynccontextmanager
    async def _running(self) -> AsyncGenerator[Publisher, None]:
        try:
            state = SendingState(self._config.state)
            try:
                state.take_over(self._identity.sender_id, succeeds=bool(self._identity.predecessors))
                publisher = Publisher(
                    self._identity, self._directory, self._transport, state, self._on_alarm, self._on_waiting
                )
                task = asyncio.ensure_future(publisher.run())
                try:
                    yield publisher
                finally:
                    await publisher.close()
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)
            finally:
                state.close()
        finally:
            self._lock.release()

    async def close(self) -> None:
        """End running epochs, if that goes quickly, and let go."""
        await self._stack.aclose()
        self._publisher = None
