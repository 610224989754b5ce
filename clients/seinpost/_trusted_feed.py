# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""One compartment's feed as a reader trusts it: eats stream messages, gives what they proved. Sans-IO.

``accept``, in order; the numbers stand beside the checks:

1. the entry is whole, names its signature, and its leaf index follows the last one (no gap, no repeat);
2. admitted_ms and directory_size do not decrease;
3. the header is of this enclave and this compartment;
4. the sender is in the register at the entry's directory_size, and both signature halves verify;
5. the body is the one signed;
6. the sender's chain goes on: seq rises, prev_hash is the last header;
7. the sender had the right to this kind, and the epoch is its own, open, and exactly its audience's.

It raises and changes nothing, or advances. ``skip`` steps over an entry that was refused, after the alarm.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from seinpost_schemas.clear_bodies import decode_end_of_epoch, decode_share
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.directory import TrustedDirectory
from seinpost_schemas.entry import MAX_TIME_MS, Entry, parse_feed_headers
from seinpost_schemas.envelope import Envelope, assemble_envelope
from seinpost_schemas.epoch_body import EpochBody, decode_epoch_body
from seinpost_schemas.epoch_table import EpochTable
from seinpost_schemas.errors import (
    BindingError,
    EpochCutShortError,
    ForkError,
    GapError,
    MalformedError,
    Reason,
    RefusedError,
    ReorderedError,
)
from seinpost_schemas.header import (
    ZERO_16,
    ZERO_32,
    Header,
    decode_header,
    object_hash,
    verify_body,
    verify_enclave,
)
from seinpost_schemas.kinds import SEALED, Kind
from seinpost_schemas.labels import kind_context
from seinpost_schemas.merkle import Frontier, leaf_hash
from seinpost_schemas.policy import Member, View, verify_not_expired
from seinpost_schemas.register import Mandate
from seinpost_schemas.rights import (
    LoggedEpoch,
    verify_epoch_open,
    verify_epoch_rights,
    verify_sealed_rights,
    verify_sender_rights,
    verify_share_rights,
)

_KNOWN = frozenset(int(k) for k in Kind)
_MAX_UNPROVEN = 8
_KEPT_PAST = 4_096
"""Ended epochs that are not looked up where they are stored: more than there can be that are not stored yet."""


class Accepted(msgspec.Struct, frozen=True):
    """An entry that holds; ``known`` is false for a kind that this version cannot read."""

    index: int
    entry: Entry
    envelope: Envelope
    member: Member
    view: View
    mandate: Mandate | None
    known: bool


class PastEpoch(msgspec.Struct, frozen=True):
    """An epoch of a log, ended or not: what answering and sharing it rests on.

    ``origin`` is the party from whose side its audience, by code, is computed; ``index`` is its log index,
    ``directory_size`` the one that its header names, ``admitted_ms`` the entry's Unix milliseconds.
    """

    epoch_id: bytes
    sender_id: bytes
    origin: str
    audience: int
    index: int
    directory_size: int
    admitted_ms: int
    commitment: bytes
    protected_commitment: bytes


class _Epoch(msgspec.Struct, array_like=True):
    sender_id: bytes
    origin: str
    audience: int
    reply_to: bytes
    admitted_ms: int
    slot_ids: tuple[bytes, ...]
    envelopes: int
    last_seq: int


class _State(msgspec.Struct, array_like=True):
    size: int
    last_ms: int
    last_directory_size: int
    heads: dict[bytes, tuple[int, bytes]]
    epochs: dict[bytes, _Epoch]
    peaks: tuple[bytes, ...]
    unproven: dict[bytes, list[bytes]]
    open_chains: bool = False


def _envelope(header_bytes: bytes, signature: bytes, body: bytes | None) -> Envelope:
    if body is not None:
        return assemble_envelope(header_bytes, signature, body)
    header = decode_header(header_bytes)
    if header.kind not in SEALED:
        raise MalformedError("only sealed bodies can be left out")
    return Envelope(
        header=header,
        header_bytes=header_bytes,
        signature=signature,
        body=b"",
        object_hash=object_hash(header_bytes),
    )


