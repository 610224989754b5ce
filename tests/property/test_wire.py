# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Every binary format: what is encoded decodes to itself, and what decodes has one encoding only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from seinpost_schemas.compartment import Classification, Compartment, Theme
from seinpost_schemas.directory import DirectoryEntry, decode_directory_entry
from seinpost_schemas.entry import Entry, decode_entry, feed_headers, parse_feed_headers, signature_hash
from seinpost_schemas.envelope import Envelope, decode_envelope
from seinpost_schemas.epoch_body import WRAPPED_BYTES, EpochBody, Slot, decode_epoch_body
from seinpost_schemas.errors import SeinpostError
from seinpost_schemas.header import Header, decode_header, hash_body, object_hash
from seinpost_schemas.keys import KeyObject, decode_key_object
from seinpost_schemas.kinds import SEALED, Kind
from seinpost_schemas.padding import bucket_size, pad, unpad
from seinpost_schemas.sealed_body import MIN_PART_BYTES, join_parts, split_parts
from seinpost_schemas.uuid7 import make_id

U16, U32, U64 = (st.integers(0, (1 << bits) - 1) for bits in (16, 32, 64))
B16, B32 = st.binary(min_size=16, max_size=16), st.binary(min_size=32, max_size=32)
SOME16 = B16.filter(any)
PERIODS = st.from_regex(r"[0-9]{4}(q[1-4])?", fullmatch=True).filter(str.isascii)


@st.composite
def headers(draw: st.DrawFn, body: bytes | None = None) -> Header:
    kind = draw(st.sampled_from(Kind) | st.integers(10, 255))
    sealed, known = kind in SEALED, kind <= max(Kind)
    names_epoch = sealed or kind == Kind.END_OF_EPOCH
    body_len = draw(st.integers(0, 983_040)) if body is None else len(body)
    return Header(
        kind=kind,
        compartment=Compartment(draw(st.sampled_from(Classification)), draw(st.sampled_from(Theme))),
        enclave_id=draw(B16),
        sender_id=draw(B16),
        epoch_id=draw((SOME16 if names_epoch else st.just(bytes(16))) if known else B16),
        seq=draw(st.integers(1, (1 << 64) - 1)),
        prev_hash=draw(B32),
        directory_size=draw(U64),
        created_ms=draw(U64),
        count=draw(st.integers(1, 1_024) if sealed else st.just(0) if known else st.integers(0, 1_024)),
        batch_root=draw(B32 if sealed or not known else st.just(bytes(32))),
        body_len=body_len,
        body_hash=draw(B32) if body is None else hash_body(body),
    )


@st.composite
def envelopes(draw: st.DrawFn) -> Envelope:
    body = draw(st.binary(max_size=40))
    header = draw(headers(body))
    data, fill = header.encode(), draw(st.binary(min_size=1, max_size=8))
    return Envelope(
        header=header,
        header_bytes=data,
        signature=(fill * 3_373)[:3_373],
        body=body,
        object_hash=object_hash(data),
    )


@st.composite
def epoch_bodies(draw: st.DrawFn) -> EpochBody:
    ids = sorted(draw(st.sets(B16, max_size=3)))
    wrapped = st.binary(min_size=1, max_size=4).map(lambda b: (b * WRAPPED_BYTES)[:WRAPPED_BYTES])
    return EpochBody(
        audience=draw(st.integers(1, 255)),
        reply_to=draw(B16),
        commitment=draw(B32),
        protected_commitment=draw(B32),
        slots=tuple(Slot(i, draw(wrapped)) for i in ids),
    )


@st.composite
def shares(draw: st.DrawFn) -> Share:
    ids = sorted(draw(st.sets(st.tuples(B16, B16), min_size=1, max_size=3)))
    return Share(tuple(ShareSlot(e, k, draw(st.binary(min_size=1, max_size=1)) * 1_200) for e, k in ids))


@st.composite
def runs(draw: st.DrawFn) -> tuple[Run, ...]:
    """Of each period and state stretches that lie one beyond the other."""
    found: list[Run] = []
    for period, state in sorted(
        draw(st.sets(st.tuples(PERIODS, st.sampled_from(ReceiptState)), min_size=1, max_size=3))
    ):
        ends = sorted(draw(st.sets(st.tuples(U64, U16), min_size=1, max_size=6)))
        for begin, end in zip(ends[::2], ends[1::2] or ends[:1], strict=False):
            found.append(Run(period, begin[0], end[0], begin[1], end[1], state))
    return tuple(found)


