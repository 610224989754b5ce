# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Reading: pull the feeds, verify, open, deliver each signal once, keep the position.

At least once across a crash: position, feed state and what was delivered are stored together, after the
last signal of an envelope was taken by the application.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence

import msgspec

from seinpost_schemas.clear_bodies import ReceiptState, decode_receipt, reason_name
from seinpost_schemas.compartment import Compartment, all_compartments
from seinpost_schemas.entry import ENTRY_BYTES, ENTRY_HEADER, decode_entry, from_base64
from seinpost_schemas.errors import (
    BadSlotError,
    DisputedRootError,
    IdReusedError,
    InvalidError,
    MalformedError,
    Reason,
    RefusedError,
    SeinpostError,
    SplitViewError,
    StateLostError,
    UnavailableError,
    UpdateNeededError,
)
from seinpost_schemas.kinds import SEALED, Action, Kind
from seinpost_schemas.policy import View, may, verify_signal_type
from seinpost_schemas.sections import EncodedSignal, decode_act, decode_signal, is_act
from seinpost_schemas.signal import Act, Signal
from seinpost_schemas.signal_list import decode_signals
from seinpost_schemas.split_view import FORMAT as SPLIT_VIEW
from seinpost_schemas.split_view import SplitView
from seinpost_schemas.subjects import (
    CHECKPOINTS_STREAM,
    checkpoint_subject,
    direct_get_subject,
    directory_origin,
    feed_stream,
    parse_feed_stream,
)
from seinpost_schemas.uuid7 import format_id

from ._audit import AuditAlarm
from ._directory import DirectoryFollower, monotonic_ms, wall_ms
from ._followed import FollowedLog, begin_log
from ._gossip import Gossip
from ._keyring import Keyring
from ._ledger import Ledger
from ._reading_state import Facts, Owed, Place, ReadingState, Seen
from ._transport import StoredMessage, Transport
from ._trusted_feed import Accepted, TrustedFeed
from .delivery import Alarm, Audited, Delivery, Recalled
from .epochs import EpochSecrets, open_epoch
from .identity import Identity
from .publisher import verify_handling
from .sealing import open_verified

_AUDIT_SECONDS = 0.25
_IDLE_AUDIT_MS = 5_000
_CLOSED_LOOK_MS = 30_000
"""How often a closed log is looked at for what must not be there."""
_QUEUED_ENVELOPES = 8
"""Opened envelopes that wait for the application, per reader: a slow one stops pulling, others do not."""


class _Work(msgspec.Struct, frozen=True):
    log: FollowedLog
    next_seq: int
    feed: bytes
    index: int
    opened: _Opened


class _Opened(msgspec.Struct):
    """What one message gave: signals for the application, and what is stored when it has taken them."""

    deliveries: list[Delivery] = []
    seen: list[Seen] = []
    facts: Facts = Facts()
    owed: list[Owed] = []
    recalled: list[Recalled] = []


