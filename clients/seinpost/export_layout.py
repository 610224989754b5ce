# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The files of an audit export, as bytes by path: C2SP tlog-tiles for every log, and what the entries name beside it.

export.json                             what it is: format, enclave_id, logs and their sizes
<log>/checkpoint                        the cosigned note, verbatim
<log>/checkpoints/<size>-<root>         every other note that is published: 12 digits, 16 hexadecimal digits
<log>/tile/<L>/<N>[.p/<W>]              tiles
<log>/tile/entries/<N>[.p/<W>]          entry bundles
<log>/signatures/<N>[.p/<W>]            feeds: the signatures of a bundle's entries, 3,373 bytes each
<log>/bodies/<index>                    feeds: sealed or clear bodies; the directory: its objects

An export without bodies leaves the sealed ones out: clear ones are what audiences and chains are checked with.

Pure: what is written and what is verified come from here, so that nothing in an export is left unchecked. A log goes
through it in pieces of 256 entries, so that its length costs no memory.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import msgspec

from seinpost_schemas.checkpoint import parse_checkpoint
from seinpost_schemas.errors import MalformedError
from seinpost_schemas.merkle import leaf_hash, root_hash
from seinpost_schemas.note import parse_note
from seinpost_schemas.tiles import TILE_WIDTH, Tile, bundle_path, encode_bundle

FORMAT = "seinpost-export/1"
MANIFEST = "export.json"
DIRECTORY = "directory"
ADMISSION = "admission"


class LogSize(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A log in an export: its origin after the enclave's name, its entries, and its other checkpoints by name."""

    log: str
    size: int
    checkpoints: tuple[str, ...] = ()


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """export.json."""

    format: str
    enclave: str
    bodies: bool
    logs: tuple[LogSize, ...]

    def encode(self) -> bytes:
        """Its one form."""
        return json.dumps(msgspec.to_builtins(self), indent=1).encode() + b"\n"


def decode_manifest(data: bytes) -> Manifest:
    """Raises ``MalformedError`` for anything but a manifest in its one form."""
    try:
        manifest = msgspec.json.decode(data, type=Manifest, strict=True)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MalformedError(f"{MANIFEST} is not in its form") from None
    if manifest.format != FORMAT or manifest.encode() != data:
        raise MalformedError(f"{MANIFEST} is not in its form, or of another version")
    return manifest


class Piece(msgspec.Struct, frozen=True):
    """Up to 256 entries of a log: per entry its bytes, signature (feeds) and body, if it is there."""

    number: int
    entries: tuple[bytes, ...]
    signatures: tuple[bytes, ...] = ()
    bodies: tuple[bytes | None, ...] = ()

    @property
    def start(self) -> int:
        """The index of its first entry."""
        return self.number * TILE_WIDTH


def piece_files(log: str, piece: Piece) -> dict[str, bytes]:
    """The files of a piece, by path: its bundle, its tile, its signatures and bodies."""
    width = len(piece.entries)
    files = {
        f"{log}/{bundle_path(piece.number, width)}": encode_bundle(piece.entries),
        f"{log}/{leaf_tile_path(piece.number, width)}": b"".join(leaf_hash(e) for e in piece.entries),
    }
    if is_feed(log):
        files[f"{log}/{signatures_path(piece.number, width)}"] = b"".join(piece.signatures)
    for index, body in enumerate(piece.bodies, piece.start):
        if body is not None:
            files[f"{log}/{body_path(index)}"] = body
    return files


class UpperTiles:
    """The tiles above the leaves, as the pieces come: at most 255 hashes of each level are held."""

    def __init__(self) -> None:
        self._levels: list[list[bytes]] = []
        self._numbers: list[int] = []

    def add(self, leaves: Sequence[bytes]) -> list[tuple[str, bytes]]:
        """(path, bytes) of the tiles that a piece's leaf hashes make whole; a partial piece is the last."""
        made: list[tuple[str, bytes]] = []
        hashes, level = leaves, 1
        while len(hashes) == TILE_WIDTH:
            if len(self._levels) < level:
                self._levels.append([])
                self._numbers.append(0)
            row = self._levels[level - 1]
            row.append(root_hash(hashes))
            if len(row) < TILE_WIDTH:
                break
            made.append((Tile(level, self._numbers[level - 1]).path, b"".join(row)))
            self._numbers[level - 1] += 1
            self._levels[level - 1] = []
            hashes, level = row, level + 1
        return made

    def rest(self) -> list[tuple[str, bytes]]:
        """(path, bytes) of the partial tiles at the end."""
        return [
            (Tile(level, number, len(row)).path, b"".join(row))
            for level, (number, row) in enumerate(zip(self._numbers, self._levels, strict=True), 1)
            if row
        ]


def is_feed(log: str) -> bool:
    """Whether a log's entries are envelopes, with signatures and bodies."""
    return log not in (DIRECTORY, ADMISSION)


def checkpoint_name(note: bytes, origin: str) -> str:
    """What a note that is not the newest is called; one that is no checkpoint of the log is ``unreadable-…``."""
    try:
        checkpoint = parse_checkpoint(parse_note(note))
    except MalformedError:
        checkpoint = None
    if checkpoint is None or checkpoint.origin != origin or checkpoint.tree_size >= 10**12:
        return f"unreadable-{hashlib.sha256(note).hexdigest()[:16]}"
    return f"{checkpoint.tree_size:012d}-{checkpoint.root_hash.hex()[:16]}"


def checkpoint_path(name: str) -> str:
    """Where a note that is not the newest is."""
    return f"checkpoints/{name}"


def leaf_tile_path(number: int, width: int) -> str:
    """Where the leaf hashes of a piece are."""
    return Tile(0, number, width).path


def signatures_path(number: int, width: int) -> str:
    """Where the signatures of a bundle's entries are."""
    return bundle_path(number, width).replace("tile/entries/", "signatures/", 1)


def body_path(index: int) -> str:
    """Where an entry's body is."""
    return f"bodies/{index:09d}"
