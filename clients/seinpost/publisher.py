# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Publishing: check a signal against the rules before anything is encrypted, and wait for the broker's answer."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable

from seinpost_schemas.answer import BrokerAnswer, decode_any_answer
from seinpost_schemas.clear_bodies import Recall, Receipt
from seinpost_schemas.compartment import Classification, Compartment
from seinpost_schemas.errors import InvalidError, MalformedError, Reason, RefusedError, UnavailableError
from seinpost_schemas.inclusion import Inclusions
from seinpost_schemas.kinds import Action, Kind
from seinpost_schemas.policy import verify_mandate, verify_not_expired
from seinpost_schemas.sections import EncodedSignal, encode_act, encode_signal, signal_id_bytes
from seinpost_schemas.signal import Act, Signal
from seinpost_schemas.subjects import ANSWERS_STREAM
from seinpost_schemas.tlog_proof import TlogProof
from seinpost_schemas.uuid7 import format_id, make_id

from ._claims import Claims
from ._directory import DirectoryFollower, wall_ms
from ._lane import Lane
from ._notices import Notices
from ._outgoing import Channel, Outgoing, Shared, signals_for, size_of
from ._publish_rights import PublishRights
from ._room import Room
from ._sending_state import SendingState, SentSignal
from ._signing_thread import SigningThread
from ._transport import Transport
from ._unanswered import KEPT_MS, is_unanswered, take_late
from .answer import Answer
from .delivery import Alarm
from .identity import Identity
from .receipts import OPEN_WITHIN_MS

_CLOCK_SECONDS = 15.0
_DURABLE_SECONDS = 1.0
"""How often what brokers answered is put on disk for good while answers come; see ``SendingState``."""
MAX_WAITING = 8_192
"""Signals on their way before ``submit`` makes its caller wait: bounds memory under a flood."""
MAX_WAITING_BYTES = 64 * 1024 * 1024
"""The same in bytes of content: of the largest signals, 1,024. Envelopes under way take up to 12 MiB beside it."""


