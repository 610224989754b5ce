# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What receipts and recalls may name in a compartment's logs (specification, sections 7.3 and 7.4). Pure.

One rule for the broker that admits them, the reader that believes no broker, and the auditor.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from .clear_bodies import Recall, Receipt
from .compartment import Compartment
from .directory import TrustedDirectory
from .errors import BindingError, Reason, RefusedError
from .kinds import RECALLABLE
from .limits import MAX_LOG_ENTRIES
from .policy import View
from .subjects import log_origin


class Referred(msgspec.Struct, frozen=True):
    """A log entry that another one names: its envelope's object_hash (32 bytes), its sender, its kind."""

    object_hash: bytes
    sender_id: bytes
    kind: int


def size_of_logs(
    directory: TrustedDirectory, compartment: Compartment, period: str, index: int
) -> Callable[[str], int | None]:
    """How many entries the compartment's log of any period had when entry ``index`` of ``period`` was admitted.

    Of an earlier period all that it was closed with; ``None`` for a period that had not begun.
    """

    def size_of(other: str) -> int | None:
        if other == period:
            return index
        periods = directory.periods
        if other not in periods or period not in periods or periods.index(other) > periods.index(period):
            return None
        closing = directory.closing(log_origin(directory.current.register.enclave, other, compartment))
        return closing.checkpoint.tree_size if closing is not None else None

    return size_of


def verify_receipt(receipt: Receipt, size_of: Callable[[str], int | None]) -> None:
    """Raise ``BindingError`` for a receipt of entries, or of a checkpoint over entries, that were not there yet."""
    size = size_of(receipt.period)
    if size is None or receipt.tree_size > min(size, MAX_LOG_ENTRIES):
        raise BindingError("a receipt names a checkpoint over entries that come after it")
    for run in receipt.runs:
        size = size_of(run.period)
        if size is None or run.last_leaf >= min(size, MAX_LOG_ENTRIES):
            raise BindingError("a receipt covers entries that come after it")


def verify_recall(
    recall: Recall, party: str, view: View, entry_at: Callable[[str, int], Referred | None]
) -> Referred:
    """The entry that a party's recall names.

    ``entry_at`` gives what stands in a period's log of the compartment at an index: of the recall's own log and the
    one before it, and ``None`` of any other. Raises ``BindingError`` for what is not there, and ``RefusedError``
    (``mandate``) when another party sent it; whether the identity that sent it was revoked since does not matter.
    """
    # Before anything is asked: a u64 is more than the stores of some who answer can look up.
    there = recall.leaf_index < MAX_LOG_ENTRIES
    found = entry_at(recall.period, recall.leaf_index) if there else None
    if found is None or found.object_hash != recall.object_hash:
        raise BindingError("a recall names an envelope that is not in this log at that index")
    if found.kind not in RECALLABLE:
        raise BindingError("only signals, feedback and releases can be recalled")
    if view.known_member(found.sender_id).party.token != party:
        raise RefusedError(Reason.MANDATE, "only the originator's party can recall a signal")
    return found
