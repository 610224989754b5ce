# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Everyone in a register at once: each identity's raw connection, hand-made chains, and running reader."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from pathlib import Path

import seinpost
from seinpost.connection import Connection
from seinpost.epochs import Recipient
from seinpost.identity import Identity
from seinpost_schemas.answer import BrokerAnswer, decode_any_answer
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.directory import TrustedDirectory
from seinpost_schemas.envelope import Envelope

from .memory import Sender
from .raw import RawClient
from .rules import Place, Rules

SECONDS = 60.0


class Chains:
    """A chain per identity and compartment, whatever its owner may; the server's own hand puts them in."""

    def __init__(self, hub: RawClient, identities: dict[str, Identity], directory: TrustedDirectory) -> None:
        self._hub = hub
        self._identities = identities
        self.directory = directory
        self._senders: dict[tuple[str, Place], Sender] = {}
        self._answers: dict[str, BrokerAnswer] = {}
        self._came = asyncio.Event()

    async def listen(self) -> None:
        """Hear every answer from now on."""

        async def take(message: object) -> None:
            answer = decode_any_answer(message.data)  # type: ignore[attr-defined]
            if isinstance(answer, BrokerAnswer):
                self._answers[answer.object] = answer
                self._came.set()

        await self._hub.client.subscribe("seinpost.answer.*", cb=take)
        await self._hub.client.flush()

    def sender(self, name: str, place: Place) -> Sender:
        """The chain of an identity in a compartment, knowing the newest directory."""
        key = (name, place)
        if key not in self._senders:
            party = name.rpartition("-")[0]
            self._senders[key] = Sender(
                party, Compartment.parse("/".join(place)), self.directory, self._identities[name]
            )
        sender = self._senders[key]
        sender.directory, sender.now_ms = self.directory, time.time_ns() // 1_000_000
        return sender

    def recipients(self, rules: Rules, names: set[str], place: Place) -> dict[bytes, Recipient]:
        """Slots for just these identities."""
        found = {}
        for name in names:
            keys = self._identities[name].keys
            protected = rules.may(rules.owner(name), "read-protected", place)
            found[keys.kem_key_id] = Recipient(keys.kem, protected)
        return found

    async def round(
        self, wanted: Sequence[tuple[str, Place, str, Envelope]]
    ) -> dict[tuple[str, Place], BrokerAnswer]:
        """Send one envelope of each chain under an action; the answers, and every refused head taken back."""
        for name, place, action, envelope in wanted:
            party = name.rpartition("-")[0]
            await self._hub.client.publish(
                f"seinpost.in.{place[0]}.{place[1]}.{action}.{party}", envelope.encode()
            )
        async with asyncio.timeout(SECONDS):
            while any(e.object_hash.hex() not in self._answers for *_, e in wanted):
                self._came.clear()
                await self._came.wait()
        answers = {(n, p): self._answers[e.object_hash.hex()] for n, p, _, e in wanted}
        for name, place, _, envelope in wanted:
            if answers[name, place].verdict == "refused":
                self._senders[name, place].head = envelope.header.prev_hash
        return answers


async def _no_prekeys(_subscriber: object) -> None:
    """A reader that keeps its KEM key."""


class Reader:
    """An identity's library, reading in the background; collects titles."""

    def __init__(self, connection: Connection, leave: contextlib.AsyncExitStack) -> None:
        self.connection = connection
        self.titles: set[str] = set()
        self._leave = leave
        self._task: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, config: Path) -> Reader:
        """Connect."""
        leave = contextlib.AsyncExitStack()
        connection = await leave.enter_async_context(seinpost.connect(config))
        # It reads only: the identity's chains are made by hand here, and two hands would fork them.
        connection._tell_receipts = lambda _compartments: None  # type: ignore[method-assign]
        # And the epochs are made by hand, to the keys that the register names.
        connection._keep_prekeys = _no_prekeys  # type: ignore[method-assign]
        return cls(connection, leave)

    async def _read(self) -> None:
        async with contextlib.aclosing(self.connection.signals()) as deliveries:
            async for delivery in deliveries:
                assert delivery.signal.report is not None
                self.titles.add(delivery.signal.report.title)

    async def until(self, wanted: set[str]) -> None:
        """Until all of ``wanted`` have come. It begins with the first of these, and then reads on."""
        if self._task is None:
            self._task = asyncio.ensure_future(self._read())
        try:
            async with asyncio.timeout(SECONDS):
                while not wanted <= self.titles:
                    if self._task.done():
                        self._task.result()
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"did not come: {sorted(wanted - self.titles)[:5]}") from None

    async def leave(self) -> None:
        """Read no more, and disconnect."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await self._leave.aclose()
