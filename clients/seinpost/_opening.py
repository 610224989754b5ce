# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""One log entry for a reader: accept, open, check what is inside the seal, deliver each signal once. No network.

Whatever is wrong becomes an alarm, and the feed goes on.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from seinpost_schemas.clear_bodies import (
    ReceiptState,
    ShareSlot,
    decode_receipt,
    decode_share,
    reason_name,
)
from seinpost_schemas.directory import TrustedDirectory
from seinpost_schemas.entry import parse_feed_headers
from seinpost_schemas.envelope import assemble_envelope
from seinpost_schemas.errors import (
    BadSlotError,
    DisputedRootError,
    IdReusedError,
    InvalidError,
    MalformedError,
    RefusedError,
    SeinpostError,
    SplitViewError,
    StateLostError,
    UnavailableError,
    UnforeseenError,
    UpdateNeededError,
)
from seinpost_schemas.header import Header, verify_body
from seinpost_schemas.kinds import SEALED, Action, Kind
from seinpost_schemas.limits import MAX_LOG_ENTRIES
from seinpost_schemas.merkle import leaf_hash
from seinpost_schemas.policy import View, may, verify_signal_type
from seinpost_schemas.register import Party
from seinpost_schemas.rights import verify_sender_rights
from seinpost_schemas.sections import EncodedSignal, decode_act, decode_signal, is_act
from seinpost_schemas.signal import Act, Signal
from seinpost_schemas.signal_list import decode_signals
from seinpost_schemas.subjects import feed_stream, parse_feed_stream
from seinpost_schemas.uuid7 import format_id

from ._followed import FollowedLog
from ._keyring import Keyring
from ._ledger import Ledger
from ._reading_state import EntryRow, Facts, Owed, Place, ReadingState, Seen
from ._transport import StoredMessage
from ._trusted_feed import Accepted, PastEpoch, TrustedFeed
from ._unforeseen import one_entry
from .delivery import Alarm, Delivery, Recalled
from .epochs import EpochSecrets, open_epoch
from .publisher import verify_handling
from .sealing import open_verified
from .sharing import Commitments, open_share


class SharedPast(msgspec.Struct, frozen=True):
    """An epoch that we were given after it was used: its log, by stream, and where it is in it."""

    stream: str
    epoch: PastEpoch


class Opened(msgspec.Struct):
    """What one message gave: signals for the application, and what is stored when it has taken them."""

    deliveries: list[Delivery] = []
    seen: list[Seen] = []
    facts: Facts = Facts()
    owed: list[Owed] = []
    recalled: list[Recalled] = []
    shared: list[SharedPast] = []


class _Sealed(msgspec.Struct, frozen=True):
    """What the signals of one envelope have in common."""

    accepted: Accepted
    period: str
    audience: str
    stored: Mapping[bytes, bytes]
    """Digests, by signal id, of those that were delivered before."""
    allowed: set[str]
    """Types that were found to be within the sender's mandate: one sender and one moment, so it holds for all."""


