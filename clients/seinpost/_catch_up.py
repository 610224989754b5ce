# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Reading logs up to their newest published checkpoint, for what they say of signals; nothing is delivered."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from seinpost_schemas.checkpoint import parse_checkpoint
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.errors import UnavailableError
from seinpost_schemas.note import parse_note
from seinpost_schemas.subjects import (
    CHECKPOINTS_STREAM,
    checkpoint_subject,
    direct_get_subject,
    feed_stream,
    log_origin,
)

from ._direct_reading import DirectReading
from ._directory import DirectoryFollower
from ._keyring import Keyring
from ._reading_state import ReadingState
from ._transport import Transport
from .delivery import Alarm, Audited
from .subscriber import Subscriber

_SECONDS_WITHOUT_PROGRESS = 30.0
_AUDIT_SECONDS = 5.0
_LOOK_SECONDS = 0.05


async def catch_up(
    directory: DirectoryFollower,
    transport: Transport,
    keyring: Keyring,
    state: ReadingState,
    wanted: set[Compartment] | None,
    progress: Callable[[str], None],
    on_alarm: Callable[[Alarm], None],
) -> None:
    """Read every wanted log (all for ``None``) that the identity may read, as far as its checkpoint says now.

    What is wrong in it is told as to any reader: what is concluded from the logs rests on it.
    Raises ``UnavailableError`` when nothing comes for 30 s.
    """
    transport = DirectReading(transport)
    subscriber = Subscriber(keyring, directory, transport, state, on_alarm, _no_audited, only=wanted)
    register = directory.view.register
    goals: dict[str, int] = {}
    for period in register.periods.readable:
        for compartment in subscriber.compartments():
            origin = log_origin(register.enclave, period, compartment)
            closing = directory.directory.closing(origin)
            subject = direct_get_subject(CHECKPOINTS_STREAM, checkpoint_subject(origin))
            note = closing.note if closing is not None else await transport.read_last(subject)
            if note is not None:
                goals[feed_stream(period, compartment)] = parse_checkpoint(parse_note(note)).tree_size
    if not goals:
        return

    async def read() -> None:
        async with contextlib.aclosing(subscriber.signals()) as deliveries:
            async for _ in deliveries:
                pass

    def left() -> int:
        return sum(state.position(stream) <= size for stream, size in goals.items())

    def unaudited() -> bool:
        return register.quorum > 0 and any(
            subscriber.audited_size(stream) < size for stream, size in goals.items()
        )

    reading = asyncio.ensure_future(read())
    loop = asyncio.get_running_loop()
    before, moved = -1, loop.time()
    try:
        while (left() or (unaudited() and loop.time() - moved < _AUDIT_SECONDS)) and not reading.done():
            if subscriber.envelopes != before:
                before, moved = subscriber.envelopes, loop.time()
                progress(f"{before} log entries verified")
            if loop.time() - moved > _SECONDS_WITHOUT_PROGRESS:
                raise UnavailableError(f"{left()} logs are not whole: their entries do not come; try again")
            await asyncio.sleep(_LOOK_SECONDS)
        if reading.done():
            reading.result()
    finally:
        reading.cancel()
        await asyncio.wait({reading})


def _no_audited(_audited: Audited) -> None:
    """Nothing is shown."""
