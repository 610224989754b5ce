# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""``connect``: one identity, unlocked and connected, as an asynchronous context manager."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable
from pathlib import Path

from seinpost_schemas.clear_bodies import ReceiptState, parse_reason, reason_name
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.errors import MalformedError, RefusedError, SeinpostError, SetupError, UnavailableError
from seinpost_schemas.note import parse_note
from seinpost_schemas.policy import days_to_expiry, suspicion
from seinpost_schemas.register import parse_register
from seinpost_schemas.signal import ActReport, Signal
from seinpost_schemas.signal_proof import SignalProof
from seinpost_schemas.statements import OwnRevocation
from seinpost_schemas.subjects import feed_stream, parse_feed_stream
from seinpost_schemas.submission import Submission
from seinpost_schemas.tlog_proof import TlogProof
from seinpost_schemas.uuid7 import parse_id

from ._acting import act_at_table, find_place, give_feedback, take_back
from ._catch_up import catch_up
from ._directory import DirectoryFollower, wall_ms
from ._findings import Findings, log_alarm, note_audited, note_recalled
from ._given import readable
from ._handing_in import HandingIn
from ._keyring import Keyring
from ._lock import Lock
from ._prekeys import Prekeys
from ._publishing import Publishing
from ._reading_state import Owed, ReadingState
from ._receipting import Receipting
from ._sending_state import SendingState, SentSignal
from ._share_plan import SharePlan, plan_shares
from ._token import TokenAccess
from ._transport import NatsTransport, Transport
from ._unanswered import is_unanswered
from .answer import Answer
from .audit_export import export
from .config import Config, load_config
from .delivery import Alarm, Audited, Delivery, LogStatus, Recalled, Status
from .export_layout import Manifest
from .identity import Identity, load_identity, read_passphrase_file
from .proving import Evidence, gather_evidence, parse_sections, prove
from .receipts import (
    PartyReceipt,
    ReaderStatus,
    SignalReceipts,
    State,
    audience_of,
    openings_of,
    readers_of,
    receipts_of,
    state_name,
)
from .subscriber import Subscriber

ANSWER_SECONDS = 60.0
_LAST_RECEIPT_SECONDS = 5.0
_LOOK_SECONDS = 2.0
_NOT_OPEN = "there is no connection here: use it inside 'async with seinpost.connect(…)'"
_log = logging.getLogger("seinpost")


def log_progress(what: str) -> None:
    """The default: how far a long look into the logs has come, for who asks for it."""
    _log.info("%s", what)


def log_waiting(what: str) -> None:
    """The default: say what is waited for: another process of this identity, or a broker that has to catch up."""
    _log.warning("%s", what)


