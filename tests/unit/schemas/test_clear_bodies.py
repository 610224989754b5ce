# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The clear bodies of kinds 3, 4, 5 and 9, at their offsets."""

from __future__ import annotations

import msgspec
import pytest

from seinpost_schemas.clear_bodies import (
    EndOfEpoch,
    Recall,
    RecallReason,
    Receipt,
    ReceiptState,
    Run,
    Share,
    ShareSlot,
    decode_end_of_epoch,
    decode_recall,
    decode_receipt,
    decode_share,
)
from seinpost_schemas.errors import MalformedError, TooLargeError
from seinpost_schemas.uuid7 import make_id

PERIOD = b"2026q4\0\0"


def u(bits: int, value: int) -> bytes:
    return value.to_bytes(bits // 8, "big")


# End of epoch


def test_an_end_of_epoch_has_12_bytes() -> None:
    data = u(32, 5) + u(64, 9)
    assert decode_end_of_epoch(data) == EndOfEpoch(5, 9)
    assert EndOfEpoch(5, 9).encode() == data
    assert decode_end_of_epoch(bytes(12)) == EndOfEpoch(0, 0)


@pytest.mark.parametrize("data", [b"", bytes(11), bytes(13), u(32, 0) + u(64, 1), u(32, 1) + u(64, 0)])
def test_any_other_end_of_epoch_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError):
        decode_end_of_epoch(data)


# Receipts

RUN = Run("2026q4", 3, 5, 2, 1, ReceiptState.OPENED)
RECEIPT = Receipt("2026q4", 12, b"r" * 32, (RUN, Run("2027", 6, 6, 4, 4, ReceiptState.DELIVERED)))


def test_a_receipt_stands_at_its_offsets() -> None:
    data = RECEIPT.encode()
    assert data[:50] == PERIOD + u(64, 12) + b"r" * 32 + u(16, 2)
    assert data[50:79] == PERIOD + u(64, 3) + u(64, 5) + u(16, 2) + u(16, 1) + b"\2"
    assert data[79:87] == b"2027\0\0\0\0"
    assert len(data) == 50 + 2 * 29
    assert decode_receipt(data) == RECEIPT


def test_another_length_of_a_receipt_is_malformed() -> None:
    data = RECEIPT.encode()
    for bad in (b"", data[:49], data[:-1], data + b"\0", data[:-29], data + bytes(29), data[:48] + bytes(2)):
        with pytest.raises(MalformedError):
            decode_receipt(bad)


def test_a_receipt_has_at_most_4096_runs() -> None:
    runs = tuple(
        msgspec.structs.replace(RUN, first_leaf=n, last_leaf=n, first_signal=0) for n in range(4_096)
    )
    full = msgspec.structs.replace(RECEIPT, runs=runs)
    assert decode_receipt(full.encode()) == full
    for count in (4_097, 65_535):
        with pytest.raises(TooLargeError):
            decode_receipt(RECEIPT.encode()[:48] + u(16, count))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"first_leaf": 6}, "ends before it starts"),
        ({"last_leaf": 3, "last_signal": 1}, "ends before it starts"),
        ({"state": 0}, "state 0"),
        ({"state": 5}, "state 5"),
        ({"period": "2026q5"}, "period"),
        ({"period": "20"}, "period"),
        ({"period": ""}, "period"),
        ({"period": "2026\0q4"}, "filled with zeros"),
        ({"period": "2026\u00b2"}, "ASCII"),
    ],
)
def test_a_run_that_says_nothing_is_malformed(change: dict[str, object], message: str) -> None:
    receipt = msgspec.structs.replace(RECEIPT, runs=(msgspec.structs.replace(RUN, **change),))
    with pytest.raises(MalformedError, match=message):
        decode_receipt(receipt.encode())


