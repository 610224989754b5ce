# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What the pages get of signals: an entry of the queue with where it stands, and what is known beside it. Pure."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from seinpost.delivery import Delivery
from seinpost_schemas.signal import Signal


class Ref(NamedTuple):
    """Where a signal stands: the log's period and compartment, place in it, place in its envelope."""

    period: str
    classification: str
    theme: str
    leaf_index: int
    number: int

    @property
    def path(self) -> str:
        """The address of its page; no word of it."""
        return f"/signal/{self.period}/{self.classification}/{self.theme}/{self.leaf_index}/{self.number}"


class Entry(msgspec.Struct, kw_only=True, eq=False):
    """One signal in the queue, as it was when it was asked for; the same signal is an equal entry."""

    ref: Ref
    place: int
    """Its row: the order in which this console got it."""
    delivery: Delivery
    signal: Signal
    unread: bool = True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Entry) and self.ref == other.ref

    def __hash__(self) -> int:
        return hash(self.ref)

    @property
    def severity(self) -> int:
        """1 to 5; 0 when the sender gave none."""
        return self.signal.handling.severity or 0


class Page(NamedTuple):
    """A part of the queue: its entries, and how many match in all."""

    entries: list[Entry]
    total: int
    page: int
    pages: int


class Related(NamedTuple):
    """Another signal, with what the two share."""

    entry: Entry
    indicators: int
    techniques: tuple[str, ...]


class AtTable(NamedTuple):
    """What table acts made of a signal: new, in-hand or closed; the number of who said so last, and when."""

    status: str
    official: str | None
    at_ms: int
    assignee: str | None = None
    """The number of the official who takes it on, if there is one."""


class LogHealth(msgspec.Struct, kw_only=True):
    """What is known of one log."""

    compartment: str
    received: int = 0
    """One beyond the highest place that a signal came from."""
    audited: int = 0
    confirmed_ms: int | None = None
    """When a quorum's word last covered more of it."""
    note: bytes = b""


def ref_of(delivery: Delivery) -> Ref:
    """Where a delivery stands."""
    compartment = delivery.compartment
    return Ref(
        delivery.period,
        compartment.classification.token,
        compartment.theme.token,
        delivery.index,
        delivery.number,
    )
