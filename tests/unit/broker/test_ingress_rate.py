# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A party is held to its rate whatever it sends, empty messages too; each is refused with an answer of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from types import SimpleNamespace
from typing import Any, cast

import msgspec

from seinpost_broker.service.ingress import IngressService
from seinpost_schemas.answer import BrokerAnswer
from seinpost_schemas.envelope import PREFIX_BYTES
from seinpost_schemas.quota import Quota

QUOTA = Quota(bytes_per_second=64 * 1024)
EMPTY_HASH = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


class Message:
    """One that is on the ingress."""

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.data = b""
        self.times_done = 0

    async def done(self) -> None:
        self.times_done += 1


class Flood:
    """An ingress that always has more."""

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self.given: list[Message] = []

    async def fetch(self, _party: str, limit: int) -> list[Message]:
        await asyncio.sleep(0)
        fresh = [Message(self._subject) for _ in range(limit)]
        self.given += fresh
        return fresh


class Answers:
    """What the party is told."""

    def __init__(self) -> None:
        self.told: list[BrokerAnswer] = []

    async def answer(self, _party: str, data: bytes) -> Awaitable[None]:
        self.told.append(msgspec.json.decode(data, type=BrokerAnswer))

        async def done() -> None:
            pass

        return done()


def service(flood: Flood, answers: Answers) -> IngressService:
    party = SimpleNamespace(quota=QUOTA)
    register = SimpleNamespace(party=lambda _token: party)
    directory = SimpleNamespace(
        directory=SimpleNamespace(current=SimpleNamespace(register=register)), submit=None, state=None
    )
    return IngressService(
        "ncsc",
        ingress=cast("Any", flood),
        directory=cast("Any", directory),
        sequencers={},
        answers=cast("Any", answers),
    )


async def test_empty_messages_are_refused_by_name_and_held_to_the_rate() -> None:
    for subject in ("seinpost.in.depv.process.publish.ncsc", "seinpost.in.directory.ncsc"):
        flood, answers = Flood(subject), Answers()
        began = time.monotonic()
        running = asyncio.ensure_future(service(flood, answers).run())
        await asyncio.sleep(0.5)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        seconds = time.monotonic() - began
        room = QUOTA.burst_bytes + seconds * QUOTA.bytes_per_second
        assert QUOTA.burst_bytes // PREFIX_BYTES <= len(answers.told) <= room / PREFIX_BYTES + 1
        assert {(a.verdict, a.reason, a.object) for a in answers.told} == {
            ("refused", "malformed", EMPTY_HASH)
        }
        # None comes again.
        assert [m.times_done for m in flood.given[: len(answers.told)]] == [1] * len(answers.told)
