# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The frame of a sealed body: two length-prefixed ciphertexts (specification, section 6.5).

length 4 ‖ main part ‖ length 4 ‖ protected part (length 0 if unused). Each is Cobblestone-256; what is
inside is not this module's business.
"""

from __future__ import annotations

from collections.abc import Sequence

from .errors import MalformedError

MIN_PART_BYTES = 24 + 32 + 16 + 256
"""Cobblestone's salt, commitment and one tag around the smallest bucket."""


def join_parts(main: bytes, protected: bytes) -> bytes:
    """The body of two ciphertexts; ``protected`` is empty if unused."""
    return join_pieces((main,), (protected,))


def join_pieces(main: Sequence[bytes], protected: Sequence[bytes]) -> bytes:
    """``join_parts`` for ciphertexts that come in pieces: each byte of a large body is copied once."""
    lengths = sum(map(len, main)).to_bytes(4, "big"), sum(map(len, protected)).to_bytes(4, "big")
    return b"".join((lengths[0], *main, lengths[1], *protected))


def split_parts(body: bytes) -> tuple[bytes, bytes]:
    """The two ciphertexts of a body; raises ``MalformedError`` for any other length."""
    main, protected = split_views(body)
    return bytes(main), bytes(protected)


def split_views(body: bytes) -> tuple[memoryview, memoryview]:
    """``split_parts`` as views of ``body``: nothing is copied."""
    view = memoryview(body)
    main_end = 4 + int.from_bytes(body[:4], "big")
    if main_end + 4 > len(body):
        raise MalformedError("a sealed body is shorter than its main part says")
    main, protected = view[4:main_end], view[main_end + 4 :]
    if int.from_bytes(body[main_end : main_end + 4], "big") != len(protected):
        raise MalformedError("a sealed body does not end where its protected part does")
    if len(main) < MIN_PART_BYTES or (protected and len(protected) < MIN_PART_BYTES):
        raise MalformedError("a sealed part is shorter than the smallest bucket")
    return main, protected
