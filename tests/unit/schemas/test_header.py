# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The header's 184 bytes, at their offsets, and what a decoder refuses."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import pytest

from seinpost_schemas.compartment import Classification, Compartment, Theme
from seinpost_schemas.errors import BindingError, MalformedError, SignatureError, TooLargeError
from seinpost_schemas.header import (
    Header,
    batch_context,
    decode_header,
    hash_body,
    object_hash,
    verify_body,
    verify_enclave,
)
from seinpost_schemas.kinds import SEALED, Kind

OFFSETS: dict[str, tuple[int, bytes]] = {
    "magic": (0, b"SPO1"),
    "kind": (4, b"\2"),
    "suite": (5, b"\1"),
    "classification": (6, b"\1"),
    "theme": (7, b"\1"),
    "enclave_id": (8, b"E" * 16),
    "sender_id": (24, b"S" * 16),
    "epoch_id": (40, b"I" * 16),
    "seq": (56, bytes(7) + b"\x07"),
    "prev_hash": (64, b"p" * 32),
    "directory_size": (96, bytes(7) + b"\x0c"),
    "created_ms": (104, (1_790_000_000_000).to_bytes(8, "big")),
    "count": (112, b"\0\0\0\3"),
    "batch_root": (116, b"r" * 32),
    "body_len": (148, b"\0\0\1\x90"),
    "body_hash": (152, b"b" * 32),
}


@pytest.mark.parametrize(("offset", "value"), OFFSETS.values(), ids=OFFSETS.keys())
def test_a_field_stands_at_its_offset(header: Header, offset: int, value: bytes) -> None:
    assert header.encode()[offset : offset + len(value)] == value


def test_the_fields_are_the_whole_header(header: Header) -> None:
    assert b"".join(value for _, value in OFFSETS.values()) == header.encode()
    assert decode_header(header.encode()) == header


@pytest.mark.parametrize("length", [0, 148, 183, 185, 368])
def test_another_length_is_malformed(header: Header, length: int) -> None:
    with pytest.raises(MalformedError, match="184 bytes"):
        decode_header((header.encode() * 2)[:length])


CHANGED: dict[str, tuple[int, bytes, str]] = {
    "another magic": (0, b"SPO2", "SPO1"),
    "kind 0": (4, b"\0", "kind 0"),
    "suite 0": (5, b"\0", "suite 0"),
    "suite 2": (5, b"\2", "never negotiated"),
    "classification 5": (6, b"\5", "classification code 5"),
    "theme 0": (7, b"\0", "theme code 0"),
    "theme 5": (7, b"\5", "theme code 5"),
    "seq 0": (56, bytes(8), "seq starts at 1"),
    "no epoch": (40, bytes(16), "an epoch"),
    "no signal": (112, bytes(4), "one signal"),
}


@pytest.mark.parametrize(("offset", "value", "message"), CHANGED.values(), ids=CHANGED.keys())
def test_a_header_with_a_wrong_field_is_malformed(
    header: Header, offset: int, value: bytes, message: str
) -> None:
    data = bytearray(header.encode())
    data[offset : offset + len(value)] = value
    with pytest.raises(MalformedError, match=message):
        decode_header(bytes(data))


@pytest.mark.parametrize(("field", "most"), [("body_len", 983_040), ("count", 1_024)])
def test_limits_are_inclusive(header: Header, field: str, most: int) -> None:
    assert getattr(decode_header(msgspec.structs.replace(header, **{field: most}).encode()), field) == most
    for more in (most + 1, (1 << 32) - 1):
        with pytest.raises(TooLargeError):
            decode_header(msgspec.structs.replace(header, **{field: more}).encode())


def test_state_secrets_are_known_to_the_decoder(header: Header) -> None:
    # Known, so that a refusal can say why: policy refuses them, not the format.
    for level in Classification:
        compartment = Compartment(level, Theme.DEBATE)
        data = msgspec.structs.replace(header, compartment=compartment).encode()
        assert decode_header(data).compartment == compartment


CLEAR = sorted(set(Kind) - SEALED)


def clear(header: Header, kind: Kind, **change: Any) -> bytes:
    epoch_id = b"I" * 16 if kind is Kind.END_OF_EPOCH else bytes(16)
    whole: dict[str, Any] = {"kind": kind, "count": 0, "batch_root": bytes(32), "epoch_id": epoch_id}
    return msgspec.structs.replace(header, **{**whole, **change}).encode()


@pytest.mark.parametrize("kind", CLEAR)
def test_a_clear_kind_has_no_batch(header: Header, kind: Kind) -> None:
    assert decode_header(clear(header, kind)).kind == kind
    for change in ({"count": 1}, {"batch_root": bytes(31) + b"\1"}):
        with pytest.raises(MalformedError, match="count 0"):
            decode_header(clear(header, kind, **change))


@pytest.mark.parametrize("kind", CLEAR)
def test_of_the_clear_kinds_only_an_end_of_epoch_names_one(header: Header, kind: Kind) -> None:
    wrong = bytes(16) if kind is Kind.END_OF_EPOCH else bytes(15) + b"\1"
    with pytest.raises(MalformedError, match="names its epoch"):
        decode_header(clear(header, kind, epoch_id=wrong))


@pytest.mark.parametrize("kind", sorted(SEALED))
def test_a_sealed_kind_has_signals_and_an_epoch(header: Header, kind: Kind) -> None:
    whole = msgspec.structs.replace(header, kind=kind)
    assert decode_header(whole.encode()) == whole
    for change in ({"count": 0}, {"epoch_id": bytes(16)}):
        with pytest.raises(MalformedError):
            decode_header(msgspec.structs.replace(whole, **change).encode())


@pytest.mark.parametrize("kind", [10, 128, 255])
def test_a_kind_of_a_later_version_decodes_whatever_its_shape(header: Header, kind: int) -> None:
    for change in ({}, {"count": 0, "batch_root": bytes(32), "epoch_id": bytes(16)}):
        assert decode_header(msgspec.structs.replace(header, kind=kind, **change).encode()).kind == kind


def test_hashes_are_labelled(header: Header) -> None:
    data = header.encode()
    assert object_hash(data) == hashlib.sha256(b"seinpost/object/v1" + data).digest()
    assert hash_body(b"body") == hashlib.sha256(b"seinpost/body/v1body").digest()
    assert batch_context(data) == hashlib.sha256(b"seinpost/batch-context/v1" + data[:148]).digest()


def test_the_context_of_a_body_leaves_out_the_body_only(header: Header) -> None:
    context = batch_context(header.encode())
    same = msgspec.structs.replace(header, body_len=1, body_hash=bytes(32))
    assert batch_context(same.encode()) == context
    for field, (offset, value) in OFFSETS.items():
        changed = bytearray(header.encode())
        changed[offset + len(value) - 1] ^= 1
        assert (batch_context(bytes(changed)) == context) == (field in ("body_len", "body_hash"))


def test_a_body_is_held_to_length_and_hash(header: Header) -> None:
    whole = msgspec.structs.replace(header, body_len=4, body_hash=hash_body(b"body"))
    verify_body(whole, b"body")
    with pytest.raises(MalformedError):
        verify_body(whole, b"body2")
    with pytest.raises(SignatureError):
        verify_body(whole, b"bodx")


def test_another_enclaves_header_is_refused(header: Header) -> None:
    verify_enclave(header, b"E" * 16)
    with pytest.raises(BindingError):
        verify_enclave(header, b"F" * 16)
