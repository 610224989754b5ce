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
from seinpost_schemas.errors import InvalidError, Reason, UnavailableError
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
    period: str
    sequencer: Sequencer
    checkpointer: Checkpointer
    sequencing: asyncio.Task[None] | None = None
    signing: asyncio.Task[None] | None = None


class Periods:
    """The running log of each compartment; ``sequencers`` is where envelopes go, and changes at a hand-over."""

    def __init__(self, compartments: list[Compartment], parts: Parts) -> None:
        self.sequencers: dict[Compartment, Sequencer] = {}
        self._compartments = compartments
        self._parts = parts
        self._running: dict[Compartment, _Running] = {}

    @property
    def _register(self) -> Register:
        return self._parts.directory.directory.current.register

    async def load(self) -> None:
        """Read every log; raises ``SetupError`` for one that cannot be signed over.

        Where a broker stopped in the middle of a hand-over, what is read last is the log that is not closed yet.
        """
        await asyncio.gather(*(self._load(compartment) for compartment in self._compartments))

    async def _load(self, compartment: Compartment) -> None:
        before: CompartmentLog | None = None
        for period in self._register.periods.readable:
            running = await self._open(compartment, period, before)
            before = running.sequencer.log
            if self._parts.directory.directory.closing(running.checkpointer.origin) is None:
                break
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
        sequencer.read_directory = parts.directory.load
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
        return _Running(period, sequencer, checkpointer)

    def start(self, start: Start) -> None:
        """Run every log of the period that runs; what comes in for another waits until that is closed."""
        for running in self._running.values():
            if running.period == self._register.periods.current:
                self._start(running, start)

    def _start(self, running: _Running, start: Start) -> None:
        running.sequencing = start(running.sequencer.run())
        running.signing = start(running.checkpointer.run())

    async def run(self, start: Start) -> None:
        """Hand over whenever the register names another period, for ever."""
        while True:
            behind = [c for c, r in self._running.items() if r.period != self._register.periods.current]
            if behind:
                _log.info("a new period begins", period=self._register.periods.current, logs=len(behind))
                await asyncio.gather(*(self._hand_over(c, start) for c in behind))
            await asyncio.sleep(_LOOK_SECONDS)

    async def _hand_over(self, compartment: Compartment, start: Start) -> None:
        """Close a log and begin the next; through every period that went by while no broker ran."""
        while (old := self._running[compartment]).period != self._register.periods.current:
            await _end(old)
            await self._close(old)
            period = self._after(old.period)
            running = await self._again(lambda p=period, o=old: self._open(compartment, p, o.sequencer.log))  # type: ignore[misc]
            self._running[compartment] = running
            self.sequencers[compartment] = running.sequencer
            if period == self._register.periods.current:
                self._start(running, start)
            await old.sequencer.hand_over(running.sequencer)

    def _after(self, period: str) -> str:
        readable = self._register.periods.readable
        return readable[readable.index(period) + 1]

    async def _close(self, old: _Running) -> None:
        """Seal the stream, read it to its end, and log its last checkpoint in the directory."""
        stream = feed_stream(old.period, old.sequencer.log.compartment)
        await self._again(lambda: self._parts.store.seal(stream))
        await self._again(old.sequencer.load)
        while self._parts.directory.directory.closing(old.checkpointer.origin) is None:
            note = await old.checkpointer.finish()
            try:
                await self._again(lambda n=note: self._parts.directory.close_log(old.checkpointer.origin, n))  # type: ignore[misc]
            except InvalidError as error:
                # The register's keys or witnesses have just changed: signed anew, under the new ones.
                _log.warning("closing does not hold", log=old.checkpointer.origin, cause=str(error))
                await asyncio.sleep(_LOOK_SECONDS)
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


async def _end(old: _Running) -> None:
    """Let a log's tasks end; what was under way is settled, or waits for the next log."""
    old.sequencer.end()
    if old.sequencing is not None:
        await asyncio.wait({old.sequencing})
    signing = {old.signing} if old.signing is not None else set()
    while signing:
        for task in signing:
            # Again every second: Python 3.11 can forget a cancellation (see ``stopping``).
            task.cancel()
        _, signing = await asyncio.wait(signing, timeout=1)
