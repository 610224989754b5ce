# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""One log as its reader audits it: the roots that it computed itself, against checkpoints that a quorum cosigned.

Sans-IO: eats (size, root) as the feed grows and checkpoint notes as they come, with times as arguments
(milliseconds of this process's monotonic clock; a ``Moment`` where a note's own time counts). Nothing is audited
unless a checkpoint, signed with both log keys and cosigned by the register's quorum, has exactly the root of what
was received. Alarms by name:

split-view        a checkpoint has another root than what was received at its size
withheld-tail     a checkpoint is beyond what was received, and the rest does not come within 10 s
rolled-back       a later statement about the log is about fewer entries
cut-at-closing    the log was closed before entries that were received
after-closing     the log goes on after it was closed
missing-closing   the period is over for 60 s, and the log was not closed
stale-checkpoint  no newer statement for 60 s, or only old ones that are shown as new, or none that covers what
                  was received 60 s ago
missing-log       no statement at all for 60 s
quorum, unknown-witness, signature, malformed, binding   what is published is not what the register asks
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

import msgspec

from seinpost_schemas.checkpoint import Checkpoint, LogPublicKeys, parse_checkpoint, verify_checkpoint
from seinpost_schemas.cosignature import COSIGNATURE_ED25519_TYPE
from seinpost_schemas.directory import Closing, log_keys_of
from seinpost_schemas.errors import InvalidError, QuorumError
from seinpost_schemas.limits import FRESH_MS
from seinpost_schemas.note import COSIGNATURE_MLDSA44_TYPE, Note, key_id, parse_note
from seinpost_schemas.quorum import verify_witnessed
from seinpost_schemas.register import Register
from seinpost_schemas.subjects import witness_key_name

from ._moment import Moment, lateness
from ._roots import Roots

TAIL_MS = 10_000
CLOSING_MS = FRESH_MS
_LOOK_BACK_MS = 10_000
_KEPT_NOTES = 64
_KEPT_ROOTS = 65_536
"""Sizes whose root is remembered: what may wait for a checkpoint, and what others may ask about."""


class AuditAlarm(msgspec.Struct, frozen=True):
    """What is wrong with a log, by name; ``evidence`` is the note that shows it."""

    code: str
    message: str
    evidence: bytes | None = None
    against: bytes | None = None
    """A note of the same log over as much or more that says otherwise: the two together prove that the log lied."""


class AuditState(msgspec.Struct, array_like=True):
    """What survives a restart: the newest checkpoint that was accepted, as its note."""

    audited_size: int
    newest_size: int
    newest_timestamp: int
    note: bytes


