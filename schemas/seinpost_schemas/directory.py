# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The directory: the log of register versions and key objects (specification, section 8.4).

Entry, 68 bytes: label "seinpost/directory-entry/v1" 27 ‖ type 1 ‖ admitted_ms 8 ‖ object hash 32. The
NATS body is the object. ``TrustedDirectory`` eats entries with their objects in log order and answers
what was known at any size; ``directory_size`` in a header points into it, so what a sender knew follows
log order, not clocks.
"""

from __future__ import annotations

import bisect
import copy
import enum
import hashlib
import struct
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from . import labels
from .checkpoint import Checkpoint, LogPublicKeys, parse_checkpoint, verify_checkpoint
from .compartment import all_compartments
from .entry import MAX_TIME_MS, from_base64
from .errors import (
    BindingError,
    MalformedError,
    RefusedError,
    SetupError,
    SignatureError,
    SplitViewError,
)
from .kem_keys import KemKeys
from .keys import KeyObject, decode_key_object
from .merkle import Frontier, leaf_hash
from .note import parse_note
from .policy import Member, Prekey, View, verify_not_expired, verify_one_kem_each
from .quorum import verify_witnessed
from .register import Register, Revocation
from .statements import (
    OwnRevocation,
    PrekeyStatement,
    decode_own_revocation,
    decode_prekey,
    verify_own_revocation,
    verify_prekey,
)
from .subjects import log_origin
from .submission import Submission
from .succession import verify_successors
from .trusted_register import TrustedRegister

_PREFIX = struct.Struct(">BQ")
_KEPT_VIEWS = 64
"""Older views are made again when they are asked for: a log is read in order, so few are asked for at a time."""
DIRECTORY_ENTRY_BYTES = len(labels.DIRECTORY_ENTRY) + _PREFIX.size + 32


class DirectoryType(enum.IntEnum):
    """What a directory entry's object is."""

    REGISTER = 1
    KEYS = 2
    PREKEY = 3
    REVOCATION = 4
    CLOSING = 5


class DirectoryEntry(msgspec.Struct, frozen=True):
    """One object in the directory log; the hash has 32 bytes."""

    type: int
    admitted_ms: int
    object_hash: bytes

    def encode(self) -> bytes:
        """The bytes that the log's leaf hash covers."""
        return labels.DIRECTORY_ENTRY + _PREFIX.pack(self.type, self.admitted_ms) + self.object_hash


class Closing(msgspec.Struct, frozen=True):
    """The last checkpoint of a log, its note, and the directory's size from which on it is closed."""

    checkpoint: Checkpoint
    note: bytes
    directory_size: int


def directory_object_hash(data: bytes) -> bytes:
    """The labelled hash of a directory object, 32 bytes."""
    return hashlib.sha256(labels.DIRECTORY_OBJECT + data).digest()


def decode_directory_entry(data: bytes) -> DirectoryEntry:
    """Raises ``MalformedError``."""
    if len(data) != DIRECTORY_ENTRY_BYTES or not data.startswith(labels.DIRECTORY_ENTRY):
        raise MalformedError("a directory entry has its label, type, time and hash, and nothing else")
    start = len(labels.DIRECTORY_ENTRY)
    type_, admitted_ms = _PREFIX.unpack_from(data, start)
    return DirectoryEntry(type_, admitted_ms, data[start + _PREFIX.size :])


