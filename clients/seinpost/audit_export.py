# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Writing an audit export: every log that this identity may pull, up to its newest published checkpoint."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from seinpost_schemas.checkpoint import parse_checkpoint
from seinpost_schemas.directory import TrustedDirectory
from seinpost_schemas.entry import ENTRY_BYTES, ENTRY_HEADER, SIGNATURE_HEADER, decode_entry, from_base64
from seinpost_schemas.errors import SetupError, UnavailableError
from seinpost_schemas.header import decode_header
from seinpost_schemas.kinds import SEALED
from seinpost_schemas.note import parse_note
from seinpost_schemas.policy import audits
from seinpost_schemas.signing import SIGNATURE_BYTES
from seinpost_schemas.subjects import (
    ADMISSION_STREAM,
    CHECKPOINTS_STREAM,
    DIRECTORY_STREAM,
    HOURLY_STREAM,
    checkpoint_subject,
    direct_get_subject,
    feed_stream,
    hourly_subject,
)

from ._directory import DirectoryFollower, wall_ms
from ._transport import StoredMessage, Transport
from .export_layout import (
    ADMISSION,
    DIRECTORY,
    FORMAT,
    MANIFEST,
    LogContent,
    LogSize,
    Manifest,
    is_feed,
    log_files,
)
from .identity import Identity
from .subscriber import readable

_MAX_ENTRY_BYTES = ENTRY_BYTES
"""Feed entries are the longest."""


class _Source:
    """One log as the server gives it."""

    def __init__(self, transport: Transport, enclave: str, log: str, stream: str) -> None:
        self._transport = transport
        self.log = log
        self.stream = stream
        self.origin = f"{enclave}/{log}"

    async def newest(self) -> tuple[bytes, int]:
        """(note, size) of the newest published checkpoint."""
        subject = direct_get_subject(CHECKPOINTS_STREAM, checkpoint_subject(self.origin))
        note = await self._transport.read_last(subject)
        if note is None:
            raise UnavailableError(f"no checkpoint of {self.log} is published yet; try again")
        return note, parse_checkpoint(parse_note(note)).tree_size

    async def entries(self, size: int) -> list[StoredMessage]:
        """The first ``size`` messages."""
        return await _read(self._transport, self.stream, size)


def _content(
    log: str, note: bytes, stored: list[StoredMessage], older: dict[int, bytes], *, bodies: bool
) -> LogContent:
    entries = tuple(from_base64(s.headers[ENTRY_HEADER], _MAX_ENTRY_BYTES) for s in stored)
    signatures: tuple[bytes, ...] = ()
    kept: tuple[bytes | None, ...] = ()
    if log == DIRECTORY:
        kept = tuple(s.body for s in stored)
    elif is_feed(log):
        signatures = tuple(from_base64(s.headers[SIGNATURE_HEADER], SIGNATURE_BYTES) for s in stored)
        kept = tuple(
            s.body if bodies or not _is_sealed(e) else None for e, s in zip(entries, stored, strict=True)
        )
    below = tuple((size, older[size]) for size in sorted(older) if size < len(stored))
    return LogContent(note, entries, signatures, kept, below)


def _is_sealed(entry: bytes) -> bool:
    return decode_header(decode_entry(entry).header_bytes).kind in SEALED


async def export(
    directory: DirectoryFollower,
    transport: Transport,
    identity: Identity,
    target: Path,
    progress: Callable[[str], None],
    *,
    bodies: bool = True,
) -> Manifest:
    """Write everything below ``target``, which must not be there yet; whole, or not at all."""
    partial = _begin(target)
    register = directory.view.register
    sources = [(DIRECTORY, DIRECTORY_STREAM)]
    if audits(directory.view, directory.view.member(identity.sender_id).party, wall_ms()):
        sources.append((ADMISSION, ADMISSION_STREAM))
    compartments = readable(directory.view, identity)
    sources += [(f"{p}/{c}", feed_stream(p, c)) for p in register.periods.readable for c in compartments]
    logs: list[LogSize] = []
    known = 0
    older = await _hourly(transport, identity, [f"{register.enclave}/{log}" for log, _ in sources])
    for log, stream in sources:
        source = _Source(transport, register.enclave, log, stream)
        if is_feed(log) and not _has_begun(directory.directory, register.enclave, log, known):
            continue
        closing = directory.directory.closing(source.origin)
        if closing is not None:
            # Published checkpoints are kept for a day; this one is in the directory.
            note, size = closing.note, closing.checkpoint.tree_size
        else:
            note, size = await source.newest()
        known = size if log == DIRECTORY else known
        progress(f"{log}: {size} entries")
        stored = await source.entries(size)
        content = _content(log, note, stored, older[source.origin], bodies=bodies)
        _write(partial, log_files(log, content))
        logs.append(LogSize(log, size, tuple(size for size, _ in content.older)))
    manifest = Manifest(FORMAT, directory.directory.enclave_id.hex(), bodies, tuple(logs))
    _write(partial, {MANIFEST: manifest.encode()})
    os.rename(partial, target)  # noqa: PTH104 - one call, at the very end
    return manifest


def _has_begun(directory: TrustedDirectory, enclave: str, log: str, known: int) -> bool:
    """Whether the log of the period before is closed within the first ``known`` entries of the directory."""
    period, _, compartment = log.partition("/")
    earlier = directory.period_before(period)
    closing = directory.closing(f"{enclave}/{earlier}/{compartment}")
    return earlier is None or (closing is not None and closing.directory_size <= known)


async def _hourly(
    transport: Transport, identity: Identity, origins: list[str]
) -> dict[str, dict[int, bytes]]:
    """The checkpoints that are kept for good, by log and size."""
    found: dict[str, dict[int, bytes]] = {origin: {} for origin in origins}
    last = 0
    for origin in origins:
        subject = direct_get_subject(HOURLY_STREAM, hourly_subject(origin))
        if (newest := await transport.read_last_at(subject)) is not None:
            last = max(last, newest.seq)
    if last == 0:
        return found
    async for stored in transport.pull(HOURLY_STREAM, identity.name, 1, gaps=True):
        checkpoint = parse_checkpoint(parse_note(stored.body))
        if checkpoint.origin in found:
            found[checkpoint.origin][checkpoint.tree_size] = stored.body
        if stored.seq >= last:
            break
    return found


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
