# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""How much may be on its way at once, in signals and in bytes: who publishes faster than a broker admits waits.

Decides synchronously; only ``take`` waits. First come, first served, so that a large signal is not passed by for
ever.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable


class Room:
    """Room for ``items`` of ``size`` bytes together; ``on_full`` is called each time that someone has to wait."""

    def __init__(self, items: int, size: int, on_full: Callable[[], None] = lambda: None) -> None:
        self._items, self._bytes = items, size
        self._on_full = on_full
        self._taken_items = 0
        self._taken_bytes = 0
        self._queue: deque[tuple[int, asyncio.Future[None]]] = deque()

    def _fits(self, size: int) -> bool:
        # Something larger than all of it goes alone, rather than never.
        fits = self._taken_bytes + size <= self._bytes or not self._taken_items
        return fits and self._taken_items < self._items

    def _enter(self, size: int) -> None:
        self._taken_items += 1
        self._taken_bytes += size

    async def take(self, size: int) -> None:
        """Take room for one item of ``size`` bytes, when there is some."""
        if not self._queue and self._fits(size):
            self._enter(size)
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((size, waiter))
        self._on_full()
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                # It was let in, and does not come.
                self.give_back(size)
            else:
                with contextlib.suppress(ValueError):
                    self._queue.remove((size, waiter))
                # Who was behind a large one may fit.
                self._let_in()
            raise

    def give_back(self, size: int) -> None:
        """One item of ``size`` bytes is answered, or given up."""
        self._taken_items -= 1
        self._taken_bytes -= size
        self._let_in()

    def _let_in(self) -> None:
        while self._queue and self._fits(self._queue[0][0]):
            size, waiter = self._queue.popleft()
            if not waiter.done():
                self._enter(size)
                waiter.set_result(None)
