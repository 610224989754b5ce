# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Measuring in turns: every job once in every round, so that what the machine does meanwhile meets all alike."""

from __future__ import annotations

import gc
import resource
import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext

import msgspec
from rows import Rate


class Job(msgspec.Struct, frozen=True):
    """Something to do again and again, which handles so many signals each time."""

    work: Callable[[], object]
    signals: int
    around: Callable[[], AbstractContextManager[object]] = nullcontext
    """Entered for each round: how it is set up costs nothing that is measured."""


class Timed(msgspec.Struct):
    """Signals per second in each round, and how many cores were at work."""

    rates: list[float]
    cores: list[float]

    @property
    def rate(self) -> Rate:
        """The median with its spread."""
        return Rate(statistics.median(self.rates), min(self.rates), max(self.rates))

    @property
    def busy(self) -> float:
        """Cores at work, the median."""
        return statistics.median(self.cores)


def take_turns(jobs: Mapping[str, Job], rounds: int, seconds: float) -> dict[str, Timed]:
    """Measure each job for at least ``seconds`` in each of ``rounds`` rounds, after once for nothing."""
    for job in jobs.values():
        with job.around():
            job.work()
    timed = {name: Timed([], []) for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            gc.collect()
            with job.around():
                count = 0
                cpu, started = cpu_of_self(), time.perf_counter()
                while (elapsed := time.perf_counter() - started) < seconds:
                    job.work()
                    count += job.signals
                timed[name].rates.append(count / elapsed)
                timed[name].cores.append((cpu_of_self() - cpu) / elapsed)
    return timed


def ratio(mine: Timed, theirs: Timed) -> Rate:
    """How many times as fast: between medians; the spread is of the rounds, each against its own."""
    each = [m / t for m, t in zip(mine.rates, theirs.rates, strict=True)]
    return Rate(mine.rate.median / theirs.rate.median, min(each), max(each))


def cpu_of_self() -> float:
    """User and system seconds that this process, with its threads, took so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