ENDS = st.builds(EndOfEpoch, st.integers(1, (1 << 32) - 1), st.integers(1, (1 << 64) - 1)) | st.just(
    EndOfEpoch(0, 0)
)
RECEIPTS = st.builds(Receipt, PERIODS, U64, B32, runs())
IDS = st.builds(make_id, st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
RECALLS = st.builds(Recall, B32, PERIODS, U64, IDS, st.sampled_from(RecallReason))
ENTRIES = st.builds(Entry, U64, U64, headers().map(Header.encode), B32)
DIRECTORY_ENTRIES = st.builds(DirectoryEntry, st.integers(0, 255), U64, B32)
KEY_OBJECTS = st.builds(KeyObject, B16.map(lambda b: b * 124), B16.map(lambda b: b * 76))

Codec = tuple[st.SearchStrategy[Any], Callable[[bytes], Any]]
CODECS: dict[str, Codec] = {
    "header": (headers(), decode_header),
    "envelope": (envelopes(), decode_envelope),
    "entry": (ENTRIES, decode_entry),
    "epoch body": (epoch_bodies(), decode_epoch_body),
    "end of epoch": (ENDS, decode_end_of_epoch),
    "receipt": (RECEIPTS, decode_receipt),
    "recall": (RECALLS, decode_recall),
    "share": (shares(), decode_share),
    "directory entry": (DIRECTORY_ENTRIES, decode_directory_entry),
    "key object": (KEY_OBJECTS, decode_key_object),
}
every_codec = pytest.mark.parametrize(("values", "decode"), CODECS.values(), ids=CODECS.keys())


@every_codec
@given(data=st.data())
def test_what_is_encoded_decodes_to_itself(
    values: st.SearchStrategy[Any], decode: Callable[[bytes], Any], data: st.DataObject
) -> None:
    value = data.draw(values)
    assert decode(value.encode()) == value


@every_codec
@given(data=st.data())
def test_what_decodes_has_no_other_encoding(
    mangle: Any, values: st.SearchStrategy[Any], decode: Callable[[bytes], Any], data: st.DataObject
) -> None:
    raw = data.draw(mangle(values.map(lambda value: value.encode())))
    try:
        value = decode(raw)
    except SeinpostError:  # any other exception fails the test
        return
    assert value.encode() == raw


@given(st.binary(max_size=200))
def test_no_decoder_lets_another_error_out(raw: bytes) -> None:
    for _, decode in CODECS.values():
        try:
            assert decode(raw).encode() == raw
        except SeinpostError:
            continue


@given(ENTRIES, st.binary(min_size=1, max_size=9))
def test_the_nats_headers_of_an_entry_come_back(entry: Entry, fill: bytes) -> None:
    signature = (fill * 3_373)[:3_373]
    entry = Entry(entry.admitted_ms, entry.directory_size, entry.header_bytes, signature_hash(signature))
    assert parse_feed_headers(feed_headers(entry, signature)) == (entry, entry.encode(), signature)


@given(st.dictionaries(st.sampled_from(["Seinpost-Entry", "Seinpost-Signature", "Other"]), st.text()))
def test_other_nats_headers_are_refused_as_ours(found: dict[str, str]) -> None:
    with pytest.raises(SeinpostError):
        parse_feed_headers(found)


@given(st.binary(max_size=5_000))
def test_padding_comes_off_and_hides_the_length(content: bytes) -> None:
    padded = pad(content)
    assert unpad(padded) == content
    assert len(padded) == bucket_size(len(padded)) == bucket_size(4 + len(content))


@given(data=st.data())
def test_padded_bytes_have_no_other_form(mangle: Any, data: st.DataObject) -> None:
    raw = data.draw(mangle(st.binary(max_size=600).map(pad)))
    try:
        content = unpad(raw)
    except SeinpostError:
        return
    assert pad(content) == raw


@given(st.integers(1, 1 << 40))
def test_buckets_grow_and_cost_at_most_an_eighth(length: int) -> None:
    size = bucket_size(length)
    assert size >= max(length, 256)
    assert bucket_size(size) == size
    assert bucket_size(length + 1) >= size
    if length > 256:
        assert size - length <= length * 0.12


PARTS = st.binary(min_size=MIN_PART_BYTES, max_size=MIN_PART_BYTES + 40)


@given(PARTS, PARTS | st.just(b""))
def test_the_two_parts_of_a_body_come_back(main: bytes, protected: bytes) -> None:
    assert split_parts(join_parts(main, protected)) == (main, protected)


@given(data=st.data())
def test_a_body_has_no_other_frame(mangle: Any, data: st.DataObject) -> None:
    raw = data.draw(mangle(st.builds(join_parts, PARTS, PARTS | st.just(b""))))
    try:
        parts = split_parts(raw)
    except SeinpostError:
        return
    assert join_parts(*parts) == raw