class TrustedDirectory:
    """Everything the directory log has said so far; ``enclave_id`` 16 bytes is the root of trust."""

    def __init__(self, enclave_id: bytes) -> None:
        self._registers = TrustedRegister(enclave_id)
        self._keys: dict[bytes, KeyObject] = {}
        self._frontier = Frontier()
        self._versions: list[_Version] = []
        # The sizes from which on something else was known; of the newest, the view.
        self._changes: list[int] = []
        self._current: View | None = None
        self._kept: OrderedDict[int, View] = OrderedDict()
        self._kems = KemKeys()
        self._own_revocations: list[tuple[int, Revocation]] = []
        self._last_ms = 0
        self._closings: dict[str, Closing] = {}

    @property
    def size(self) -> int:
        """Entries eaten so far."""
        return self._frontier.size

    @property
    def enclave_id(self) -> bytes:
        """16 bytes."""
        return self._registers.enclave_id

    def root(self) -> bytes:
        """The directory log's root over all entries so far, 32 bytes."""
        return self._frontier.root()

    def advance(self, entry_bytes: bytes, object_bytes: bytes | None) -> None:
        """Take the next entry, or raise ``InvalidError`` and stay as it was.

        Types of a later version are logged and otherwise ignored here. ``None`` stands for a prekey statement that a
        proof leaves out: who signed something, and had the right to, does not depend on it.
        """
        try:
            self._advance(entry_bytes, object_bytes)
        except RefusedError as error:
            raise MalformedError(f"the directory holds what must not be in it: {error.message}") from None

    def _advance(self, entry_bytes: bytes, object_bytes: bytes | None) -> None:
        entry = decode_directory_entry(entry_bytes)
        if entry.admitted_ms < self._last_ms:
            raise MalformedError("the directory's times go back")
        if entry.admitted_ms >= MAX_TIME_MS:
            raise MalformedError("a directory entry's time is beyond every calendar")
        if object_bytes is not None:
            if directory_object_hash(object_bytes) != entry.object_hash:
                raise SignatureError("a directory object is not the one that its entry names")
            self._take(entry, object_bytes)
        elif entry.type != DirectoryType.PREKEY:
            raise MalformedError("only a prekey statement can be left out of a directory")
        self._last_ms = entry.admitted_ms
        self._frontier.append(leaf_hash(entry_bytes))

    def _take(self, entry: DirectoryEntry, object_bytes: bytes) -> None:
        if entry.type == DirectoryType.KEYS:
            keys = decode_key_object(object_bytes)
            keys.verifying_key()
            keys.verify_kem()
            self._keys[keys.keys_hash()] = keys
            self._kems.log(keys)
        elif entry.type == DirectoryType.REGISTER:
            # On a copy: a register that fails below must leave the one before in place.
            registers = copy.copy(self._registers)
            register = registers.advance(object_bytes)
            if register is not self._registers.register:
                self._verify_dropped(register)
                members = self._members(register)
                verify_one_kem_each(members)
                self._kems.name([m.keys for m in members], self.size + 1)
                view = self._view(register, members, self.size + 1)
                self._versions.append(_Version(self.size + 1, register, members))
                self._changed(view)
                self._registers = registers
        elif entry.type == DirectoryType.PREKEY:
            self._take_prekey(self.verify_prekey(object_bytes), entry.admitted_ms)
        elif entry.type == DirectoryType.REVOCATION:
            self._take_own_revocation(self.verify_own_revocation(object_bytes))
        elif entry.type == DirectoryType.CLOSING:
            closed = self.verify_closing(object_bytes)
            if closed.origin not in self._closings:
                closing = Closing(closed, object_bytes, self.size + 1)
                self._closings = {**self._closings, closed.origin: closing}

    # -- what identities say themselves -----------------------------------------------------------

    def verify_prekey(self, data: bytes) -> PrekeyStatement:
        """A statement that may come next: of an identity in force, with a higher number and a key not seen before.

        Raises ``MalformedError``, ``BindingError``, ``SignatureError`` or ``RefusedError``.
        """
        claimed = decode_prekey(data)
        member = self.current.member(claimed.sender_id)
        statement = verify_prekey(data, self.enclave_id, member.verifying)
        self._kems.verify_next(statement)
        return statement

    def verify_prekey_rate(
        self, statement: PrekeyStatement, at_ms: int, taken_ms: Sequence[int] = ()
    ) -> None:
        """``KemKeys.verify_rate`` for who states it."""
        self._kems.verify_rate(statement.sender_id, at_ms, taken_ms)

    def newest_prekey(self, sender_id: bytes) -> Prekey | None:
        """What a 16-byte sender_id stated last, revoked or not."""
        return self._kems.newest(sender_id)

    def succeeded_ms(self, kem_key_id: bytes, size: int | None = None) -> int | None:
        """When another key took this one's place, as known at a directory size (now, if ``None``)."""
        return self._kems.succeeded_ms(kem_key_id, size)

    def verify_slots_fresh(self, slot_ids: tuple[bytes, ...], size: int, at_ms: int) -> None:
        """Raise ``RefusedError`` (``stale-directory``) for an epoch wrapped to a key that gave way an hour ago."""
        self._kems.verify_fresh(slot_ids, size, at_ms)

    def _take_prekey(self, statement: PrekeyStatement, logged_ms: int) -> None:
        before = self.current.known_member(statement.sender_id).kem_key_id
        self._kems.state(statement, before, self.size + 1, logged_ms)
        self._changed(self._make_view(self.size + 1))

    def verify_own_revocation(self, data: bytes) -> OwnRevocation:
        """What an identity in force says of its own end.

        Raises ``MalformedError``, ``BindingError``, ``SignatureError`` or ``RefusedError``.
        """
        member = self.current.member(decode_own_revocation(data).sender_id)
        return verify_own_revocation(data, self.enclave_id, member.verifying)

    def _take_own_revocation(self, statement: OwnRevocation) -> None:
        revocation = Revocation(
            sender_id=statement.sender_id.hex(),
            reason="revoked by the identity itself",
            suspect_from=datetime.fromtimestamp(statement.suspect_from_ms / 1000, UTC),
        )
        self._own_revocations.append((self.size + 1, revocation))
        self._changed(self._make_view(self.size + 1))

    # -- the logs of periods ----------------------------------------------------------------------

    def closing(self, origin: str) -> Closing | None:
        """Where a log was closed; ``None`` while it runs."""
        return self._closings.get(origin)

    @property
    def periods(self) -> tuple[str, ...]:
        """Every period that runs or ever ran, oldest first."""
        return tuple(dict.fromkeys(v.register.periods.current for v in self._versions))

    def period_before(self, period: str) -> str | None:
        """The period that ran before one of ``periods``; ``None`` for the first."""
        place = self.periods.index(period)
        return self.periods[place - 1] if place else None

    def period_after(self, period: str) -> str:
        """The period that ran after one of ``periods``; raises ``IndexError`` for the newest."""
        return self.periods[self.periods.index(period) + 1]

    def verify_closing(self, note: bytes) -> Checkpoint:
        """A cosigned checkpoint of a log of this enclave, whose period does not run any more but is retained.

        Raises ``MalformedError``, ``BindingError``, ``SignatureError``, ``QuorumError``, or ``SplitViewError`` for
        a log that was closed at another size or root.
        """
        register = self.current.register
        claimed = parse_checkpoint(parse_note(note))
        enclave, _, log = claimed.origin.partition("/")
        if enclave != register.enclave or log.count("/") != 2:
            raise BindingError("a closing is of a period's log of this enclave")
        if log.partition("/")[0] not in register.periods.retained:
            raise BindingError("only a log of a period that ran before, and is retained, can be closed")
        checkpoint, _ = verify_checkpoint(note, claimed.origin, LogPublicKeys(*log_keys_of(register)))
        if register.quorum:
            verify_witnessed(register, parse_note(note), checkpoint)
        before = self._closings.get(checkpoint.origin)
        if before is not None and before.checkpoint != checkpoint:
            raise SplitViewError(f"{checkpoint.origin} was closed twice, at other sizes or roots")
        return checkpoint

    def _verify_dropped(self, register: Register) -> None:
        """Raise ``BindingError`` when a period is not retained any more whose logs are not all closed."""
        if not self._versions:
            return
        before = self.current.register
        for period in before.periods.readable:
            if period in register.periods.readable:
                continue
            for compartment in all_compartments(before.ceiling_level):
                if self.closing(log_origin(before.enclave, period, compartment)) is None:
                    raise BindingError(f"{period} must be retained until its logs are closed")

    def missing_for(self, submission: Submission, at_ms: int) -> list[tuple[DirectoryType, bytes]]:
        """What must be appended, in order, to bring a version in force; empty when it is.

        Raises what ``TrustedRegister.advance`` raises, ``MalformedError`` for keys that are missing, or not named
        by the text, and ``RefusedError`` for a version that has expired, or takes in who succeeds a revoked identity.
        """
        registers = copy.copy(self._registers)
        register = registers.advance(submission.note)
        if register is self._registers.register:
            return []
        verify_not_expired(register, at_ms)
        verify_successors(register, self._current)
        self._verify_dropped(register)
        given = {k.keys_hash(): k for k in map(decode_key_object, submission.keys)}
        named = {bytes.fromhex(i.keys): i.name for p in register.parties for i in register.in_force(p)}
        if any(k not in named for k in given):
            raise MalformedError("a key came along that the register does not name")
        for keys in given.values():
            keys.verifying_key()
            keys.verify_kem()
        unknown = [name for k, name in named.items() if k not in given and k not in self._keys]
        if unknown:
            raise MalformedError(
                f"the keys of {', '.join(sorted(unknown))} are missing: give their requests too"
            )
        trial = copy.copy(self)
        trial._keys = {**self._keys, **given}
        trial._view(register, trial._members(register), self.size + 1)
        new = [(DirectoryType.KEYS, k.encode()) for h, k in given.items() if h not in self._keys]
        return [*new, (DirectoryType.REGISTER, submission.note)]

    # -- what was known when ----------------------------------------------------------------------

    def _members(self, register: Register) -> list[Member]:
        members = []
        own = {r.sender_id for _, r in self._own_revocations}
        in_force = {
            bytes.fromhex(i.sender_id)
            for party in register.parties
            for i in register.in_force(party)
            if i.sender_id not in own
        }
        for party in register.parties:
            for identity in party.identities:
                keys = self._keys.get(bytes.fromhex(identity.keys))
                if keys is None:
                    # Not yet usable, but not a reason to stand still: the party is unknown until logged.
                    continue
                if keys.sender_id.hex() != identity.sender_id:
                    raise MalformedError(
                        f"the register's sender_id of {identity.name} is not that of its keys"
                    )
                self._kems.verify_free(identity, keys, in_force)
                members.append(
                    Member(party=party, identity=identity, keys=keys, verifying=keys.verifying_key())
                )
        return members

    def _view(self, register: Register, members: list[Member], size: int) -> View:
        known = []
        for member in members:
            prekey = self._kems.newest_at(member.keys.sender_id, size)
            known.append(msgspec.structs.replace(member, prekey=prekey) if prekey is not None else member)
        own = [r for since, r in self._own_revocations if since <= size]
        return View(register, self._registers.enclave_id, known, self._kems.owners_at(size), own)

    def _make_view(self, size: int) -> View:
        place = bisect.bisect_right(self._versions, size, key=lambda v: v.size)
        version = self._versions[place - 1]
        return self._view(version.register, version.members, size)

    def _changed(self, view: View) -> None:
        if self._current is not None:
            self._keep(self._changes[-1], self._current)
        self._changes.append(self.size + 1)
        self._current = view

    def _keep(self, size: int, view: View) -> None:
        self._kept[size] = view
        while len(self._kept) > _KEPT_VIEWS:
            self._kept.popitem(last=False)

    def view_at(self, size: int) -> View | None:
        """What was known when the directory had ``size`` entries; ``None`` before the first register."""
        place = bisect.bisect_right(self._changes, size)
        if not place:
            return None
        if place == len(self._changes):
            return self._current
        since = self._changes[place - 1]
        view = self._kept.get(since)
        if view is None:
            view = self._make_view(since)
        else:
            self._kept.move_to_end(since)
        self._keep(since, view)
        return view

    @property
    def registers(self) -> list[Register]:
        """Every register version so far, oldest first."""
        return [version.register for version in self._versions]

    @property
    def current(self) -> View:
        """What is known now; raises ``SetupError`` before the first register."""
        if self._current is None:
            raise SetupError("no register has been received yet: is this the right enclave?")
        return self._current


class _Version(msgspec.Struct, frozen=True, eq=False):
    size: int
    register: Register
    members: list[Member]


def log_keys_of(register: Register) -> tuple[bytes, bytes]:
    """The log's (Ed25519 32 bytes, ML-DSA-44 1,312 bytes) public keys."""
    return from_base64(register.log.ed25519, 32), from_base64(register.log.mldsa44, 1312)
