# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`seinpost witness`."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import msgspec

from seinpost._own_word import Finding
from seinpost.config import load_config
from seinpost.witness import Witness
from seinpost_schemas.checkpoint import Checkpoint
from seinpost_schemas.errors import RefusedError

from . import fail
from ._passphrase import unlock


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

    def found(self, finding: Finding) -> None:
        """What is wrong with a log, once for each log and code."""
        if self._as_json:
            row = {"witness": self._name, "event": "alarm", **msgspec.to_builtins(finding)}
            print(json.dumps(row), flush=True)
        fail(f"{self._name}: ALARM {finding.code}: {finding.message}")

    def resumed(self, origin: str) -> None:
        """A log of which the state was lost, and what is published was taken for it."""
        self._print(
            {"witness": self._name, "event": "resumed", "log": origin},
            f"{self._name}: took up {origin} where it is published under this witness's name",
        )

    def left_out(self, error: RefusedError) -> None:
        """This one has ended, others go on."""
        fail(f"{self._name}: {error}; the other witnesses go on")

    def _print(self, row: dict[str, object], text: str) -> None:
        print(json.dumps(row) if self._as_json else text, flush=True)


async def run(config_files: list[Path], passphrase_file: Path | None, *, resume: bool, as_json: bool) -> int:
    """Run one or more witnesses until stopped; one that the server refuses does not end the others."""
    refused: list[RefusedError] = []

    async def keep(witness: Witness, report: _Report) -> None:
        try:
            await witness.run(report.ready, resume=resume, on_resumed=report.resumed)
        except RefusedError as error:
            refused.append(error)
            if len(refused) < len(config_files):
                report.left_out(error)

    witnesses = []
    for file in config_files:
        config = load_config(file)
        identity = unlock(config, passphrase_file)
        report = _Report(identity.name, as_json=as_json)
        witness = Witness(
            config,
            identity,
            on_cosigned=report.cosigned,
            on_refused=report.refused,
            on_waiting=fail,
            on_finding=report.found,
        )
        witnesses.append((witness, report))
    try:
        async with asyncio.TaskGroup() as group:
            for witness, report in witnesses:
                group.create_task(keep(witness, report))
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    if refused:
        raise refused[-1]
    return 0
