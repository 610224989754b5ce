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

import msgspec

from . import labels
from .checkpoint import Checkpoint, LogPublicKeys, parse_checkpoint, verify_checkpoint
from .compartment import all_compartments
from .cosignature import verify_quorum
from .entry import from_base64
from .errors import BindingError, MalformedError, SetupError, SignatureError, SplitViewError
from .keys import KeyObject, decode_key_object
from .merkle import Frontier, leaf_hash
from .note import parse_note
from .policy import Member, View, verify_not_expired
from .register import Register
from .subjects import log_origin
from .submission import Submission
from .trusted_register import TrustedRegister

_PREFIX = struct.Struct(">BQ")
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
        self._view_sizes: list[int] = []
        self._views: list[View] = []
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

    def advance(self, entry_bytes: bytes, object_bytes: bytes) -> None:
        """Take the next entry, or raise and stay as it was.

        Types of a later version are logged and otherwise ignored here.
        """
        entry = decode_directory_entry(entry_bytes)
        if directory_object_hash(object_bytes) != entry.object_hash:
            raise SignatureError("a directory object is not the one that its entry names")
        if entry.admitted_ms < self._last_ms:
            raise MalformedError("the directory's times go back")
        if entry.type == DirectoryType.KEYS:
            keys = decode_key_object(object_bytes)
            keys.verifying_key()
            keys.verify_kem()
            self._keys[keys.keys_hash()] = keys
        elif entry.type == DirectoryType.REGISTER:
            # On a copy: a register that fails below must leave the one before in place.
            registers = copy.copy(self._registers)
            register = registers.advance(object_bytes)
            if register is not self._registers.register:
                self._verify_dropped(register)
                self._views.append(self._view(register))
                self._view_sizes.append(self.size + 1)
                self._registers = registers
        elif entry.type == DirectoryType.CLOSING:
            closed = self.verify_closing(object_bytes)
            if closed.origin not in self._closings:
                closing = Closing(closed, object_bytes, self.size + 1)
                self._closings = {**self._closings, closed.origin: closing}
        self._last_ms = entry.admitted_ms
        self._frontier.append(leaf_hash(entry_bytes))

    def closing(self, origin: str) -> Closing | None:
        """Where a log was closed; ``None`` while it runs."""
        return self._closings.get(origin)

    @property
    def periods(self) -> tuple[str, ...]:
        """Every period that runs or ever ran, oldest first."""
        return tuple(dict.fromkeys(v.register.periods.current for v in self._views))

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
            verify_quorum(parse_note(note), checkpoint, register.cosigners, register.quorum)
        before = self._closings.get(checkpoint.origin)
        if before is not None and before.checkpoint != checkpoint:
            raise SplitViewError(f"{checkpoint.origin} was closed twice, at other sizes or roots")
        return checkpoint

    def _verify_dropped(self, register: Register) -> None:
        """Raise ``BindingError`` when a period is not retained any more whose logs are not all closed."""
        if not self._views:
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
        by the text, and ``RefusedError`` for a version that has expired.
        """
        registers = copy.copy(self._registers)
        register = registers.advance(submission.note)
        if register is self._registers.register:
            return []
        verify_not_expired(register, at_ms)
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
        trial._view(register)
        new = [(DirectoryType.KEYS, k.encode()) for h, k in given.items() if h not in self._keys]
        return [*new, (DirectoryType.REGISTER, submission.note)]

    def _view(self, register: Register) -> View:
        members = []
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
                members.append(
                    Member(party=party, identity=identity, keys=keys, verifying=keys.verifying_key())
                )
        return View(register, self._registers.enclave_id, members)

    def view_at(self, size: int) -> View | None:
        """What was known when the directory had ``size`` entries; ``None`` before the first register."""
        place = bisect.bisect_right(self._view_sizes, size)
        return self._views[place - 1] if place else None

    @property
    def registers(self) -> list[Register]:
        """Every register version so far, oldest first."""
        return [view.register for view in self._views]

    @property
    def current(self) -> View:
        """What is known now; raises ``SetupError`` before the first register."""
        if not self._views:
            raise SetupError("no register has been received yet: is this the right enclave?")
        return self._views[-1]


def log_keys_of(register: Register) -> tuple[bytes, bytes]:
    """The log's (Ed25519 32 bytes, ML-DSA-44 1,312 bytes) public keys."""
    return from_base64(register.log.ed25519, 32), from_base64(register.log.mldsa44, 1312)