class LogAudit:
    """Holds what is proven of one log."""

    def __init__(self, origin: str, now_ms: int, state: AuditState | None = None) -> None:
        self.origin = origin
        self.audited_size = state.audited_size if state else 0
        """Entries below this are audited."""
        self._newest_size = state.newest_size if state else 0
        self._newest_timestamp = state.newest_timestamp if state else 0
        self._note = state.note if state else b""
        self._notes: OrderedDict[int, bytes] = OrderedDict()
        if state is not None and state.note:
            self._notes[state.audited_size] = state.note
        self._roots = Roots(_KEPT_ROOTS)
        self._size = 0
        self._rose_ms = self._look_back_ms = now_ms
        self._late: str | None = None
        self._uncovered_ms: int | None = None
        self._ever = False
        self._witnessed = False
        self.audited_ms = 0
        """Unix milliseconds of the newest cosigned checkpoint that agreed with what was received, or 0."""
        self._ahead: tuple[Checkpoint, bytes, int] | None = None
        # When the quorum stated that checkpoint, Unix milliseconds; 0 for a closing, which states no time.
        self._ahead_stated_ms = 0
        self._closed: Checkpoint | None = None
        self._ended_ms: int | None = None
        self._said: set[str] = set()

    @property
    def state(self) -> AuditState:
        """To be stored whenever ``audited_size`` has grown."""
        return AuditState(self.audited_size, self._newest_size, self._newest_timestamp, self._note)

    @property
    def newest_size(self) -> int:
        """The most entries that a checkpoint was ever accepted for, whether they were received or not."""
        return self._newest_size

    @property
    def note(self) -> bytes:
        """The newest checkpoint note that was accepted: what others may be told."""
        return self._note

    @property
    def stated_ms(self) -> int:
        """The newest time that a quorum stated of this log, Unix milliseconds; 0 when none did."""
        return self._newest_timestamp * 1000

    def root_at(self, size: int) -> bytes | None:
        """The root of what was received at ``size``, if that was not too long ago."""
        return self._roots.at(size)

    @property
    def is_over(self) -> bool:
        """Whether the log is closed, and everything below its end was received."""
        return self._closed is not None and self._size >= self._closed.tree_size

    def ended(self, now_ms: int) -> None:
        """Another period runs: the log is to be closed."""
        if self._ended_ms is None:
            self._ended_ms = now_ms

    def close(self, closing: Closing, register: Register, now_ms: int) -> list[AuditAlarm]:
        """The directory says where the log ended, and that a quorum saw it; what is wrong with that."""
        if self._closed is not None:
            return []
        checkpoint, note = closing.checkpoint, closing.note
        self._closed, self._ever, self._witnessed = checkpoint, True, register.quorum > 0
        self._said -= {"stale-checkpoint", "missing-log", "missing-closing"}
        alarms: list[AuditAlarm] = []
        if (had := max(self._size, self._newest_size)) > checkpoint.tree_size:
            message = f"{self.origin} had {had} entries and was closed with {checkpoint.tree_size}"
            alarms = self._once("cut-at-closing", message, note)
        self._newest_size = max(self._newest_size, checkpoint.tree_size)
        self._ahead = None
        if checkpoint.tree_size > self._size:
            self._ahead, self._ahead_stated_ms = (checkpoint, note, now_ms), 0
            return alarms
        found = self._compare(checkpoint, note)
        return alarms + ([found] if found else [])

    def goes_on(self) -> list[AuditAlarm]:
        """An entry was found beyond the log's end."""
        return self._once("after-closing", f"{self.origin} holds entries after it was closed", None)

    def grew(self, size: int, root: bytes) -> AuditAlarm | None:
        """The feed has ``size`` entries now, with this root; what a waiting checkpoint says of it."""
        self._size = size
        self._roots.put(size, root)
        if self._ahead is not None and self._ahead[0].tree_size <= size:
            checkpoint, note, _ = self._ahead
            self._ahead = None
            self._said.discard("withheld-tail")
            found = self._compare(checkpoint, note)
            if found is None and self._witnessed and self.audited_size == checkpoint.tree_size:
                self.audited_ms = max(self.audited_ms, self._ahead_stated_ms)
            return found
        return None

    def take(
        self, data: bytes, register: Register, moment: Moment, earlier: Sequence[Register] = ()
    ) -> list[AuditAlarm]:
        """A published note; what is wrong with it.

        ``earlier`` are the register's versions before: a log in which nothing happens still shows what their
        witnesses cosigned, for some seconds after another version came.
        """
        try:
            checkpoint, timestamp = verify_checkpoint(
                data, self.origin, LogPublicKeys(*log_keys_of(register))
            )
            note = parse_note(data)
            if register.quorum:
                timestamp = verify_witnessed(register, note, checkpoint)
        except InvalidError as error:
            if isinstance(error, QuorumError) and any(_held(checkpoint, note, r) for r in earlier):
                # From before: it audits nothing any more, and the next one is due within seconds.
                return []
            return self._once(error.code, f"the checkpoint of {self.origin}: {error}", data)
        self._ever = True
        # Without witnesses the broker's word is held against what was received, and audits nothing.
        self._witnessed = register.quorum > 0
        if self._closed is not None and checkpoint.tree_size > self._closed.tree_size:
            message = f"{self.origin} was signed at {checkpoint.tree_size} entries after it was closed"
            return self._once("after-closing", message, data)
        if self._closed is not None and checkpoint.tree_size < self._closed.tree_size:
            # From before it was closed: what closed it covers this.
            return []
        alarms = self._unknown_witnesses(note, (register, *earlier), data)
        if (timestamp, checkpoint.tree_size) <= (self._newest_timestamp, self._newest_size):
            # Seen, or older: timestamps are whole seconds, so two may share one.
            return alarms
        if checkpoint.tree_size < self._newest_size:
            if (found := self._compare(checkpoint, data)) is not None:
                alarms.append(found)
            message = (
                f"{self.origin} had {self._newest_size} entries and is said to have {checkpoint.tree_size}"
            )
            return alarms + self._once("rolled-back", message, data)
        self._newest_timestamp, self._newest_size = timestamp, checkpoint.tree_size
        self._note_news(moment)
        if checkpoint.tree_size > self._size:
            if self._ahead is None:
                self._ahead = (checkpoint, data, moment.monotonic_ms)
                self._ahead_stated_ms = timestamp * 1000
            return alarms
        found = self._compare(checkpoint, data)
        if self._witnessed and self.audited_size == checkpoint.tree_size and found is None:
            self.audited_ms = timestamp * 1000
        return alarms + ([found] if found else [])

    def _note_news(self, moment: Moment) -> None:
        """Something newer was shown; whether it is new by its own time decides whether the log is alive."""
        self._said.discard("missing-log")
        self._late = lateness(self.stated_ms, moment)
        if self._late is not None:
            return
        self._rose_ms = moment.monotonic_ms
        if self._uncovered_ms is None:
            self._said.discard("stale-checkpoint")

    def _compare(self, checkpoint: Checkpoint, note: bytes) -> AuditAlarm | None:
        root = self._roots.at(checkpoint.tree_size)
        if root is None:
            # Below where this process began: a later checkpoint covers it, and with it everything before.
            return None
        if root != checkpoint.root_hash:
            message = (
                f"what was received of {self.origin} is not what was signed at size {checkpoint.tree_size}"
            )
            return self._split_view(message, note, checkpoint.tree_size)
        self._keep(checkpoint.tree_size, note)
        if self._witnessed and checkpoint.tree_size >= self.audited_size:
            if checkpoint.tree_size > self.audited_size:
                self._uncovered_ms = None
                self._said.discard("stale-checkpoint")
            self.audited_size, self._note = checkpoint.tree_size, note
        return None

    def _unknown_witnesses(self, note: Note, registers: Sequence[Register], data: bytes) -> list[AuditAlarm]:
        prefix = witness_key_name(registers[0].enclave, "")
        lines = {(s.name, s.key_id) for s in note.signatures if s.name.startswith(prefix)}
        for register in registers:
            # The newest names them all, but for the moment after another version came.
            lines -= _witness_lines(register)
            if not lines:
                return []
        message = f"{self.origin} is cosigned by a witness that the register does not name"
        return self._once("unknown-witness", message, data)

    def rest(self, now_ms: int) -> None:
        """The register does not give us this log now: nothing of it is late, and its time starts again."""
        self._rose_ms = now_ms
        self._uncovered_ms = None
        if self._ahead is not None:
            self._ahead = (*self._ahead[:2], now_ms)
        if self._ended_ms is not None:
            self._ended_ms = now_ms

    def overdue(self, now_ms: int, *, reading: bool = True) -> list[AuditAlarm]:
        """What has not come in time.

        While not ``reading``, because the application has not taken what came before, a tail is late by our
        own doing: its time starts again.
        """
        alarms: list[AuditAlarm] = []
        if self._ahead is not None and not reading:
            self._ahead = (*self._ahead[:2], now_ms)
        if self._ahead is not None and now_ms - self._ahead[2] > TAIL_MS:
            missing = self._ahead[0].tree_size - self._size
            message = f"{missing} signed entries of {self.origin} have not come"
            alarms += self._once("withheld-tail", message, self._ahead[1])
        if self._closed is not None:
            # Nothing newer will be signed of it.
            return alarms
        if self._ended_ms is not None and now_ms - self._ended_ms > CLOSING_MS:
            message = f"the period of {self.origin} is over for 60 s, and it was not closed"
            alarms += self._once("missing-closing", message, None)
        if self._witnessed and self._size > self.audited_size:
            self._uncovered_ms = now_ms if self._uncovered_ms is None else self._uncovered_ms
            if now_ms - self._uncovered_ms > FRESH_MS:
                message = f"entries of {self.origin} from {self.audited_size} on were not covered for 60 s"
                alarms += self._once("stale-checkpoint", message, None)
        if now_ms - self._rose_ms > FRESH_MS:
            code = "stale-checkpoint" if self._ever else "missing-log"
            what = "nothing newer was signed" if self._ever else "no checkpoint has come"
            why = f": {self._late}" if self._late is not None else ""
            alarms += self._once(code, f"{what} of {self.origin} for 60 s{why}", None)
        return alarms

    def hear(
        self,
        data: bytes,
        register: Register,
        moment: Moment,
        root_of: Callable[[int], bytes | None] = lambda _: None,
        earlier: Sequence[Register] = (),
    ) -> list[AuditAlarm]:
        """Hold what another reader was told against what we received: gossip.

        A note that the log did not sign is passed over: it is the teller's word, and proves nothing. One that a
        quorum cosigned counts like one that we fetched ourselves, so that a tail hidden from us alone is noticed.
        ``root_of`` gives the root of what an earlier process received, at some cost: asked every ten seconds at most.
        """
        try:
            note = parse_note(data)
            told = parse_checkpoint(note)
            root = self._roots.at(told.tree_size)
            if told.origin != self.origin or root == told.root_hash:
                return []
            is_news = told.tree_size > max(self._newest_size, self._size)
            if root is None and not is_news and moment.monotonic_ms < self._look_back_ms:
                # Nothing to hold it against, and nothing new.
                return []
            checkpoint, _ = verify_checkpoint(data, self.origin, LogPublicKeys(*log_keys_of(register)))
            if root is None and is_news:
                verify_witnessed(register, note, checkpoint)
        except InvalidError:
            return []
        if root is None and is_news:
            return self.take(data, register, moment, earlier)
        if root is None:
            self._look_back_ms = moment.monotonic_ms + _LOOK_BACK_MS
            root = root_of(checkpoint.tree_size)
            if root is None or root == checkpoint.root_hash:
                return []
        message = f"another reader was shown another {self.origin} at size {checkpoint.tree_size}"
        found = self._split_view(message, data, checkpoint.tree_size)
        return [found] if found else []

    def _keep(self, size: int, note: bytes) -> None:
        """Remember a note that agrees with what was received, to hold against one that does not."""
        self._notes[size] = note
        self._notes.move_to_end(size)
        while len(self._notes) > _KEPT_NOTES:
            self._notes.popitem(last=False)

    def covering(self, size: int) -> bytes | None:
        """The accepted note over the fewest entries that covers ``size`` of them; ``None`` when none does yet."""
        return self._notes[min(beyond)] if (beyond := [s for s in self._notes if s >= size]) else None

    def _split_view(self, message: str, note: bytes, size: int) -> AuditAlarm | None:
        found = self._once("split-view", message, note)
        return msgspec.structs.replace(found[0], against=self.covering(size)) if found else None

    def _once(self, code: str, message: str, evidence: bytes | None) -> list[AuditAlarm]:
        """An alarm, unless it was raised before and has not gone since."""
        if code in self._said:
            return []
        self._said.add(code)
        return [AuditAlarm(code, message, evidence)]


def _witness_lines(register: Register) -> set[tuple[str, bytes]]:
    """The name and key id of every line that the register's witnesses leave."""
    return {
        (w.name, key_id(w.name, type_ + key))
        for w in register.cosigners
        for type_, key in (
            (COSIGNATURE_ED25519_TYPE, w.ed25519),
            (COSIGNATURE_MLDSA44_TYPE, w.mldsa44),
        )
    }


def _held(checkpoint: Checkpoint, note: Note, register: Register) -> bool:
    """Whether a version's witnesses had cosigned this; for saying nothing, never for believing it."""
    try:
        verify_witnessed(register, note, checkpoint)
    except InvalidError:
        return False
    return True
