# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Signals that were shown in good faith, and became suspect when their identity was revoked."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from seinpost.connection import Connection
from seinpost.delivery import Delivery

_KEPT = 10_000
"""Shown signals that are looked at again; older ones are in the log, and `audit verify` names them."""
_LOOK_SECONDS = 1.0


class Shown:
    """What a process has shown; says it again when it turns out to be suspect."""

    def __init__(self, connection: Connection, say: Callable[[Delivery, str], None]) -> None:
        self._connection = connection
        self._say = say
        self._shown: deque[Delivery] = deque(maxlen=_KEPT)

    def add(self, delivery: Delivery) -> str | None:
        """Remember a delivery that is about to be shown; why it is suspect already, if it is."""
        suspicion = self._connection.suspicion(delivery)
        if suspicion is None:
            self._shown.append(delivery)
        return suspicion

    async def follow(self) -> None:
        """Look again whenever the directory has grown, until cancelled."""
        size = self._connection.directory.directory.size
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if (now := self._connection.directory.directory.size) != size:
                size = now
                self.look()

    def look(self) -> None:
        """Say what became suspect, once each."""
        for delivery in list(self._shown):
            suspicion = self._connection.suspicion(delivery)
            if suspicion is not None:
                self._shown.remove(delivery)
                self._say(delivery, suspicion)
