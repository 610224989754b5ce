# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Auditing what is read: what is published of each log, what others were shown of it, and what the clock says.

``LogAudit`` judges one log; this fetches for all of them, tells what was found, and proves it where two notes can.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from seinpost_schemas.checkpoint import parse_checkpoint
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.directory import Closing
from seinpost_schemas.errors import (
    RefusedError,
    SeinpostError,
    SplitViewError,
    UnavailableError,
    UnforeseenError,
)
from seinpost_schemas.limits import FRESH_MS
from seinpost_schemas.merkle import root_hash
from seinpost_schemas.note import parse_note
from seinpost_schemas.register import Register
from seinpost_schemas.subjects import (
    CHECKPOINTS_STREAM,
    checkpoint_subject,
    direct_get_subject,
    directory_origin,
)

from ._audit import AuditAlarm
from ._directory import DirectoryFollower, monotonic_ms, wall_ms
from ._followed import FollowedLog
from ._misbehaviour import prove_split_view
from ._moment import Moment
from ._reading_state import ReadingState
from ._transport import Transport
from ._unforeseen import one_entry
from .delivery import Alarm, Audited

_AUDIT_SECONDS = 0.25
_IDLE_AUDIT_MS = 5_000
_CLOSED_LOOK_MS = 30_000
"""How often a closed log is looked at for what must not be there."""


