# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The admission log: refusals in order, up to a rate per party, by several brokers; foreign entries stop it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import pytest
from harness.memory import NOW_MS, shipped

from seinpost_broker.ports import AppendLostError, AppendRequest, StoredMessage
from seinpost_broker.service.admission import BURST, AdmissionService
from seinpost_schemas.admission_entry import (
    MAX_ADMISSION_ENTRY_BYTES,
    AdmissionEntry,
    decode_admission_entry,
)
from seinpost_schemas.entry import ENTRY_HEADER, from_base64, to_base64
from seinpost_schemas.errors import MalformedError, Reason, SetupError
from seinpost_schemas.labels import ADMISSION_ENTRY

HASH = hashlib.sha256(b"junk").digest()


class Store:
    """The stream, with the condition on its sequence."""

    def __init__(self) -> None:
        self.messages: list[StoredMessage] = []

    async def append(self, request: AppendRequest) -> Awaitable[None]:
        async def done() -> None:
            if request.expected_last_seq != len(self.messages):
                raise AppendLostError("lost")
            self.messages.append(StoredMessage(len(self.messages) + 1, request.headers, request.body))

        return done()

    async def read(
        self, _stream: str, first_seq: int, *, headers_only: bool = False
    ) -> AsyncIterator[StoredMessage]:
        for message in self.messages[first_seq - 1 :]:
            yield message

    @property
    def entries(self) -> list[AdmissionEntry]:
        return [
            decode_admission_entry(from_base64(m.headers[ENTRY_HEADER], MAX_ADMISSION_ENTRY_BYTES))
            for m in self.messages
        ]


class Clock:
    def __init__(self) -> None:
        self.ms = NOW_MS

    def now_ms(self) -> int:
        return self.ms


class Scene:
    def __init__(self) -> None:
        self.store, self.clock = Store(), Clock()
        self.service = self.new()

    def new(self) -> AdmissionService:
        store: Any = self.store
        return AdmissionService(directory=shipped(), store=store, clock=self.clock)

    async def settle(self, *services: AdmissionService) -> None:
        tasks = [asyncio.ensure_future(s.run()) for s in services or (self.service,)]
        for _ in range(200):
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_a_refusal_is_logged_with_its_hash_and_reason(scene: Scene) -> None:
    scene.service.note("ibd", HASH, Reason.MALFORMED)
    scene.service.note("ncsc", HASH[::-1], Reason.STALE_DIRECTORY)
    await scene.settle()
    size = shipped().size
    assert scene.store.entries == [
        AdmissionEntry(NOW_MS, size, HASH, Reason.MALFORMED),
        AdmissionEntry(NOW_MS, size, HASH[::-1], Reason.STALE_DIRECTORY),
    ]
    assert scene.service.tree.size == 2
    again = scene.new()
    assert await again.load() == 2
    assert again.tree.root() == scene.service.tree.root()


async def test_a_party_that_floods_fills_no_log_and_the_others_keep_their_room(scene: Scene) -> None:
    for _ in range(int(BURST) + 50):
        scene.service.note("ibd", HASH, Reason.MALFORMED)
    scene.service.note("ncsc", HASH, Reason.QUOTA)
    await asyncio.wait_for(_appended(scene, int(BURST) + 1), 10)
    assert [e.reason for e in scene.store.entries] == [Reason.MALFORMED] * int(BURST) + [Reason.QUOTA]
    scene.clock.ms += 3_000
    for _ in range(10):
        scene.service.note("ibd", HASH, Reason.MALFORMED)
    await asyncio.wait_for(_appended(scene, int(BURST) + 4), 10)
    assert len(scene.store.messages) == int(BURST) + 4


async def _appended(scene: Scene, count: int) -> None:
    while len(scene.store.messages) < count:
        await scene.settle()


async def test_times_never_go_back_even_when_a_clock_does(scene: Scene) -> None:
    scene.service.note("ibd", HASH, Reason.MALFORMED)
    await scene.settle()
    scene.clock.ms -= 5_000
    scene.service.note("ibd", HASH, Reason.MALFORMED)
    await scene.settle()
    assert [e.admitted_ms for e in scene.store.entries] == [NOW_MS, NOW_MS]


async def test_two_brokers_append_to_one_log(scene: Scene) -> None:
    other = scene.new()
    for number in range(5):
        scene.service.note("ibd", bytes([number]) * 32, Reason.MALFORMED)
        other.note("ncsc", bytes([number + 100]) * 32, Reason.QUOTA)
    await scene.settle(scene.service, other)
    assert len({e.refused for e in scene.store.entries}) == len(scene.store.entries) == 10
    await scene.service.load()
    await other.load()
    assert scene.service.tree.root() == other.tree.root()


async def test_what_no_broker_wrote_stops_the_broker(scene: Scene) -> None:
    scene.store.messages.append(StoredMessage(1, {ENTRY_HEADER: to_base64(b"junk")}, b""))
    with pytest.raises(SetupError, match="what no broker wrote"):
        await scene.service.load()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        ADMISSION_ENTRY,
        ADMISSION_ENTRY + bytes(48),
        ADMISSION_ENTRY + bytes(48) + b"whim",
        ADMISSION_ENTRY + bytes(48) + b"malformed ",
        ADMISSION_ENTRY + bytes(48) + b"\xff",
        ADMISSION_ENTRY + bytes(48) + b"malformed" * 9,
        b"x" + ADMISSION_ENTRY[1:] + bytes(48) + b"malformed",
    ],
)
def test_an_entry_has_one_form(data: bytes) -> None:
    with pytest.raises(MalformedError):
        decode_admission_entry(data)
    entry = AdmissionEntry(1, 2, HASH, Reason.GAP)
    assert decode_admission_entry(entry.encode()) == entry
