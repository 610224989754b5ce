# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What an application is told of its waiting: at once, and then not again each millisecond."""

from __future__ import annotations

from collections.abc import Callable

REPEAT_SECONDS = 60.0


class Notices:
    """Tells each notice at once, and again while it still holds a minute later."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._told: dict[str, float] = {}

    def say(self, what: str, now: float) -> None:
        """``now`` in seconds of a clock that only goes forward."""
        before = self._told.get(what)
        if before is None or now - before >= REPEAT_SECONDS:
            self._told[what] = now
            self._tell(what)
