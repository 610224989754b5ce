# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`seinpost audit export` and `seinpost audit verify`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import msgspec

from seinpost.audit_verify import ExportError, Suspect, verify_export
from seinpost.config import load_config
from seinpost.connection import Connection
from seinpost_schemas.errors import DiskError, MalformedError, UsageError

from . import clean, fail
from ._passphrase import unlock
from ._trust_root import enclave_id_from


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(text, file=sys.stderr, flush=True)


async def run_export(
    target: Path, config_file: Path, passphrase_file: Path | None, *, bodies: bool, as_json: bool
) -> int:
    """Write an export; 0, or 1 when the disk did not take it."""
    config = load_config(config_file)
    identity = unlock(config, passphrase_file)
    async with Connection(config, identity, on_waiting=fail) as connection:
        try:
            manifest = await connection.export(target, _progress, bodies=bodies)
        except DiskError as error:
            fail(str(error))
            return 1
    if as_json:
        print(json.dumps(msgspec.to_builtins(manifest)))
    else:
        for log in manifest.logs:
            print(f"{log.log}: {log.size} entries")
        print(
            f"written to {target}; anyone can check it: seinpost audit verify {target} --enclave {manifest.enclave}"
        )
    return 0


def run_verify(source: Path, enclave: str | None, config_file: Path | None, *, as_json: bool) -> int:
    """Check an export; 0 when all of it holds, else 1 with the place named."""
    enclave_id = enclave_id_from(enclave, config_file)
    if enclave_id is None:
        raise MalformedError("name the root of trust: --enclave, or --config with a file that names it")
    if not source.is_dir():
        raise UsageError(f"there is no export at {source}: name the folder that audit export wrote")
    try:
        report = verify_export(source, enclave_id, _progress)
    except ExportError as error:
        if as_json:
            print(json.dumps({"verdict": "wrong", "place": error.place, "message": str(error)}))
        fail(f"the export does not hold at {error}")
        return 1
    if as_json:
        print(json.dumps({"verdict": "holds", **msgspec.to_builtins(report)}))
        return 0
    for log in report.logs:
        witnesses = ", ".join(name.rpartition("/")[2] for name in log.cosigned_by) or "nobody"
        print(
            clean(
                f"holds  {log.log}  {log.entries} entries  {log.checkpoints} checkpoints  cosigned by {witnesses}"
            )
        )
    for suspect in report.suspects:
        print(clean(suspect_line(suspect)))
    without = "" if report.bodies else " Sealed bodies were not in it: their hashes were not checked."
    print(
        f"holds: {report.files} files, {sum(log.entries for log in report.logs)} entries, register version "
        f"{report.register}, quorum {report.quorum}. What is inside the seals was not looked at.{without}"
    )
    return 0


def suspect_line(suspect: Suspect) -> str:
    """Whose entries hold and are not to be relied on, and why."""
    first, last = suspect.entries[0], suspect.entries[-1]
    where = f"entry {first}" if first == last else f"{len(suspect.entries)} entries from {first} to {last}"
    return (
        f"SUSPECT  {suspect.log}  {where} by {suspect.identity} of {suspect.party}, which was revoked since: "
        f"{suspect.reason}"
    )
