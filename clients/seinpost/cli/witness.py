# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`seinpost witness`."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import msgspec

from seinpost._own_word import Finding
from seinpost.config import load_config
from seinpost.witness import Witness
from seinpost_schemas.checkpoint import Checkpoint
from seinpost_schemas.errors import RefusedError

from ._aside import Aside
from ._passphrase import unlock
from ._tty import clean


class _Said:
    """Standard output and error of this command: a witness goes on although nobody reads them."""

    def __init__(self, *, as_json: bool) -> None:
        self._output = Aside(sys.stdout, _left_out_row if as_json else _left_out)
        self._errors = Aside(sys.stderr, _left_out)
        self.say = self._output.say

    def fail(self, message: str, *, always: bool = False) -> None:
        """One line on standard error."""
        self._errors.say("seinpost: " + clean(message), always=always)

    def close(self) -> None:
        self._output.close()
        self._errors.close()


def _left_out(lines: int) -> str:
    return f"({lines} lines left out: nobody took them)"


def _left_out_row(lines: int) -> str:
    return json.dumps({"event": "left-out", "lines": lines})


class _Report:
    """Says what a witness does: each new size of a log, and each refusal."""

    def __init__(self, name: str, said: _Said, *, as_json: bool) -> None:
        self._name = name
        self._said = said
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
            self._said.say(json.dumps(row))
        self._said.fail(f"{self._name}: refused to cosign {origin} ({status}): {message}")

    def found(self, finding: Finding) -> None:
        """What is wrong with a log, once for each log and code."""
        if self._as_json:
            row = {"witness": self._name, "event": "alarm", **msgspec.to_builtins(finding)}
            self._said.say(json.dumps(row), always=True)
        self._said.fail(f"{self._name}: ALARM {finding.code}: {finding.message}", always=True)

    def resumed(self, origin: str) -> None:
        """A log of which the state was lost, and what is published was taken for it."""
        self._print(
            {"witness": self._name, "event": "resumed", "log": origin},
            f"{self._name}: took up {origin} where it is published under this witness's name",
        )

    def left_out(self, error: RefusedError) -> None:
        """This one has ended, others go on."""
        self._said.fail(f"{self._name}: {error}; the other witnesses go on", always=True)

    def _print(self, row: dict[str, object], text: str) -> None:
        self._said.say(json.dumps(row) if self._as_json else text)


async def run(config_files: list[Path], passphrase_file: Path | None, *, resume: bool, as_json: bool) -> int:
    """Run one or more witnesses until stopped; one that the server refuses does not end the others."""
    said = _Said(as_json=as_json)
    try:
        return await _run(config_files, passphrase_file, said, resume=resume, as_json=as_json)
    finally:
        said.close()


async def _run(
    config_files: list[Path], passphrase_file: Path | None, said: _Said, *, resume: bool, as_json: bool
) -> int:
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
        report = _Report(identity.name, said, as_json=as_json)
        witness = Witness(
            config,
            identity,
            on_cosigned=report.cosigned,
            on_refused=report.refused,
            on_waiting=said.fail,
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
