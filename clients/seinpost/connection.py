# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""``connect``: one identity, unlocked and connected, as an asynchronous context manager."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Literal

from seinpost_schemas.compartment import Compartment
from seinpost_schemas.errors import RefusedError, SetupError, UnavailableError
from seinpost_schemas.note import parse_note
from seinpost_schemas.policy import days_to_expiry, suspicion
from seinpost_schemas.register import parse_register
from seinpost_schemas.signal import Signal
from seinpost_schemas.subjects import directory_ingress_subject
from seinpost_schemas.submission import Submission

from ._directory import DirectoryFollower, wall_ms
from ._lock import Lock
from ._register_answer import await_refusal
from ._state import ReadingState, SendingState
from ._transport import NatsTransport, Transport
from .answer import Answer
from .audit_export import export
from .config import Config, load_config
from .delivery import Alarm, Audited, Delivery
from .export_layout import Manifest
from .identity import Identity, load_identity, read_passphrase_file
from .publisher import Publisher
from .subscriber import Subscriber

ANSWER_SECONDS = 60.0
_KEPT_ALARMS = 10_000
Status = Literal["pending", "audited", "alarm"]
_log = logging.getLogger("seinpost")


def log_alarm(alarm: Alarm) -> None:
    """The default: one warning line, without content."""
    _log.warning("feed alarm %s in %s at %s: %s", alarm.code, alarm.compartment, alarm.index, alarm.message)


def note_audited(_audited: Audited) -> None:
    """The default: nothing more than ``Connection.status`` then says."""


