# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Mandates that begin and end while a reader reads, and a server that denies what the register gives."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from trial.enclave import TrialEnclave, identity, party_of
from trial.log import TrialLog
from trial.network import PERIOD
from trial.reader import TrialReader
from trial.samples import encoded

from seinpost import _audit, _auditing, _given, subscriber
from seinpost._transport import StoredMessage
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.errors import Reason, RefusedError
from seinpost_schemas.subjects import feed_stream

NCSC, TAFEL = identity("ncsc-1"), identity("tafel-1")
PROCESS, DEBATE = Compartment.parse("depv/process"), Compartment.parse("depv/debate")
SENDERS = {PROCESS: NCSC, DEBATE: identity("cvdm-1")}


class Door:
    """A server that may deny a compartment: its checkpoints, its feed or both."""

    def __init__(self, reader: TrialReader, compartment: Compartment) -> None:
        self.checkpoints = self.feed = True
        self.asked = self.pulls = 0
        self._stream = feed_stream(PERIOD, compartment)
        self._subject = str(compartment).replace("/", ".")
        self._read_last, self._pull = reader.transport.read_last, reader.transport.pull
        reader.transport.read_last = self.read_last  # type: ignore[method-assign]
        reader.transport.pull = self.pull  # type: ignore[method-assign]

    def shut(self, *, shut: bool = True) -> None:
        self.checkpoints = self.feed = not shut

    async def read_last(self, subject: str) -> bytes | None:
        if self._subject in subject:
            self.asked += 1
            if not self.checkpoints:
                raise RefusedError(Reason.MANDATE, "the server denies this identity the right to do this")
        return await self._read_last(subject)

    async def pull(
        self, stream: str, consumer: str, first_seq: int, *, gaps: bool = False
    ) -> AsyncIterator[StoredMessage]:
        self.pulls += stream == self._stream
        open_ = self._pull(stream, consumer, first_seq, gaps=gaps)
        while True:
            coming = asyncio.ensure_future(anext(open_))
            while not coming.done():
                if stream == self._stream and not self.feed:
                    coming.cancel()
                    raise RefusedError(Reason.MANDATE, "the server denies this identity the right to do this")
                await asyncio.wait({coming}, timeout=0.01)
            yield coming.result()


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriber, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(_auditing, "_AUDIT_SECONDS", 0.01)
    monkeypatch.setattr(subscriber, "_RIGHTS_SECONDS", 0.01)
    monkeypatch.setattr(_given, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(_given, "_AGAIN_SECONDS", 0.05)


@pytest.fixture
def enclave() -> TrialEnclave:
    return TrialEnclave()


@pytest.fixture
def logs(enclave: TrialEnclave) -> dict[Compartment, TrialLog]:
    return {c: TrialLog(enclave, c) for c in (PROCESS, DEBATE)}


@pytest.fixture
def reader(enclave: TrialEnclave, logs: dict[Compartment, TrialLog], tmp_path: Path) -> TrialReader:
    return TrialReader(enclave, TAFEL, tmp_path, *logs.values())


@pytest.fixture
def door(reader: TrialReader) -> Door:
    return Door(reader, PROCESS)


def publish(logs: dict[Compartment, TrialLog], number: int, *where: Compartment) -> None:
    for compartment in where:
        log, sender = logs[compartment], SENDERS[compartment]
        log.add_signals(sender, log.add_epoch(sender), encoded(number))


def after(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


def without(theme: str) -> Callable[[dict[str, Any]], None]:
    def change(table: dict[str, Any]) -> None:
        others = [t for t in ("process", "debate", "parties") if t != theme]
        for mandate in party_of(table, "tafel")["mandates"]:
            assert mandate["themes"] == ["all"]
            mandate["themes"] = others

    return change


async def at_work(reader: TrialReader, *steps: Callable[[], bool]) -> None:
    """Read until each step came true, one after another."""
    left = list(steps)

    def done() -> bool:
        while left and left[0]():
            left.pop(0)
        return not left

    await reader.read(stop=done)


def has(reader: TrialReader, *places: tuple[Compartment, int]) -> Callable[[], bool]:
    return lambda: {(d.compartment, d.index) for d in reader.deliveries} >= set(places)


def act(do: Callable[[], None]) -> Callable[[], bool]:
    def step() -> bool:
        do()
        return True

    return step


async def test_what_only_the_server_denies_is_late_and_says_so(
    logs: dict[Compartment, TrialLog], reader: TrialReader, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The feed comes and its checkpoints do not: nothing of it is audited, and that is no end of a mandate."""
    monkeypatch.setattr(_audit, "FRESH_MS", 300)
    monkeypatch.setattr(_auditing, "_IDLE_AUDIT_MS", 200)
    door.checkpoints = False
    publish(logs, 1, PROCESS, DEBATE)
    await at_work(reader, has(reader, (PROCESS, 1), (DEBATE, 1)), after(1.5))
    assert ("missing-log", PROCESS) in {(a.code, Compartment.parse(a.compartment)) for a in reader.alarms}
    # At the pace of a log in which nothing happens.
    assert door.asked < 30


async def test_a_feed_that_the_server_denies_is_said_once_and_tried_again(
    logs: dict[Compartment, TrialLog], reader: TrialReader, door: Door
) -> None:
    door.feed = False
    publish(logs, 1, PROCESS, DEBATE)
    await at_work(
        reader,
        has(reader, (DEBATE, 1)),
        lambda: door.pulls > 3,
        act(lambda: setattr(door, "feed", True)),
        has(reader, (PROCESS, 1)),
    )
    assert [(a.code, a.compartment) for a in reader.alarms] == [("mandate", "depv/process")]


async def test_a_mandate_that_ends_and_comes_back_is_no_alarm_and_loses_nothing(
    enclave: TrialEnclave,
    logs: dict[Compartment, TrialLog],
    reader: TrialReader,
    door: Door,
) -> None:
    publish(logs, 1, PROCESS)

    def taken() -> None:
        enclave.amend(without("process"))
        door.shut()
        publish(logs, 2, DEBATE)

    def given() -> None:
        enclave.amend(lambda t: party_of(t, "tafel").update(mandates=before))
        publish(logs, 3, PROCESS)

    before: list[Any] = []
    enclave.amend(lambda t: before.extend(_copied(party_of(t, "tafel")["mandates"])))
    asked: list[int] = []
    await at_work(
        reader,
        has(reader, (PROCESS, 1)),
        act(taken),
        has(reader, (DEBATE, 1)),
        after_from_now(1.0),
        act(lambda: asked.append(door.asked)),
        after_from_now(0.5),
        act(lambda: asked.append(door.asked)),
        act(given),
        # The register says so before the server has heard of it.
        after_from_now(0.3),
        act(lambda: door.shut(shut=False)),
        has(reader, (PROCESS, 3)),
    )
    assert reader.alarms == []
    assert asked[0] == asked[1]
    places = [(d.compartment, d.index) for d in reader.deliveries]
    assert len(places) == len(set(places)) == 3


async def test_a_mandate_that_begins_is_read_by_who_reads_already(
    enclave: TrialEnclave, logs: dict[Compartment, TrialLog], tmp_path: Path
) -> None:
    before: list[Any] = []
    enclave.amend(lambda t: before.extend(_copied(party_of(t, "tafel")["mandates"])))
    enclave.amend(without("process"))
    reader = TrialReader(enclave, TAFEL, tmp_path, *logs.values())
    publish(logs, 1, DEBATE)

    def given() -> None:
        enclave.amend(lambda t: party_of(t, "tafel").update(mandates=before))
        publish(logs, 2, PROCESS)

    await at_work(reader, has(reader, (DEBATE, 1)), act(given), has(reader, (PROCESS, 1)))
    assert reader.alarms == []


def after_from_now(seconds: float) -> Callable[[], bool]:
    """As ``after``, from when it is first asked."""
    began: list[Callable[[], bool]] = []

    def done() -> bool:
        if not began:
            began.append(after(seconds))
        return began[0]()

    return done


def _copied(mandates: list[Any]) -> list[Any]:
    return [{k: list(v) if isinstance(v, list) else v for k, v in m.items()} for m in mandates]
