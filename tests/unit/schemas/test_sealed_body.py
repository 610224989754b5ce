# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The frame around the two sealed parts."""

from __future__ import annotations

import pytest

from seinpost_schemas.errors import MalformedError
from seinpost_schemas.sealed_body import MIN_PART_BYTES, join_parts, split_parts

MAIN, PROTECTED = b"m" * 328, b"p" * 400


def test_a_body_is_two_lengths_and_two_parts() -> None:
    assert MIN_PART_BYTES == 328
    assert join_parts(MAIN, PROTECTED) == b"\0\0\1\x48" + MAIN + b"\0\0\1\x90" + PROTECTED
    assert split_parts(join_parts(MAIN, PROTECTED)) == (MAIN, PROTECTED)
    assert split_parts(join_parts(MAIN, b"")) == (MAIN, b"")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        bytes(8),
        join_parts(b"", b""),
        join_parts(MAIN[1:], b""),
        join_parts(b"", PROTECTED),
        join_parts(MAIN, PROTECTED[:327]),
        join_parts(MAIN, PROTECTED)[:-1],
        join_parts(MAIN, PROTECTED) + b"\0",
        join_parts(MAIN, b"")[:-4],
        join_parts(MAIN, b"")[:-1],
        b"\xff\xff\xff\xff" + MAIN,
    ],
)
def test_any_other_frame_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedError):
        split_parts(body)
