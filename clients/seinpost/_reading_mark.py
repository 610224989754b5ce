# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""How far an identity has read, in a small file beside the database: one that was put back alone is noticed.

Never ahead of what is safely in the database, and at most seconds behind it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from seinpost_schemas.errors import UnavailableError

from ._files import write_whole
from ._storage_seal import StorageSeal

_MAX_BYTES = 1024 * 1024
_DECODER = msgspec.msgpack.Decoder(dict[str, int])


class ReadingMark:
    """Entries read, by stream; sealed, so that a foreign or changed one is an error (``SetupError``)."""

    def __init__(self, path: Path, seal: StorageSeal) -> None:
        self._path = path
        self._seal = seal

    def load(self) -> dict[str, int]:
        """What was marked; nothing when there is no mark yet."""
        try:
            with self._path.open("rb") as file:
                data = file.read(_MAX_BYTES)
        except FileNotFoundError:
            return {}
        return _DECODER.decode(self._seal.open(data, b"mark", self._path.name.encode()))

    def store(self, read: Mapping[str, int]) -> None:
        """Mark this instead; a disk that does not take it leaves the mark behind, which says less and nothing wrong."""
        data = self._seal.seal(msgspec.msgpack.encode(dict(read)), b"mark", self._path.name.encode())
        with contextlib.suppress(UnavailableError):
            write_whole(self._path, data, secret=True)