class Subscriber:
    """Reads every compartment that the party may read."""

    def __init__(
        self,
        keyring: Keyring,
        directory: DirectoryFollower,
        transport: Transport,
        state: ReadingState,
        on_alarm: Callable[[Alarm], None],
        on_audited: Callable[[Audited], None],
        on_recalled: Callable[[Recalled], None] = lambda _: None,
        only: set[Compartment] | None = None,
    ) -> None:
        self._identity = keyring.identity
        self._keyring = keyring
        self._directory = directory
        self._transport = transport
        self._state = state
        self._on_alarm = on_alarm
        self._on_audited = on_audited
        self._on_recalled = on_recalled
        self._only = only
        self._logs: dict[str, FollowedLog] = {}
        """By stream: of each compartment the log that is read now, and those before it."""
        self._unreadable: set[bytes] = set()
        """Epochs that are sealed to us and were said to be unreadable."""
        self._full: set[str] = set()
        """Streams whose reading waits for the application."""
        self._pending: dict[tuple[str, bytes], bytes] = {}
        self.envelopes = 0
        """Log entries verified since the start, opened or not."""

    def compartments(self) -> list[Compartment]:
        """The compartments whose feed this party may pull."""
        found = readable(self._directory.view, self._identity)
        return found if self._only is None else [c for c in found if c in self._only]

    def audited_size(self, stream: str) -> int:
        """How many entries of a log a checkpoint with quorum covers."""
        log = self._logs.get(stream)
        return log.audit.audited_size if log else 0

    def read_to_ms(self) -> int | None:
        """Up to when every log that this party may read was read and cosigned; Unix milliseconds.

        ``None`` while that is not known of some log: it was not reached yet, or no checkpoint with quorum has come.
        """
        period = self._directory.view.register.periods.current
        running = [self._logs.get(feed_stream(period, c)) for c in self.compartments()]
        seen = [log.audit.audited_ms for log in running if log is not None]
        if not seen or len(seen) < len(running) or min(seen) == 0:
            return None
        return min(seen)

    async def signals(self, *, from_start: bool = False) -> AsyncGenerator[Delivery, None]:
        """Verified and opened signals, in log order within each compartment, for ever."""
        compartments = self.compartments()
        if not compartments:
            raise RefusedError(Reason.MANDATE, f"{self._identity.party} has no mandate to read anything")
        readable_periods = self._directory.view.register.periods.readable
        if from_start:
            self._state.forget([feed_stream(p, c) for p in readable_periods for c in compartments])
        queue: asyncio.Queue[_Work] = asyncio.Queue(maxsize=_QUEUED_ENVELOPES)
        tasks = [asyncio.ensure_future(self._read(c, readable_periods[0], queue)) for c in compartments]
        tasks.append(asyncio.ensure_future(self._audit()))
        if self._only is None:
            gossip = Gossip(self._transport, self._identity.party, self._notes, self._heard)
            tasks += [asyncio.ensure_future(gossip.tell()), asyncio.ensure_future(gossip.listen())]
        try:
            while True:
                work = await _next_or_failure(queue, tasks)
                for recalled in work.opened.recalled:
                    self._on_recalled(recalled)
                for delivery in work.opened.deliveries:
                    yield delivery
                self._commit(work)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _commit(self, work: _Work) -> None:
        opened = work.opened
        owed = opened.owed
        if opened.deliveries and self._state.first_delivery(work.log.stream, work.index):
            numbers = [d.number for d in opened.deliveries]
            delivered = Owed(work.index, min(numbers), max(numbers), ReceiptState.DELIVERED)
            owed = [*owed, delivered]
        self._state.commit(work.log.stream, work.next_seq, work.feed, opened.seen, opened.facts, owed)
        work.log.ledger.stored(work.index, opened.facts)
        for seen in opened.seen:
            self._pending.pop((seen.party, seen.signal_id), None)

    async def _read(self, compartment: Compartment, period: str, queue: asyncio.Queue[_Work]) -> None:
        """Follow one compartment from a period on: each log to its closing, and then the one after it."""
        before: FollowedLog | None = None
        try:
            while True:
                directory = self._directory.directory
                log = begin_log(period, compartment, directory, self._state, before, monotonic_ms())
                self._logs[log.stream] = log
                self._tell_audited(log, before=0)
                self._grew(log)
                await self._read_to_its_end(log, queue)
                before, period = log, directory.period_after(period)
        except RefusedError as error:
            # The right to read it has ended, or the server says so: the other feeds go on.
            self._alarm_at(error, str(compartment), None, None)
            await asyncio.Event().wait()

    async def _read_to_its_end(self, log: FollowedLog, queue: asyncio.Queue[_Work]) -> None:
        """Until everything below the log's closing was taken by the application; for ever while it runs.

        What comes after the closing is not read: nobody may believe it, and ``_audit`` tells of it.
        """
        over = asyncio.ensure_future(self._until_over(log))
        pulling: asyncio.Future[None] | None = None
        try:
            # One look before anything is asked for: most logs of earlier periods were read long ago.
            await asyncio.sleep(0)
            if not over.done():
                pulling = asyncio.ensure_future(self._pull(log, queue))
                await asyncio.wait({over, pulling}, return_when=asyncio.FIRST_COMPLETED)
                if pulling.done():
                    pulling.result()
            await over
        finally:
            tasks = {t for t in (over, pulling) if t is not None}
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _until_over(self, log: FollowedLog) -> None:
        while True:
            view, closing = self._directory.view, self._directory.directory.closing(log.origin)
            if closing is not None:
                before = log.audit.audited_size
                for alarm in log.audit.close(closing, view.register, monotonic_ms()):
                    self._audit_alarm(alarm, log)
                self._tell_audited(log, before)
            elif view.register.periods.current != log.period:
                log.audit.ended(monotonic_ms())
            # Until it is stored: the next log may speak of what is in this one.
            if log.audit.is_over and self._state.position(log.stream) > log.feed.size:
                return
            await asyncio.sleep(_AUDIT_SECONDS)

    async def _pull(self, log: FollowedLog, queue: asyncio.Queue[_Work]) -> None:
        feed, stream = log.feed, log.stream
        async for stored in self._transport.pull(stream, self._identity.name, feed.size + 1):
            headers = dict(stored.headers)
            await self._wait_for_directory(stream, headers)
            opened = self._take(log, stored, headers)
            self._grew(log)
            self.envelopes += 1
            self._full.add(stream)
            await queue.put(_Work(log, feed.size + 1, feed.encode(), stored.seq - 1, opened))
            self._full.discard(stream)

    # -- auditing ---------------------------------------------------------------------------------

    def _grew(self, log: FollowedLog) -> None:
        before = log.audit.audited_size
        if (alarm := log.audit.grew(log.feed.size, log.feed.root())) is not None:
            self._audit_alarm(alarm, log)
        self._tell_audited(log, before)

    async def _audit(self) -> None:
        """Fetch what is published of each log, often while signals are pending, and look at the clock."""
        looked: dict[str, int] = {}
        while True:
            for log in list(self._logs.values()):
                now_ms = monotonic_ms()
                since = now_ms - looked.get(log.stream, -_CLOSED_LOOK_MS)
                if log.audit.is_over:
                    if since >= _CLOSED_LOOK_MS:
                        looked[log.stream] = now_ms
                        await self._look_beyond(log)
                    continue
                witnessed = self._directory.view.register.quorum > 0
                pending = witnessed and log.feed.size > log.audit.audited_size
                if pending or since >= _IDLE_AUDIT_MS:
                    looked[log.stream] = now_ms
                    await self._fetch_checkpoint(log)
                for alarm in log.audit.overdue(monotonic_ms(), reading=log.stream not in self._full):
                    self._audit_alarm(alarm, log)
            await asyncio.sleep(_AUDIT_SECONDS)

    async def _look_beyond(self, log: FollowedLog) -> None:
        """Nothing may come after the closing of a log."""
        closing = self._directory.directory.closing(log.origin)
        if closing is None:
            return
        try:
            found = await self._transport.read_from(log.stream, closing.checkpoint.tree_size + 1, 1)
        except (UnavailableError, RefusedError):
            return
        for alarm in log.audit.goes_on() if found else ():
            self._audit_alarm(alarm, log)

    async def _fetch_checkpoint(self, log: FollowedLog) -> None:
        subject = direct_get_subject(CHECKPOINTS_STREAM, checkpoint_subject(log.origin))
        try:
            note = await self._transport.read_last(subject)
        except UnavailableError:
            return
        if note is None:
            return
        before = log.audit.audited_size
        for alarm in log.audit.take(note, self._directory.view.register, monotonic_ms()):
            self._audit_alarm(alarm, log)
        self._tell_audited(log, before)

    def _tell_audited(self, log: FollowedLog, before: int) -> None:
        audit = log.audit
        if audit.audited_size > before:
            self._state.store_audit(audit.origin, msgspec.msgpack.encode(audit.state))
            self._on_audited(
                Audited(
                    compartment=log.compartment, period=log.period, size=audit.audited_size, note=audit.note
                )
            )

    def _notes(self) -> dict[str, bytes]:
        """What we were shown: the newest note of each log."""
        enclave = self._directory.view.register.enclave
        notes = {log.origin: log.audit.note for log in self._logs.values() if not log.audit.is_over}
        return notes | {directory_origin(enclave): self._directory.note}

    def _heard(self, log: str, note: bytes) -> None:
        """What another party was shown of a log that we read too."""
        register = self._directory.view.register
        if f"{register.enclave}/{log}" == directory_origin(register.enclave):
            try:
                self._directory.hear(note)
            except SplitViewError as error:
                self._on_alarm(Alarm(code=error.code, message=str(error), compartment=log, evidence=note))
            return
        for known in self._logs.values():
            if known.origin == f"{register.enclave}/{log}":
                before = known.audit.audited_size
                for alarm in known.audit.hear(note, register, monotonic_ms()):
                    self._audit_alarm(alarm, known)
                self._tell_audited(known, before)

    def _audit_alarm(self, alarm: AuditAlarm, log: FollowedLog) -> None:
        evidence = alarm.evidence
        if evidence is not None and alarm.against is not None:
            evidence = SplitView(
                format=SPLIT_VIEW,
                enclave=self._directory.directory.enclave_id.hex(),
                directory=tuple(self._directory.material),
                first=alarm.against.decode(),
                second=evidence.decode(),
            ).encode()
        self._on_alarm(
            Alarm(code=alarm.code, message=alarm.message, compartment=str(log.compartment), evidence=evidence)
        )

    # -- one entry --------------------------------------------------------------------------------

    async def _wait_for_directory(self, stream: str, headers: dict[str, str]) -> None:
        """An entry may name a directory that is on its way to us: let it come first.

        Passing over the entry would lose a signal; waiting is said once. It ends when the directory was
        confirmed and is shorter than that: then the entry is refused.
        """
        try:
            size = decode_entry(from_base64(headers.get(ENTRY_HEADER, ""), ENTRY_BYTES)).directory_size
        except MalformedError:
            return
        told = False
        while self._directory.directory.size < size:
            try:
                await self._directory.wait_for(lambda: self._directory.directory.size >= size)
            except UnavailableError as error:
                if not told:
                    self._alarm_at(error, stream, None, None)
                    told = True
                if self._directory_is_whole():
                    # What is signed of the directory ends before that: the entry names one that is not there.
                    return

    def _directory_is_whole(self) -> bool:
        """Whether what we hold of the directory is what was signed within the last minute."""
        try:
            self._directory.verify_fresh()
        except UnavailableError:
            return False
        return True

    def _take(self, log: FollowedLog, stored: StoredMessage, headers: dict[str, str]) -> _Opened:
        """Accept and open one message; whatever is wrong becomes an alarm, and the feed goes on."""
        feed = log.feed
        try:
            accepted = feed.accept(stored.seq, headers, stored.body)
        except (InvalidError, RefusedError) as error:
            feed.skip(stored.seq, headers)
            self._alarm(error, feed, stored.seq - 1, None)
            return _Opened()
        row = log.ledger.entry(accepted, headers)
        opened = _Opened(facts=Facts(row))
        try:
            self._open(accepted, log, opened)
        except (InvalidError, RefusedError, UpdateNeededError) as error:
            self._alarm(error, feed, accepted.index, accepted.member.party.token)
        return opened

    def _open(self, accepted: Accepted, log: FollowedLog, opened: _Opened) -> None:
        header = accepted.envelope.header
        feed, ledger = log.feed, log.ledger
        if not accepted.known:
            raise UpdateNeededError(f"an envelope of kind {header.kind} needs a newer Seinpost")
        if header.kind not in SEALED:
            if opened.facts.entry is not None:
                opened.facts = ledger.facts(accepted, opened.facts.entry, feed)
            if header.kind == Kind.EPOCH:
                self._keep_epoch(accepted, log)
            elif header.kind == Kind.RECEIPT:
                self._look_at_receipt(accepted, log)
            elif opened.facts.recall is not None:
                self._withdraw(accepted, opened, ledger)
            return
        secrets = self._secrets(header.epoch_id)
        if secrets is None:
            sealed_to_us = self._own_slot(feed.slot_ids(header.epoch_id), accepted.view) is not None
            if sealed_to_us and header.epoch_id not in self._unreadable:
                self._unreadable.add(header.epoch_id)
                # Sealed to this reader, who cannot open it: a signal that is not shown must be said.
                raise BadSlotError(
                    "an envelope is sealed to this reader, whose secrets of its epoch are missing"
                )
            return
        batch = open_verified(accepted.envelope, secrets)
        epoch = feed.epoch(header.epoch_id)
        audience = accepted.view.audience_of_code(epoch.audience).name
        places: list[Place] = []
        decoded = _decode_together(header.kind, batch.signals)
        for number, (encoded, leaf, signal) in enumerate(
            zip(batch.signals, batch.leaves, decoded, strict=True)
        ):
            try:
                delivery = self._deliver(accepted, log, number, encoded, signal, leaf, opened.seen, audience)
            except (InvalidError, RefusedError, UpdateNeededError) as error:
                self._alarm_at(error, str(header.compartment), accepted.index, accepted.member.party.token)
                continue
            places.append(ledger.place(accepted, number, encoded))
            if delivery is not None:
                opened.deliveries.append(delivery)
        opened.facts = msgspec.structs.replace(opened.facts, places=tuple(places))

    def _withdraw(self, accepted: Accepted, opened: _Opened, ledger: Ledger) -> None:
        recall = opened.facts.recall
        if recall is None:
            return
        party = accepted.member.party.token
        opened.recalled.append(
            Recalled(
                signal=format_id(recall.signal_id),
                sender=party,
                compartment=accepted.envelope.header.compartment,
                period=parse_feed_stream(recall.stream)[0],
                index=recall.index,
                reason=reason_name(recall.reason),
                admitted_ms=recall.admitted_ms,
            )
        )
        if (owed := ledger.withdrawn(recall, party)) is not None:
            opened.owed.append(owed)

    def _look_at_receipt(self, accepted: Accepted, log: FollowedLog) -> None:
        """What others say that they read of a log, and what we said ourselves, against what we received."""
        receipt = decode_receipt(accepted.envelope.body)
        stream = feed_stream(receipt.period, log.compartment)
        if (of := self._logs.get(stream)) is None:
            return
        if accepted.envelope.header.sender_id == self._identity.sender_id:
            if receipt.tree_size > self._state.claimed(stream):
                self._state.claim(stream, receipt.tree_size)
                raise StateLostError(
                    f"this identity said that it read {receipt.tree_size} entries, and no longer knows it: its "
                    "state was lost or put back; it reads them again"
                )
            return
        root = of.audit.root_at(receipt.tree_size)
        if root is not None and root != receipt.root_hash:
            raise DisputedRootError(
                f"{accepted.member.party.token} says that it read another log at size {receipt.tree_size}"
            )

    def _own_slot(self, slot_ids: Sequence[bytes], view: View) -> bytes | None:
        """Which of an epoch's slots, by 16-byte kem_key_id, is this identity's: under any key it ever had."""
        return next((k for k in slot_ids if view.owner(k) == self._identity.sender_id), None)

    def _keep_epoch(self, accepted: Accepted, log: FollowedLog) -> None:
        header = accepted.envelope.header
        # As the sender saw the register when it sealed: rights given later do not reach back.
        seen = self._directory.directory.view_at(header.directory_size) or accepted.view
        try:
            party = seen.member(self._identity.sender_id).party
        except RefusedError:
            return
        epoch_id = accepted.envelope.object_hash[:16]
        own = self._own_slot(log.feed.slot_ids(epoch_id), seen)
        if own is None:
            return
        protected = may(seen, party, Action.READ_PROTECTED, header.compartment, accepted.entry.admitted_ms)
        # An alarm for it here is the alarm for what it carries too.
        self._unreadable.add(epoch_id)
        key = self._keyring.private_key(own)
        if key is not None:
            secrets = open_epoch(accepted.envelope, key, read_protected=protected)
            if secrets is not None:
                self._keyring.store_epoch(epoch_id, log.period, msgspec.msgpack.encode(secrets))
        elif self._keyring.load_epoch(epoch_id) is None:
            raise BadSlotError(
                "an epoch is sealed to a key of this reader that is no longer here: it was destroyed, or its state lost"
            )
        self._unreadable.discard(epoch_id)

    def _secrets(self, epoch_id: bytes) -> EpochSecrets | None:
        stored = self._keyring.load_epoch(epoch_id)
        return msgspec.msgpack.decode(stored, type=EpochSecrets) if stored is not None else None

    def _deliver(
        self,
        accepted: Accepted,
        log: FollowedLog,
        number: int,
        encoded: EncodedSignal,
        signal: Signal | Act | None,
        leaf: bytes,
        seen: list[Seen],
        audience: str,
    ) -> Delivery | None:
        header = accepted.envelope.header
        signal = signal or (decode_act(encoded) if is_act(header.kind) else decode_signal(encoded))
        if isinstance(signal, Signal) and accepted.mandate is not None:
            party, at_ms = accepted.member.party, accepted.entry.admitted_ms
            verify_signal_type(accepted.view, party, header.compartment, signal.handling.signal_type, at_ms)
            verify_handling(signal, header.compartment, at_ms)
        if self._is_repeat(accepted.member.party.token, encoded, seen):
            return None
        return Delivery(
            signal=signal,
            sender=accepted.member.party.token,
            identity=accepted.member.identity.name,
            sender_id=header.sender_id,
            compartment=header.compartment,
            index=accepted.index,
            number=number,
            kind=header.kind,
            admitted_ms=accepted.entry.admitted_ms,
            created_ms=header.created_ms,
            object_hash=accepted.envelope.object_hash,
            leaf=leaf,
            epoch_id=header.epoch_id,
            audience=audience,
            period=log.period,
            directory_size=header.directory_size,
        )

    def _is_repeat(self, party: str, encoded: EncodedSignal, seen: list[Seen]) -> bool:
        """Once per (party, signal id); raises ``IdReusedError`` when the content differs."""
        digest = self._state.digest(encoded.sections)
        key = (party, encoded.id)
        before = self._pending.get(key) or self._state.seen_digest(party, encoded.id)
        if before is None:
            self._pending[key] = digest
            seen.append(Seen(party, encoded.id, digest))
            return False
        if before != digest:
            raise IdReusedError("one signal id was used for two different contents")
        return True

    def _alarm(self, error: SeinpostError, feed: TrustedFeed, index: int, sender: str | None) -> None:
        self._alarm_at(error, str(feed.compartment), index, sender)

    def _alarm_at(
        self, error: SeinpostError, compartment: str, index: int | None, sender: str | None
    ) -> None:
        if isinstance(error, InvalidError):
            code, message = error.code, str(error)
        elif isinstance(error, RefusedError):
            code, message = str(error.reason), error.message
        elif isinstance(error, UnavailableError):
            code, message = "directory-missing", "the feed waits for a directory entry that has not come"
        else:
            code, message = "update-needed", str(error)
        self._on_alarm(Alarm(code=code, message=message, compartment=compartment, index=index, sender=sender))


