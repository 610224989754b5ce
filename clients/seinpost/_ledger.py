# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What a log says of signals beside their content: where they are, who opened them, which were recalled.

Eats entries that ``TrustedFeed`` accepted, in log order. What is stored comes back from ``ReadingState``; what
was accepted and is not stored yet is remembered here until it is.
"""

from __future__ import annotations

from seinpost_schemas.clear_bodies import Receipt, ReceiptState, decode_recall, decode_receipt, decode_share
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.directory import TrustedDirectory
from seinpost_schemas.entry import parse_feed_headers
from seinpost_schemas.epoch_body import decode_epoch_body
from seinpost_schemas.errors import BindingError
from seinpost_schemas.kinds import Kind
from seinpost_schemas.merkle import leaf_hash
from seinpost_schemas.references import Referred, size_of_logs, verify_recall, verify_receipt
from seinpost_schemas.sections import EncodedSignal
from seinpost_schemas.subjects import feed_stream

from ._heard_receipts import ReceiptRow
from ._reading_state import EntryRow, Facts, Given, Owed, Place, ReadingState, RecallRow
from ._trusted_feed import Accepted, PastEpoch, TrustedFeed


class Ledger:
    """The facts of one compartment's log in one period."""

    def __init__(
        self, compartment: Compartment, period: str, state: ReadingState, directory: TrustedDirectory
    ) -> None:
        # The period before, whose epochs may still be answered and whose signals recalled.
        earlier = directory.period_before(period)
        self._earlier = feed_stream(earlier, compartment) if earlier is not None else None
        self._directory = directory
        self._compartment = compartment
        self._period = period
        self.stream = feed_stream(period, compartment)
        self._state = state
        self._fresh: dict[int, EntryRow] = {}
        self._fresh_places: dict[tuple[bytes, str], Place] = {}

    def past_epoch(self, epoch_id: bytes) -> PastEpoch | None:
        """An epoch that was stored: of this log, or of the one before it."""
        found = self.find_past_epoch(epoch_id)
        return found[1] if found else None

    def find_past_epoch(self, epoch_id: bytes) -> tuple[str, PastEpoch] | None:
        """As ``past_epoch``, with the stream of its log."""
        for stream in filter(None, (self.stream, self._earlier)):
            if (found := self._state.past_epoch(stream, epoch_id)) is not None:
                return stream, found
        return None

    def stored(self, index: int, facts: Facts) -> None:
        """The entry's facts are in the database now."""
        self._fresh.pop(index, None)
        for place in facts.places:
            self._fresh_places.pop((place.signal_id, place.party), None)

    def entry(self, accepted: Accepted, headers: dict[str, str]) -> EntryRow:
        """The row of an accepted entry."""
        header = accepted.envelope.header
        row = EntryRow(
            accepted.index,
            leaf_hash(parse_feed_headers(headers)[1]),
            accepted.envelope.object_hash,
            header.sender_id,
            header.kind,
            header.count,
        )
        self._fresh[accepted.index] = row
        return row

    def facts(self, accepted: Accepted, row: EntryRow, feed: TrustedFeed) -> Facts:
        """What a clear envelope says; raises for one that says what cannot be."""
        kind = accepted.envelope.header.kind
        if kind == Kind.EPOCH:
            epoch_id, header = accepted.envelope.object_hash[:16], accepted.envelope.header
            epoch, body = feed.epoch(epoch_id), decode_epoch_body(accepted.envelope.body)
            past = PastEpoch(
                epoch_id,
                header.sender_id,
                epoch.origin,
                epoch.audience,
                accepted.index,
                header.directory_size,
                accepted.entry.admitted_ms,
                body.commitment,
                body.protected_commitment,
            )
            return Facts(row, epoch=past)
        if kind == Kind.RECEIPT:
            receipt = decode_receipt(accepted.envelope.body)
            verify_receipt(
                receipt, size_of_logs(self._directory, self._compartment, self._period, accepted.index)
            )
            return Facts(row, receipts=self._receipt(accepted, receipt))
        if kind == Kind.SHARE:
            slots = decode_share(accepted.envelope.body).slots
            given = [(s.epoch_id, accepted.view.owner(s.kem_key_id)) for s in slots]
            return Facts(row, given=tuple(Given(e, owner) for e, owner in given if owner is not None))
        if kind == Kind.RECALL:
            return Facts(row, recall=self._recall(accepted))
        return Facts(row)

    def _receipt(self, accepted: Accepted, receipt: Receipt) -> tuple[ReceiptRow, ...]:
        return tuple(
            ReceiptRow(
                feed_stream(run.period, self._compartment),
                accepted.index,
                accepted.member.party.token,
                run.first_leaf,
                run.last_leaf,
                run.first_signal,
                run.last_signal,
                run.state,
                accepted.entry.admitted_ms,
            )
            for run in receipt.runs
        )

    def _recall(self, accepted: Accepted) -> RecallRow:
        recall = decode_recall(accepted.envelope.body)
        stream = feed_stream(recall.period, self._compartment)
        party = accepted.member.party.token
        verify_recall(recall, party, accepted.view, self._referred)
        place = self._place(recall.signal_id, party)
        if place is not None and (place.stream, place.index) != (stream, recall.leaf_index):
            raise BindingError("a recall names a signal that is not in that envelope")
        return RecallRow(
            stream, recall.leaf_index, recall.signal_id, recall.reason, accepted.entry.admitted_ms
        )

    def _referred(self, period: str, index: int) -> Referred | None:
        """What stands in this log or the one before it."""
        stream = feed_stream(period, self._compartment)
        if stream not in (self.stream, self._earlier):
            return None
        row = self._fresh.get(index) if stream == self.stream else None
        row = row or self._state.entry(stream, index)
        return Referred(row.object_hash, row.sender_id, row.kind) if row is not None else None

    def _place(self, signal_id: bytes, party: str) -> Place | None:
        fresh = self._fresh_places.get((signal_id, party))
        return fresh or next((p for p in self._state.places(signal_id) if p.party == party), None)

    def place(self, accepted: Accepted, number: int, encoded: EncodedSignal) -> Place:
        """Where an opened signal is."""
        place = Place(
            encoded.id,
            accepted.member.party.token,
            self.stream,
            accepted.index,
            number,
            accepted.envelope.header.epoch_id,
        )
        return self._fresh_places.setdefault((place.signal_id, place.party), place)

    def withdrawn(self, recall: RecallRow, party: str) -> Owed | None:
        """What to say of a recalled signal that we had: ``None`` when we had not."""
        place = self._place(recall.signal_id, party)
        if place is None or place.stream != recall.stream:
            return None
        return Owed(place.index, place.number, place.number, ReceiptState.WITHDRAWN)