class Auditing:
    """Of every log that is followed."""

    def __init__(
        self,
        directory: DirectoryFollower,
        transport: Transport,
        state: ReadingState,
        logs: Mapping[str, FollowedLog],
        full: Collection[str],
        given: Callable[[], Collection[Compartment] | None],
        on_alarm: Callable[[Alarm], None],
        on_audited: Callable[[Audited], None],
    ) -> None:
        """``logs`` by stream, and ``full``, the streams whose reading waits for the application, change on the way.

        ``given`` says which compartments may be pulled now; ``None`` when that is not known.
        """
        self._directory = directory
        self._transport = transport
        self._state = state
        self._logs = logs
        self._full = full
        self._given = given
        self._on_alarm = on_alarm
        self._on_audited = on_audited
        self._unproven: list[tuple[FollowedLog, AuditAlarm]] = []
        """Split views that no two notes prove yet."""
        self._unfresh_ms: int | None = None
        """Since when the directory is not fresh."""

    def grew(self, log: FollowedLog) -> None:
        """An entry of a log was verified."""
        before = log.audit.audited_size
        if (alarm := log.audit.grew(log.feed.size, log.feed.root())) is not None:
            self._alarm(alarm, log)
        self.tell_audited(log, before)

    def close(self, log: FollowedLog, closing: Closing, register: Register) -> None:
        """The directory says where a log ends."""
        before = log.audit.audited_size
        for alarm in log.audit.close(closing, register, monotonic_ms()):
            self._alarm(alarm, log)
        self.tell_audited(log, before)

    async def run(self) -> None:
        """Fetch what is published of each log, often while signals are pending, and look at the clock; for ever."""
        looked: dict[str, int] = {}
        # What the server denies is asked for at the pace of a log in which nothing happens; it is late all the same.
        denied: set[str] = set()
        while True:
            given = self._given()
            for log in list(self._logs.values()):
                now_ms = monotonic_ms()
                if given is not None and log.compartment not in given:
                    log.audit.rest(now_ms)
                    continue
                since = now_ms - looked.get(log.stream, -_CLOSED_LOOK_MS)
                if log.audit.is_over:
                    if since >= _CLOSED_LOOK_MS:
                        looked[log.stream] = now_ms
                        await self._look_beyond(log)
                    continue
                witnessed = self._directory.view.register.quorum > 0
                pending = witnessed and log.feed.size > log.audit.audited_size and log.stream not in denied
                if pending or since >= _IDLE_AUDIT_MS:
                    looked[log.stream] = now_ms
                    denied.discard(log.stream)
                    if not await self._fetch_checkpoint(log):
                        denied.add(log.stream)
                for alarm in log.audit.overdue(monotonic_ms(), reading=log.stream not in self._full):
                    self._alarm(alarm, log)
            self._look_at_directory()
            self._convict_later()
            await asyncio.sleep(_AUDIT_SECONDS)

    def _look_at_directory(self) -> None:
        """A directory on which nothing would be sealed is not read on in silence: it could hide a revocation."""
        now_ms, before = monotonic_ms(), self._unfresh_ms
        try:
            self._directory.verify_fresh()
        except SeinpostError as error:
            self._unfresh_ms = before if before is not None else now_ms
            if before is not None and before >= 0 and now_ms - before > FRESH_MS:
                # Said once, until it was fresh again.
                self._unfresh_ms = -1
                self._on_alarm(Alarm(code="stale-checkpoint", message=str(error), compartment="directory"))
        else:
            self._unfresh_ms = None

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
            self._alarm(alarm, log)

    async def _fetch_checkpoint(self, log: FollowedLog) -> bool:
        """Look at what is published of a log; ``False`` when the server denies that."""
        subject = direct_get_subject(CHECKPOINTS_STREAM, checkpoint_subject(log.origin))
        try:
            note = await self._transport.read_last(subject)
        except UnavailableError:
            return True
        except RefusedError:
            return False
        if note is None:
            return True
        register = await self._directory.register_for(note)
        before = log.audit.audited_size
        for alarm in log.audit.take(note, register, self._moment(), self._earlier):
            self._alarm(alarm, log)
        self.tell_audited(log, before)
        return True

    @property
    def _earlier(self) -> list[Register]:
        """The register's versions before the one in force, newest first."""
        return self._directory.directory.registers[-2::-1]

    def _moment(self) -> Moment:
        """Now, beside the newest time that witnesses stated of any log that we follow."""
        stated = [self._directory.freshness.stated_ms, *(log.audit.stated_ms for log in self._logs.values())]
        return Moment(monotonic_ms(), wall_ms(), max(stated))

    def tell_audited(self, log: FollowedLog, before: int) -> None:
        """Store and say that a log is audited beyond ``before`` entries, if it is."""
        audit = log.audit
        if audit.audited_size > before:
            self._state.store_audit(audit.origin, msgspec.msgpack.encode(audit.state))
            self._on_audited(
                Audited(
                    compartment=log.compartment, period=log.period, size=audit.audited_size, note=audit.note
                )
            )

    def notes(self) -> dict[str, bytes]:
        """What we were shown: the newest note of each log."""
        enclave = self._directory.view.register.enclave
        notes = {log.origin: log.audit.note for log in self._logs.values() if not log.audit.is_over}
        return notes | {directory_origin(enclave): self._directory.note}

    def heard(self, log: str, note: bytes) -> None:
        """What another party was shown of a log."""
        try:
            with one_entry():
                self._hear(log, note)
        except UnforeseenError as error:
            self._on_alarm(Alarm(code=error.code, message=str(error), compartment=log, evidence=note))

    def _hear(self, log: str, note: bytes) -> None:
        """What another party was shown of a log that we read too."""
        register = self._directory.view.register
        if f"{register.enclave}/{log}" == directory_origin(register.enclave):
            try:
                self._directory.hear(note)
            except SplitViewError as error:
                evidence = self._convict(note, self._directory.note, self._directory.leaves) or note
                self._on_alarm(Alarm(code=error.code, message=str(error), compartment=log, evidence=evidence))
            return
        for known in self._logs.values():
            if known.origin == f"{register.enclave}/{log}":
                before = known.audit.audited_size
                root_of = self._root_of(known)
                for alarm in known.audit.hear(note, register, self._moment(), root_of, self._earlier):
                    self._alarm(alarm, known)
                self.tell_audited(known, before)

    def _root_of(self, log: FollowedLog) -> Callable[[int], bytes | None]:
        """The root of what was received of a log at a size, also by an earlier process."""

        def root_of(size: int) -> bytes | None:
            leaves = self._state.leaves(log.stream, size)
            return root_hash(leaves) if len(leaves) == size else None

        return root_of

    def _alarm(self, alarm: AuditAlarm, log: FollowedLog) -> None:
        evidence = alarm.evidence
        if alarm.code == SplitViewError.code and evidence is not None:
            proof = self._convict_log(evidence, log)
            if proof is None:
                # What convicts may come: a checkpoint over more of what we received.
                self._unproven.append((log, alarm))
            evidence = proof or evidence
        self._on_alarm(
            Alarm(code=alarm.code, message=alarm.message, compartment=str(log.compartment), evidence=evidence)
        )

    def _convict_later(self) -> None:
        """Say it once more when two signed statements that contradict each other are there."""
        for log, alarm in list(self._unproven):
            if (proof := self._convict_log(alarm.evidence or b"", log)) is not None:
                self._unproven.remove((log, alarm))
                message = f"{alarm.message}: two signed checkpoints prove it"
                self._on_alarm(
                    Alarm(code=alarm.code, message=message, compartment=str(log.compartment), evidence=proof)
                )

    def _convict_log(self, note: bytes, log: FollowedLog) -> bytes | None:
        size = parse_checkpoint(parse_note(note)).tree_size
        return self._convict(
            note, log.audit.covering(size), lambda upto: self._state.leaves(log.stream, upto)
        )

    def _convict(
        self, note: bytes, against: bytes | None, leaves: Callable[[int], Sequence[bytes]]
    ) -> bytes | None:
        """A proof that the log lied to someone, if these two notes give one."""
        if not against:
            return None
        enclave_id, material = self._directory.directory.enclave_id, self._directory.material
        return prove_split_view(enclave_id, material, (note, against), leaves)
