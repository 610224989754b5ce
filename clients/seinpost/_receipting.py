# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Receipts: what this identity delivered, opened, acknowledged and withdrew, told to the log in runs.

At most one receipt per 30 s and compartment; what cannot be said yet waits on disk.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence

from seinpost_schemas.checkpoint import parse_checkpoint
from seinpost_schemas.clear_bodies import Receipt, ReceiptState, Run
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.errors import InvalidError, Reason, RefusedError, UnavailableError
from seinpost_schemas.kinds import COVERED
from seinpost_schemas.limits import MAX_RUNS, RECEIPT_INTERVAL_MS
from seinpost_schemas.merkle import Frontier
from seinpost_schemas.note import parse_note
from seinpost_schemas.subjects import feed_stream

from ._directory import monotonic_ms
from ._publishing import Publishing
from ._reading_state import Owed, ReadingState

_LOOK_SECONDS = 1.0
_ANSWER_SECONDS = 15.0
_OWED_AT_ONCE = 16_384
"""What is looked at for one receipt: each signal that was opened is owed by itself, and a thousand make one run."""


def runs_of(
    owed: Sequence[Owed],
    period: str,
    count_at: Callable[[int], int],
    uncovered: Callable[[int, int], bool],
    limit: int = MAX_RUNS,
) -> tuple[list[Run], int]:
    """As few runs as say it, in the order of a receipt, each thing once; and how much of ``owed`` they say.

    At most ``limit`` runs; what does not fit is for the next receipt. ``owed`` is in order of (state, index, first);
    pure.

    Two entries join when the first is covered to its last signal (``count_at`` says how many it has), the
    second from its first, and nothing between them is of a kind that receipts speak of (``uncovered``).
    """
    runs: list[Run] = []
    for number, item in enumerate(owed):
        last = runs[-1] if runs else None
        state = ReceiptState(item.state)
        if last is not None and last.state == state and _joins(last, item, count_at, uncovered):
            end = max(item.last, last.last_signal) if item.index == last.last_leaf else item.last
            runs[-1] = Run(period, last.first_leaf, item.index, last.first_signal, end, state)
        elif len(runs) == limit:
            return runs, number
        else:
            runs.append(Run(period, item.index, item.index, item.first, item.last, state))
    return runs, len(owed)


def _joins(
    last: Run, item: Owed, count_at: Callable[[int], int], uncovered: Callable[[int, int], bool]
) -> bool:
    if item.index == last.last_leaf:
        # What was owed of an entry may overlap: a signal is delivered, and opened late with others of its envelope.
        return item.first <= last.last_signal + 1
    whole = last.last_signal == count_at(last.last_leaf) - 1 and item.first == 0
    return whole and item.index > last.last_leaf and uncovered(last.last_leaf + 1, item.index - 1)


class Receipting:
    """Sends what ``ReadingState`` says is owed; ``notes`` gives the newest audited checkpoint of a log."""

    def __init__(
        self,
        state: ReadingState,
        publishing: Publishing,
        notes: Callable[[], Mapping[tuple[str, Compartment], bytes]],
    ) -> None:
        self._state = state
        self._publishing = publishing
        self._notes = notes
        self._sent_ms: dict[Compartment, int] = {}

    async def run(self, compartments: Sequence[Compartment], periods: Callable[[], Sequence[str]]) -> None:
        """Send receipts as they fall due, until cancelled; ``periods`` are those whose logs are read, oldest first."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            await self.flush(compartments, periods())

    async def flush(self, compartments: Sequence[Compartment], periods: Sequence[str]) -> None:
        """Send what is owed wherever a receipt may be sent now: of one log of each compartment, the oldest first."""
        now_ms = monotonic_ms()
        owing = {
            c: next((p for p in periods if self._state.owed(feed_stream(p, c), 1)), None)
            for c in compartments
            if now_ms - self._sent_ms.get(c, -RECEIPT_INTERVAL_MS) >= RECEIPT_INTERVAL_MS
        }
        due = {c: period for c, period in owing.items() if period is not None}
        if not due:
            return
        async with self._publishing.briefly() as publisher:
            if publisher is None:
                return
            for compartment, period in due.items():
                stream = feed_stream(period, compartment)
                receipt, owed = self._receipt(compartment, period)
                self._sent_ms[compartment] = now_ms
                # First, so that a state that is put back later is behind what the log holds.
                self._state.claim(stream, receipt.tree_size)
                try:
                    async with asyncio.timeout(_ANSWER_SECONDS):
                        await (await publisher.submit_receipt(receipt, compartment))
                except (TimeoutError, UnavailableError):
                    continue
                except RefusedError as error:
                    if error.reason is Reason.QUOTA:
                        continue
                    # Not ours to say (any more): no second try would be admitted either.
                self._state.said(stream, owed)

    def _receipt(self, compartment: Compartment, period: str) -> tuple[Receipt, Sequence[Owed]]:
        """The next receipt, and what of all that is owed it says."""
        stream = feed_stream(period, compartment)
        owed = self._state.owed(stream, _OWED_AT_ONCE)

        def count_at(index: int) -> int:
            entry = self._state.entry(stream, index)
            return entry.count if entry else 0

        def uncovered(first: int, last: int) -> bool:
            found = 0
            for kind in self._state.kinds(stream, first, last):
                if kind in COVERED:
                    # Not the rest of the log for two openings that are far apart.
                    return False
                found += 1
            return found == last - first + 1

        size, root = 0, Frontier().root()
        if note := self._notes().get((period, compartment)):
            with contextlib.suppress(InvalidError):
                checkpoint = parse_checkpoint(parse_note(note))
                size, root = checkpoint.tree_size, checkpoint.root_hash
        runs, said = runs_of(owed, period, count_at, uncovered)
        return Receipt(period, size, root, tuple(runs)), owed[:said]