def log_waiting(what: str) -> None:
    """The default: say that another process holds the identity."""
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
        on_waiting: Callable[[str], None] = log_waiting,
    ) -> None:
        self._config = config
        self._identity = identity
        self._on_alarm = on_alarm
        self._on_audited = on_audited
        self._audited: dict[Compartment, int] = {}
        self._alarmed: set[str] = set()
        self._on_waiting = on_waiting
        self._sending_lock = Lock(config.state / "sending.lock")
        self._reading_lock = Lock(config.state / "reading.lock")
        self._stack = contextlib.AsyncExitStack()
        self._publisher: Publisher | None = None
        self._publishing = asyncio.Lock()
        self._transport: Transport | None = None
        self._directory: DirectoryFollower | None = None
        self._reading: ReadingState | None = None
        self.alarms: list[Alarm] = []
        """The alarms since the start, the newest thousands of them."""

    async def __aenter__(self) -> Connection:
        try:
            await self._open()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._stack.aclose()

    async def _open(self) -> None:
        identity, config = self._identity, self._config
        if identity.party != config.party:
            raise SetupError(f"the identity belongs to {identity.party}, the configuration to {config.party}")
        self._reading = ReadingState(config.state, identity.storage_key)
        self._stack.callback(self._reading.close)
        self._transport = await NatsTransport.connect(config.server, identity.party, identity.nats_seed)
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
            raise RuntimeError("use 'async with seinpost.connect(…)'")
        return self._directory

    @property
    def identity(self) -> Identity:
        """The identity at work."""
        return self._identity

    # -- publishing -------------------------------------------------------------------------------

    async def _get_publisher(self) -> Publisher:
        async with self._publishing:
            if self._publisher is None:
                directory = self.directory
                await self._sending_lock.acquire(
                    lambda: self._on_waiting(
                        f"another process is publishing as {self._identity.name}; waiting until it has finished"
                    )
                )
                self._stack.callback(self._sending_lock.release)
                state = SendingState(self._config.state)
                self._stack.callback(state.close)
                if self._transport is None:
                    raise RuntimeError("the connection is closed")
                publisher = Publisher(self._identity, directory, self._transport, state)
                self._background(publisher.run())
                self._stack.push_async_callback(publisher.close)
                self._publisher = publisher
            return self._publisher

    async def submit(
        self, signal: Signal, *, theme: str, classification: str, audience: str | None = None
    ) -> asyncio.Future[Answer]:
        """Queue a signal and return a future of its answer; for sending many.

        Waits while too many are on their way. Raises ``RefusedError`` or ``MalformedError`` at once for what
        can be known here; the future raises ``RefusedError`` for what the broker refuses.
        """
        publisher = await self._get_publisher()
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
        try:
            async with asyncio.timeout(timeout_seconds):
                return await asyncio.shield(answer)
        except TimeoutError:
            answer.add_done_callback(_retrieve)
            self.directory.verify_fresh()
            raise UnavailableError(
                f"no broker answered within {timeout_seconds:g} s; the signal may still be admitted later"
            ) from None

    async def publish_register(self, submission: Submission, timeout_seconds: float = ANSWER_SECONDS) -> int:
        """Hand a register version to the brokers, and return its number once it is in the directory.

        Raises ``InvalidError`` or ``RefusedError`` at once for what can be known here, ``RefusedError`` for
        what a broker answers, ``UnavailableError`` when it did not come in force in time.
        """
        directory = self.directory
        if self._transport is None:
            raise RuntimeError("the connection is closed")
        missing = directory.directory.missing_for(submission, wall_ms())
        version = parse_register(parse_note(submission.note)).version
        if not missing:
            return version
        await self._sending_lock.acquire(
            lambda: self._on_waiting(f"another process is publishing as {self._identity.name}; waiting")
        )
        state = SendingState(self._config.state)
        refusals = asyncio.ensure_future(
            await_refusal(self._transport, self._identity.name, state.answers_from(), submission)
        )
        in_force = asyncio.ensure_future(directory.wait_for_version(version))
        try:
            await self._transport.send(
                directory_ingress_subject(self._identity.party), submission.encode(), None
            )
            done, _ = await asyncio.wait(
                {refusals, in_force}, timeout=timeout_seconds, return_when=asyncio.FIRST_COMPLETED
            )
            if not done:
                raise UnavailableError(
                    f"version {version} is not in force after {timeout_seconds:g} s; it may still come"
                )
            if refusals in done:
                raise refusals.result()
            await in_force
        finally:
            for task in (refusals, in_force):
                task.cancel()
            await asyncio.gather(refusals, in_force, return_exceptions=True)
            state.close()
            self._sending_lock.release()
        return version

    # -- reading ----------------------------------------------------------------------------------

    async def signals(self, *, from_start: bool = False) -> AsyncGenerator[Delivery, None]:
        """Verified and opened signals, for ever; from where this identity left off, or from the start.

        What does not verify is never delivered: it goes to ``on_alarm`` and ``alarms``.
        """
        directory = self.directory
        if self._transport is None or self._reading is None:
            raise RuntimeError("the connection is closed")
        await self._reading_lock.acquire(
            lambda: self._on_waiting(
                f"another process is reading as {self._identity.name}; waiting until it has finished"
            )
        )
        try:
            subscriber = Subscriber(
                self._identity,
                directory,
                self._transport,
                self._reading,
                self._take_alarm,
                self._take_audited,
            )
            async with contextlib.aclosing(subscriber.signals(from_start=from_start)) as deliveries:
                async for delivery in deliveries:
                    yield delivery
        finally:
            self._reading_lock.release()

    async def export(self, target: Path, progress: Callable[[str], None]) -> Manifest:
        """Write an audit export of every log that this identity may pull; see ``audit_export``."""
        directory = self.directory
        if self._transport is None:
            raise RuntimeError("the connection is closed")
        await self._reading_lock.acquire(
            lambda: self._on_waiting(
                f"another process is reading as {self._identity.name}; waiting until it has finished"
            )
        )
        try:
            return await export(directory, self._transport, self._identity, target, progress)
        finally:
            self._reading_lock.release()

    def status(self, delivery: Delivery) -> Status:
        """Whether a checkpoint with quorum covers the signal, just as it was received.

        ``pending`` until then; ``alarm`` once something is wrong with its compartment's log, unless it was
        covered before.
        """
        if delivery.index < self._audited.get(delivery.compartment, 0):
            return "audited"
        return "alarm" if str(delivery.compartment) in self._alarmed else "pending"

    def suspicion(self, delivery: Delivery) -> str | None:
        """Why a signal is suspect, if its identity was revoked since, from a moment or place before it."""
        register = self.directory.view.register
        log = f"{register.periods.current}/{delivery.compartment}"
        found = suspicion(register, delivery.sender_id, log, delivery.index, delivery.admitted_ms)
        return found.reason if found is not None else None

    def expires_in_days(self) -> int | None:
        """Whole days that the register still holds, once that is fewer than 14; nothing is published after it."""
        return days_to_expiry(self.directory.view.register, wall_ms())

    def _take_audited(self, audited: Audited) -> None:
        self._audited[audited.compartment] = audited.size
        self._on_audited(audited)

    def _take_alarm(self, alarm: Alarm) -> None:
        self.alarms.append(alarm)
        del self.alarms[:-_KEPT_ALARMS]
        if alarm.sender is None:
            # About the log itself, not about one sender's envelope.
            self._alarmed.add(alarm.compartment)
        self._on_alarm(alarm)


def _retrieve(future: asyncio.Future[Answer]) -> None:
    if not future.cancelled():
        future.exception()


def connect(
    config: Path | str,
    *,
    passphrase: str | None = None,
    on_alarm: Callable[[Alarm], None] = log_alarm,
    on_audited: Callable[[Audited], None] = note_audited,
    on_waiting: Callable[[str], None] = log_waiting,
) -> Connection:
    """An identity at work, from its configuration file.

    The passphrase comes from the argument, or from the file that the configuration names. Raises
    ``SetupError`` here; connecting happens on ``async with``, which raises ``UnavailableError`` or
    ``RefusedError``.
    """
    loaded = load_config(config)
    if passphrase is None:
        if loaded.passphrase_file is None:
            raise SetupError(f"no passphrase: give one, or name a passphrase_file in {config}")
        passphrase = read_passphrase_file(loaded.passphrase_file)
    identity = load_identity(loaded.identity, passphrase)
    return Connection(loaded, identity, on_alarm=on_alarm, on_audited=on_audited, on_waiting=on_waiting)


__all__ = ["Connection", "RefusedError", "connect"]
