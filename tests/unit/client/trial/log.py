# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Writes one compartment's feed as an honest broker would, and any message as a dishonest one could."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from seinpost._lane import recipients_of
from seinpost._transport import StoredMessage
from seinpost._trusted_feed import Accepted, TrustedFeed
from seinpost.epochs import EpochSecrets, make_epoch
from seinpost.identity import Identity
from seinpost.sealing import seal_envelope
from seinpost_schemas.clear_bodies import EndOfEpoch
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.entry import Entry, feed_headers, signature_hash
from seinpost_schemas.envelope import Envelope, sign_envelope
from seinpost_schemas.header import ZERO_16, ZERO_32, Header, hash_body
from seinpost_schemas.kinds import Kind
from seinpost_schemas.sections import EncodedSignal

from .enclave import PROCESS, T0, TrialEnclave
from .samples import encoded


class TrialLog:
    """One log; ``messages`` are what its stream holds."""

    def __init__(self, enclave: TrialEnclave, compartment: Compartment = PROCESS) -> None:
        self.enclave = enclave
        self.compartment = compartment
        self.messages: list[StoredMessage] = []
        self.now_ms = T0
        self.heads: dict[bytes, tuple[int, bytes]] = {}
        self._carried: dict[bytes, tuple[int, int]] = {}

    # -- envelopes, not yet logged ----------------------------------------------------------------

    def place(self, sender: Identity, kind: int, **change: Any) -> Header:
        """The next header on a sender's chain."""
        seq, hash_ = self.heads.get(sender.sender_id, (0, ZERO_32))
        header = Header(
            kind=kind,
            compartment=self.compartment,
            enclave_id=self.enclave.enclave_id,
            sender_id=sender.sender_id,
            epoch_id=ZERO_16,
            seq=seq + 1,
            prev_hash=hash_,
            directory_size=self.enclave.size,
            created_ms=self.now_ms,
            count=0,
            batch_root=ZERO_32,
            body_len=0,
            body_hash=ZERO_32,
        )
        return msgspec.structs.replace(header, **change)

    def epoch(
        self,
        sender: Identity,
        audience: str = "all",
        reply_to: bytes = ZERO_16,
        origin: str | None = None,
        **change: Any,
    ) -> tuple[Envelope, EpochSecrets]:
        """An epoch with exactly the slots of its audience at the size that its header names.

        ``origin`` is the party whose epoch is answered with ``reply_to``.
        """
        place = self.place(sender, Kind.EPOCH, **change)
        view = self.enclave.directory().view_at(place.directory_size) or self.enclave.directory().current
        party = view.party(origin) if origin else view.member(sender.sender_id).party
        members = view.audience_members(view.audience(audience), party, place.compartment, self.now_ms)
        recipients = recipients_of(view, members, place.compartment, self.now_ms)
        return make_epoch(place, view.audience(audience).code, recipients, sender.signing, reply_to)

    def clear(self, sender: Identity, kind: int, body: bytes, **change: Any) -> Envelope:
        """An envelope with a clear body."""
        header = self.place(sender, kind, body_len=len(body), body_hash=hash_body(body), **change)
        return sign_envelope(header, body, sender.signing)

    def signals(
        self,
        sender: Identity,
        secrets: EpochSecrets,
        batch: Sequence[EncodedSignal] = (),
        kind: int = Kind.SIGNALS,
        **change: Any,
    ) -> Envelope:
        """A sealed envelope; of one sample signal if none is given."""
        place = self.place(sender, kind, **change)
        return seal_envelope(batch or [encoded(place.seq)], place, secrets, sender.signing)

    def end(self, sender: Identity, epoch_id: bytes, count: tuple[int, int] | None = None) -> Envelope:
        """An end of epoch, with the count that is true unless another is given."""
        body = EndOfEpoch(*(count or self._carried.get(epoch_id, (0, 0)))).encode()
        return self.clear(sender, Kind.END_OF_EPOCH, body, epoch_id=epoch_id)

    # -- messages ---------------------------------------------------------------------------------

    def message(self, envelope: Envelope, **change: Any) -> StoredMessage:
        """The envelope as the next message of the stream; changes nothing here.

        ``seq``, ``admitted_ms``, ``directory_size`` and ``signature`` may be other than honest ones.
        """
        signature = change.get("signature", envelope.signature)
        entry = Entry(
            change.get("admitted_ms", self.now_ms),
            change.get("directory_size", self.enclave.size),
            envelope.header_bytes,
            signature_hash(signature),
        )
        seq = change.get("seq", len(self.messages) + 1)
        return StoredMessage(seq, feed_headers(entry, signature), envelope.body)

    def append(self, envelope: Envelope, **change: Any) -> StoredMessage:
        """Log the envelope."""
        message = self.message(envelope, **change)
        header = envelope.header
        self.messages.append(message)
        self.heads[header.sender_id] = (header.seq, envelope.object_hash)
        if header.kind != Kind.END_OF_EPOCH and header.epoch_id != ZERO_16:
            count, _ = self._carried.get(header.epoch_id, (0, 0))
            self._carried[header.epoch_id] = (count + 1, header.seq)
        return message

    def add_epoch(self, sender: Identity, audience: str = "all", **change: Any) -> EpochSecrets:
        """Log an epoch."""
        envelope, secrets = self.epoch(sender, audience, **change)
        self.append(envelope)
        return secrets

    def add_signals(self, sender: Identity, secrets: EpochSecrets, *batch: EncodedSignal) -> StoredMessage:
        """Log a sealed envelope."""
        return self.append(self.signals(sender, secrets, batch))

    def reader(self) -> TrustedFeed:
        """A reader's feed that has accepted everything so far."""
        feed = TrustedFeed(self.compartment, self.enclave.directory())
        for message in self.messages:
            take(feed, message)
        return feed


def take(feed: TrustedFeed, message: StoredMessage) -> Accepted:
    """Give a feed one message."""
    return feed.accept(message.seq, dict(message.headers), message.body)


def skip(feed: TrustedFeed, message: StoredMessage) -> None:
    """Step over a message, as a reader does after the alarm."""
    feed.skip(message.seq, dict(message.headers))