class Publisher:
    """Sends signals of one identity; one instance per process (its chains are locked)."""

    def __init__(
        self,
        identity: Identity,
        directory: DirectoryFollower,
        transport: Transport,
        state: SendingState,
        on_alarm: Callable[[Alarm], None],
        on_waiting: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._identity = identity
        self._directory = directory
        self._transport = transport
        self._state = state
        self._rights = PublishRights(identity.sender_id)
        self._signing = SigningThread(identity.signing)
        self._lanes: dict[Compartment, Lane] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._notices = Notices(on_waiting)
        self._room = Room(MAX_WAITING, MAX_WAITING_BYTES, self._say_full)
        self._claims = Claims(state, lambda: directory.view.register, on_alarm, self._take_proven)
        self._proven = asyncio.Event()
        self._answered = asyncio.Event()
        """Set whenever an answer came to something that was sent, here or by an earlier process."""
        self._ended: Exception | None = None
        """Why nothing can be sent any more."""

    def prepare(
        self, signal: Signal, theme: str, classification: str, audience: str | None
    ) -> tuple[EncodedSignal, Compartment, str]:
        """Check a signal as the broker and every reader will; raises before anything is encrypted.

        Order: classification and ceiling, mandate, type, audience, then the signal itself.
        """
        now_ms = wall_ms()
        signal_type = signal.handling.signal_type
        compartment, audience = self._rights.verify(
            self._directory.view, theme, classification, signal_type, audience, now_ms
        )
        verify_handling(signal, compartment, now_ms)
        signal_id = signal_id_bytes(signal) or make_id(now_ms, os.urandom(10))
        return encode_signal(signal, signal_id), compartment, audience

    async def submit(
        self, signal: Signal, theme: str, classification: str, audience: str | None = None
    ) -> asyncio.Future[Answer]:
        """Queue a signal; the future ends with the broker's answer or its refusal.

        Waits, and says so, while ``MAX_WAITING`` signals or ``MAX_WAITING_BYTES`` are on their way. Raises at
        once what ``prepare`` finds.
        """
        encoded, compartment, audience = self.prepare(signal, theme, classification, audience)
        due_ms = wall_ms() + OPEN_WITHIN_MS[signal.handling.urgency or "normal"]
        return await self._put(compartment, encoded, format_id(encoded.id), signals_for(audience), due_ms)

    async def submit_feedback(
        self, act: Act, compartment: Compartment, epoch_id: bytes, origin: str, audience: str
    ) -> asyncio.Future[Answer]:
        """Queue feedback, sealed to the audience of the epoch that it answers."""
        self._verify_right(Action.FEEDBACK, compartment)
        encoded = encode_act(act, make_id(wall_ms(), os.urandom(10)))
        channel = Channel(Kind.FEEDBACK, Action.FEEDBACK, audience, epoch_id, origin)
        return await self._put(compartment, encoded, format_id(encoded.id), channel)

    async def submit_table_act(self, act: Act, compartment: Compartment) -> asyncio.Future[Answer]:
        """Queue a table act, sealed to the own party's identities."""
        self._verify_right(Action.READ, compartment)
        view = self._directory.view
        own = next((a.name for a in view.register.audiences if a.members == () and a.sender), None)
        if own is None:
            raise RefusedError(Reason.AUDIENCE, "the register has no audience for table acts")
        encoded = encode_act(act, make_id(wall_ms(), os.urandom(10)))
        channel = Channel(Kind.TABLE_ACT, Action.READ, own)
        return await self._put(compartment, encoded, format_id(encoded.id), channel)

    async def submit_recall(self, recall: Recall, compartment: Compartment) -> asyncio.Future[Answer]:
        """Queue a recall of a signal of our own party."""
        self._verify_right(Action.PUBLISH, compartment)
        channel = Channel(Kind.RECALL, Action.PUBLISH)
        return await self._put(compartment, recall.encode(), format_id(recall.signal_id), channel)

    async def submit_receipt(self, receipt: Receipt, compartment: Compartment) -> asyncio.Future[Answer]:
        """Queue a receipt."""
        self._verify_right(Action.READ, compartment)
        return await self._put(compartment, receipt.encode(), "", Channel(Kind.RECEIPT, Action.READ))

    async def submit_share(
        self, shared: Shared, compartment: Compartment, *, own: bool
    ) -> asyncio.Future[Answer]:
        """Queue past epochs for another identity: of the ``own`` party, or of another one."""
        action = Action.READ if own else Action.SHARE
        self._verify_right(action, compartment)
        return await self._put(compartment, shared, "", Channel(Kind.SHARE, action))

    def _verify_right(self, action: Action, compartment: Compartment) -> None:
        view = self._directory.view
        now_ms = wall_ms()
        verify_not_expired(view.register, now_ms)
        verify_mandate(view, view.member(self._identity.sender_id).party, action, compartment, now_ms)

    async def _put(
        self,
        compartment: Compartment,
        content: EncodedSignal | bytes | Shared,
        signal_id: str,
        channel: Channel,
        due_ms: int = 0,
    ) -> asyncio.Future[Answer]:
        if self._ended is not None:
            raise self._ended
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        outgoing = Outgoing(content, signal_id, channel, future, size_of(content), due_ms)
        size = outgoing.size
        await self._room.take(size)
        future.add_done_callback(lambda _: self._room.give_back(size))
        self._lane(compartment).put(outgoing)
        return future

    def _say_full(self) -> None:
        self._notices.say(
            "what is on its way has no more room; publishing waits until a broker has answered some of it",
            time.monotonic(),
        )

    def _say_quota(self) -> None:
        self._notices.say(
            "this party's ingress is full; publishing waits until a broker has caught up", time.monotonic()
        )

    @property
    def party(self) -> str:
        """The token of the party that sends."""
        return self._identity.party

    def find_signal(self, signal_id: bytes) -> SentSignal | None:
        """Where a signal is that this identity sent."""
        return self._state.find_signal(signal_id)

    def is_unanswered(self, signal_id: bytes) -> bool:
        """Whether a signal was sent by an earlier process, and no broker has answered yet."""
        return is_unanswered(self._state, signal_id)

    async def wait_answered(self) -> None:
        """Wait until everything that was sent, by earlier processes too, is answered."""
        while self._state.all_unanswered():
            self._answered.clear()
            await self._answered.wait()

    async def wait_proven(self, signal_id: bytes) -> TlogProof:
        """Wait for the proof that an admitted signal of ours is in the log that a quorum cosigned."""
        while True:
            self._proven.clear()
            found = self._state.find_signal(signal_id)
            proof = self._state.proof(found.sent.object_hash) if found else None
            if proof is not None:
                return proof
            await self._proven.wait()

    def _take_proven(self, _object_hashes: list[bytes]) -> None:
        self._proven.set()

    def _lane(self, compartment: Compartment) -> Lane:
        lane = self._lanes.get(compartment)
        if lane is None:
            lane = self._lanes[compartment] = Lane(
                compartment,
                identity=self._identity,
                directory=self._directory,
                transport=self._transport,
                state=self._state,
                signing=self._signing,
                on_quota=self._say_quota,
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
        """Take answers until cancelled, and raise the alarm for proofs that do not come.

        When this fails, or the server lets this identity in no more, whoever waits for an answer is told.
        """
        self._state.forget_unanswered_before(wall_ms() - KEPT_MS)
        working = {
            asyncio.ensure_future(work)
            for work in (self._take_answers(), self._look_at_clock(), self._transport.wait_refused())
        }
        try:
            await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
            for task in working:
                if task.done():
                    task.result()
        except Exception as error:
            self._ended = error
            for lane in self._lanes.values():
                lane.fail(error)
            raise
        finally:
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)

    async def _look_at_clock(self) -> None:
        # Not at once: the proof of what was sent before may lie among the answers that are still to be read.
        while True:
            await asyncio.sleep(_CLOCK_SECONDS)
            self._claims.look_at_clock(wall_ms())

    async def _take_answers(self) -> None:
        consumer, stream = self._identity.name, ANSWERS_STREAM
        own, mine = self._identity.sender_id.hex(), {s.hex() for s in self._identity.sender_ids}
        first = self._state.answers_from()
        durable_at = 0.0
        async for stored in self._transport.pull(stream, consumer, first, gaps=True):
            with contextlib.suppress(InvalidError):
                answer = decode_any_answer(stored.body)
                if isinstance(answer, Inclusions):
                    # The proofs of what an identity sent that this one succeeds come to it.
                    if answer.sender in mine:
                        await self._directory.register_for(answer.note.encode())
                        self._claims.take(answer)
                elif answer.sender == own:
                    self._take(answer)
            now = time.monotonic()
            durable = now - durable_at >= _DURABLE_SECONDS
            self._state.store_answers_from(stored.seq + 1, durable=durable)
            durable_at = now if durable else durable_at

    def _take(self, answer: BrokerAnswer) -> None:
        lanes = list(self._lanes.values())
        if answer.compartment:
            wanted = Compartment.parse(answer.compartment)
            lanes = [lane for lane in lanes if lane.compartment == wanted]
        if any(lane.take_answer(answer) for lane in lanes) or take_late(self._state, answer, wall_ms()):
            self._answered.set()

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
        self._signing.close()


def verify_handling(signal: Signal, compartment: Compartment, at_ms: int) -> None:
    """The rules on what is inside the seal that depend on place and time (specification, 8.6, rule 7)."""
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
