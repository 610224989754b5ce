# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The files of an audit export, as bytes by path: C2SP tlog-tiles for every log, and what the entries name beside it.

export.json                             what it is: format, enclave_id, logs and their sizes
<log>/checkpoint                        the cosigned note, verbatim
<log>/checkpoints/<size>                older cosigned notes, one an hour
<log>/tile/<L>/<N>[.p/<W>]              tiles
<log>/tile/entries/<N>[.p/<W>]          entry bundles
<log>/signatures/<N>[.p/<W>]            feeds: the signatures of a bundle's entries, 3,373 bytes each
<log>/bodies/<index>                    feeds: sealed or clear bodies; the directory: its objects

An export without bodies leaves the sealed ones out: clear ones are what audiences and chains are checked with.

Pure: what is written and what is verified come from here, so that nothing in an export is left unchecked.
"""

from __future__ import annotations

import json

import msgspec

from seinpost_schemas.errors import MalformedError
from seinpost_schemas.merkle import leaf_hash
from seinpost_schemas.tiles import TILE_WIDTH, bundle_path, encode_bundle, tile_hashes, tiles_of

FORMAT = "seinpost-export/1"
MANIFEST = "export.json"
DIRECTORY = "directory"
ADMISSION = "admission"


class LogSize(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A log in an export: its origin after the enclave's name, its entries, and the sizes of older checkpoints."""

    log: str
    size: int
    checkpoints: tuple[int, ...] = ()


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


class LogContent(msgspec.Struct, frozen=True):
    """One log: its newest checkpoint note, and per entry its bytes, signature (feeds) and body, if it is there.

    ``older`` are notes by their sizes, each below the newest's.
    """

    note: bytes
    entries: tuple[bytes, ...]
    signatures: tuple[bytes, ...]
    bodies: tuple[bytes | None, ...]
    older: tuple[tuple[int, bytes], ...] = ()


def log_files(log: str, content: LogContent) -> dict[str, bytes]:
    """Every file of a log, by path."""
    files = {f"{log}/checkpoint": content.note}
    files |= {f"{log}/{older_path(size)}": note for size, note in content.older}
    levels = [[leaf_hash(e) for e in content.entries]]
    for tile in tiles_of(len(content.entries)):
        while len(levels) <= tile.level:
            levels.append(tile_hashes(levels[-1]))
        start = tile.number * TILE_WIDTH
        files[f"{log}/{tile.path}"] = b"".join(levels[tile.level][start : start + tile.width])
        if tile.level == 0:
            files[f"{log}/{bundle_path(tile.number, tile.width)}"] = encode_bundle(
                content.entries[start : start + tile.width]
            )
            if is_feed(log):
                signatures = b"".join(content.signatures[start : start + tile.width])
                files[f"{log}/{signatures_path(tile.number, tile.width)}"] = signatures
    for index, body in enumerate(content.bodies):
        if body is not None:
            files[f"{log}/{body_path(index)}"] = body
    return files


def is_feed(log: str) -> bool:
    """Whether a log's entries are envelopes, with signatures and bodies."""
    return log not in (DIRECTORY, ADMISSION)


def older_path(size: int) -> str:
    """Where an older checkpoint is."""
    return f"checkpoints/{size:012d}"


def signatures_path(number: int, width: int) -> str:
    """Where the signatures of a bundle's entries are."""
    return bundle_path(number, width).replace("tile/entries/", "signatures/", 1)


def body_path(index: int) -> str:
    """Where an entry's body is."""
    return f"bodies/{index:09d}"