def readable(view: View, identity: Identity) -> list[Compartment]:
    """The compartments whose feed an identity's party may pull: with a read or an audit mandate."""
    now_ms = wall_ms()
    party = view.member(identity.sender_id).party
    return [
        c
        for c in all_compartments(view.register.ceiling_level)
        if may(view, party, Action.READ, c, now_ms) or may(view, party, Action.AUDIT, c, now_ms)
    ]


def _decode_together(kind: int, signals: Sequence[EncodedSignal]) -> Sequence[Signal | None]:
    """The signals of one envelope; ``None`` for each when they are acts, or must be looked at one by one."""
    if not is_act(kind):
        with contextlib.suppress(InvalidError, UpdateNeededError):
            return decode_signals(signals)
    return [None] * len(signals)


async def _next_or_failure(queue: asyncio.Queue[_Work], tasks: list[asyncio.Task[None]]) -> _Work:
    """The next opened envelope; a reading task that failed ends the iteration with its error."""
    if not queue.empty():
        return queue.get_nowait()
    getter = asyncio.ensure_future(queue.get())
    try:
        await asyncio.wait({getter, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        if getter.done():
            return getter.result()
        for task in tasks:
            if task.done():
                task.result()
        raise RuntimeError("a feed ended")
    finally:
        getter.cancel()
