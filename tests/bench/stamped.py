# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Signals that carry the time at which they were due to be handed over."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
from subject import incidents

from seinpost_schemas.signal import Signal


def stamped(count: int) -> Iterator[Callable[[int], Signal]]:
    """``count`` times what makes the next signal, whose title is its number and a time in Unix nanoseconds."""
    samples = incidents()
    for number in range(count):
        sample = samples[number % len(samples)]

        def make(due_ns: int, sample: Signal = sample, number: int = number) -> Signal:
            title = f"{number} {due_ns}"
            return msgspec.structs.replace(sample, report=msgspec.structs.replace(sample.report, title=title))

        yield make
