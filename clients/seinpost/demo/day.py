# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What partners and the table do with the incidents of the demonstration, so that its console shows a day at work.

Public API only: every opening, answer, recall and table act here is a signed envelope in the log.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import msgspec

import seinpost
from seinpost.delivery import Delivery
from seinpost_schemas.signal import Signal

_READ_SECONDS = 60.0
_OFFICIALS = ("2041", "2042", "2043")
DOUBTS = "Wij zien alleen satire onder deze naam; is dit wel hetzelfde netwerk?"
KNOWS = "Wij zagen dezelfde accounts vorige week, in een eigen onderzoek."
ASKS = "Is bekend welke accounts er in Nederland aan meededen?"


async def live_a_day(directory: Path, admitted: Sequence[str]) -> None:
    """Readers open, answer and acknowledge; one sender replaces a signal, another takes one back; the table acts."""
    async with _reading(directory / "tafel.toml", set(admitted)) as (table, seen):
        urgent = sorted(seen.values(), key=_urgency)
        debated = [d for d in urgent if d.sender == "cvdm" and str(d.compartment) == "ong/debate"]
        await _answer(directory, "aivd", debated[:1], "dispute", DOUBTS, opens=debated[:12])
        await _answer(directory, "ap", debated[1:2], "corroborate", KNOWS, opens=debated[:6])
        processed = [d for d in urgent if str(d.compartment).endswith("/process") and d.sender == "ncsc"]
        await _answer(directory, "ibd", processed[:1], "question", ASKS, opens=processed[:4])
        await _replace(directory, processed[-1])
        await _take_back(directory, next(d for d in reversed(urgent) if d.sender == "ibd"))
        await _at_table(table, urgent)


def _urgency(delivery: Delivery) -> tuple[int, int]:
    signal = delivery.signal
    severity = signal.handling.severity if isinstance(signal, Signal) else 0
    return -(severity or 0), delivery.admitted_ms


@contextlib.asynccontextmanager
async def _reading(
    config: Path, wanted: set[str]
) -> AsyncIterator[tuple[seinpost.Connection, dict[str, Delivery]]]:
    """A connection that has read these signals, and goes on reading."""
    seen: dict[str, Delivery] = {}
    complete = asyncio.Event()

    async def read(connection: seinpost.Connection) -> None:
        async for delivery in connection.signals(from_start=True):
            if delivery.signal.id in wanted:
                seen[delivery.signal.id] = delivery
            if wanted <= seen.keys():
                complete.set()

    async with seinpost.connect(config) as connection:
        reading = asyncio.ensure_future(read(connection))
        try:
            async with asyncio.timeout(_READ_SECONDS):
                await complete.wait()
            # Its place is kept once the next one is asked for.
            await asyncio.sleep(0.2)
            yield connection, seen
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def _answer(
    directory: Path,
    party: str,
    about: Sequence[Delivery],
    act: str,
    text: str,
    *,
    opens: Sequence[Delivery],
) -> None:
    """Open some signals, take the first half of them up, and answer one."""
    ids = {d.signal.id: d for d in (*about, *opens) if d.signal.id is not None}
    async with _reading(directory / f"{party}.toml", set(ids)) as (reader, seen):
        for number, delivery in enumerate(seen[d.signal.id] for d in opens if d.signal.id is not None):
            tell: Callable[[Delivery], None] = (
                reader.acknowledge if number < len(opens) // 2 else reader.opened
            )
            tell(delivery)
        for delivery in about:
            if delivery.signal.id is not None:
                await reader.feedback(delivery.signal.id, act, text=text, official=f"{party}-17")


async def _replace(directory: Path, delivery: Delivery) -> None:
    signal = delivery.signal
    if not isinstance(signal, Signal) or signal.id is None:
        return
    newer = msgspec.structs.replace(
        signal,
        id=None,
        handling=msgspec.structs.replace(signal.handling, supersedes=(signal.id,)),
        report=msgspec.structs.replace(signal.report, title=f"{signal.report.title} (aangevuld)"[:200]),
    )
    place = delivery.compartment
    async with seinpost.connect(directory / f"{delivery.sender}.toml") as sender:
        await sender.publish(newer, theme=place.theme.token, classification=place.classification.token)


async def _take_back(directory: Path, delivery: Delivery) -> None:
    if delivery.signal.id is not None:
        async with _reading(directory / f"{delivery.sender}.toml", {delivery.signal.id}) as (sender, _):
            await sender.recall(delivery.signal.id, "false-positive")


async def _at_table(table: seinpost.Connection, urgent: Sequence[Delivery]) -> None:
    """Of the most severe the table has some in hand, one given to each official, and one closed."""
    for number, delivery in enumerate(urgent[1:6]):
        signal_id, official = delivery.signal.id, _OFFICIALS[number % len(_OFFICIALS)]
        if signal_id is None:
            continue
        table.opened(delivery)
        await table.set_status(signal_id, "in-hand", official=official, sender=delivery.sender)
        await table.assign(signal_id, official, official=_OFFICIALS[0], sender=delivery.sender)
    done = urgent[6]
    if done.signal.id is not None:
        await table.set_status(done.signal.id, "closed", official=_OFFICIALS[1], sender=done.sender)
