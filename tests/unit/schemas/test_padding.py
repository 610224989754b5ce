# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Padding to buckets."""

from __future__ import annotations

import math

import pytest

from seinpost_schemas.errors import MalformedError
from seinpost_schemas.padding import bucket_size, pad, unpad


def padme(length: int) -> int:
    """The specification's formula, in its own words."""
    if length <= 256:
        return 256
    e = math.floor(math.log2(length))
    s = math.floor(math.log2(e)) + 1
    mask = 2 ** (e - s) - 1
    return (length + mask) & ~mask


def test_buckets_are_the_specifications() -> None:
    for length in [*range(20_000), 65_535, 65_536, 65_537, 524_288, 983_000, (1 << 20) + 1]:
        assert bucket_size(length) == padme(length)


def test_some_buckets_by_hand() -> None:
    sizes = {0: 256, 256: 256, 257: 272, 272: 272, 273: 288, 511: 512, 1_000: 1_024, 10_000: 10_240}
    assert {length: bucket_size(length) for length in sizes} == sizes


def test_a_padded_text_is_its_length_itself_and_zeros() -> None:
    assert pad(b"text") == b"\0\0\0\4text" + bytes(248)
    assert unpad(pad(b"")) == b""
    assert len(pad(bytes(252))) == 256
    assert len(pad(bytes(253))) == 272


@pytest.mark.parametrize("length", [0, 1, 4, 252, 253, 1_000, 70_000])
def test_content_comes_back(length: int) -> None:
    assert unpad(pad(b"x" * length)) == b"x" * length


@pytest.mark.parametrize(
    "padded",
    [
        b"",
        bytes(255),
        bytes(257),
        pad(b"text") + bytes(16),
        pad(b"x" * 253)[:-1],
        b"\0\0\0\4text" + bytes(247) + b"\1",
        b"\0\0\0\3text" + bytes(248),
        b"\xff\xff\xff\xff" + bytes(252),
        b"\0\0\0\xfd" + bytes(252),
    ],
)
def test_any_other_padding_is_malformed(padded: bytes) -> None:
    with pytest.raises(MalformedError):
        unpad(padded)