class Opening:
    """Opens the entries of one reader's logs."""

    def __init__(
        self,
        keyring: Keyring,
        directory: TrustedDirectory,
        state: ReadingState,
        logs: Mapping[str, FollowedLog],
        on_alarm: Callable[[Alarm], None],
    ) -> None:
        self._identity = keyring.identity
        self._keyring = keyring
        self._directory = directory
        self._state = state
        self._logs = logs
        self._on_alarm = on_alarm
        self._unreadable: set[bytes] = set()
        """Epochs that are sealed to us and were said to be unreadable."""
        self._pending: dict[tuple[str, bytes], bytes] = {}
        """Signals that the application has not taken yet."""

    def stored(self, opened: Opened) -> None:
        """The application has taken it, and that is on disk."""
        for seen in opened.seen:
            self._pending.pop((seen.party, seen.signal_id), None)

    def take(self, log: FollowedLog, stored: StoredMessage, headers: dict[str, str]) -> Opened:
        """Accept and open one message; whatever is wrong becomes an alarm, and the feed goes on."""
        feed = log.feed
        if stored.seq > MAX_LOG_ENTRIES:
            # A place that no log has: it is not gone to, or everything after it would be lost.
            self.alarm(MalformedError("no log has an entry there"), str(log.compartment), None, None)
            return Opened()
        try:
            with one_entry():
                accepted = feed.accept(stored.seq, headers, stored.body)
        except (InvalidError, RefusedError) as error:
            self._skip(feed, stored.seq, headers)
            self.alarm(error, str(log.compartment), stored.seq - 1, None)
            return Opened()
        row = log.ledger.entry(accepted, headers)
        opened = Opened(facts=Facts(row))
        try:
            with one_entry():
                self._open(accepted, log, opened)
        except (InvalidError, RefusedError, UpdateNeededError) as error:
            self.alarm(error, str(log.compartment), accepted.index, accepted.member.party.token)
        return opened

    @staticmethod
    def _skip(feed: TrustedFeed, seq: int, headers: dict[str, str]) -> None:
        try:
            with one_entry():
                feed.skip(seq, headers)
        except UnforeseenError:
            # As an entry whose very form is wrong: its place is counted, and nothing is looked at.
            feed.skip(seq, {})

    def _open(self, accepted: Accepted, log: FollowedLog, opened: Opened) -> None:
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
            elif header.kind == Kind.SHARE:
                self._take_share(accepted, log, opened)
            elif opened.facts.recall is not None:
                self._withdraw(accepted, opened, ledger)
            return
        secrets = self._secrets(header.epoch_id)
        if secrets is not None:
            self._open_sealed(accepted, log, secrets, opened)
            return
        sealed_to_us = self._own_slot(feed.slot_ids(header.epoch_id), accepted.view) is not None
        if sealed_to_us and header.epoch_id not in self._unreadable:
            self._unreadable.add(header.epoch_id)
            # Sealed to this reader, who cannot open it: a signal that is not shown must be said.
            raise BadSlotError("an envelope is sealed to this reader, whose secrets of its epoch are missing")

    def _open_sealed(
        self, accepted: Accepted, log: FollowedLog, secrets: EpochSecrets, opened: Opened
    ) -> None:
        header = accepted.envelope.header
        batch = open_verified(accepted.envelope, secrets)
        epoch = log.feed.epoch(header.epoch_id)
        audience = accepted.view.audience_of_code(epoch.audience).name
        places: list[Place] = []
        stored = self._state.seen_digests(accepted.member.party.token, [s.id for s in batch.signals])
        sealed = _Sealed(accepted, log.period, audience, stored, set())
        decoded = _decode_together(header.kind, batch.signals)
        for number, (encoded, leaf, signal) in enumerate(
            zip(batch.signals, batch.leaves, decoded, strict=True)
        ):
            try:
                with one_entry():
                    delivery = self._deliver(sealed, number, encoded, signal, leaf, opened.seen)
            except (InvalidError, RefusedError, UpdateNeededError) as error:
                self.alarm(error, str(header.compartment), accepted.index, accepted.member.party.token)
                continue
            places.append(log.ledger.place(accepted, number, encoded))
            if delivery is not None:
                opened.deliveries.append(delivery)
        opened.facts = msgspec.structs.replace(opened.facts, places=tuple(places))

    # -- what we are given later ------------------------------------------------------------------

    def _take_share(self, accepted: Accepted, log: FollowedLog, opened: Opened) -> None:
        """Keep the secrets of past epochs in a share; everything before it is stored, so that they are known."""
        header = accepted.envelope.header
        seen = self._directory.view_at(header.directory_size) or accepted.view
        for slot in decode_share(accepted.envelope.body).slots:
            party = self._own_party(slot.kem_key_id, seen)
            if party is None:
                continue
            at_ms = accepted.entry.admitted_ms
            protected = may(seen, party, Action.READ_PROTECTED, header.compartment, at_ms)
            try:
                opened.shared.append(self._take_shared(header, slot, log, read_protected=protected))
            except InvalidError as error:
                party_name = accepted.member.party.token
                self.alarm(error, str(header.compartment), accepted.index, party_name)

    def _take_shared(
        self, header: Header, slot: ShareSlot, log: FollowedLog, *, read_protected: bool
    ) -> SharedPast:
        found = log.ledger.find_past_epoch(slot.epoch_id)
        key = self._keyring.private_key(slot.kem_key_id)
        if found is None or key is None:
            raise BadSlotError("a past epoch is shared with this reader under a key that is no longer here")
        stream, epoch = found
        committed = Commitments(epoch.epoch_id, epoch.commitment, epoch.protected_commitment)
        secrets = open_share(header, slot, committed, key, read_protected=read_protected)
        if self._keyring.load_epoch(slot.epoch_id) is None:
            period, _ = parse_feed_stream(stream)
            self._keyring.store_epoch(slot.epoch_id, period, msgspec.msgpack.encode(secrets))
        return SharedPast(stream, epoch)

    def take_late(self, log: FollowedLog, stored: StoredMessage, epoch_ids: Collection[bytes]) -> Opened:
        """Open an entry that was verified before, now that one of these epochs is ours; empty for any other entry.

        What is wrong becomes an alarm. A signal that was recalled since is not delivered.
        """
        opened = Opened()
        row = self._state.entry(log.stream, stored.seq - 1)
        if row is None or row.kind not in SEALED:
            return opened
        try:
            with one_entry():
                accepted = self._again(row, stored)
                secrets = self._secrets(accepted.envelope.header.epoch_id)
                if accepted.envelope.header.epoch_id not in epoch_ids or secrets is None:
                    return opened
                verify_body(accepted.envelope.header, stored.body)
                self._open_sealed(accepted, log, secrets, opened)
        except (InvalidError, RefusedError, UpdateNeededError) as error:
            self.alarm(error, str(log.compartment), stored.seq - 1, None)
        self._leave_out_recalled(log, opened)
        return opened

    def _again(self, row: EntryRow, stored: StoredMessage) -> Accepted:
        """An entry as it was accepted: the same to the byte, so what was verified then need not be again."""
        entry, entry_bytes, signature = parse_feed_headers(dict(stored.headers))
        if leaf_hash(entry_bytes) != row.leaf:
            raise SplitViewError("the feed gives another entry here than was verified before")
        envelope = assemble_envelope(entry.header_bytes, signature, stored.body)
        view = self._directory.view_at(entry.directory_size) or self._directory.current
        member = view.member(envelope.header.sender_id)
        mandate = verify_sender_rights(view, member, envelope.header, entry.admitted_ms)
        return Accepted(row.index, entry, envelope, member, view, mandate, known=True)

    def _leave_out_recalled(self, log: FollowedLog, opened: Opened) -> None:
        gone = {(r.index, format_id(r.signal_id)) for r in self._state.recalls(log.stream)}
        recalled = [d for d in opened.deliveries if (d.index, d.signal.id) in gone]
        opened.deliveries = [d for d in opened.deliveries if (d.index, d.signal.id) not in gone]
        opened.owed += [Owed(d.index, d.number, d.number, ReceiptState.WITHDRAWN) for d in recalled]

    def _withdraw(self, accepted: Accepted, opened: Opened, ledger: Ledger) -> None:
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
        if accepted.envelope.header.sender_id in self._identity.sender_ids:
            if self._state.tells_receipts and receipt.tree_size > self._state.claimed(stream):
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
        """Which of an epoch's slots, by 16-byte kem_key_id, is this identity's: under any key it ever had.

        Its own before that of an identity that it succeeds: while both are in force, an epoch has one for each.
        """
        owners = {view.owner(k): k for k in reversed(slot_ids)}
        return next((owners[s] for s in self._identity.sender_ids if s in owners), None)

    def _own_party(self, kem_key_id: bytes, view: View) -> Party | None:
        """Our party, if a KEM key is ours and whose it is was in force."""
        owner = view.owner(kem_key_id)
        if owner is None or owner not in self._identity.sender_ids:
            return None
        try:
            return view.member(owner).party
        except RefusedError:
            return None

    def _keep_epoch(self, accepted: Accepted, log: FollowedLog) -> None:
        header = accepted.envelope.header
        # As the sender saw the register when it sealed: rights given later do not reach back.
        seen = self._directory.view_at(header.directory_size) or accepted.view
        epoch_id = accepted.envelope.object_hash[:16]
        own = self._own_slot(log.feed.slot_ids(epoch_id), seen)
        party = self._own_party(own, seen) if own is not None else None
        if own is None or party is None:
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
                "an epoch is sealed to a key of this identity that is not here: it was destroyed, its state was lost, "
                "or another machine uses the identity too (each needs its own)"
            )
        self._unreadable.discard(epoch_id)

    def _secrets(self, epoch_id: bytes) -> EpochSecrets | None:
        stored = self._keyring.load_epoch(epoch_id)
        return msgspec.msgpack.decode(stored, type=EpochSecrets) if stored is not None else None

    def _deliver(
        self,
        sealed: _Sealed,
        number: int,
        encoded: EncodedSignal,
        signal: Signal | Act | None,
        leaf: bytes,
        seen: list[Seen],
    ) -> Delivery | None:
        accepted = sealed.accepted
        header = accepted.envelope.header
        signal = signal or (decode_act(encoded) if is_act(header.kind) else decode_signal(encoded))
        if isinstance(signal, Signal) and accepted.mandate is not None:
            party, at_ms, type_ = (
                accepted.member.party,
                accepted.entry.admitted_ms,
                signal.handling.signal_type,
            )
            if type_ not in sealed.allowed:
                verify_signal_type(accepted.view, party, header.compartment, type_, at_ms)
                sealed.allowed.add(type_)
            verify_handling(signal, header.compartment, at_ms)
        if self._is_repeat(accepted.member.party.token, encoded, seen, sealed.stored.get(encoded.id)):
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
            audience=sealed.audience,
            period=sealed.period,
            directory_size=header.directory_size,
        )

    def _is_repeat(self, party: str, encoded: EncodedSignal, seen: list[Seen], stored: bytes | None) -> bool:
        """Once per (party, signal id); raises ``IdReusedError`` when the content differs.

        ``stored`` is the digest of the one that was delivered before, if there is one.
        """
        digest = self._state.digest(encoded.sections)
        key = (party, encoded.id)
        before = self._pending.get(key) or stored
        if before is None:
            self._pending[key] = digest
            seen.append(Seen(party, encoded.id, digest))
            return False
        if before != digest:
            raise IdReusedError("one signal id was used for two different contents")
        return True

    def alarm(self, error: SeinpostError, compartment: str, index: int | None, sender: str | None) -> None:
        if isinstance(error, InvalidError):
            code, message = error.code, str(error)
        elif isinstance(error, RefusedError):
            code, message = str(error.reason), error.message
        elif isinstance(error, UnavailableError):
            code, message = "directory-missing", "the feed waits for a directory entry that has not come"
        else:
            code, message = "update-needed", str(error)
        self._on_alarm(Alarm(code=code, message=message, compartment=compartment, index=index, sender=sender))


def _decode_together(kind: int, signals: Sequence[EncodedSignal]) -> Sequence[Signal | None]:
    """The signals of one envelope; ``None`` for each when they are acts, or must be looked at one by one."""
    if not is_act(kind):
        with contextlib.suppress(InvalidError, UpdateNeededError):
            return decode_signals(signals)
    return [None] * len(signals)
