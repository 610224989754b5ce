# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The shipped register in memory, senders who can send anything, and a log that admits as a broker does."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import tomllib
from collections.abc import Callable
from typing import Any

import msgspec
import nkeys
import tomli_w

from seinpost.epochs import EpochSecrets, Recipient, make_epoch
from seinpost.identity import Identity
from seinpost.kem import KemPrivateKey
from seinpost.sealing import seal_envelope
from seinpost_broker.adapters.enclave_dir import directory_of
from seinpost_broker.core import founding
from seinpost_broker.core.compartment_log import Admit, CompartmentLog, Decision
from seinpost_schemas.checkpoint import LogKeys
from seinpost_schemas.clear_bodies import EndOfEpoch
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.directory import DirectoryType, TrustedDirectory
from seinpost_schemas.entry import Entry, feed_headers, signature_hash
from seinpost_schemas.envelope import Envelope, sign_envelope
from seinpost_schemas.header import ZERO_16, ZERO_32, Header, hash_body
from seinpost_schemas.keys import KeyObject
from seinpost_schemas.kinds import Action, Kind
from seinpost_schemas.note import Note, composite_type_and_key, format_vkey, sign_note_composite
from seinpost_schemas.policy import Member, View, may
from seinpost_schemas.signing import SigningKey
from seinpost_schemas.trusted_register import enclave_id_of

from .samples import encoded

ISSUED = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
NOW_MS = int(ISSUED.timestamp() * 1000) + 86_400_000
PROCESS = Compartment.parse("depv/process")


def seed(name: str, size: int = 64) -> bytes:
    return hashlib.shake_256(b"test " + name.encode()).digest(size)


class Keys:
    """A party's keys."""

    def __init__(self, party: str) -> None:
        self.party = party
        self.signing = SigningKey(seed(party))
        self.kem = KemPrivateKey(seed(party + " kem", 96))
        self.keys = KeyObject(self.signing.public.raw, self.kem.public)
        pair = nkeys.from_seed(bytearray(nkeys.encode_seed(seed(party, 32), nkeys.PREFIX_BYTE_USER)))
        self.nats = str(pair.public_key.decode())


@functools.cache
def keys_of(party: str) -> Keys:
    return Keys(party)


def founding_objects(
    enclave: str = "proef", change: Callable[[dict[str, Any]], None] | None = None
) -> tuple[bytes, list[tuple[DirectoryType, bytes]]]:
    """(enclave_id, directory objects) with one identity for each party of the shipped register, or a changed one."""
    tokens = [f.token for f in founding.PARTIES]
    identities = [founding.FoundingIdentity(f"{t}-1", t, keys_of(t).keys, keys_of(t).nats) for t in tokens]
    registrars = {n: SigningKey(seed(n)) for n in ("registrar-1", "registrar-2")}
    log = LogKeys(seed("log")).public
    keys = founding.FoundingKeys(
        registrars=[format_vkey(n, composite_type_and_key(k.public.raw)) for n, k in registrars.items()],
        threshold=2,
        log_ed25519=log.ed25519,
        log_mldsa44=log.mldsa44,
        brokers={"broker-1": keys_of("broker").nats},
    )
    text = founding.founding_text(enclave, ISSUED, identities, keys)
    if change is not None:
        table = tomllib.loads(text)
        change(table)
        text = tomli_w.dumps(table)
    note = Note(text, tuple(sign_note_composite(text, n, k) for n, k in registrars.items())).encode()
    objects = [(DirectoryType.KEYS, i.keys.encode()) for i in identities] + [(DirectoryType.REGISTER, note)]
    return enclave_id_of(text), objects


def make_directory(
    enclave: str = "proef", change: Callable[[dict[str, Any]], None] | None = None
) -> TrustedDirectory:
    """The directory that these objects make."""
    return directory_of(*founding_objects(enclave, change))


@functools.cache
def shipped() -> TrustedDirectory:
    """The shipped register's directory; do not add to it."""
    return make_directory()


