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

GATHER_SECONDS = 0.05
"""What comes within this time is told as one change."""


class Live:
    """Wakes every stream when the model has changed."""

    def __init__(self, version: Callable[[], int]) -> None:
        self._version = version
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
        try:
            while self._goes_on():
                event.clear()
                if (current := self.current) != last:
                    last = current
                    yield ServerSentEvent(id=current, event="change", data="changed", retry=1000)
                await event.wait()
                await asyncio.sleep(GATHER_SECONDS if self._goes_on() else 0)
        finally:
            with contextlib.suppress(KeyError):
                self._waiting.remove(event)
