# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""One log per compartment and period: which runs, and the hand-over from one to the next.

When the register names another period, each compartment's log is closed and its successor started: sequencing
stops → the stream is sealed, so that no broker can append → what it holds is read to its end → its last checkpoint
is cosigned and published → the directory logs that checkpoint → the next log begins, and chains go on in it. Every
step can be taken again: a broker that stops in between goes on at its next start, and several brokers do it together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
import structlog

from seinpost_broker.core.compartment_log import CompartmentLog
from seinpost_broker.ports import Answers, Clock, LogStore, Snapshots
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.errors import Reason, UnavailableError
from seinpost_schemas.register import Register
from seinpost_schemas.subjects import feed_stream, log_origin

from .checkpointer import Checkpointer, Signing
from .directory import DirectoryService
from .prover import Prover
from .sequencer import Sequencer

_LOOK_SECONDS = 1.0
_log = structlog.get_logger("periods")

Start = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What every log of a broker shares."""

    directory: DirectoryService
    store: LogStore
    answers: Answers
    clock: Clock
    signing: Signing
    snapshots: Snapshots
    refusals: Callable[[str, bytes, Reason], None]
    on_progress: Callable[[str, int, int], None]


class _Running(msgspec.Struct):
    sequencer: Sequencer
    checkpointer: Checkpointer
    tasks: list[asyncio.Task[None]]


class Periods:
    """The running log of each compartment; ``sequencers`` is where envelopes go, and changes at a hand-over."""

    def __init__(self, compartments: list[Compartment], parts: Parts) -> None:
        self.sequencers: dict[Compartment, Sequencer] = {}
        self._compartments = compartments
        self._parts = parts
        self._running: dict[Compartment, _Running] = {}
        self._unclosed: list[_Running] = []
        self._period = self._register.periods.current

    @property
    def _register(self) -> Register:
        return self._parts.directory.directory.current.register

    async def load(self) -> None:
        """Read every log, the running ones last; raises ``SetupError`` for one that cannot be signed over."""
        for compartment in self._compartments:
            before: CompartmentLog | None = None
            for period in self._register.periods.retained:
                old = await self._open(compartment, period, before)
                if self._parts.directory.directory.closing(old.checkpointer.origin) is None:
                    # A broker stopped in the middle: sealed and read now, closed when witnesses answer.
                    await self._parts.store.seal(feed_stream(period, compartment))
                    await old.sequencer.load()
                    self._unclosed.append(old)
                before = old.sequencer.log
            running = await self._open(compartment, self._period, before)
            self._running[compartment] = running
            self.sequencers[compartment] = running.sequencer

    async def _open(self, compartment: Compartment, period: str, before: CompartmentLog | None) -> _Running:
        parts = self._parts
        sequencer = Sequencer(
            compartment,
            period,
            directory=parts.directory.directory,
            store=parts.store,
            answers=parts.answers,
            clock=parts.clock,
            refusals=parts.refusals,
        )
        sequencer.on_progress = parts.on_progress
        await sequencer.restore(parts.snapshots)
        if before is not None:
            sequencer.log.follow(before)
        await sequencer.load()
        origin = log_origin(self._register.enclave, period, compartment)
        checkpointer = Checkpointer(origin, sequencer.log.tree, parts.signing, catch_up=sequencer.catch_up)
        sequencer.on_growth = checkpointer.grew
        prover = Prover(sequencer.log, period, directory=parts.directory.directory, answers=parts.answers)
        prover.restart(parts.clock.now_ms())
        checkpointer.on_published = prover.published
        await checkpointer.open()
        return _Running(sequencer, checkpointer, [])

    def start(self, start: Start) -> None:
        """Run every log."""
        for running in self._running.values():
            self._start(running, start)
        for old in self._unclosed:
            start(self._close(old))
        self._unclosed.clear()

    def _start(self, running: _Running, start: Start) -> None:
        running.tasks = [start(running.sequencer.run()), start(running.checkpointer.run())]

    async def run(self, start: Start) -> None:
        """Hand over whenever the register names another period, for ever."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            periods = self._register.periods
            if periods.current == self._period or self._period not in periods.retained:
                continue
            _log.info("a new period begins", period=periods.current, before=self._period)
            self._period = periods.current
            for compartment in self._compartments:
                await self._hand_over(compartment, start)

    async def _hand_over(self, compartment: Compartment, start: Start) -> None:
        old = self._running[compartment]
        for task in old.tasks:
            task.cancel()
        await asyncio.gather(*old.tasks, return_exceptions=True)
        waiting = old.sequencer.take_out()
        await self._close(old)
        running = await self._again(lambda: self._open(compartment, self._period, old.sequencer.log))
        self._running[compartment] = running
        self._start(running, start)
        for item in waiting:
            await running.sequencer.put(item)
        # From here on what comes in goes to the new log; until here it waited in the old one's queue.
        self.sequencers[compartment] = running.sequencer
        for item in old.sequencer.take_out():
            await running.sequencer.put(item)

    async def _close(self, old: _Running) -> None:
        stream = feed_stream(old.sequencer.log.period, old.sequencer.log.compartment)
        await self._again(lambda: self._parts.store.seal(stream))
        await self._again(old.sequencer.load)
        note = await old.checkpointer.finish()
        await self._again(lambda: self._parts.directory.close_log(old.checkpointer.origin, note))
        await self._again(lambda: old.sequencer.store(self._parts.snapshots))

    async def _again(self, step: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """A step that may be taken again, until it succeeds."""
        while True:
            try:
                return await step()
            except UnavailableError as error:
                _log.warning("hand-over waits", cause=str(error))
                await asyncio.sleep(_LOOK_SECONDS)

    async def store_snapshots(self, entries: int, seconds: float) -> None:
        """Store each log's state when it has grown by so many entries, for ever."""
        while True:
            for sequencer in list(self.sequencers.values()):
                if sequencer.log.size - sequencer.stored_size >= entries:
                    try:
                        await sequencer.store(self._parts.snapshots)
                    except UnavailableError as error:
                        _log.warning("snapshot not stored", cause=str(error))
            await asyncio.sleep(seconds)
