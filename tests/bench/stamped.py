# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Signals that carry the time of their hand-over."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import msgspec
from subject import incidents

from seinpost_schemas.signal import Signal


def stamped(count: int) -> Iterator[Callable[[], Signal]]:
    """``count`` times what makes the next signal, whose title is its number and the time of that call."""
    samples = incidents()
    for number in range(count):
        sample = samples[number % len(samples)]

        def make(sample: Signal = sample, number: int = number) -> Signal:
            title = f"{number} {time.time_ns()}"
            return msgspec.structs.replace(sample, report=msgspec.structs.replace(sample.report, title=title))

        yield make
