# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Publishing: check a signal against the rules before anything is encrypted, and wait for the broker's answer."""

from __future__ import annotations

import asyncio
import contextlib
import os

from seinpost_schemas.answer import BrokerAnswer, decode_answer
from seinpost_schemas.compartment import Classification, Compartment, Theme
from seinpost_schemas.errors import InvalidError, MalformedError, Reason, RefusedError, UnavailableError
from seinpost_schemas.kinds import Action, Kind
from seinpost_schemas.policy import (
    verify_audience_use,
    verify_ceiling,
    verify_mandate,
    verify_not_expired,
    verify_signal_type,
)
from seinpost_schemas.sections import EncodedSignal, encode_signal, signal_id_bytes
from seinpost_schemas.signal import Signal
from seinpost_schemas.subjects import ANSWERS_STREAM
from seinpost_schemas.uuid7 import format_id, make_id

from ._directory import DirectoryFollower, wall_ms
from ._lane import Lane, Outgoing
from ._state import SendingState
from ._transport import Transport
from .answer import Answer
from .identity import Identity

MAX_WAITING = 8_192
"""Signals in memory before ``submit`` makes its caller wait: bounds memory under a flood."""


class Publisher:
    """Sends signals of one identity; one instance per process (its chains are locked)."""

    def __init__(
        self, identity: Identity, directory: DirectoryFollower, transport: Transport, state: SendingState
    ) -> None:
        self._identity = identity
        self._directory = directory
        self._transport = transport
        self._state = state
        self._lanes: dict[Compartment, Lane] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._room = asyncio.Semaphore(MAX_WAITING)

    def prepare(
        self, signal: Signal, theme: str, classification: str, audience: str | None
    ) -> tuple[EncodedSignal, Compartment, str]:
        """Check a signal as the broker and every reader will; raises before anything is encrypted.

        Order: classification and ceiling, mandate, audience, then the signal itself.
        """
        view = self._directory.view
        now_ms = wall_ms()
        compartment = Compartment(Classification.parse(classification), Theme.parse(theme))
        party = view.member(self._identity.sender_id).party
        verify_ceiling(view.register, party, compartment)
        verify_not_expired(view.register, now_ms)
        verify_mandate(view, party, Action.PUBLISH, compartment, now_ms)
        mandate = verify_signal_type(view, party, compartment, signal.handling.signal_type, now_ms)
        audience = audience or mandate.default_audience
        verify_audience_use(Kind.SIGNALS, view.audience(audience))
        view.audience_members(view.audience(audience), party, compartment, now_ms)
        verify_handling(signal, compartment, now_ms)
        signal_id = signal_id_bytes(signal) or make_id(now_ms, os.urandom(10))
        return encode_signal(signal, signal_id), compartment, audience

    async def submit(
        self, signal: Signal, theme: str, classification: str, audience: str | None = None
    ) -> asyncio.Future[Answer]:
        """Queue a signal; the future ends with the broker's answer or its refusal.

        Waits while ``MAX_WAITING`` signals are on their way. Raises at once what ``prepare`` finds.
        """
        encoded, compartment, audience = self.prepare(signal, theme, classification, audience)
        await self._room.acquire()
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        future.add_done_callback(lambda _: self._room.release())
        self._lane(compartment).put(Outgoing(encoded, format_id(encoded.id), audience, future))
        return future

    def _lane(self, compartment: Compartment) -> Lane:
        lane = self._lanes.get(compartment)
        if lane is None:
            lane = self._lanes[compartment] = Lane(
                compartment,
                identity=self._identity,
                directory=self._directory,
                transport=self._transport,
                state=self._state,
            )
            task = asyncio.ensure_future(lane.run())
            task.add_done_callback(lambda t: self._lane_ended(lane, t))
            self._tasks.append(task)
        return lane

    def _lane_ended(self, lane: Lane, task: asyncio.Task[None]) -> None:
        self._lanes.pop(lane.compartment, None)
        if task.cancelled():
            lane.fail(UnavailableError("the connection was closed before a broker answered"))
        elif (error := task.exception()) is not None:
            lane.fail(error if isinstance(error, Exception) else RuntimeError(str(error)))

    async def run(self) -> None:
        """Take answers until cancelled."""
        consumer, stream = self._identity.name, ANSWERS_STREAM
        mine = self._identity.sender_id.hex()
        first = self._state.answers_from()
        async for stored in self._transport.pull(stream, consumer, first):
            with contextlib.suppress(InvalidError):
                answer = decode_answer(stored.body)
                if answer.sender == mine:
                    self._take(answer)
            self._state.store_answers_from(stored.seq + 1)

    def _take(self, answer: BrokerAnswer) -> None:
        lanes = list(self._lanes.values())
        if answer.compartment:
            wanted = Compartment.parse(answer.compartment)
            lanes = [lane for lane in lanes if lane.compartment == wanted]
        for lane in lanes:
            lane.take_answer(answer)

    async def close(self, patience_seconds: float = 2.0) -> None:
        """End running epochs in the log, if that goes quickly, and stop."""
        with contextlib.suppress(TimeoutError, UnavailableError, RefusedError):
            async with asyncio.timeout(patience_seconds):
                for lane in list(self._lanes.values()):
                    if lane.idle:
                        await lane.end_epochs()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def verify_handling(signal: Signal, compartment: Compartment, at_ms: int) -> None:
    """The rules on what is inside the seal that depend on place and time (specification, 8.6, rule 6)."""
    handling = signal.handling
    if handling.valid_until.tzinfo is None:
        raise MalformedError("handling: valid_until needs a time zone, such as 2026-12-31T00:00:00Z")
    if handling.valid_until.timestamp() * 1000 <= at_ms:
        raise RefusedError(
            Reason.EXPIRED,
            f"valid_until has passed ({handling.valid_until:%Y-%m-%d %H:%M}); give a later one",
        )
    if compartment.classification is not Classification.ONG and handling.classified_until is None:
        raise RefusedError(
            Reason.CLASSIFICATION,
            f"a signal at {compartment.classification.dutch} needs classified_until: a date or an event",
            "VIRBI 2025",
        )
