# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`seinpost witness`."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from seinpost.config import load_config
from seinpost.identity import load_identity
from seinpost.witness import Witness
from seinpost_schemas.checkpoint import Checkpoint

from . import fail
from ._passphrase import find_passphrase


class _Report:
    """Prints what a witness does: each new size of a log, and each refusal."""

    def __init__(self, name: str, *, as_json: bool) -> None:
        self._name = name
        self._as_json = as_json
        self._sizes: dict[str, int] = {}

    def ready(self) -> None:
        self._print({"witness": self._name, "event": "ready"}, f"{self._name}: witnessing")

    def cosigned(self, checkpoint: Checkpoint) -> None:
        """Idle cosignatures of a size that was said before are not said again."""
        if self._sizes.get(checkpoint.origin) == checkpoint.tree_size:
            return
        self._sizes[checkpoint.origin] = checkpoint.tree_size
        row = {
            "witness": self._name,
            "event": "cosigned",
            "log": checkpoint.origin,
            "size": checkpoint.tree_size,
            "root": checkpoint.root_hash.hex(),
        }
        self._print(row, f"{self._name}: cosigned {checkpoint.origin} at {checkpoint.tree_size}")

    def refused(self, origin: str, status: int, message: str) -> None:
        if self._as_json:
            row = {
                "witness": self._name,
                "event": "refused",
                "log": origin,
                "status": status,
                "message": message,
            }
            print(json.dumps(row), flush=True)
        fail(f"{self._name}: refused to cosign {origin} ({status}): {message}")

    def _print(self, row: dict[str, object], text: str) -> None:
        print(json.dumps(row) if self._as_json else text, flush=True)


async def run(config_files: list[Path], passphrase_file: Path | None, *, as_json: bool) -> int:
    """Run one or more witnesses until stopped."""
    async with asyncio.TaskGroup() as group:
        for file in config_files:
            config = load_config(file)
            identity = load_identity(config.identity, find_passphrase(passphrase_file, config))
            report = _Report(identity.name, as_json=as_json)
            witness = Witness(
                config,
                identity,
                on_cosigned=report.cosigned,
                on_refused=report.refused,
                on_waiting=fail,
            )
            group.create_task(witness.run(report.ready))
    return 0
