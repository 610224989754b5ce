# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""An epoch's body, and what binds each slot."""

from __future__ import annotations

import hashlib

import msgspec
import pytest

from seinpost_schemas.epoch_body import (
    SLOT_BYTES,
    EpochBody,
    Slot,
    commit,
    commit_protected,
    decode_epoch_body,
    refuse_unsorted,
    share_info,
    slot_info,
)
from seinpost_schemas.errors import MalformedError, TooLargeError
from seinpost_schemas.header import Header

BODY = EpochBody(
    audience=3,
    reply_to=b"R" * 16,
    commitment=b"c" * 32,
    protected_commitment=b"d" * 32,
    slots=tuple(Slot(bytes([n]) * 16, bytes([n]) * 1_200) for n in (1, 2, 9)),
)


def test_a_body_stands_at_its_offsets() -> None:
    data = BODY.encode()
    assert data[:83] == b"\3" + b"R" * 16 + b"c" * 32 + b"d" * 32 + b"\0\3"
    assert data[83:] == b"".join(bytes([n]) * 1_216 for n in (1, 2, 9))
    assert SLOT_BYTES == 1_216
    assert decode_epoch_body(data) == BODY


def test_another_length_is_malformed() -> None:
    data = BODY.encode()
    for bad in (b"", data[:82], data[:-1], data + b"\0", data[:-1_216], data + bytes(1_216)):
        with pytest.raises(MalformedError):
            decode_epoch_body(bad)


def test_audience_0_does_not_exist() -> None:
    with pytest.raises(MalformedError, match="audience code 0"):
        decode_epoch_body(b"\0" + BODY.encode()[1:])


def test_slots_rise_strictly() -> None:
    for order in ((2, 1, 0), (0, 0, 1), (0, 2, 1), (1, 1, 1)):
        wrong = msgspec.structs.replace(BODY, slots=tuple(BODY.slots[i] for i in order))
        with pytest.raises(MalformedError, match="sorted"):
            decode_epoch_body(wrong.encode())


def test_more_than_500_slots_are_refused_before_they_are_read() -> None:
    fixed = BODY.encode()[:81]
    for count in (501, 65_535):
        with pytest.raises(TooLargeError):
            decode_epoch_body(fixed + count.to_bytes(2, "big"))
    slots = tuple(Slot(n.to_bytes(16, "big"), bytes(1_200)) for n in range(500))
    most = msgspec.structs.replace(BODY, slots=slots)
    assert decode_epoch_body(most.encode()) == most


def test_commitments_are_labelled_apart() -> None:
    assert commit(bytes(32)) == hashlib.sha256(b"seinpost/commitment/v1" + bytes(32)).digest()
    wanted = hashlib.sha256(b"seinpost/protected-commitment/v1" + bytes(32)).digest()
    assert commit_protected(bytes(32)) == wanted


def test_a_slots_info_is_the_specifications(header: Header) -> None:
    wanted = b"".join(
        (
            b"\1",
            b"E" * 16,
            b"S" * 16,
            (7).to_bytes(8, "big"),
            b"p" * 32,
            b"c" * 32,
            b"d" * 32,
            b"K" * 16,
            b"\1\1",
            (12).to_bytes(8, "big"),
        )
    )
    info = slot_info(header, b"c" * 32, b"d" * 32, b"K" * 16)
    assert info == b"seinpost/epoch-slot/v1" + wanted
    shared = share_info(header, b"c" * 32, b"d" * 32, b"K" * 16, b"I" * 16)
    assert shared == b"seinpost/share-slot/v1" + wanted + b"I" * 16


def test_sorting_looks_at_every_neighbour() -> None:
    refuse_unsorted([])
    refuse_unsorted([b"a"])
    refuse_unsorted([b"a", b"b", b"c"])
    for keys in ([b"a", b"a"], [b"b", b"a"], [b"a", b"c", b"b"]):
        with pytest.raises(MalformedError):
            refuse_unsorted(keys)
