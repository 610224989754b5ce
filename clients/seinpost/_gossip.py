# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Readers tell each other which checkpoints they were shown, directly, past the brokers.

A log that shows two readers two histories is found out as soon as one hears of the other's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from seinpost_schemas.subjects import GOSSIP_SUBJECTS, gossip_subject

from ._transport import Transport

TELL_SECONDS = 10.0


class Gossip:
    """``notes`` gives the newest note of each log by origin; ``on_heard`` takes (log tokens, note) of another party."""

    def __init__(
        self,
        transport: Transport,
        party: str,
        notes: Callable[[], Mapping[str, bytes]],
        on_heard: Callable[[str, bytes], None],
    ) -> None:
        self._transport = transport
        self._party = party
        self._notes = notes
        self._on_heard = on_heard

    async def tell(self) -> None:
        """Say what was seen, every ten seconds, until cancelled."""
        while True:
            for origin, note in self._notes().items():
                if note:
                    await self._transport.tell(gossip_subject(self._party, origin), note)
            await asyncio.sleep(TELL_SECONDS)

    async def listen(self) -> None:
        """Take in what other parties say, until cancelled."""
        async for subject, note in self._transport.listen(GOSSIP_SUBJECTS):
            _, _, party, *log = subject.split(".")
            if party != self._party:
                self._on_heard("/".join(log), note)
                # Each note may cost signatures to verify: others of this process have their turn.
                await asyncio.sleep(0)
