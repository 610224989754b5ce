# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""One compartment's sending lane: batches, epochs, the chain, and what is not answered yet.

A batch closes when the line is idle, after 20 ms, at 1,024 signals or at 512 KiB: a lonely signal leaves at
once, a flood leaves in batches. An envelope is signed in a thread while the next batch is hashed, for a header
names the one before it, not its signature. Up to eight are under way at a time; each is sent again, byte for
byte, until it is answered. After a refusal the broker refuses the rest of the chain too: the lane waits for
those answers, takes the chain up from the log's head, and seals what can still go anew, with the same signal
ids, so that a signal counts once.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import OrderedDict, deque
from collections.abc import Callable

import msgspec

from seinpost_schemas import labels
from seinpost_schemas.answer import BrokerAnswer
from seinpost_schemas.clear_bodies import EndOfEpoch
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.entry import signature_hash
from seinpost_schemas.envelope import UnsignedEnvelope, unsigned_envelope
from seinpost_schemas.errors import BindingError, InvalidError, Reason, RefusedError, UnavailableError
from seinpost_schemas.header import ZERO_16, ZERO_32, Header, decode_header, hash_body, object_hash
from seinpost_schemas.kinds import Action, Kind
from seinpost_schemas.limits import (
    BATCH_CLOSE_BYTES,
    BATCH_CLOSE_MS,
    MAX_BATCH_SIGNALS,
    MAX_EPOCH_AGE_MS,
    MAX_EPOCH_ENVELOPES,
)
from seinpost_schemas.policy import Member, View, may
from seinpost_schemas.sections import EncodedSignal
from seinpost_schemas.subjects import ingress_subject

from ._chain import Chain
from ._directory import DirectoryFollower, monotonic_ms, wall_ms
from ._outgoing import Channel, Outgoing, Shared
from ._sending_state import SendingState
from ._signing_thread import SigningThread
from ._transport import Transport
from ._unanswered import Unanswered, remember
from .answer import Answer
from .epochs import EpochSecrets, Recipient, draft_epoch
from .identity import Identity
from .sealing import seal_unsigned
from .sharing import seal_share

MAX_UNDER_WAY = 8
_RESEND_SECONDS = 10.0
_MAX_TRIES = 5
_EPOCH_MARGIN_MS = 120_000
"""A new epoch two minutes before the broker would end the old one: clocks and queues differ."""
_RETRIED = frozenset({Reason.GAP, Reason.EPOCH, Reason.STALE_DIRECTORY, Reason.REPLAY})


class _Epoch(msgspec.Struct, eq=False):
    secrets: EpochSecrets
    readers: frozenset[bytes]
    """sender_ids: a reader's next KEM key alone is no reason for a new epoch."""
    started_ms: int
    envelopes: int = 0
    last_seq: int = 0
    sealed: int = 0


class _Sent(msgspec.Struct, eq=False):
    envelope: UnsignedEnvelope
    subject: str
    items: list[Outgoing]
    epoch: _Epoch | None
    channel: Channel
    signature: bytes = b""
    """Empty until it is signed, and then sent."""
    record: Unanswered | None = None
    """What is kept on disk of an envelope with signals until it is answered."""
    task: asyncio.Task[None] | None = None