class Connection:
    """An identity at work. Use as ``async with seinpost.connect("ncsc.toml") as post:``."""

    def __init__(
        self,
        config: Config,
        identity: Identity,
        *,
        on_alarm: Callable[[Alarm], None] = log_alarm,
        on_audited: Callable[[Audited], None] = note_audited,
        on_recalled: Callable[[Recalled], None] = note_recalled,
        on_waiting: Callable[[str], None] = log_waiting,
        on_progress: Callable[[str], None] = log_progress,
        receipts: bool = True,
    ) -> None:
        self._config = config
        self._identity = identity
        self._findings = Findings(config.state, on_alarm, on_audited, on_recalled)
        self._on_progress = on_progress
        self._on_waiting = on_waiting
        self._reading_lock = Lock(config.state / "reading.lock")
        self.has_read = False
        """Whether ``signals`` has begun to read; until then it waits for another process of this identity."""
        self._stack = contextlib.AsyncExitStack()
        self._publishing: Publishing | None = None
        self._receipts = receipts
        self._telling = False
        self._transport: Transport | None = None
        self._directory: DirectoryFollower | None = None
        self._reading: ReadingState | None = None
        self._subscriber: Subscriber | None = None
        self._keyring: Keyring | None = None

    def keep_place_in(self, reading: ReadingState) -> Connection:
        """For a reader that has a place of its own, before ``async with``; whoever gives it closes it afterwards."""
        self._reading = reading
        return self

    async def __aenter__(self) -> Connection:
        try:
            await self._open()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._stack.aclose()
        # Whoever uses it afterwards is told at once, and does not wait for what was closed.
        self._publishing = self._transport = None

    async def _open(self) -> None:
        identity, config = self._identity, self._config
        if identity.party != config.party:
            raise SetupError(f"the identity belongs to {identity.party}, the configuration to {config.party}")
        if self._reading is None:
            self._reading = ReadingState(config.state, identity.storage_key)
            self._stack.callback(self._reading.close)
        self._keyring = Keyring(config.state, identity)
        self._stack.callback(self._keyring.close)
        self._transport = await NatsTransport.connect(config, identity)
        self._stack.push_async_callback(self._transport.close)
        self._directory = DirectoryFollower(config.enclave_id, self._transport, self._reading)
        self._background(self._directory.run())
        await self._directory.wait_for(self._directory_ready)
        await self._confirm()
        member = self._directory.view.member(identity.sender_id)
        if member.party.token != identity.party:
            raise SetupError(
                f"the register holds this identity under {member.party.token}, not {identity.party}"
            )
        self._publishing = Publishing(
            config,
            identity,
            self._directory,
            self._transport,
            on_waiting=self._on_waiting,
            on_alarm=self._findings.take_alarm,
        )
        self._stack.push_async_callback(self._publishing.close)

    def _directory_ready(self) -> bool:
        directory = self.directory.directory
        return directory.view_at(directory.size) is not None

    async def _confirm(self) -> None:
        """Wait until the directory is confirmed fresh once; a dead broker is said, not waited for."""
        deadline = asyncio.get_running_loop().time() + 15
        while True:
            try:
                await self.directory.confirm()
                self.directory.verify_fresh()
            except UnavailableError:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(0.25)
            else:
                return

    def _background(self, work: object) -> None:
        task = asyncio.ensure_future(work)  # type: ignore[call-overload]

        async def stop() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self._stack.push_async_callback(stop)

    @property
    def directory(self) -> DirectoryFollower:
        """The directory as followed; raises ``RuntimeError`` outside ``async with``."""
        if self._directory is None:
            raise RuntimeError(_NOT_OPEN)
        return self._directory

    @property
    def alarms(self) -> list[Alarm]:
        """The alarms since the start, the newest thousands of them."""
        return self._findings.alarms

    @property
    def identity(self) -> Identity:
        """The identity at work."""
        return self._identity

    @property
    def _connected(self) -> Transport:
        if self._transport is None:
            raise RuntimeError(_NOT_OPEN)
        return self._transport

    # -- publishing -------------------------------------------------------------------------------

    @property
    def _sending(self) -> Publishing:
        if self._publishing is None:
            raise RuntimeError(_NOT_OPEN)
        return self._publishing

    @property
    def _read(self) -> ReadingState:
        if self._reading is None:
            raise RuntimeError(_NOT_OPEN)
        return self._reading

    @property
    def _keys(self) -> Keyring:
        if self._keyring is None:
            raise RuntimeError(_NOT_OPEN)
        return self._keyring

    async def submit(
        self, signal: Signal, *, theme: str, classification: str, audience: str | None = None
    ) -> asyncio.Future[Answer]:
        """Queue a signal and return a future of its answer; for sending many.

        Waits while too many are on their way. Raises ``RefusedError`` or ``MalformedError`` at once for what
        can be known here; the future raises ``RefusedError`` for what the broker refuses.
        """
        publisher = await self._sending.get()
        return await publisher.submit(signal, theme, classification, audience)

    async def publish(
        self,
        signal: Signal,
        *,
        theme: str,
        classification: str,
        audience: str | None = None,
        timeout_seconds: float = ANSWER_SECONDS,
    ) -> Answer:
        """Publish a signal and return when the broker has admitted it.

        Raises ``RefusedError`` (with ``reason``, ``message`` and ``basis``), ``MalformedError``, or
        ``UnavailableError`` when no broker answered in time: the signal may still be admitted then.
        """
        answer = await self.submit(signal, theme=theme, classification=classification, audience=audience)
        return await self._answered(answer, timeout_seconds)

    async def _answered(self, answer: asyncio.Future[Answer], timeout_seconds: float) -> Answer:
        # Also for who gives up waiting in a way of its own: what becomes of it then is not an error in their log.
        answer.add_done_callback(_retrieve)
        try:
            async with asyncio.timeout(timeout_seconds):
                return await asyncio.shield(answer)
        except TimeoutError:
            self.directory.verify_fresh()
            raise UnavailableError(
                f"no broker answered within {timeout_seconds:g} s; what was sent may still be admitted later"
            ) from None

    async def wait_audited(self, answer: Answer, timeout_seconds: float = ANSWER_SECONDS) -> TlogProof:
        """Wait for the proof, verified here, that an admitted signal is in the log that a quorum cosigned.

        Raises ``UnavailableError`` when it has not come in time.
        """
        publisher = await self._sending.get()
        try:
            async with asyncio.timeout(timeout_seconds):
                return await publisher.wait_proven(parse_id(answer.signal))
        except TimeoutError:
            raise UnavailableError(
                f"no proof came within {timeout_seconds:g} s that the signal is in the log; it is admitted, not audited"
            ) from None

    async def feedback(
        self,
        signal_id: str,
        act: str,
        *,
        text: str | None = None,
        official: str | None = None,
        sender: str | None = None,
        timeout_seconds: float = ANSWER_SECONDS,
    ) -> Answer:
        """Say something of a signal to everyone who may read it.

        ``act`` is corroborate, dispute, false-positive, action-taken or question; ``official`` a pseudonymous
        number; ``sender`` tells two parties' signals with one id apart. Raises like ``publish``.
        """
        place = find_place(self._read, signal_id, sender)
        report = ActReport(act=act, text=text, official=official)
        publisher = await self._sending.get()
        answer = await give_feedback(publisher, self.directory, self._read, place, signal_id, report)
        return await self._answered(answer, timeout_seconds)

    async def set_status(
        self,
        signal_id: str,
        status: str,
        *,
        official: str | None = None,
        sender: str | None = None,
        timeout_seconds: float = ANSWER_SECONDS,
    ) -> Answer:
        """Tell the own party's identities, and nobody else, what is done with a signal: a table act in the log.

        ``status`` is new, in-hand or closed; ``official`` a pseudonymous number. Raises like ``publish``.
        """
        report = ActReport(act="status", status=status, official=official)
        return await self._act_at_table(signal_id, report, sender, timeout_seconds)

    async def assign(
        self,
        signal_id: str,
        assignee: str | None,
        *,
        official: str | None = None,
        sender: str | None = None,
        timeout_seconds: float = ANSWER_SECONDS,
    ) -> Answer:
        """Tell the own party's identities, and nobody else, who takes a signal on: a table act in the log.

        ``assignee`` and ``official`` are pseudonymous numbers; ``None`` as assignee: nobody any more. Raises
        like ``publish``.
        """
        report = ActReport(act="assign", assignee=assignee, official=official)
        return await self._act_at_table(signal_id, report, sender, timeout_seconds)

    async def _act_at_table(
        self, signal_id: str, report: ActReport, sender: str | None, timeout_seconds: float
    ) -> Answer:
        place = find_place(self._read, signal_id, sender)
        publisher = await self._sending.get()
        answer = await act_at_table(publisher, place, signal_id, report)
        return await self._answered(answer, timeout_seconds)

    async def recall(self, signal_id: str, reason: str, *, timeout_seconds: float = ANSWER_SECONDS) -> Answer:
        """Take back a signal of our own party: every reader withdraws it from view.

        ``reason`` is mistake, false-positive, wrong-audience, personal-data, legal or superseded. The log keeps
        that it existed. Raises like ``publish``.
        """
        code, raw = parse_reason(reason), parse_id(signal_id)
        publisher = await self._sending.get()
        if publisher.find_signal(raw) is None:
            # Sent by an earlier process, which did not wait for its answer.
            await _for_a_moment(publisher.wait_answered())
            if publisher.is_unanswered(raw):
                raise UnavailableError(
                    f"{signal_id} was sent, and no broker has answered yet: it may still be admitted; try again"
                )
        answer = await take_back(publisher, self.directory, self._read, signal_id, code)
        return await self._answered(answer, timeout_seconds)

    async def share(
        self,
        reader: str,
        compartments: Collection[Compartment] | None = None,
        *,
        since_ms: int = 0,
        dry_run: bool = False,
        timeout_seconds: float = ANSWER_SECONDS,
    ) -> list[SharePlan]:
        """Give an identity, by its name in the register, what was published before it could read it; per compartment.

        To the own party's identities everything that this one can open; to others what the own party published,
        under its ``share`` mandate. Only epochs whose audience the reader is in now, of the log that runs and the
        one before it, admitted since ``since_ms`` (Unix milliseconds); each share is in the log. Reads the feeds to
        their newest checkpoint first. Raises like ``publish``.
        """
        directory = self.directory.directory
        member = directory.current.named(reader)
        sender = directory.current.member(self._identity.sender_id)
        running = directory.current.register.periods.current
        periods = [p for p in (directory.period_before(running), running) if p is not None]
        wanted = set(compartments) if compartments is not None else None
        readable_now = readable(self.directory.view, self._identity)
        streams = [feed_stream(p, c) for p in periods for c in readable_now if wanted is None or c in wanted]
        async with self._caught_up(wanted) as reading:
            plans = plan_shares(directory, reading, self._keys, member, streams, wall_ms(), since_ms)
        if dry_run or not any(p.epochs for p in plans):
            return plans
        publisher = await self._sending.get()
        own = member.party.token == sender.party.token
        answers = [
            await publisher.submit_share(share, plan.compartment, own=own)
            for plan in plans
            for share in plan.shares(member.keys.sender_id)
        ]
        for answer in answers:
            await self._answered(answer, timeout_seconds)
        return plans

    def opened(self, delivery: Delivery) -> None:
        """A person has seen this signal: the next receipt says so."""
        self._owe(delivery, ReceiptState.OPENED)

    def acknowledge(self, delivery: Delivery) -> None:
        """A person has taken this signal up: the next receipt says so."""
        self._owe(delivery, ReceiptState.ACKNOWLEDGED)

    def _owe(self, delivery: Delivery, state: ReceiptState) -> None:
        stream = feed_stream(delivery.period, delivery.compartment)
        self._read.owe(stream, [Owed(delivery.index, delivery.number, delivery.number, state)])

    async def publish_register(self, submission: Submission, timeout_seconds: float = ANSWER_SECONDS) -> int:
        """Hand a register version to the brokers, and return its number once it is in the directory.

        Raises ``InvalidError`` or ``RefusedError`` at once for what can be known here, ``RefusedError`` for
        what a broker answers, ``UnavailableError`` when it did not come in force in time.
        """
        directory = self.directory
        missing = directory.directory.missing_for(submission, wall_ms())
        version = parse_register(parse_note(submission.note)).version
        if not missing:
            return version
        await self._handing_in.hand_in(
            submission.encode(),
            lambda: directory.view.register.version >= version,
            f"version {version}",
            timeout_seconds,
        )
        return version

    async def revoke(self, suspect_from_ms: int, timeout_seconds: float = ANSWER_SECONDS) -> None:
        """Revoke this very identity, and return once the directory holds it. It cannot be taken back.

        What it published from ``suspect_from_ms`` on (Unix milliseconds) is shown as suspect. Raises
        ``RefusedError``, or ``UnavailableError`` when it did not come in force in time.
        """
        sender_id = self._identity.sender_id
        statement = OwnRevocation(self._config.enclave_id, sender_id, suspect_from_ms)
        await self._handing_in.hand_in(
            statement.sign(self._identity.signing),
            lambda: self.directory.view.revocation(sender_id.hex()) is not None,
            "the revocation",
            timeout_seconds,
            last=True,
        )

    @property
    def _handing_in(self) -> HandingIn:
        return HandingIn(self._config, self._identity, self.directory, self._connected, self._on_waiting)

    # -- reading ----------------------------------------------------------------------------------

    async def signals(self, *, from_start: bool = False) -> AsyncGenerator[Delivery, None]:
        """Verified and opened signals, for ever; from where this identity left off, or from the start.

        What does not verify is never delivered: it goes to ``on_alarm`` and ``alarms``.
        """
        directory = self.directory
        await self._reading_lock.acquire(
            lambda: self._on_waiting(
                f"another process is reading as {self._identity.name}; waiting until it has finished"
            )
        )
        self.has_read = True
        try:
            subscriber = Subscriber(
                self._keys,
                directory,
                self._connected,
                self._read,
                self._findings.take_alarm,
                self._findings.take_audited,
                self._findings.take_recalled,
            )
            self._subscriber = subscriber
            compartments = subscriber.compartments()
            for stream in (feed_stream(p, c) for p in self._periods() for c in compartments):
                self._findings.remember_recalls(self._read.recalls(stream))
            self._tell_receipts(compartments)
            keeping = asyncio.ensure_future(self._keep_prekeys(subscriber))
            try:
                async with contextlib.aclosing(subscriber.signals(from_start=from_start)) as deliveries:
                    async for delivery in deliveries:
                        yield delivery
            finally:
                self._subscriber = None
                keeping.cancel()
                await asyncio.gather(keeping, return_exceptions=True)
        finally:
            self._reading_lock.release()

    async def _keep_prekeys(self, subscriber: Subscriber) -> None:
        prekeys = Prekeys(
            self._keys, self.directory, self._connected, subscriber.read_to_ms, self._findings.take_alarm
        )
        await prekeys.run()

    def _periods(self) -> tuple[str, ...]:
        return self.directory.view.register.periods.readable

    def _tell_receipts(self, compartments: list[Compartment]) -> None:
        """Send receipts from now on, and once more when the connection closes; whoever reads may stop anywhere."""
        if not self._receipts or self._telling:
            return
        self._telling = True
        receipting = Receipting(self._read, self._sending, lambda: self._findings.notes)
        task = asyncio.ensure_future(receipting.run(compartments, self._periods))

        async def stop() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            with contextlib.suppress(TimeoutError, SeinpostError):
                async with asyncio.timeout(_LAST_RECEIPT_SECONDS):
                    await receipting.flush(compartments, self._periods())

        self._stack.push_async_callback(stop)

    async def receipts(self, *, signal_id: str | None = None, limit: int = 50) -> list[SignalReceipts]:
        """Of the newest signals that this identity sent, or of one: who has opened it and who has not.

        Reads the feeds to their newest checkpoint first, unless another process of this identity does.
        Raises ``MalformedError`` for a signal that was not sent with this identity.
        """
        await self._take_late_answers()
        signals = self._sent(signal_id, limit)
        if not all(s.proven for s in signals):
            await self._take_proofs([s.signal_id for s in signals if not s.proven])
            signals = self._sent(signal_id, limit)
        async with self._caught_up({Compartment.parse(s.sent.compartment) for s in signals}) as reading:
            own, now_ms = self._identity.party, wall_ms()
            return [receipts_of(s, self.directory.directory, reading, own, now_ms) for s in signals]

    def openings(self, delivery: Delivery) -> tuple[PartyReceipt, ...]:
        """Who of its audience has opened a signal that was received, as far as the feed has been read."""
        recalled = self.status(delivery) == "recalled"
        return openings_of(delivery, self.directory.directory, self._read, wall_ms(), recalled=recalled)

    def audience(self, delivery: Delivery) -> list[str]:
        """The parties, beside its sender's, that a signal was for; none for an act."""
        return audience_of(delivery, self.directory.directory)

    def reading_progress(self) -> tuple[int, int]:
        """How many log entries were read, and how many are known to be there; of the logs that are followed now."""
        return self._subscriber.progress() if self._subscriber is not None else (0, 0)

    def _sent(self, signal_id: str | None, limit: int) -> list[SentSignal]:
        sending = SendingState(self._config.state)
        try:
            if signal_id is None:
                return sending.newest_signals(limit)
            found = sending.find_signal(parse_id(signal_id))
            waits = found is None and is_unanswered(sending, parse_id(signal_id))
        finally:
            sending.close()
        if waits:
            raise UnavailableError(f"{signal_id} was sent, and no broker has answered yet; try again")
        if found is None:
            raise MalformedError(f"no signal {signal_id} was sent with this identity; check the id")
        return [found]

    async def _take_late_answers(self) -> None:
        """What an earlier process sent may have been answered since: look, for a moment."""
        sending = SendingState(self._config.state)
        try:
            waits = bool(sending.all_unanswered())
        finally:
            sending.close()
        if waits:
            async with self._sending.briefly() as publisher:
                if publisher is not None:
                    await _for_a_moment(publisher.wait_answered())

    async def _take_proofs(self, signal_ids: list[bytes]) -> None:
        """Proofs may lie among answers that nobody has read since: look, for a moment."""
        async with self._sending.briefly() as publisher:
            if publisher is not None:
                await _for_a_moment(asyncio.gather(*(publisher.wait_proven(i) for i in signal_ids)))

    async def prove(
        self,
        signal_id: str,
        sections: Collection[str] | None = None,
        *,
        sender: str | None = None,
    ) -> SignalProof:
        """A self-contained proof of one audited signal, or of some of its sections; see ``signal_proof``.

        ``sections`` are names (handling, report, indicators, protected); all but the protected one by default.
        Reads the feeds to their newest checkpoint first. Raises ``MalformedError`` for a signal or a section
        that this identity cannot read, ``UnavailableError`` while the signal is pending.
        """
        chosen = parse_sections(sections)
        known = self._read.places(parse_id(signal_id))
        wanted = {parse_feed_stream(p.stream)[1] for p in known} or None
        async with self._caught_up(wanted) as reading:
            place = find_place(reading, signal_id, sender)
            return await prove(self.directory, self._connected, reading, self._keys, place, chosen)

    async def evidence(self, delivery: Delivery) -> Evidence:
        """What a signal that was received rests on, for whoever verifies it once more; nothing of it is verified.

        From what this connection has read, and the broker's copy of the envelope, asked for now. Discloses the
        sections but the protected one. Raises like ``prove``, but not while the signal is pending.
        """
        place = find_place(self._read, delivery.signal.id or "", delivery.sender)
        return await gather_evidence(
            self.directory, self._connected, self._read, self._keys, place, sections=None
        )

    @contextlib.asynccontextmanager
    async def _caught_up(self, wanted: set[Compartment] | None) -> AsyncGenerator[ReadingState, None]:
        """What the logs say up to now, in a state of its own: nothing is delivered to anyone."""
        lock = Lock(self._config.state / "ledger.lock")
        await lock.acquire(lambda: None)
        ledger = ReadingState(
            self._config.state, self._identity.storage_key, "ledger.db", tells_receipts=False
        )
        try:
            if wanted is None or wanted:
                await catch_up(
                    self.directory,
                    self._connected,
                    self._keys,
                    ledger,
                    wanted,
                    self._on_progress,
                    self._findings.take_alarm,
                )
            yield ledger
        finally:
            ledger.close()
            lock.release()

    async def export(self, target: Path, progress: Callable[[str], None], *, bodies: bool = True) -> Manifest:
        """Write an audit export of every log that this identity may pull; see ``audit_export``."""
        return await export(
            self.directory,
            self._connected,
            self._identity,
            target,
            progress,
            state=self._config.state,
            bodies=bodies,
        )

    def status(self, delivery: Delivery) -> Status:
        """Whether a checkpoint with quorum covers the signal, just as it was received.

        ``pending`` until then; ``alarm`` once something is wrong with its compartment's log, unless it was
        covered before; ``recalled`` once its originator took it back.
        """
        return self._findings.status(delivery)

    def recall_of(self, delivery: Delivery) -> Recalled | None:
        """Who took a signal back, when and why; ``None`` for one that stands, or that is being read again."""
        stream = feed_stream(delivery.period, delivery.compartment)
        signal_id = delivery.signal.id or ""
        row = self._read.recall(stream, delivery.index, parse_id(signal_id)) if signal_id else None
        if row is None:
            return None
        return Recalled(
            signal=signal_id,
            sender=delivery.sender,
            compartment=delivery.compartment,
            period=delivery.period,
            index=delivery.index,
            reason=reason_name(row.reason),
            admitted_ms=row.admitted_ms,
        )

    def to_be_said(self, delivery: Delivery) -> State:
        """What our next receipt will say of a signal: ``none`` when it is in the log already, or nothing is."""
        stream = feed_stream(delivery.period, delivery.compartment)
        return state_name(self._read.owes(stream, delivery.index, delivery.number))

    def logs(self) -> list[LogStatus]:
        """Every log that is followed now: how much of it was received, and what was last confirmed of it."""
        return self._subscriber.logs() if self._subscriber is not None else []

    def readers(self) -> list[ReaderStatus]:
        """How far each party's receipts reach in the logs of the running period, as far as they were read."""
        period = self.directory.view.register.periods.current
        return readers_of(self._read, [log for log in self.logs() if log.period == period])

    def suspicion(self, delivery: Delivery) -> str | None:
        """Why a signal is suspect, if its identity was revoked since, from a moment or place before it."""
        log = f"{delivery.period}/{delivery.compartment}"
        found = suspicion(self.directory.view, delivery.sender_id, log, delivery.index, delivery.admitted_ms)
        return found.reason if found is not None else None

    def expires_in_days(self) -> int | None:
        """Whole days that the register still holds, once that is fewer than 14; nothing is published after it."""
        return days_to_expiry(self.directory.view.register, wall_ms())

    def remember_alarms(self, alarms: Iterable[Alarm]) -> None:
        """What was wrong with entries that an earlier process of this reader read: they are not read again."""
        self._findings.remember_alarms(alarms)