def stored_size(data: bytes) -> int:
    """How many entries the feed had eaten whose state ``encode`` gave; raises ``msgspec.MsgspecError``."""
    return msgspec.msgpack.decode(data, type=_State).size


class TrustedFeed:
    """Holds what one compartment's log has proven so far, for one period."""

    def __init__(
        self,
        compartment: Compartment,
        directory: TrustedDirectory,
        past_epoch: Callable[[bytes], PastEpoch | None] | None = None,
    ) -> None:
        self.compartment = compartment
        # An epoch that ended before this process began; it may be answered, and shared.
        self._past_epoch = past_epoch
        self._directory = directory
        self._frontier = Frontier()
        self._last_ms = 0
        self._last_directory_size = 0
        self._heads: dict[bytes, tuple[int, bytes]] = {}
        self._epochs = EpochTable(compartment, _KEPT_PAST if past_epoch is not None else None)
        # Hashes of headers that were refused and may still be their senders': see ``skip``.
        self._unproven: dict[bytes, list[bytes]] = {}
        self._open_chains = False
        self._before: TrustedFeed | None = None

    @property
    def size(self) -> int:
        """Entries eaten so far."""
        return self._frontier.size

    def slot_ids(self, epoch_id: bytes) -> tuple[bytes, ...]:
        """The 16-byte kem_key_ids that an epoch of this log is sealed to; none for one that has ended."""
        epoch = self._epochs.unended(epoch_id)
        return epoch.slot_ids if epoch is not None else ()

    def epoch(self, epoch_id: bytes) -> LoggedEpoch:
        """An epoch of this log that is known here; raises ``RefusedError`` otherwise."""
        epoch = self._answered(epoch_id)
        if epoch is None:
            raise RefusedError(Reason.EPOCH, "the epoch is not in this log")
        return epoch

    def _answered(self, epoch_id: bytes) -> LoggedEpoch | None:
        known = self._epochs.known(epoch_id)
        if known is None and self._before is not None:
            known = self._before._epochs.known(epoch_id)
        if known is not None or self._past_epoch is None:
            return known
        past = self._past_epoch(epoch_id)
        if past is None:
            return None
        return LoggedEpoch(
            sender_id=past.sender_id,
            origin=past.origin,
            compartment=self.compartment,
            audience=past.audience,
            reply_to=ZERO_16,
            admitted_ms=0,
            slot_ids=(),
            ended=True,
        )

    def root(self) -> bytes:
        """The log's root over exactly what was received, 32 bytes."""
        return self._frontier.root()

    def accept(self, seq: int, headers: dict[str, str], body: bytes | None) -> Accepted:
        """Take the next stream message, or raise (``InvalidError``, ``RefusedError``) and stay as it was.

        ``None`` for a sealed body that was left out of an export: then all but that is verified.
        """
        entry, entry_bytes, signature = parse_feed_headers(headers)  # 1
        if seq > self.size + 1:
            raise GapError(f"log entry {self.size} is missing: the feed goes on at {seq - 1}")
        if seq <= self.size:
            raise ReorderedError(f"log entry {seq - 1} comes again: {self.size} have come")
        if entry.admitted_ms < self._last_ms or entry.directory_size < self._last_directory_size:  # 2
            raise ReorderedError("the log's times or directory sizes go back")
        if entry.admitted_ms >= MAX_TIME_MS:
            raise MalformedError("a log entry's time is beyond every calendar")
        envelope = _envelope(entry.header_bytes, signature, body)
        header = envelope.header
        verify_enclave(header, self._directory.enclave_id)  # 3
        if header.compartment != self.compartment:
            raise BindingError("the envelope belongs to another compartment")
        view = self._directory.view_at(entry.directory_size)
        if view is None or entry.directory_size > self._directory.size:
            raise RefusedError(
                Reason.STALE_DIRECTORY, "the entry names a directory that is not known here yet"
            )
        member = view.member(header.sender_id)  # 4
        member.verifying.verify(signature, entry.header_bytes, kind_context(header.kind))  # 4
        if body is not None:
            verify_body(header, body)  # 5
        self._verify_chain(header, envelope.object_hash)  # 6
        mandate, epoch_body = self._verify_rights(view, member, envelope, entry)  # 7
        self._advance(envelope, entry, entry_bytes, member, epoch_body)
        return Accepted(
            index=self.size - 1,
            entry=entry,
            envelope=envelope,
            member=member,
            view=view,
            mandate=mandate,
            known=header.kind in _KNOWN,
        )

    def _verify_chain(self, header: Header, hash_: bytes) -> None:
        seq, head = self._heads.get(header.sender_id, (0, ZERO_32))
        if self._open_chains and header.sender_id not in self._heads:
            return
        if header.seq == seq and hash_ != head:
            raise ForkError("two headers with one seq: the sender's chain forks")
        if header.seq <= seq:
            raise ReorderedError("a header comes after one with as high a seq: replayed or reordered")
        if header.prev_hash != head and header.prev_hash not in self._unproven.get(header.sender_id, ()):
            raise GapError("the sender's chain has a hole: a header before this one is missing")

    def _verify_rights(
        self, view: View, member: Member, envelope: Envelope, entry: Entry
    ) -> tuple[Mandate | None, EpochBody | None]:
        header, at_ms = envelope.header, entry.admitted_ms
        if header.kind not in _KNOWN:
            return None, None
        verify_not_expired(view.register, at_ms)
        mandate = verify_sender_rights(view, member, header, at_ms)
        # Never more than the entry's own: readers who know more of the directory must come to the same.
        seen = self._directory.view_at(header.directory_size)
        if seen is None or header.directory_size > entry.directory_size:
            raise RefusedError(Reason.STALE_DIRECTORY, "the header's directory size is not a known one")
        if header.kind == Kind.EPOCH:
            body = decode_epoch_body(envelope.body)
            verify_epoch_rights(seen, member, header, body, at_ms, self._answered(body.reply_to))
            self._directory.verify_slots_fresh(
                tuple(s.kem_key_id for s in body.slots), entry.directory_size, at_ms
            )
            return mandate, body
        if header.kind == Kind.SHARE:
            share = decode_share(envelope.body)
            verify_share_rights(seen, view, member, header, share, self._answered, at_ms)
            self._directory.verify_slots_fresh(
                tuple(s.kem_key_id for s in share.slots), entry.directory_size, at_ms
            )
        if header.kind in SEALED or header.kind == Kind.END_OF_EPOCH:
            epoch = verify_epoch_open(self._epochs.usable(header.epoch_id, at_ms), header, at_ms)
            if header.kind == Kind.END_OF_EPOCH:
                end = decode_end_of_epoch(envelope.body)
                if (end.envelopes, end.last_seq) != (epoch.envelopes, epoch.last_seq):
                    raise EpochCutShortError(
                        f"the sender counts {end.envelopes} envelopes in its epoch, the log holds {epoch.envelopes}"
                    )
            if header.kind in SEALED:
                verify_sealed_rights(
                    self._directory.view_at(header.directory_size) or view, header, epoch, at_ms
                )
        return mandate, None

    def _advance(
        self, envelope: Envelope, entry: Entry, entry_bytes: bytes, member: Member, body: EpochBody | None
    ) -> None:
        header = envelope.header
        if body is not None:
            answered = self._answered(body.reply_to)
            opened = LoggedEpoch(
                sender_id=header.sender_id,
                origin=answered.origin if answered else member.party.token,
                compartment=header.compartment,
                audience=body.audience,
                reply_to=body.reply_to,
                admitted_ms=entry.admitted_ms,
                slot_ids=tuple(s.kem_key_id for s in body.slots),
            )
            self._epochs.open(envelope.object_hash[:16], opened)
        elif header.kind == Kind.END_OF_EPOCH:
            self._epochs.end(header.epoch_id)
        elif header.kind in SEALED and (epoch := self._epochs.unended(header.epoch_id)) is not None:
            epoch.envelopes += 1
            epoch.last_seq = header.seq
        self._heads[header.sender_id] = (header.seq, envelope.object_hash)
        self._unproven.pop(header.sender_id, None)
        self._last_ms, self._last_directory_size = entry.admitted_ms, entry.directory_size
        self._frontier.append(leaf_hash(entry_bytes))

    def skip(self, seq: int, headers: dict[str, str]) -> None:
        """Step over a refused message, so that one bad entry does not stop the feed. Not a verification.

        Its place in the log is counted. Nothing else of it is believed, neither its times nor its header; but
        when its sender's next envelope names that header as its predecessor, it was the sender's after all.
        """
        if seq <= self.size:
            return
        try:
            entry, entry_bytes, _ = parse_feed_headers(headers)
            header = decode_header(entry.header_bytes)
        except MalformedError:
            entry_bytes = b""
        else:
            self._remember(header, object_hash(entry.header_bytes))
        if seq == self.size + 1 and entry_bytes:
            self._frontier.append(leaf_hash(entry_bytes))
        else:
            # Leaves are unknown, so every root from here on is: in one step, however many are missing.
            self._frontier = Frontier.of(seq, [bytes(32)] * seq.bit_count())

    def _remember(self, header: Header, hash_: bytes) -> None:
        try:
            self._directory.current.known_member(header.sender_id)
        except RefusedError:
            # Nobody's: names that are made up must not pile up here.
            return
        seq, _ = self._heads.get(header.sender_id, (0, ZERO_32))
        if header.seq > seq:
            unproven = self._unproven.setdefault(header.sender_id, [])
            unproven.append(hash_)
            del unproven[:-_MAX_UNPROVEN]

    def follow(self, before: TrustedFeed | None, closed_at: int = 0) -> None:
        """Go on from the feed of the period before, which was read whole: chains and times go on, epochs do not.

        ``closed_at`` is the directory's size when it had logged that feed's closing: nothing was logged here before.
        ``None`` when there were earlier periods that cannot be read any more: then the first header of each
        sender is taken to follow one that was in them.
        """
        if self.size:
            return
        self._last_directory_size = closed_at
        if before is None:
            self._open_chains = True
            return
        self._heads, self._unproven = dict(before._heads), dict(before._unproven)
        self._last_ms = before._last_ms
        self._last_directory_size = max(before._last_directory_size, closed_at)
        self._open_chains = before._open_chains
        # Its epochs can still be answered, those before it no longer.
        self._before, before._before = before, None

    # -- across restarts --------------------------------------------------------------------------

    def encode(self) -> bytes:
        """The state, for storing beside the position. Epochs that have ended are left out."""
        return msgspec.msgpack.encode(
            _State(
                self.size,
                self._last_ms,
                self._last_directory_size,
                self._heads,
                {
                    k: _Epoch(
                        e.sender_id,
                        e.origin,
                        e.audience,
                        e.reply_to,
                        e.admitted_ms,
                        e.slot_ids,
                        e.envelopes,
                        e.last_seq,
                    )
                    for k, e in self._epochs.stored(self._last_ms)
                },
                self._frontier.peaks,
                self._unproven,
                self._open_chains,
            )
        )

    def restore(self, data: bytes) -> None:
        """Take over a stored state; it comes from a file that only this identity can seal."""
        state = msgspec.msgpack.decode(data, type=_State)
        self._frontier = Frontier.of(state.size, list(state.peaks))
        self._last_ms, self._last_directory_size = state.last_ms, state.last_directory_size
        self._heads, self._unproven = dict(state.heads), dict(state.unproven)
        self._open_chains = state.open_chains
        self._epochs = EpochTable(self.compartment, _KEPT_PAST if self._past_epoch is not None else None)
        self._epochs.restore((k, self._logged(e)) for k, e in state.epochs.items())

    def _logged(self, e: _Epoch) -> LoggedEpoch:
        return LoggedEpoch(
            sender_id=e.sender_id,
            origin=e.origin,
            compartment=self.compartment,
            audience=e.audience,
            reply_to=e.reply_to,
            admitted_ms=e.admitted_ms,
            slot_ids=e.slot_ids,
            envelopes=e.envelopes,
            last_seq=e.last_seq,
        )