def test_a_run_of_one_signal_is_whole() -> None:
    run = Run("2026q4", 3, 3, 2, 2, ReceiptState.ACKNOWLEDGED)
    one = msgspec.structs.replace(RECEIPT, runs=(run,))
    assert decode_receipt(one.encode()) == one


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"first_leaf": 5, "last_leaf": 5, "first_signal": 1},
        {"first_leaf": 5, "first_signal": 0, "last_leaf": 9},
        {"first_leaf": 1, "last_leaf": 2},
        {"first_leaf": 6, "state": ReceiptState.DELIVERED, "last_leaf": 7},
        {"first_leaf": 6, "period": "2026", "last_leaf": 7},
    ],
)
def test_a_receipt_says_nothing_twice_and_in_one_order(change: dict[str, object]) -> None:
    pair = (RUN, msgspec.structs.replace(RUN, **change))
    with pytest.raises(MalformedError, match="rise"):
        decode_receipt(msgspec.structs.replace(RECEIPT, runs=pair).encode())


@pytest.mark.parametrize(
    "change",
    [
        {"first_leaf": 5, "last_leaf": 5, "first_signal": 2, "last_signal": 2},
        {"first_leaf": 6, "last_leaf": 6, "first_signal": 0},
        {"state": ReceiptState.ACKNOWLEDGED},
        {"period": "2027", "state": ReceiptState.DELIVERED},
    ],
)
def test_runs_that_rise_are_a_receipt(change: dict[str, object]) -> None:
    receipt = msgspec.structs.replace(RECEIPT, runs=(RUN, msgspec.structs.replace(RUN, **change)))
    assert decode_receipt(receipt.encode()) == receipt


# Recalls

RECALL = Recall(b"o" * 32, "2026q4", 7, make_id(1, bytes(10)), RecallReason.LEGAL)


def test_a_recall_stands_at_its_offsets() -> None:
    data = RECALL.encode()
    assert data == b"o" * 32 + PERIOD + u(64, 7) + make_id(1, bytes(10)) + b"\5"
    assert len(data) == 65
    assert decode_recall(data) == RECALL


def test_any_other_recall_is_malformed() -> None:
    data = RECALL.encode()
    for bad in (b"", data[:-1], data + b"\0", data[:-1] + b"\0", data[:-1] + b"\7", data[:32] + bytes(33)):
        with pytest.raises(MalformedError):
            decode_recall(bad)


def test_a_recall_names_a_signal_id() -> None:
    with pytest.raises(MalformedError):
        decode_recall(msgspec.structs.replace(RECALL, signal_id=bytes(16)).encode())


# Shares


def share(*ids: tuple[int, int]) -> Share:
    return Share(tuple(ShareSlot(bytes([e]) * 16, bytes([k]) * 16, bytes(1_200)) for e, k in ids))


def test_a_share_stands_at_its_offsets() -> None:
    whole = share((1, 2), (1, 3), (2, 1))
    data = whole.encode()
    assert data[:34] == u(16, 3) + b"\1" * 16 + b"\2" * 16
    assert len(data) == 2 + 3 * 1_232
    assert decode_share(data) == whole


def test_shared_slots_rise_strictly() -> None:
    for ids in (((1, 2), (1, 2)), ((2, 1), (1, 2)), ((1, 3), (1, 2))):
        with pytest.raises(MalformedError, match="sorted"):
            decode_share(share(*ids).encode())


def test_another_length_of_a_share_is_malformed() -> None:
    data = share((1, 1)).encode()
    for bad in (b"", b"\0", b"\0\0", data[:-1], data + b"\0", b"\0\2" + data[2:]):
        with pytest.raises(MalformedError):
            decode_share(bad)


def test_a_share_has_at_most_700_slots() -> None:
    slots = tuple(ShareSlot(n.to_bytes(16, "big"), bytes(16), bytes(1_200)) for n in range(700))
    assert len(decode_share(Share(slots).encode()).slots) == 700
    with pytest.raises(TooLargeError):
        decode_share(u(16, 701))
