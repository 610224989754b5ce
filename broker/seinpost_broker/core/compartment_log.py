# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""One compartment's log as a fold over its entries, and the admission decision on it.

``CompartmentLog`` eats entries in log order (``apply``), says what to do with an envelope (``decide``) and
can take back what was applied ahead of its acknowledgement (``undo``): appends are pipelined, and a
race lost means that the newest ones never happened.

Checks of ``decide``, in order: (1) already logged: answer again · (2) rights at the current directory
· (3) chain · (4) directory size · (5) epoch, audience, limits of the kind.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from typing import TypeVar

import msgspec

from seinpost_broker.core.places import Placed, Places
from seinpost_broker.core.snapshot import (
    Head,
    State,
    decode_snapshot,
    encode_snapshot,
    logged_epoch,
    stored_epoch,
)
from seinpost_schemas.clear_bodies import (
    decode_end_of_epoch,
    decode_recall,
    decode_receipt,
    decode_share,
)
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.directory import TrustedDirectory
from seinpost_schemas.entry import Entry, signature_hash
from seinpost_schemas.envelope import Envelope
from seinpost_schemas.epoch_body import EpochBody, decode_epoch_body
from seinpost_schemas.epoch_table import EpochTable
from seinpost_schemas.errors import (
    BindingError,
    MalformedError,
    Reason,
    RefusedError,
    SetupError,
    UnavailableError,
)
from seinpost_schemas.header import ZERO_32, Header, decode_header, object_hash
from seinpost_schemas.kinds import SEALED, Action, Kind
from seinpost_schemas.limits import (
    MAX_CLOCK_SKEW_MS,
    MAX_LIVE_EPOCHS,
    MAX_LOG_ENTRIES,
    RECEIPT_INTERVAL_MS,
)
from seinpost_schemas.merkle import leaf_hash
from seinpost_schemas.merkle_tree import MerkleTree
from seinpost_schemas.policy import Member, View, verify_not_expired
from seinpost_schemas.references import Referred, size_of_logs, verify_recall, verify_receipt
from seinpost_schemas.rights import (
    LoggedEpoch,
    verify_epoch_open,
    verify_epoch_rights,
    verify_none_removed,
    verify_sealed_rights,
    verify_sender_rights,
    verify_share_rights,
)

_REFUSED_PER_CHAIN = 256
_K = TypeVar("_K")
_V = TypeVar("_V")


class ChainHead(msgspec.Struct, frozen=True):
    """The newest logged header of one sender in this compartment."""

    seq: int
    hash: bytes
    header_bytes: bytes
    signature: bytes


class Admit(msgspec.Struct, frozen=True):
    """Append this entry at this index."""

    index: int
    entry: Entry


class AlreadyLogged(msgspec.Struct, frozen=True):
    """The envelope is in the log: answer it again."""

    index: int
    admitted_ms: int
    before: bool = False
    """Whether that is the log of the period before."""


class Ahead(msgspec.Struct, frozen=True):
    """The envelope's predecessor is not known yet: hold it."""


Decision = Admit | AlreadyLogged | Ahead


