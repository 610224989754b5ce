# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Who has opened a signal: readers' receipts, held against the audience that it had."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from seinpost_schemas.clear_bodies import ReceiptState
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.directory import TrustedDirectory
from seinpost_schemas.errors import RefusedError
from seinpost_schemas.policy import View
from seinpost_schemas.signal import Signal
from seinpost_schemas.subjects import feed_stream
from seinpost_schemas.uuid7 import format_id

from ._heard_receipts import ReceiptRow
from ._reading_state import ReadingState
from ._sending_state import SentSignal
from .delivery import Delivery, LogStatus

_MINUTE_MS = 60_000
OPEN_WITHIN_MS = {
    "immediate": 15 * _MINUTE_MS,
    "high": 60 * _MINUTE_MS,
    "normal": 24 * 60 * _MINUTE_MS,
    "low": 72 * 60 * _MINUTE_MS,
}
"""By a signal's urgency: after this long a reader who has not opened it is late."""
State = Literal["none", "delivered", "opened", "acknowledged", "withdrawn"]


class PartyReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """What one party of the audience says of a signal; ``late`` when it should have opened it by now."""

    party: str
    state: State
    at_ms: int | None
    """When that was admitted to the log; ``None`` when it said nothing."""
    late: bool


class SignalReceipts(msgspec.Struct, frozen=True, kw_only=True):
    """One signal that we sent."""

    signal: str
    compartment: str
    index: int
    admitted_ms: int
    due_ms: int
    audited: bool
    """Whether the proof has come that it is in the log that a quorum cosigned."""
    recalled: bool
    parties: tuple[PartyReceipt, ...]


def receipts_of(
    signal: SentSignal, directory: TrustedDirectory, reading: ReadingState, own: str, now_ms: int
) -> SignalReceipts:
    """Hold what ``reading`` knows of receipts against the audience as the sender computed it."""
    sent = signal.sent
    compartment = Compartment.parse(sent.compartment)
    stream = feed_stream(sent.period, compartment)
    rows = reading.receipts(stream, sent.index, signal.number)
    recalled = any((r.index, r.signal_id) == (sent.index, signal.signal_id) for r in reading.recalls(stream))
    return SignalReceipts(
        signal=format_id(signal.signal_id),
        compartment=sent.compartment,
        index=sent.index,
        admitted_ms=sent.admitted_ms,
        due_ms=signal.due_ms,
        audited=signal.proven,
        recalled=recalled,
        parties=tuple(
            _of_party(party, rows, recalled=recalled, late=now_ms > signal.due_ms)
            for party in _audience(
                directory.view_at(sent.directory_size), sent.audience, own, compartment, sent.admitted_ms
            )
        ),
    )


def openings_of(
    delivery: Delivery, directory: TrustedDirectory, reading: ReadingState, now_ms: int, *, recalled: bool
) -> tuple[PartyReceipt, ...]:
    """Who has opened a signal that we received, as far as we have read; its sender's own party is left out.

    The audience is that of the register as the sender saw it; none for an act.
    """
    if not isinstance(delivery.signal, Signal):
        return ()
    compartment = delivery.compartment
    due_ms = delivery.created_ms + OPEN_WITHIN_MS[delivery.signal.handling.urgency or "normal"]
    rows = reading.receipts(feed_stream(delivery.period, compartment), delivery.index, delivery.number)
    return tuple(
        _of_party(party, rows, recalled=recalled, late=now_ms > due_ms)
        for party in audience_of(delivery, directory)
    )


def audience_of(delivery: Delivery, directory: TrustedDirectory) -> list[str]:
    """The parties, beside its sender's, that a signal was for by the register as its sender saw it; none for an act."""
    if not isinstance(delivery.signal, Signal):
        return []
    view = directory.view_at(delivery.directory_size)
    return _audience(view, delivery.audience, delivery.sender, delivery.compartment, delivery.admitted_ms)


def _audience(
    view: View | None, audience: str, sender: str, compartment: Compartment, admitted_ms: int
) -> list[str]:
    if view is None:
        return []
    try:
        members = view.audience_members(view.audience(audience), view.party(sender), compartment, admitted_ms)
    except RefusedError:
        return []
    return sorted({m.party.token for m in members.values()} - {sender})


def _of_party(party: str, rows: list[ReceiptRow], *, recalled: bool, late: bool) -> PartyReceipt:
    best: ReceiptRow | None = None
    for row in rows:
        if row.party == party and (best is None or row.state > best.state):
            best = row
    if best is None:
        return PartyReceipt(party=party, state="none", at_ms=None, late=late and not recalled)
    opened = best.state >= ReceiptState.OPENED
    return PartyReceipt(
        party=party,
        state=_NAMES[ReceiptState(best.state)],
        at_ms=best.admitted_ms,
        late=late and not opened and not recalled,
    )


def state_name(state: int) -> State:
    """A receipt's state by name; ``none`` for 0."""
    return _NAMES[ReceiptState(state)] if state else "none"


class ReaderStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far a party says to have received one log."""

    party: str
    compartment: Compartment
    at_ms: int
    """When its newest receipt was admitted; Unix milliseconds."""
    behind: int
    """The envelopes of signals that came after what its receipts reach; 10,000 at most are counted."""
    next_index: int | None
    """The place of the first of them in the log."""


def readers_of(reading: ReadingState, logs: Sequence[LogStatus]) -> list[ReaderStatus]:
    """What the receipts in these logs say, one per party and log."""
    found = []
    for log in logs:
        stream = feed_stream(log.period, log.compartment)
        for last in reading.last_receipts(stream):
            behind, first = reading.signals_after(stream, last.last_leaf)
            found.append(
                ReaderStatus(
                    party=last.party,
                    compartment=log.compartment,
                    at_ms=last.admitted_ms,
                    behind=behind,
                    next_index=first,
                )
            )
    return found


_NAMES: dict[ReceiptState, State] = {
    ReceiptState.DELIVERED: "delivered",
    ReceiptState.OPENED: "opened",
    ReceiptState.ACKNOWLEDGED: "acknowledged",
    ReceiptState.WITHDRAWN: "withdrawn",
}