async def _for_a_moment(work: Awaitable[object]) -> None:
    """Wait for what may be there already, and not long for what is not."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LOOK_SECONDS):
            await work


def _retrieve(future: asyncio.Future[Answer]) -> None:
    if not future.cancelled():
        future.exception()


def _access(config: Config, pin: str | None) -> TokenAccess | None:
    """How to get at the token of a configuration, if it has one."""
    token = config.token
    if token is None:
        return None
    if pin is None:
        if token.pin_file is None:
            raise SetupError("no PIN for the token: give one, or name a pin_file in [token]")
        pin = read_passphrase_file(token.pin_file)
    given = pin
    return TokenAccess(token.module, lambda: given)


def connect(
    config: Path | str,
    *,
    passphrase: str | None = None,
    pin: str | None = None,
    on_alarm: Callable[[Alarm], None] = log_alarm,
    on_audited: Callable[[Audited], None] = note_audited,
    on_recalled: Callable[[Recalled], None] = note_recalled,
    on_waiting: Callable[[str], None] = log_waiting,
    receipts: bool = True,
) -> Connection:
    """An identity at work, from its configuration file.

    While it reads it tells the log what it delivered, unless ``receipts`` is false.
    Passphrase, and PIN of a token, come from the argument, or from the file that the configuration names. Raises
    ``SetupError`` here; connecting happens on ``async with``, which raises ``UnavailableError`` or
    ``RefusedError``.
    """
    loaded = load_config(config)
    if passphrase is None:
        if loaded.passphrase_file is None:
            raise SetupError(f"no passphrase: give one, or name a passphrase_file in {config}")
        passphrase = read_passphrase_file(loaded.passphrase_file)
    identity = load_identity(loaded.identity, passphrase, _access(loaded, pin))
    return Connection(
        loaded,
        identity,
        on_alarm=on_alarm,
        on_audited=on_audited,
        on_recalled=on_recalled,
        on_waiting=on_waiting,
        receipts=receipts,
    )


__all__ = ["Connection", "RefusedError", "connect"]
