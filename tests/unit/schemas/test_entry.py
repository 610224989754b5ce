# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Log entries, their NATS headers, and base64 in one form."""

from __future__ import annotations

import contextlib
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seinpost_schemas.entry import (
    ENTRY_BYTES,
    Entry,
    decode_entry,
    feed_headers,
    from_base64,
    parse_feed_headers,
    signature_hash,
    to_base64,
)
from seinpost_schemas.errors import MalformedError
from seinpost_schemas.header import Header

SIGNATURE = bytes(range(256)) * 13 + bytes(45)


@pytest.fixture
def entry(header: Header) -> Entry:
    return Entry(1_790_000_000_000, 12, header.encode(), signature_hash(SIGNATURE))


def test_an_entry_stands_at_its_offsets(entry: Entry, header: Header) -> None:
    data = entry.encode()
    assert len(data) == ENTRY_BYTES == 249
    assert data[:17] == b"seinpost/entry/v1"
    assert data[17:25] == (1_790_000_000_000).to_bytes(8, "big")
    assert data[25:33] == (12).to_bytes(8, "big")
    assert data[33:217] == header.encode()
    assert data[217:] == hashlib.sha256(b"seinpost/signature/v1" + SIGNATURE).digest()
    assert decode_entry(data) == entry


def test_another_length_or_label_is_malformed(entry: Entry) -> None:
    data = entry.encode()
    for bad in (b"", data[:-1], data + b"\0", data.replace(b"/v1", b"/v2", 1)):
        with pytest.raises(MalformedError):
            decode_entry(bad)


def test_a_feed_message_carries_entry_and_signature(entry: Entry) -> None:
    headers = feed_headers(entry, SIGNATURE)
    assert sorted(headers) == ["Seinpost-Entry", "Seinpost-Signature"]
    assert parse_feed_headers(headers) == (entry, entry.encode(), SIGNATURE)


def test_a_feed_message_without_its_headers_is_malformed(entry: Entry) -> None:
    headers = feed_headers(entry, SIGNATURE)
    for bad in (None, {}, *({k: v} for k, v in headers.items())):
        with pytest.raises(MalformedError, match="carries"):
            parse_feed_headers(bad)


def test_another_signature_than_the_entry_names_is_malformed(entry: Entry) -> None:
    headers = feed_headers(entry, SIGNATURE[::-1])
    with pytest.raises(MalformedError, match="not the one"):
        parse_feed_headers(headers)


def test_a_header_over_its_limit_is_refused_before_it_is_decoded(entry: Entry) -> None:
    headers = feed_headers(entry, SIGNATURE)
    for name in headers:
        with pytest.raises(MalformedError, match="over its limit"):
            parse_feed_headers({**headers, name: "!" * 10_000})


@pytest.mark.parametrize(
    "text",
    ["AA", "AA=", "A===", "AAA", "AAAA\n", " AAAA", "AB==", "AA_A", "AA-A", "AAé=", "=AAA", "AA==AAAA"],
)
def test_base64_in_another_form_is_malformed(text: str) -> None:
    with pytest.raises(MalformedError):
        from_base64(text, 100)


def test_base64_in_its_one_form_is_read() -> None:
    for data in (b"", b"\0", b"ab", b"abc", bytes(range(256))):
        assert from_base64(to_base64(data), len(data)) == data


@pytest.mark.parametrize("limit", [31, 32])
def test_base64_gives_at_most_its_limit(limit: int) -> None:
    with pytest.raises(MalformedError):
        from_base64(to_base64(bytes(33)), limit)


@given(st.text(alphabet="ABEZabkz0189+/= \n-_", max_size=16))
def test_base64_that_is_taken_is_in_its_one_form(text: str) -> None:
    with contextlib.suppress(MalformedError):
        assert to_base64(from_base64(text, 100)) == text


@given(st.binary(max_size=100))
def test_base64_comes_back_and_no_other_last_character_does(data: bytes) -> None:
    text = to_base64(data)
    assert from_base64(text, 100) == data
    body = text.rstrip("=")
    for other in "ABCDEFGHIJKLMNOP":
        changed = body[:-1] + other + "=" * (len(text) - len(body)) if body else "="
        if changed != text:
            with contextlib.suppress(MalformedError):
                assert to_base64(from_base64(changed, 100)) == changed
