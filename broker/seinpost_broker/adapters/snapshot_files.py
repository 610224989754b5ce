# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Snapshots as files below the enclave's directory; written in a thread, because they can be a hundred megabytes."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from seinpost_schemas.errors import UnavailableError


class SnapshotFiles:
    """``ports.Snapshots`` in one directory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, name: str) -> bytes | None:
        """See ``ports.Snapshots``."""
        try:
            return (self._folder / f"{name}.snapshot").read_bytes()
        except OSError:
            return None

    async def store(self, name: str, data: bytes) -> None:
        """See ``ports.Snapshots``."""
        try:
            await asyncio.to_thread(self._write, self._folder / f"{name}.snapshot", data)
        except OSError as error:
            raise UnavailableError(f"cannot store a snapshot: {error.strerror}") from None

    def _write(self, path: Path, data: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
