# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Tells open pages that something changed: a stream of version numbers, never of content.

A page that hears a new number fetches itself again. Resuming is then one comparison: whoever missed numbers
hears the newest one at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable

from sse_starlette import ServerSentEvent

GATHER_SECONDS = 0.1
"""A change after a calm moment is told at once; what comes within this time after it, as one more."""
BUSY_SECONDS = 1.0
"""The same while so much comes that no page could show it all."""


class Live:
    """Wakes every stream when the model has changed."""

    def __init__(self, version: Callable[[], int], is_busy: Callable[[], bool] = lambda: False) -> None:
        self._version = version
        self._is_busy = is_busy
        self._instance = secrets.token_hex(4)
        self._waiting: set[asyncio.Event] = set()
        self._ended = False

    @property
    def current(self) -> str:
        """The number of what a page shows now; another start of the console has other ones."""
        return f"{self._instance}-{self._version()}"

    def _goes_on(self) -> bool:
        return not self._ended

    def wake(self) -> None:
        """The model may have changed."""
        for event in self._waiting:
            event.set()

    def close(self) -> None:
        """End every stream."""
        self._ended = True
        self.wake()

    async def stream(self, last: str | None) -> AsyncIterator[ServerSentEvent]:
        """The newest number whenever it is another than the last one that was heard."""
        event = asyncio.Event()
        self._waiting.add(event)
        clock = asyncio.get_running_loop().time
        told = clock() - BUSY_SECONDS
        try:
            while self._goes_on():
                gather = BUSY_SECONDS if self._is_busy() else GATHER_SECONDS
                await asyncio.sleep(max(0.0, told + gather - clock()))
                event.clear()
                if (current := self.current) != last:
                    last, told = current, clock()
                    yield ServerSentEvent(id=current, event="change", data="changed", retry=1000)
                else:
                    await event.wait()
        finally:
            with contextlib.suppress(KeyError):
                self._waiting.remove(event)
