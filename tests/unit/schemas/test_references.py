# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What receipts and recalls may name, in their own log and across periods."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from seinpost_schemas.clear_bodies import Recall, RecallReason, Receipt, ReceiptState, Run
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.errors import BindingError, Reason, RefusedError
from seinpost_schemas.kinds import Kind
from seinpost_schemas.references import Referred, size_of_logs, verify_recall, verify_receipt
from seinpost_schemas.uuid7 import make_id

PROCESS = Compartment.parse("depv/process")
SIGNAL_ID = make_id(1_790_000_000_000, b"0123456789")
PERIODS = ("2026q3", "2026q4", "2027q1")
CLOSED = {"proef/2026q3/depv/process": 5, "proef/2026q4/depv/process": 9}


def directory() -> Any:
    """Three periods, of which the first two are closed."""

    def closing(origin: str) -> Any:
        size = CLOSED.get(origin)
        return None if size is None else SimpleNamespace(checkpoint=SimpleNamespace(tree_size=size))

    register = SimpleNamespace(enclave="proef")
    return SimpleNamespace(periods=PERIODS, closing=closing, current=SimpleNamespace(register=register))


def receipt(period: str, leaf: int, size: int = 0, of: str = "2026q4") -> Receipt:
    return Receipt(of, size, bytes(32), (Run(period, 0, leaf, 0, 0, ReceiptState.OPENED),))


def at(period: str, index: int) -> Callable[[str], int | None]:
    return size_of_logs(directory(), PROCESS, period, index)


def test_a_log_has_what_came_before_and_earlier_ones_all_that_they_were_closed_with() -> None:
    sizes = {p: at("2026q4", 3)(p) for p in (*PERIODS, "2026q2")}
    # It was closed with nine: when entry 3 was admitted there were three. The next had not begun.
    assert sizes == {"2026q3": 5, "2026q4": 3, "2027q1": None, "2026q2": None}


@pytest.mark.parametrize(("period", "leaf"), [("2027q1", 1), ("2026q4", 8), ("2026q3", 4)])
def test_a_receipt_may_cover_what_was_there(period: str, leaf: int) -> None:
    verify_receipt(receipt(period, leaf, 2, "2027q1"), at("2027q1", 2))
    verify_receipt(receipt(period, leaf, 9), at("2027q1", 2))


@pytest.mark.parametrize(
    "wrong",
    [
        receipt("2027q1", 2),
        receipt("2026q4", 9),
        receipt("2026q3", 5),
        receipt("2026q2", 0),
        receipt("2027q2", 0),
        receipt("2026q4", 0, 10),
        receipt("2026q4", 0, 3, "2027q1"),
        receipt("2026q4", 0, 0, "2027q2"),
    ],
)
def test_a_receipt_of_what_was_not_there_is_refused(wrong: Receipt) -> None:
    with pytest.raises(BindingError):
        verify_receipt(wrong, at("2027q1", 2))


def test_no_log_has_more_than_2_to_the_32_whatever_closed_it() -> None:
    last = (1 << 32) - 1
    verify_receipt(receipt("2026q4", last), lambda _: 1 << 62)
    for wrong in (receipt("2026q4", last + 1), receipt("2026q4", 1 << 63), receipt("2026q4", 0, 1 << 63)):
        with pytest.raises(BindingError):
            verify_receipt(wrong, lambda _: (1 << 64) - 1)


ENTRIES = {
    ("2026q4", 1): Referred(b"a" * 32, b"n" * 16, Kind.SIGNALS),
    ("2027q1", 0): Referred(b"b" * 32, b"n" * 16, Kind.FEEDBACK),
    ("2027q1", 1): Referred(b"e" * 32, b"n" * 16, Kind.EPOCH),
}


def view() -> Any:
    """``known_member`` knows revoked identities too; asking for more than whose it was would be wrong."""
    members = {b"n" * 16: SimpleNamespace(party=SimpleNamespace(token="ncsc"))}
    return SimpleNamespace(known_member=members.__getitem__)


def recall(period: str, index: int, hash_: bytes) -> Recall:
    return Recall(hash_, period, index, SIGNAL_ID, RecallReason.MISTAKE)


def entry_at(period: str, index: int) -> Referred | None:
    return ENTRIES.get((period, index))


@pytest.mark.parametrize("named", [("2026q4", 1, b"a" * 32), ("2027q1", 0, b"b" * 32)])
def test_the_originators_party_recalls_what_is_there(named: tuple[str, int, bytes]) -> None:
    found = verify_recall(recall(*named), "ncsc", view(), entry_at)
    assert found == ENTRIES[named[:2]]
    with pytest.raises(RefusedError, match="originator") as refused:
        verify_recall(recall(*named), "ibd", view(), entry_at)
    assert refused.value.reason is Reason.MANDATE


@pytest.mark.parametrize(
    "named",
    [("2026q4", 1, b"b" * 32), ("2026q4", 0, b"a" * 32), ("2026q3", 1, b"a" * 32), ("2027q1", 1, b"e" * 32)],
)
def test_what_is_not_there_or_no_signal_cannot_be_recalled(named: tuple[str, int, bytes]) -> None:
    with pytest.raises(BindingError):
        verify_recall(recall(*named), "ncsc", view(), entry_at)


@pytest.mark.parametrize("index", [1 << 32, 1 << 63, (1 << 64) - 1])
def test_nobody_is_asked_for_a_place_that_no_log_has(index: int) -> None:
    """Not everyone who answers can look up 64 bits."""
    asked: list[int] = []
    with pytest.raises(BindingError):
        verify_recall(recall("2026q4", index, b"a" * 32), "ncsc", view(), lambda _, i: asked.append(i))
    assert asked == []
