# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Answers of one sequencer on their way to the disk, several at a time, in the order of its decisions.

One at a time, each answer cost every other sender of the compartment an fsync. An envelope leaves its ingress when
its answer is on disk, and not before: what a crash takes away is decided and answered again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable

import msgspec

from seinpost_broker.ports import Answers
from seinpost_schemas.envelope import Envelope
from seinpost_schemas.kinds import Action
from seinpost_schemas.policy import Member

MAX_UNDER_WAY = 128


class Item(msgspec.Struct, eq=False):
    """A verified envelope waiting for its place in the log, and then for its answer."""

    envelope: Envelope
    member: Member
    action: Action
    done: Callable[[], Awaitable[None]]
    held_until_ms: int | None = None


class Answering:
    """Sends answers, and lets go of what is answered."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._under_way: deque[tuple[Item, Awaitable[None]]] = deque()

    def __len__(self) -> int:
        return len(self._under_way)

    async def send(self, item: Item, answer: bytes) -> None:
        """Send an item's answer behind those before it; waits when too many are under way.

        Raises ``UnavailableError``: then this one was not sent, and ``take_back`` gives those before it.
        """
        while len(self._under_way) >= MAX_UNDER_WAY:
            await self.settle_oldest()
        stored = await self._answers.answer(item.member.party.token, answer)
        self._under_way.append((item, stored))

    async def settle_oldest(self) -> None:
        """Wait until the oldest answer is on disk, and let its envelope go; raises ``UnavailableError``."""
        item, stored = self._under_way[0]
        await stored
        await item.done()
        self._under_way.popleft()

    def take_back(self) -> list[Item]:
        """What is not known to be answered, oldest first: to be answered again."""
        items = [item for item, _ in self._under_way]
        self._under_way.clear()
        return items