class CompartmentLog:
    """The state of one log; ``size`` entries, of which the newest may still be unacknowledged."""

    def __init__(self, compartment: Compartment) -> None:
        self.compartment = compartment
        self.size = 0
        self.last_leaf: bytes | None = None
        self._last_ms = 0
        self._last_directory_size = 0
        self._heads: dict[bytes, ChainHead] = {}
        self._places = Places()
        self._epochs = EpochTable(compartment)
        self._receipts: dict[bytes, int] = {}
        self._refused: dict[bytes, OrderedDict[bytes, None]] = {}
        self.tree = MerkleTree()
        """Over the confirmed entries only: what may be signed."""
        self._undo: deque[tuple[bytes, list[Callable[[], None]]]] = deque()
        self._before: CompartmentLog | None = None
        self.period = ""
        """The log's own; empty where there is only one."""

    def follow(self, before: CompartmentLog) -> None:
        """Go on from the log of the period before, which is whole: chains and times go on, epochs do not."""
        if not self.size:
            # A snapshot was taken after this: it holds what was carried on.
            self._heads = dict(before._heads)
            self._last_ms, self._last_directory_size = before._last_ms, before._last_directory_size
            self._receipts = dict(before._receipts)
            self._refused = {k: OrderedDict(v) for k, v in before._refused.items()}
        self._before = before
        # Its own past has been carried on from it: one period back is what is answered again.
        before._before = None

    @property
    def period_before(self) -> str:
        """The period of the log that this one follows."""
        return self._before.period if self._before is not None else self.period

    def verify_follows(self, entry: Entry, header: Header, stream: str) -> None:
        """Raise ``SetupError`` unless a broker may have admitted this entry next.

        What is read back was admitted before, so it is not decided again; but what breaks a chain or turns time
        back was put there by nobody who decides, and nothing may be signed over it.
        """
        head = self._heads.get(header.sender_id)
        if (
            header.compartment != self.compartment
            or entry.admitted_ms < self._last_ms
            or entry.directory_size < self._last_directory_size
            or (head is not None and header.seq <= head.seq)
        ):
            raise SetupError(
                f"{stream} holds as entry {self.size} what no broker admitted: it was changed from outside; restore "
                "it from a replica or a back-up"
            )

    # -- the fold ---------------------------------------------------------------------------------

    def apply(
        self,
        entry: Entry,
        signature: bytes,
        body: bytes | None,
        view: View,
        *,
        leaf: bytes,
        header: Header | None = None,
    ) -> None:
        """Take the next entry. ``body`` is needed for epochs only. Can be taken back until ``confirm``.

        ``header``: the entry's own, when it was decoded already.
        """
        header = decode_header(entry.header_bytes) if header is None else header
        hash_ = object_hash(entry.header_bytes)
        undo: list[Callable[[], None]] = [self._restore_scalars(header.sender_id)]
        self._places.append(
            Placed(hash_, header.sender_id, header.kind, entry.admitted_ms, entry.directory_size)
        )
        if header.kind == Kind.EPOCH and body is not None:
            epoch = self._logged_epoch(header, decode_epoch_body(body), entry, view)
            undo.append(self._epochs.open(hash_[:16], epoch))
        elif (running := self._epochs.unended(header.epoch_id)) is not None:
            if header.kind == Kind.END_OF_EPOCH:
                undo.append(self._epochs.end(header.epoch_id))
            else:
                before = (running.envelopes, running.last_seq)
                undo.append(lambda: _reset_epoch(running, before))
                running.envelopes += 1
                running.last_seq = header.seq
        if header.kind == Kind.RECEIPT:
            self._receipts[header.sender_id] = entry.admitted_ms
        self._heads[header.sender_id] = ChainHead(header.seq, hash_, entry.header_bytes, signature)
        self.size += 1
        self.last_leaf = leaf
        self._last_ms = entry.admitted_ms
        self._last_directory_size = entry.directory_size
        self._undo.append((leaf, undo))

    def _restore_scalars(self, sender_id: bytes) -> Callable[[], None]:
        before = (self.size, self.last_leaf, self._last_ms, self._last_directory_size)
        head, receipt = self._heads.get(sender_id), self._receipts.get(sender_id)

        def restore() -> None:
            self.size, self.last_leaf, self._last_ms, self._last_directory_size = before
            self._places.pop()
            _put_back(self._heads, sender_id, head)
            _put_back(self._receipts, sender_id, receipt)

        return restore

    def _logged_epoch(self, header: Header, body: EpochBody, entry: Entry, view: View) -> LoggedEpoch:
        answered = self._answered(body.reply_to)
        return LoggedEpoch(
            sender_id=header.sender_id,
            origin=answered.origin if answered else view.member(header.sender_id).party.token,
            compartment=header.compartment,
            audience=body.audience,
            reply_to=body.reply_to,
            admitted_ms=entry.admitted_ms,
            slot_ids=tuple(s.kem_key_id for s in body.slots),
        )

    def _answered(self, epoch_id: bytes) -> LoggedEpoch | None:
        """An epoch that may be answered: of this log, or of the one before it."""
        found = self._epochs.known(epoch_id)
        return self._before._answered(epoch_id) if found is None and self._before is not None else found

    def confirm(self) -> None:
        """The oldest unconfirmed entry is durably stored."""
        leaf, _ = self._undo.popleft()
        self.tree.append(leaf)

    def undo(self) -> None:
        """Take back everything that was applied and not confirmed, newest first."""
        while self._undo:
            for step in reversed(self._undo.pop()[1]):
                step()

    # -- across restarts --------------------------------------------------------------------------

    def snapshot(self) -> bytes | None:
        """The state, to be stored; ``None`` while something is not confirmed."""
        if self._undo:
            return None
        return encode_snapshot(
            State(
                str(self.compartment),
                self.last_leaf,
                self._last_ms,
                self._last_directory_size,
                {k: Head(h.seq, h.hash, h.header_bytes, h.signature) for k, h in self._heads.items()},
                {k: stored_epoch(e) for k, e in self._kept_epochs()},
                self._receipts,
                self._places.columns(),
                self.tree.leaves(),
            )
        )

    def _kept_epochs(self) -> Iterator[tuple[bytes, LoggedEpoch]]:
        yield from self._epochs.stored(self._last_ms)
        yield from self._epochs.stored_past(self._last_ms)

    @classmethod
    def of(cls, compartment: Compartment, data: bytes) -> CompartmentLog:
        """The log that a snapshot holds; raises ``ValueError`` for anything but a whole one of this log."""
        state = decode_snapshot(data)
        log = cls(compartment)
        log._places, log.tree = Places.of(state.places), MerkleTree.of(state.leaves)
        log.size = log.tree.size
        if state.compartment != str(compartment) or len(log._places) != log.size:
            raise ValueError("the snapshot is of another log")
        if log.size and log.tree.leaf(log.size - 1) != state.last_leaf:
            raise ValueError("the snapshot's newest entry is not its tree's")
        log.last_leaf = state.last_leaf
        log._last_ms, log._last_directory_size = state.last_ms, state.last_directory_size
        log._heads = {
            k: ChainHead(h.seq, h.hash, h.header_bytes, h.signature) for k, h in state.heads.items()
        }
        log._receipts = dict(state.receipts)
        log._epochs.restore((k, logged_epoch(e, compartment)) for k, e in state.epochs.items())
        return log

    # -- the decision -----------------------------------------------------------------------------

    def decide(
        self, envelope: Envelope, member: Member, action: Action, directory: TrustedDirectory, now_ms: int
    ) -> Decision:
        """What to do with an envelope that ``member`` was verified to have signed.

        It may have waited since: what its sender may now is asked of the directory that the entry names, as every
        reader will. Raises ``RefusedError`` or ``MalformedError``, ``UnavailableError`` to read the directory first.
        """
        header = envelope.header
        logged = self._places.find(envelope.object_hash)
        if logged is not None:
            return AlreadyLogged(logged, self._places.at(logged).admitted_ms)
        if (
            self._before is not None
            and (earlier := self._before._places.find(envelope.object_hash)) is not None
        ):
            return AlreadyLogged(earlier, self._before._places.at(earlier).admitted_ms, before=True)
        if self._last_ms - now_ms > MAX_CLOCK_SKEW_MS:
            minutes = (self._last_ms - now_ms) // 60_000
            raise SetupError(
                f"the newest entry of {self.compartment} is {minutes} minutes ahead of this machine's clock: set the "
                "clock right, or find out which broker's was wrong"
            )
        admitted_ms = max(now_ms, self._last_ms)
        if directory.size < self._last_directory_size:
            # Another broker knew more: who was removed since is not known here yet.
            raise UnavailableError("the directory is behind the log; it must be read first")
        current = directory.current
        verify_not_expired(current.register, admitted_ms)
        member = _member_now(current, header, member)
        verify_sender_rights(current, member, header, admitted_ms, action)
        if not self._follows_chain(envelope):
            return Ahead()
        if self.size >= MAX_LOG_ENTRIES:
            raise RefusedError(Reason.QUOTA, "the log of this period is full")
        seen = self._view_at(header, directory)
        self._verify_kind(envelope, member, seen, directory, admitted_ms)
        return Admit(
            self.size,
            Entry(admitted_ms, directory.size, envelope.header_bytes, signature_hash(envelope.signature)),
        )

    def _follows_chain(self, envelope: Envelope) -> bool:
        """Whether the predecessor is the chain's head; ``False`` if it is not known (yet)."""
        header = envelope.header
        head = self._heads.get(header.sender_id)
        if head is not None and header.seq <= head.seq:
            raise RefusedError(
                Reason.REPLAY,
                f"seq {header.seq} is not above the chain's head, {head.seq}: a repeat or a fork",
            )
        if header.prev_hash == (head.hash if head else ZERO_32):
            return True
        if header.prev_hash in self._refused.get(header.sender_id, ()):
            raise RefusedError(Reason.GAP, "the envelope before this one in its chain was refused")
        if header.prev_hash == ZERO_32 or self._places.find(header.prev_hash) is not None:
            raise RefusedError(Reason.GAP, "the chain has gone on from the envelope that this one follows")
        return False

    @staticmethod
    def _view_at(header: Header, directory: TrustedDirectory) -> View:
        view = directory.view_at(header.directory_size) if header.directory_size <= directory.size else None
        if view is None:
            raise RefusedError(
                Reason.STALE_DIRECTORY,
                f"directory size {header.directory_size} is not known here ({directory.size})",
            )
        return view

    def _verify_kind(
        self, envelope: Envelope, member: Member, seen: View, directory: TrustedDirectory, at_ms: int
    ) -> None:
        header, current = envelope.header, directory.current
        kind = Kind(header.kind)
        if kind is Kind.EPOCH:
            body = decode_epoch_body(envelope.body)
            answered = self._answered(body.reply_to)
            self._verify_live_epochs(header.sender_id, at_ms)
            verify_epoch_rights(seen, member, header, body, at_ms, answered)
            origin = current.party(answered.origin) if answered else member.party
            audience = current.audience_of_code(body.audience)
            still = current.audience_members(audience, origin, header.compartment, at_ms)
            slot_ids = tuple(s.kem_key_id for s in body.slots)
            verify_none_removed(current, slot_ids, still)
            directory.verify_slots_fresh(slot_ids, directory.size, at_ms)
        elif kind in SEALED:
            epoch = verify_epoch_open(self._epochs.usable(header.epoch_id, at_ms), header, at_ms)
            verify_sealed_rights(seen, header, epoch, at_ms)
            origin = current.party(epoch.origin)
            still = current.audience_members(
                current.audience_of_code(epoch.audience), origin, header.compartment, at_ms
            )
            verify_none_removed(current, epoch.slot_ids, still)
        elif kind is Kind.SHARE:
            self._verify_share(envelope, member, seen, directory, at_ms)
        else:
            self._verify_clear(envelope, kind, member, directory, at_ms)

    def _verify_live_epochs(self, sender_id: bytes, at_ms: int) -> None:
        """Every reader keeps each live epoch: one sender must not make them many."""
        live = self._epochs.live_of(sender_id, at_ms)
        if live >= MAX_LIVE_EPOCHS:
            raise RefusedError(Reason.QUOTA, f"this sender has {live} epochs that have not ended; end some")

    def _verify_clear(
        self, envelope: Envelope, kind: Kind, member: Member, directory: TrustedDirectory, at_ms: int
    ) -> None:
        header, current = envelope.header, directory.current
        if kind is Kind.END_OF_EPOCH:
            end = decode_end_of_epoch(envelope.body)
            epoch = verify_epoch_open(self._epochs.usable(header.epoch_id, at_ms), header, at_ms)
            if (end.envelopes, end.last_seq) != (epoch.envelopes, epoch.last_seq):
                raise RefusedError(
                    Reason.EPOCH, "the end of an epoch counts other envelopes than the log holds"
                )
        elif kind is Kind.RECEIPT:
            period = self.period or current.register.periods.current
            verify_receipt(
                decode_receipt(envelope.body), size_of_logs(directory, self.compartment, period, self.size)
            )
            last = self._receipts.get(header.sender_id)
            if last is not None and at_ms - last < RECEIPT_INTERVAL_MS:
                raise RefusedError(Reason.QUOTA, "one receipt per 30 seconds and compartment is enough")
        elif kind is Kind.RECALL:
            try:
                verify_recall(decode_recall(envelope.body), member.party.token, current, self._referred)
            except BindingError as error:
                raise RefusedError(Reason.MANDATE, str(error)) from None
        else:  # pragma: no cover - action_of() refused it before
            raise MalformedError(f"kind {header.kind} is not known to this broker")

    def _verify_share(
        self, envelope: Envelope, member: Member, seen: View, directory: TrustedDirectory, at_ms: int
    ) -> None:
        share = decode_share(envelope.body)
        verify_share_rights(seen, directory.current, member, envelope.header, share, self._answered, at_ms)
        directory.verify_slots_fresh(tuple(s.kem_key_id for s in share.slots), directory.size, at_ms)

    def _places_of(self, period: str) -> Places | None:
        """The entries of this log, or of the one before it."""
        if self._before is not None and period == self._before.period:
            return self._before._places
        return self._places if period == self.period or not self.period else None

    def _referred(self, period: str, index: int) -> Referred | None:
        places = self._places_of(period)
        if places is None or index >= len(places):
            return None
        placed = places.at(index)
        return Referred(placed.object_hash, placed.sender_id, placed.kind)

    # -- answers ----------------------------------------------------------------------------------

    def placed(self, index: int) -> Placed:
        """What is remembered of an entry; raises ``IndexError``."""
        return self._places.at(index)

    def size_at(self, at_ms: int) -> int:
        """How many entries were admitted before a time."""
        return self._places.size_at(at_ms)

    def note_refusal(self, envelope: Envelope) -> None:
        """Remember a refused header, so that its successors are refused at once (the newest 256)."""
        refused = self._refused.setdefault(envelope.header.sender_id, OrderedDict())
        refused[envelope.object_hash] = None
        while len(refused) > _REFUSED_PER_CHAIN:
            refused.popitem(last=False)

    def head(self, sender_id: bytes) -> ChainHead | None:
        """The chain's head, for a refusal."""
        return self._heads.get(sender_id)

    @staticmethod
    def leaf_of(entry: Entry) -> bytes:
        """The entry's leaf hash, 32 bytes."""
        return leaf_hash(entry.encode())


def _member_now(current: View, header: Header, verified: Member) -> Member:
    """The sender as the directory has it now; its key is the one that was verified, as the sender_id is its hash."""
    member = current.member(header.sender_id)
    if member.party.token != verified.party.token:
        raise RefusedError(
            Reason.UNKNOWN_SENDER, f"the sending identity does not belong to {verified.party.token} any more"
        )
    return member


def _reset_epoch(epoch: LoggedEpoch, before: tuple[int, int]) -> None:
    epoch.envelopes, epoch.last_seq = before


def _put_back(table: dict[_K, _V], key: _K, value: _V | None) -> None:
    if value is None:
        table.pop(key, None)
    else:
        table[key] = value
