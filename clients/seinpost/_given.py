# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What the register gives this party to read, now: mandates begin and end while it reads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from seinpost_schemas.compartment import Compartment, all_compartments
from seinpost_schemas.errors import RefusedError
from seinpost_schemas.kinds import Action
from seinpost_schemas.limits import FRESH_MS
from seinpost_schemas.policy import View, may

from ._directory import DirectoryFollower, monotonic_ms, wall_ms
from .identity import Identity

_LOOK_SECONDS = 0.5
_AGAIN_SECONDS = 5.0
"""Between two tries to read what the register gives and the server denies."""


def readable(view: View, identity: Identity) -> list[Compartment]:
    """The compartments whose feed an identity's party may pull: with a read or an audit mandate.

    Raises ``RefusedError`` for an identity that is not, or no longer, in the register.
    """
    now_ms = wall_ms()
    party = view.member(identity.sender_id).party
    return [
        c
        for c in all_compartments(view.register.ceiling_level)
        if may(view, party, Action.READ, c, now_ms) or may(view, party, Action.AUDIT, c, now_ms)
    ]


class Given:
    """The compartments that a reader has, as the register has them; ``only`` leaves out all others."""

    def __init__(
        self,
        directory: DirectoryFollower,
        identity: Identity,
        only: Collection[Compartment] | None,
        denied: Callable[[Compartment, RefusedError], None],
    ) -> None:
        self._directory = directory
        self._identity = identity
        self._only = only
        self._denied = denied
        self._began_ms: dict[Compartment, int] = {}
        self._said: set[Compartment] = set()

    def compartments(self) -> list[Compartment]:
        """Raises ``RefusedError`` for an identity that is not, or no longer, in the register."""
        found = readable(self._directory.view, self._identity)
        return found if self._only is None else [c for c in found if c in self._only]

    def now(self) -> set[Compartment] | None:
        """The compartments; ``None`` when the register names this identity no more: that is no ordinary end."""
        try:
            return set(self.compartments())
        except RefusedError:
            return None

    def begins(self, compartment: Compartment) -> None:
        """It came to this reader while it read: the server may take a minute to hear of it."""
        self._began_ms[compartment] = monotonic_ms()

    async def until_given(self, compartment: Compartment, error: RefusedError) -> None:
        """After the server denied it: until it may be tried again.

        What the register took away is no alarm, and is waited for. What it gives is said, once, and tried again.
        """
        await self._directory.look_again()
        given = self.now()
        if given is not None and compartment not in given:
            while given is not None and compartment not in given:
                await asyncio.sleep(_LOOK_SECONDS)
                given = self.now()
            self.begins(compartment)
            return
        began_ms = self._began_ms.get(compartment)
        if (began_ms is None or monotonic_ms() - began_ms > FRESH_MS) and compartment not in self._said:
            self._said.add(compartment)
            self._denied(compartment, error)
        await asyncio.sleep(_AGAIN_SECONDS)
