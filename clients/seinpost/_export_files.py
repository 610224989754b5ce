# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Reading the files of an export: nothing is believed of them, and what is wrong is raised with its place."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from seinpost_schemas.entry import decode_entry
from seinpost_schemas.errors import InvalidError, SeinpostError
from seinpost_schemas.header import decode_header
from seinpost_schemas.kinds import SEALED
from seinpost_schemas.merkle import leaf_hash
from seinpost_schemas.signing import SIGNATURE_BYTES
from seinpost_schemas.tiles import TILE_WIDTH, bundle_path, decode_bundle, decode_tile

from .export_layout import (
    DIRECTORY,
    MANIFEST,
    LogSize,
    Piece,
    body_path,
    is_feed,
    leaf_tile_path,
    signatures_path,
)

_MAX_FILE_BYTES = 4 * 1024 * 1024
_MAX_MANIFEST_BYTES = 64 * 1024 * 1024
"""It names every checkpoint of a day, of which there may be hundreds of thousands."""
_T = TypeVar("_T")


class ExportError(InvalidError):
    """An export does not hold what it must; ``place`` names the file, or the log and entry."""

    code = "export"

    def __init__(self, place: str, message: str) -> None:
        super().__init__(f"{place}: {message}")
        self.place = place


def placed(place: str, step: Callable[[], _T]) -> _T:
    """What a step gives; whatever it finds wrong is raised with the place."""
    try:
        return step()
    except ExportError:
        raise
    except SeinpostError as error:
        raise ExportError(place, str(error)) from None


def _open_at_once(path: str, flags: int) -> int:
    # Opening a pipe in the place of a file would wait without end.
    return os.open(path, flags | os.O_NONBLOCK)


class ExportFiles:
    """The files below one folder; remembers which were read."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._named: set[str] = set()

    @property
    def count(self) -> int:
        """Files read so far."""
        return len(self._named)

    def read(self, name: str) -> bytes:
        """A whole file; raises ``ExportError`` when it is not there, is no regular file, or is too long."""
        limit = _MAX_MANIFEST_BYTES if name == MANIFEST else _MAX_FILE_BYTES
        try:
            with open(self._root / name, "rb", opener=_open_at_once) as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise ExportError(name, "is not a file")
                data = file.read(limit + 1)
        except FileNotFoundError:
            named = "" if name == MANIFEST else f", and {MANIFEST} asks for it"
            raise ExportError(name, f"is not there{named}") from None
        except OSError as error:
            raise ExportError(name, f"cannot be read: {error.strerror}") from None
        if len(data) > limit:
            raise ExportError(name, f"is over the limit of {limit} bytes")
        self._named.add(name)
        return data

    def pieces(self, log: LogSize, *, bodies: bool) -> Iterator[Piece]:
        """A log in pieces; every entry is the one that its tile was made of."""
        for number, start in enumerate(range(0, log.size, TILE_WIDTH)):
            width = min(TILE_WIDTH, log.size - start)
            entries = self._entries(log.log, number, width)
            signatures = self._signatures(log.log, number, width) if is_feed(log.log) else ()
            found: tuple[bytes | None, ...] = ()
            if log.log == DIRECTORY or is_feed(log.log):
                found = tuple(
                    self.read(f"{log.log}/{body_path(index)}")
                    if bodies or not _is_sealed(log.log, index, entry)
                    else None
                    for index, entry in enumerate(entries, start)
                )
            yield Piece(number, entries, signatures, found)

    def _entries(self, log: str, number: int, width: int) -> tuple[bytes, ...]:
        name, tile = f"{log}/{bundle_path(number, width)}", f"{log}/{leaf_tile_path(number, width)}"
        entries = placed(name, lambda: decode_bundle(self.read(name), width))
        leaves = placed(tile, lambda: decode_tile(self.read(tile), width))
        for index, (entry, leaf) in enumerate(zip(entries, leaves, strict=True), number * TILE_WIDTH):
            if leaf_hash(entry) != leaf:
                # Before it is verified: what is wrong with it would else be found at the next one only.
                raise ExportError(f"{log}, entry {index}", f"is not the entry of {tile}")
        return tuple(entries)

    def _signatures(self, log: str, number: int, width: int) -> tuple[bytes, ...]:
        name = f"{log}/{signatures_path(number, width)}"
        data = self.read(name)
        if len(data) != width * SIGNATURE_BYTES:
            raise ExportError(name, f"holds {width} signatures of {SIGNATURE_BYTES} bytes")
        return tuple(data[i : i + SIGNATURE_BYTES] for i in range(0, len(data), SIGNATURE_BYTES))

    def verify_nothing_else(self, what: str) -> None:
        """Raise ``ExportError`` for a file that was not read."""
        for folder, inner, names in os.walk(self._root):
            links = [n for n in inner if Path(folder, n).is_symlink()]
            for name in [*names, *links]:
                path = str(Path(folder, name).relative_to(self._root))
                if path not in self._named:
                    raise ExportError(path, f"is not part of {what}")


def _is_sealed(log: str, index: int, entry: bytes) -> bool:
    if log == DIRECTORY:
        return False
    decoded = placed(f"{log}, entry {index}", lambda: decode_entry(entry))
    return placed(f"{log}, entry {index}", lambda: decode_header(decoded.header_bytes)).kind in SEALED
