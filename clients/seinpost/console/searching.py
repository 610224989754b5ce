# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Runs searches in the background, a part at a time: pages get their turn, and are told how far it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from weakref import WeakKeyDictionary

from .feed_view import FeedView
from .index.index_seal import IndexChangedError
from .text_search import TextSearch

FIRST_LOOK_SECONDS = 0.4
"""A page waits this long for its search; what takes longer is shown as it comes."""
TELL_SECONDS = 0.4


class Searching:
    """The searches of all sessions.

    ``tell`` is called when a page may show more of one, ``on_changed`` when the index does not fit together.
    """

    def __init__(self, view: FeedView, tell: Callable[[], None], on_changed: Callable[[], None]) -> None:
        self._view = view
        self._tell = tell
        self._on_changed = on_changed
        self._running: WeakKeyDictionary[TextSearch, asyncio.Task[None]] = WeakKeyDictionary()
        self._built: WeakKeyDictionary[TextSearch, int] = WeakKeyDictionary()

    async def look(self, search: TextSearch) -> None:
        """Search on, unless it was stopped; returns when it is done, and after a moment in any case."""
        if self._built.setdefault(search, self._view.built) != self._view.built:
            # Rows have other numbers now.
            search.begin_again()
            self._built[search] = self._view.built
        if search.stopped or search.looked >= self._view.rows:
            return
        task = self._running.get(search)
        if task is None or task.done():
            task = self._running[search] = asyncio.ensure_future(self._run(search))
        await asyncio.wait({task}, timeout=FIRST_LOOK_SECONDS)

    async def _run(self, search: TextSearch) -> None:
        loop, built = asyncio.get_running_loop(), self._view.built
        began = told = loop.time()
        try:
            for part in self._view.texts(search.looked):
                search.look((part,))
                await asyncio.sleep(0)
                if search.stopped or self._view.built != built:
                    break
                if loop.time() - told > TELL_SECONDS:
                    told = loop.time()
                    self._tell()
        except IndexChangedError:
            self._on_changed()
        if loop.time() - began > FIRST_LOOK_SECONDS:
            self._tell()
