# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The C2SP tlog-tiles layout: which tiles a tree of a size has, their paths, and their bytes.

A tile of level L holds up to 256 hashes, each over 256^L leaves; an entry bundle holds up to 256 entries,
each after its length (u16, big-endian).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

import msgspec

from .errors import MalformedError
from .merkle import HASH_BYTES, root_hash

TILE_WIDTH = 256
_LENGTH = struct.Struct(">H")


class Tile(msgspec.Struct, frozen=True):
    """One tile: ``level`` 0 to 63, ``number`` within it, ``width`` 1 to 256 hashes."""

    level: int
    number: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """``tile/<L>/<N>[.p/<W>]``."""
        return f"tile/{self.level}/{_number_path(self.number)}{_partial(self.width)}"


def bundle_path(number: int, width: int = TILE_WIDTH) -> str:
    """``tile/entries/<N>[.p/<W>]``."""
    return f"tile/entries/{_number_path(number)}{_partial(width)}"


def _number_path(number: int) -> str:
    text = str(number)
    text = text.zfill((len(text) + 2) // 3 * 3)
    groups = [text[i : i + 3] for i in range(0, len(text), 3)]
    return "/".join([*("x" + g for g in groups[:-1]), groups[-1]])


def _partial(width: int) -> str:
    if not 1 <= width <= TILE_WIDTH:
        raise ValueError(f"a tile has 1 to {TILE_WIDTH} hashes, not {width}")
    return "" if width == TILE_WIDTH else f".p/{width}"


def tiles_of(tree_size: int) -> Iterator[Tile]:
    """Every tile of a tree of this size, partial ones included, level by level."""
    level, nodes = 0, tree_size
    while nodes:
        full, rest = divmod(nodes, TILE_WIDTH)
        for number in range(full):
            yield Tile(level, number)
        if rest:
            yield Tile(level, full, rest)
        level, nodes = level + 1, full


def tile_hashes(below: Sequence[bytes]) -> list[bytes]:
    """The hashes of the next level: one over each whole run of 256 hashes of the level below."""
    return [root_hash(below[i : i + TILE_WIDTH]) for i in range(0, len(below) - TILE_WIDTH + 1, TILE_WIDTH)]


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Up to 256 entries, each after its length."""
    if not 1 <= len(entries) <= TILE_WIDTH or any(len(e) > 65_535 for e in entries):
        raise ValueError("a bundle has 1 to 256 entries of at most 65,535 bytes")
    return b"".join(_LENGTH.pack(len(e)) + e for e in entries)


def decode_bundle(data: bytes, width: int) -> list[bytes]:
    """Exactly ``width`` entries; raises ``MalformedError``."""
    entries: list[bytes] = []
    at = 0
    while at + _LENGTH.size <= len(data) and len(entries) < width:
        (length,) = _LENGTH.unpack_from(data, at)
        at += _LENGTH.size
        entries.append(data[at : at + length])
        at += length
    if at != len(data) or len(entries) != width:
        raise MalformedError(f"an entry bundle of {width} entries ends where its last one does")
    return entries


def decode_tile(data: bytes, width: int) -> list[bytes]:
    """Exactly ``width`` hashes of 32 bytes; raises ``MalformedError``."""
    if len(data) != width * HASH_BYTES:
        raise MalformedError(f"a tile of {width} hashes has {width * HASH_BYTES} bytes, not {len(data)}")
    return [data[i : i + HASH_BYTES] for i in range(0, len(data), HASH_BYTES)]
