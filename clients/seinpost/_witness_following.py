# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A witness follows every log, not only what it is asked to sign.

Before it answers anyone, and once for every log that comes later: its own cosignatures in what is published, which
its state must know of. Then every ten seconds: those again, another root than it cosigned, and a log that nobody
has asked it to cosign for 60 s.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from seinpost_schemas.cosignature import Witness
from seinpost_schemas.errors import UnavailableError
from seinpost_schemas.limits import FRESH_MS
from seinpost_schemas.log_origins import origins_of
from seinpost_schemas.register import Register
from seinpost_schemas.subjects import (
    CHECKPOINTS_STREAM,
    HOURLY_STREAM,
    admission_origin,
    checkpoint_subject,
    direct_get_subject,
    directory_origin,
    hourly_subject,
)

from ._directory import monotonic_ms
from ._own_word import Finding, forgotten, look_at, lost, own_word
from ._transport import Transport
from ._witness_state import WitnessState

FOLLOW_SECONDS = 10.0


class WitnessFollowing:
    """Holds what is published against what a witness knows; ``on_finding`` is told of each log and code once."""

    def __init__(
        self,
        transport: Transport,
        state: WitnessState,
        own: Witness,
        register: Callable[[], Register],
        is_closed: Callable[[str], bool],
        on_finding: Callable[[Finding], None],
    ) -> None:
        self._transport = transport
        self._state = state
        self._own = own
        self._register = register
        self._is_closed = is_closed
        self._on_finding = on_finding
        self._blocked: dict[str, Finding] = {}
        self._asked_ms: dict[str, int] = {}
        """By log that was looked at: when it was last asked about, or first looked at."""
        self._said: set[tuple[str, str]] = set()

    async def begin(self, *, resume: bool) -> list[str]:
        """Look at every log there is; with ``resume``, take up what is published under our own name first.

        The logs that were taken up. Raises ``UnavailableError``, and ``SetupError`` where another root than ours
        would have to be taken up.
        """
        resumed = []
        for origin in sorted(origins_of(self._register())):
            if resume and await self._resume(origin):
                resumed.append(origin)
            await self._look(origin, hourly=True)
        return resumed

    async def verify(self, origin: str) -> Finding | None:
        """Why nothing of a log may be cosigned; ``None`` when it may. Raises ``UnavailableError``.

        A log of which nothing was looked at yet, as a new period's, is looked at first.
        """
        if origin not in self._asked_ms:
            await self._look(origin, hourly=True)
        return self._blocked.get(origin)

    def cosigned(self, origin: str) -> None:
        """A broker asked, and was answered."""
        self._asked_ms[origin] = monotonic_ms()
        self._said.discard((origin, "unasked"))

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            await asyncio.sleep(FOLLOW_SECONDS)
            for origin in sorted(origins_of(self._register())):
                with contextlib.suppress(UnavailableError):
                    await self._look(origin, hourly=False)
            for found in self.unasked(monotonic_ms()):
                self._find(found)

    def unasked(self, now_ms: int) -> list[Finding]:
        """The logs that grow or stand still without us: nobody has asked to cosign them for 60 s."""
        register = self._register()
        logs = [directory_origin(register.enclave), admission_origin(register.enclave)]
        current = f"{register.enclave}/{register.periods.current}/"
        logs += sorted(o for o in origins_of(register) if o.startswith(current) and not self._is_closed(o))
        return [
            Finding(origin, "unasked", f"no broker has asked for 60 s to cosign {origin}")
            for origin in logs
            if origin not in self._blocked and now_ms - self._asked_ms.get(origin, now_ms) > FRESH_MS
        ]

    async def _look(self, origin: str, *, hourly: bool) -> None:
        for note in await self._published(origin, hourly=hourly):
            # Loaded after the note came: what is published was on our disk before.
            held = self._state.load(origin)
            said = own_word(note, origin, self._own)
            if said is not None and forgotten(said, held):
                # On disk: the next note that is published may be without our word.
                self._state.doubt(origin, said)
            if (found := look_at(note, origin, held, self._own, self._register())) is not None:
                self._find(found)
        if (doubted := self._state.doubted(origin)) is not None:
            self._find(lost(origin, doubted, self._state.load(origin)))
        self._asked_ms.setdefault(origin, monotonic_ms())

    def _find(self, found: Finding) -> None:
        if found.code == "state-lost":
            self._blocked[found.origin] = found
        if (found.origin, found.code) not in self._said:
            self._said.add((found.origin, found.code))
            self._on_finding(found)

    async def _resume(self, origin: str) -> bool:
        said = [
            s
            for note in await self._published(origin, hourly=True)
            if (s := own_word(note, origin, self._own))
        ]
        if (doubted := self._state.doubted(origin)) is not None:
            said.append(doubted)
        newest = max(said, key=lambda s: s.tree_size, default=None)
        if newest is None or not (doubted or forgotten(newest, self._state.load(origin))):
            return False
        self._state.resume(origin, newest)
        return True

    async def _published(self, origin: str, *, hourly: bool) -> list[bytes]:
        subjects = [direct_get_subject(CHECKPOINTS_STREAM, checkpoint_subject(origin))]
        if hourly:
            subjects.append(direct_get_subject(HOURLY_STREAM, hourly_subject(origin)))
        notes = [await self._transport.read_last(subject) for subject in subjects]
        return [note for note in notes if note is not None]
