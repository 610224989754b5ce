# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Writing an audit export: every log that this identity may pull, up to its newest published checkpoint."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from seinpost_schemas.checkpoint import parse_checkpoint
from seinpost_schemas.directory import DIRECTORY_ENTRY_BYTES
from seinpost_schemas.entry import ENTRY_BYTES, ENTRY_HEADER, SIGNATURE_HEADER, from_base64
from seinpost_schemas.errors import SetupError, UnavailableError
from seinpost_schemas.note import parse_note
from seinpost_schemas.signing import SIGNATURE_BYTES
from seinpost_schemas.subjects import (
    CHECKPOINTS_STREAM,
    DIRECTORY_STREAM,
    checkpoint_subject,
    direct_get_subject,
    directory_origin,
    feed_stream,
    log_origin,
)

from ._directory import DirectoryFollower
from ._transport import StoredMessage, Transport
from .export_layout import DIRECTORY, FORMAT, MANIFEST, LogContent, LogSize, Manifest, log_files
from .identity import Identity
from .subscriber import readable


async def _checkpoint(transport: Transport, origin: str) -> tuple[bytes, int] | None:
    note = await transport.read_last(direct_get_subject(CHECKPOINTS_STREAM, checkpoint_subject(origin)))
    return (note, parse_checkpoint(parse_note(note)).tree_size) if note is not None else None


def _content(note: bytes, stored: list[StoredMessage], *, signed: bool) -> LogContent:
    limit = ENTRY_BYTES if signed else DIRECTORY_ENTRY_BYTES
    return LogContent(
        note,
        tuple(from_base64(s.headers[ENTRY_HEADER], limit) for s in stored),
        tuple(from_base64(s.headers[SIGNATURE_HEADER], SIGNATURE_BYTES) for s in stored) if signed else (),
        tuple(s.body for s in stored),
    )


async def export(
    directory: DirectoryFollower,
    transport: Transport,
    identity: Identity,
    target: Path,
    progress: Callable[[str], None],
) -> Manifest:
    """Write everything below ``target``, which must not be there yet; whole, or not at all."""
    partial = _begin(target)
    register = directory.view.register
    period = register.periods.current
    logs: list[LogSize] = []
    found = await _checkpoint(transport, directory_origin(register.enclave))
    if found is None:
        raise UnavailableError("no checkpoint of the directory is published yet; try again")
    note, size = found
    stored = await _read(transport, DIRECTORY_STREAM, size)
    _write(partial, log_files(DIRECTORY, _content(note, stored, signed=False)))
    logs.append(LogSize(DIRECTORY, size))
    for compartment in readable(directory.view, identity):
        log = f"{period}/{compartment}"
        found = await _checkpoint(transport, log_origin(register.enclave, period, compartment))
        if found is None:
            raise UnavailableError(f"no checkpoint of {log} is published yet; try again")
        note, size = found
        progress(f"{log}: {size} entries")
        stored = await _read(transport, feed_stream(period, compartment), size)
        _write(partial, log_files(log, _content(note, stored, signed=True)))
        logs.append(LogSize(log, size))
    manifest = Manifest(FORMAT, directory.directory.enclave_id.hex(), tuple(logs))
    _write(partial, {MANIFEST: manifest.encode()})
    os.rename(partial, target)  # noqa: PTH104 - one call, at the very end
    return manifest


async def _read(transport: Transport, stream: str, size: int) -> list[StoredMessage]:
    stored: list[StoredMessage] = []
    while len(stored) < size:
        more = await transport.read_from(stream, len(stored) + 1)
        if not more:
            raise UnavailableError(f"{stream} has fewer entries than its checkpoint; try again")
        stored += more
    return stored[:size]


def _begin(target: Path) -> Path:
    """Where to write until all of it is there."""
    if target.exists():
        raise SetupError(f"{target} is there already: choose another name, nothing was changed")
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    return partial


def _write(root: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