class Sender:
    """One party's chain in one compartment; every field can be something else."""

    def __init__(
        self,
        party: str = "ncsc",
        compartment: Compartment = PROCESS,
        directory: TrustedDirectory | None = None,
        keys: Keys | Identity | None = None,
        now_ms: int = NOW_MS,
    ) -> None:
        self.directory = directory or shipped()
        self.keys = keys or keys_of(party)
        self.now_ms = now_ms
        self.compartment = compartment
        self.seq = 0
        self.head = ZERO_32
        self.secrets: EpochSecrets | None = None
        self.sealed = 0
        self.last_seq = 0
        self._number = 0

    @property
    def view(self) -> View:
        return self.directory.current

    @property
    def member(self) -> Member:
        return self.view.member(self.keys.keys.sender_id)

    def place(self, kind: Kind, **changes: Any) -> Header:
        header = Header(
            kind=kind,
            compartment=self.compartment,
            enclave_id=self.directory.enclave_id,
            sender_id=self.keys.keys.sender_id,
            epoch_id=ZERO_16,
            seq=self.seq + 1,
            prev_hash=self.head,
            directory_size=self.directory.size,
            created_ms=self.now_ms,
            count=0,
            batch_root=ZERO_32,
            body_len=0,
            body_hash=ZERO_32,
        )
        return msgspec.structs.replace(header, **changes)

    def took(self, envelope: Envelope) -> Envelope:
        """Count an envelope as sent."""
        self.seq, self.head = envelope.header.seq, envelope.object_hash
        return envelope

    def recipients(self, audience: str = "all") -> dict[bytes, Recipient]:
        view = self.view
        members = view.audience_members(
            view.audience(audience), self.member.party, self.compartment, self.now_ms
        )
        return {
            key: Recipient(
                m.keys.kem, may(view, m.party, Action.READ_PROTECTED, self.compartment, self.now_ms)
            )
            for key, m in members.items()
        }

    def epoch(
        self, audience: str = "all", recipients: dict[bytes, Recipient] | None = None, **changes: Any
    ) -> Envelope:
        """A new epoch's envelope; with ``recipients`` for others than its audience."""
        code = self.view.audience(audience).code
        chosen = self.recipients(audience) if recipients is None else recipients
        envelope, self.secrets = make_epoch(
            self.place(Kind.EPOCH, **changes), code, chosen, self.keys.signing
        )
        self.sealed = self.last_seq = 0
        return self.took(envelope)

    def signals(
        self, count: int = 1, kind: Kind = Kind.SIGNALS, signals: Any = None, **changes: Any
    ) -> Envelope:
        """A batch under the running epoch."""
        assert self.secrets is not None, "an epoch first"
        self._number += count
        batch = signals or [encoded(self._number * 1_000 + n) for n in range(count)]
        envelope = seal_envelope(batch, self.place(kind, **changes), self.secrets, self.keys.signing)
        self.sealed += 1
        self.last_seq = envelope.header.seq
        return self.took(envelope)

    def signals_under(self, epoch: Envelope) -> Envelope:
        """A batch that names an epoch, sealed under secrets that nobody has."""
        self.secrets = EpochSecrets(epoch.object_hash[:16], bytes(32), bytes(32))
        return self.signals()

    def clear(self, kind: Kind, body: bytes, **changes: Any) -> Envelope:
        """An envelope with a clear body."""
        header = self.place(kind, body_len=len(body), body_hash=hash_body(body), **changes)
        return self.took(sign_envelope(header, body, self.keys.signing))

    def end(self, envelopes: int | None = None, last_seq: int | None = None) -> Envelope:
        """The end of the running epoch."""
        assert self.secrets is not None, "an epoch first"
        body = EndOfEpoch(
            self.sealed if envelopes is None else envelopes, self.last_seq if last_seq is None else last_seq
        )
        return self.clear(Kind.END_OF_EPOCH, body.encode(), epoch_id=self.secrets.epoch_id)


Stored = tuple[int, dict[str, str], bytes]


class MemoryLog:
    """A compartment's log as an honest broker keeps it: what it admits, as stream messages."""

    def __init__(self, compartment: Compartment = PROCESS, directory: TrustedDirectory | None = None) -> None:
        self.directory = directory or shipped()
        self.log = CompartmentLog(compartment)
        self.stored: list[Stored] = []

    def decide(self, envelope: Envelope, action: Action = Action.PUBLISH, now_ms: int = NOW_MS) -> Decision:
        member = self.directory.current.member(envelope.header.sender_id)
        return self.log.decide(envelope, member, action, self.directory, now_ms)

    def admit(self, envelope: Envelope, action: Action = Action.PUBLISH, now_ms: int = NOW_MS) -> Entry:
        """Admit an envelope, or raise as the broker refuses it."""
        decision = self.decide(envelope, action, now_ms)
        assert isinstance(decision, Admit), decision
        self.append(envelope, decision.entry)
        return decision.entry

    def append(self, envelope: Envelope, entry: Entry) -> None:
        """Append without asking: what a dishonest broker does."""
        self.log.apply(
            entry, envelope.signature, envelope.body, self.directory.current, leaf=self.log.leaf_of(entry)
        )
        self.log.confirm()
        self.stored.append(message(len(self.stored) + 1, envelope, entry))


def message(seq: int, envelope: Envelope, entry: Entry) -> Stored:
    """A stream message: (sequence, headers, body)."""
    return seq, feed_headers(entry, envelope.signature), envelope.body


def entry_of(envelope: Envelope, admitted_ms: int = NOW_MS, directory_size: int | None = None) -> Entry:
    """An entry that names an envelope truly."""
    size = shipped().size if directory_size is None else directory_size
    return Entry(admitted_ms, size, envelope.header_bytes, signature_hash(envelope.signature))