class Lane:
    """Sends one identity's signals into one compartment, in order."""

    def __init__(
        self,
        compartment: Compartment,
        *,
        identity: Identity,
        directory: DirectoryFollower,
        transport: Transport,
        state: SendingState,
        signing: SigningThread,
        on_quota: Callable[[], None] = lambda: None,
    ) -> None:
        self.compartment = compartment
        self._name = str(compartment)
        self._identity = identity
        self._directory = directory
        self._transport = transport
        self._state = state
        self._signing = signing
        self._on_quota = on_quota
        self._chain = Chain(*state.load(self._name), self._reserve)
        self._pending: deque[Outgoing] = deque()
        self._pending_bytes = 0
        self._under_way: OrderedDict[bytes, _Sent] = OrderedDict()
        self._epochs: dict[Channel, _Epoch] = {}
        self._refused: list[tuple[_Sent, RefusedError]] = []
        # A batch between the queue and its envelope.
        self._taken: list[Outgoing] = []
        self._changed = asyncio.Event()
        # What ended a delivery that nothing ends but an answer: a mistake of ours, or a key that does not sign.
        self._failure: BaseException | None = None
        # The newest directory size that a broker called stale: sealing on it again would only be refused again.
        self._stale_size: int | None = None

    def _reserve(self, upto: int) -> None:
        self._state.reserve(self._name, upto)

    # -- from the publisher -----------------------------------------------------------------------

    def put(self, item: Outgoing) -> None:
        """Queue a signal."""
        self._pending.append(item)
        self._pending_bytes += item.size
        self._changed.set()

    def take_answer(self, answer: BrokerAnswer) -> bool:
        """A broker answered one of our envelopes; ``False`` when it is none of those under way here."""
        sent = self._under_way.get(bytes.fromhex(answer.object))
        if sent is None:
            return False
        if not sent.signature:
            # Not sent yet: whoever answers that has not seen it.
            return True
        self._under_way.pop(sent.envelope.object_hash)
        self._stop_sending(sent)
        if answer.verdict == "admitted":
            self._admitted(sent, answer)
        else:
            if sent.record is not None:
                self._state.forget_unanswered(sent.envelope.object_hash)
            reason = answer.reason or Reason.MALFORMED
            self._refused.append((sent, RefusedError(reason, answer.message or "", answer.basis)))
            try:
                self._resume(answer)
            except InvalidError:
                # The broker's word about our own chain does not hold: its refusal stands, and the chain goes on
                # from what we know was admitted.
                self._chain.resume_own()
        self._changed.set()
        return True

    @staticmethod
    def _stop_sending(sent: _Sent) -> None:
        # A cancelled task keeps its frame, and so the envelope: it must not be kept by it in turn, or megabytes wait
        # for the garbage collector, which counts objects and not bytes.
        task, sent.task = sent.task, None
        if task is not None:
            task.cancel()

    def _admitted(self, sent: _Sent, answer: BrokerAnswer) -> None:
        self._chain.admitted(sent.envelope.object_hash)
        self._store_admitted(sent, answer)
        if sent.epoch is not None and sent.items:
            sent.epoch.envelopes += 1
            sent.epoch.last_seq = sent.envelope.header.seq
        for item in sent.items:
            if not item.answer.done():
                item.answer.set_result(
                    Answer(
                        signal=item.signal_id, verdict="admitted", compartment=self._name, index=answer.index
                    )
                )

    def _store_admitted(self, sent: _Sent, answer: BrokerAnswer) -> None:
        """Keep the head; of signals also where they are, so that the proof of it can be asked for later."""
        kept = sent.record.admitted(answer, wall_ms()) if sent.record is not None else None
        if sent.record is None or kept is None:
            self._state.store_head(self._name, sent.envelope.object_hash)
            self._state.forget_unanswered(sent.envelope.object_hash)
        else:
            self._state.store_sent(kept, sent.record.signals)

    def _remember(self, sent: _Sent) -> None:
        """Of signals, what is to be known once they are answered: it may be that only the next process hears of it."""
        envelope = sent.envelope
        signals = tuple((i.content.id, i.due_ms) for i in sent.items if isinstance(i.content, EncodedSignal))
        if not signals:
            return
        sent.record = Unanswered(
            object_hash=envelope.object_hash,
            compartment=self._name,
            audience=sent.channel.audience,
            directory_size=envelope.header.directory_size,
            header=envelope.header_bytes,
            signature_hash=signature_hash(sent.signature),
            signals=signals,
        )
        remember(self._state, sent.record, wall_ms())

    def _resume(self, answer: BrokerAnswer) -> None:
        """Take the chain up from the head in a refusal, if it is truly ours."""
        head: Header | None = None
        hash_ = ZERO_32
        if answer.head is not None:
            header_bytes, signature = answer.head.parts()
            head, hash_ = decode_header(header_bytes), object_hash(header_bytes)
            if head.sender_id != self._identity.sender_id or head.compartment != self.compartment:
                raise BindingError("a refusal names a head that is not of this chain")
            # Only what we signed ourselves: a broker must not make us build on a foreign header.
            context = labels.kind_context(head.kind)
            self._identity.signing.public.verify(signature, header_bytes, context)
        self._chain.resume(head, hash_)

    def fail(self, error: Exception) -> None:
        """Nothing more can be sent: tell everyone who waits."""
        sent = [*self._under_way.values(), *(s for s, _ in self._refused)]
        waiting = [i for s in sent for i in s.items] + self._taken + list(self._pending)
        for item in waiting:
            if not item.answer.done():
                item.answer.set_exception(error)
        for under_way in self._under_way.values():
            self._stop_sending(under_way)
        self._under_way.clear()
        self._refused.clear()
        self._pending.clear()
        self._pending_bytes = 0
        self._taken = []

    @property
    def idle(self) -> bool:
        """Whether everything was answered."""
        return not self._pending and not self._under_way and not self._refused

    # -- the sending loop -------------------------------------------------------------------------

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            self._changed.clear()
            if self._failure is not None:
                raise self._failure
            if self._refused:
                if not self._under_way:
                    self._recover()
                    continue
            elif self._pending and len(self._under_way) < MAX_UNDER_WAY:
                await self._gather()
                if self._pending and not self._refused:
                    await self._send_batch()
                continue
            elif not self._under_way and (answering := self._answering()) is not None:
                # Who answers one epoch seldom does so again: what is done with is not left open.
                await self._end(answering, self._epochs[answering])
                continue
            await self._changed.wait()

    def _answering(self) -> Channel | None:
        return next((c for c in self._epochs if c.reply_to != ZERO_16), None)

    async def _gather(self) -> None:
        """Let a batch fill while the line is busy, for 20 ms at most."""
        # One turn of the loop: signals submitted together travel together.
        await asyncio.sleep(0)
        deadline = time.monotonic() + BATCH_CLOSE_MS / 1000
        while (
            self._under_way
            and not self._refused
            and len(self._pending) < MAX_BATCH_SIGNALS
            and self._pending_bytes < BATCH_CLOSE_BYTES
            and (left := deadline - time.monotonic()) > 0
        ):
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._changed.wait()

    def _take_batch(self) -> list[Outgoing]:
        batch: list[Outgoing] = []
        ids: set[bytes] = set()
        size = 0
        channel = self._pending[0].channel
        while self._pending and len(batch) < MAX_BATCH_SIGNALS:
            item = self._pending[0]
            if item.channel != channel or (batch and size + item.size > BATCH_CLOSE_BYTES):
                break
            if batch and not isinstance(item.content, EncodedSignal):
                break
            if isinstance(item.content, EncodedSignal):
                if item.content.id in ids:
                    # A repeated id goes into the next batch: one batch holds an id once.
                    break
                ids.add(item.content.id)
            batch.append(self._pending.popleft())
            size += item.size
        self._pending_bytes -= size
        return batch

    async def _send_batch(self) -> None:
        await self._wait_until_newer()
        await self._wait_until_fresh()
        batch = self._taken = self._take_batch()
        channel = batch[0].channel
        content = batch[0].content
        try:
            if not isinstance(content, EncodedSignal):
                place = self._place(channel.kind)
                body = content if isinstance(content, bytes) else self._share(content, place)
                self._taken = []
                self._send(self._clear(place, body), batch, None, channel)
                return
            epoch = await self._epoch(channel)
        except RefusedError as error:
            for item in batch:
                if not item.answer.done():
                    item.answer.set_exception(error)
            self._taken = []
            return
        if self._refused:
            self._taken = []
            self._requeue(batch)
            return
        signals = [i.content for i in batch if isinstance(i.content, EncodedSignal)]
        envelope = seal_unsigned(signals, self._place(channel.kind), epoch.secrets)
        epoch.sealed += 1
        self._taken = []
        self._send(envelope, batch, epoch, channel)

    @staticmethod
    def _clear(place: Header, body: bytes, epoch_id: bytes = ZERO_16) -> UnsignedEnvelope:
        header = msgspec.structs.replace(
            place, epoch_id=epoch_id, body_len=len(body), body_hash=hash_body(body)
        )
        return unsigned_envelope(header, body)

    def _share(self, shared: Shared, place: Header) -> bytes:
        """The body of a share; its slots are bound to the header that it goes with."""
        view = self._directory.view
        reader = view.member(shared.reader)
        protected = may(view, reader.party, Action.READ_PROTECTED, self.compartment, wall_ms())
        return seal_share(place, shared.epochs, reader.kem_key_id, Recipient(reader.kem, protected))

    async def _wait_until_newer(self) -> None:
        """After ``stale-directory``: the change that the broker knows of must have come here too."""
        stale, self._stale_size = self._stale_size, None
        if stale is None:
            return
        try:
            await self._directory.wait_for(lambda: self._directory.directory.size > stale)
        except UnavailableError:
            # Nothing newer came: one more try, and then whoever waits is told.
            for item in self._pending:
                item.tries = max(item.tries, _MAX_TRIES - 1)

    async def _wait_until_fresh(self) -> None:
        while True:
            try:
                self._directory.verify_fresh()
            except UnavailableError:
                # Sealing now could reach someone who was removed: wait for the directory instead.
                await asyncio.sleep(0.2)
            else:
                return

    def _place(self, kind: Kind) -> Header:
        return Header(
            kind=kind,
            compartment=self.compartment,
            enclave_id=self._directory.directory.enclave_id,
            sender_id=self._identity.sender_id,
            epoch_id=ZERO_16,
            seq=self._chain.take_seq(),
            prev_hash=self._chain.prev_hash,
            directory_size=self._directory.directory.size,
            created_ms=wall_ms(),
            count=0,
            batch_root=ZERO_32,
            body_len=0,
            body_hash=ZERO_32,
        )

    async def _epoch(self, channel: Channel) -> _Epoch:
        """The epoch of a channel: the running one, or a new one when it is due."""
        view = self._directory.view
        now_ms = wall_ms()
        audience = view.audience(channel.audience)
        origin = view.party(channel.origin or view.member(self._identity.sender_id).party.token)
        members = view.audience_members(audience, origin, self.compartment, now_ms)
        epoch = self._epochs.get(channel)
        readers = frozenset(m.keys.sender_id for m in members.values())
        if epoch is not None and not self._is_due(epoch, readers):
            return epoch
        if epoch is not None:
            await self._end(channel, epoch)
        recipients = recipients_of(view, members, self.compartment, now_ms)
        place = self._place(Kind.EPOCH)
        envelope, secrets = draft_epoch(place, audience.code, recipients, channel.reply_to)
        epoch = _Epoch(secrets, readers, monotonic_ms())
        self._epochs[channel] = epoch
        self._send(envelope, [], epoch, channel)
        return epoch

    @staticmethod
    def _is_due(epoch: _Epoch, readers: frozenset[bytes]) -> bool:
        old = monotonic_ms() - epoch.started_ms > MAX_EPOCH_AGE_MS - _EPOCH_MARGIN_MS
        return old or epoch.sealed >= MAX_EPOCH_ENVELOPES - 1 or epoch.readers != readers

    async def _end(self, channel: Channel, epoch: _Epoch) -> None:
        """Close an epoch in the log, once everything sealed under it is answered."""
        while self._under_way and not self._refused and self._failure is None:
            self._changed.clear()
            await self._changed.wait()
        self._epochs.pop(channel, None)
        if self._refused or self._failure is not None:
            return
        body = EndOfEpoch(epoch.envelopes, epoch.last_seq).encode()
        self._send(
            self._clear(self._place(Kind.END_OF_EPOCH), body, epoch.secrets.epoch_id), [], None, channel
        )

    async def end_epochs(self) -> None:
        """Close every epoch in the log; for a client that leaves."""
        for channel, epoch in list(self._epochs.items()):
            await self._end(channel, epoch)
        while self._under_way and self._failure is None:
            self._changed.clear()
            await self._changed.wait()

    def _send(
        self, envelope: UnsignedEnvelope, items: list[Outgoing], epoch: _Epoch | None, channel: Channel
    ) -> None:
        self._chain.signed(envelope.object_hash)
        subject = ingress_subject(self.compartment, channel.action, self._identity.party)
        sent = _Sent(envelope, subject, items, epoch, channel)
        self._under_way[envelope.object_hash] = sent
        # What is taken has its epoch signed now, and is sealed next.
        aside = bool(self._pending or self._taken)
        sent.task = asyncio.ensure_future(self._deliver(sent, aside))
        sent.task.add_done_callback(self._delivered)

    def _delivered(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            # It would never be answered: ``run`` ends with it, and whoever waits is told.
            self._failure = error
            self._changed.set()

    async def _deliver(self, sent: _Sent, aside: bool) -> None:
        """Sign an envelope and send it, byte for byte, until its answer cancels this.

        The message id spares the server a second copy when an acknowledgement was lost. It is not relied on:
        whoever took it first, with other bytes, must not make the server drop this envelope, so one that is
        not answered goes again without it.
        """
        signed = await self._signing.sign(sent.envelope, aside=aside)
        sent.signature = signed.signature
        self._remember(sent)
        data = signed.encode()
        msg_id: str | None = sent.envelope.object_hash.hex()
        while True:
            try:
                stored = await self._transport.send(sent.subject, data, msg_id)
                msg_id = None
                if not stored:
                    continue
            except UnavailableError:
                await asyncio.sleep(0.5)
                continue
            except RefusedError as error:
                if error.reason is Reason.QUOTA:
                    self._on_quota()
                    await asyncio.sleep(1)
                    continue
                # The server itself denied it: no broker will ever answer.
                self._under_way.pop(sent.envelope.object_hash, None)
                self._state.forget_unanswered(sent.envelope.object_hash)
                sent.task = None
                self._refused.append((sent, error))
                self._chain.resume_own()
                self._changed.set()
                return
            await asyncio.sleep(_RESEND_SECONDS)

    # -- after a refusal --------------------------------------------------------------------------

    def _recover(self) -> None:
        """Everything under way is answered: fail what cannot go, seal the rest anew."""
        refused, self._refused = self._refused, []
        self._epochs.clear()
        stale = [s.envelope.header.directory_size for s, e in refused if e.reason is Reason.STALE_DIRECTORY]
        self._stale_size = max(stale, default=self._stale_size)
        final = {s.channel: e for s, e in refused if not s.items and e.reason not in _RETRIED}
        again: list[Outgoing] = []
        for sent, error in refused:
            for item in sent.items:
                item.tries += 1
                cause = final.get(item.channel, error)
                if cause.reason in _RETRIED and item.tries < _MAX_TRIES:
                    again.append(item)
                elif not item.answer.done():
                    item.answer.set_exception(cause)
        self._requeue(again)

    def _requeue(self, items: list[Outgoing]) -> None:
        self._pending.extendleft(reversed(items))
        self._pending_bytes += sum(i.size for i in items)


def recipients_of(
    view: View, members: dict[bytes, Member], compartment: Compartment, at_ms: int
) -> dict[bytes, Recipient]:
    """Public keys and protected rights of an audience's identities, by kem_key_id."""
    return {
        key_id: Recipient(member.kem, may(view, member.party, Action.READ_PROTECTED, compartment, at_ms))
        for key_id, member in members.items()
    }
