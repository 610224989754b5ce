# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Writing an audit export: every log that this identity may pull, up to its newest published checkpoint.

With every other checkpoint that is published of them: those kept for good, and for who audits everything those of
the last day. None is left out because it does not fit: that is for who verifies to say.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

from seinpost_schemas.checkpoint import parse_checkpoint
from seinpost_schemas.directory import TrustedDirectory
from seinpost_schemas.entry import ENTRY_BYTES, ENTRY_HEADER, SIGNATURE_HEADER, decode_entry, from_base64
from seinpost_schemas.errors import DiskError, InvalidError, SetupError, UnavailableError
from seinpost_schemas.header import decode_header
from seinpost_schemas.kinds import SEALED
from seinpost_schemas.merkle import leaf_hash
from seinpost_schemas.note import parse_note
from seinpost_schemas.policy import audits, audits_everything
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
from seinpost_schemas.tiles import TILE_WIDTH

from ._directory import DirectoryFollower, wall_ms
from ._given import readable
from ._lock import Lock
from ._transport import StoredMessage, Transport
from .export_layout import (
    ADMISSION,
    DIRECTORY,
    FORMAT,
    MANIFEST,
    LogSize,
    Manifest,
    Piece,
    UpperTiles,
    checkpoint_name,
    checkpoint_path,
    is_feed,
    piece_files,
)
from .identity import Identity

_MAX_ENTRY_BYTES = ENTRY_BYTES
"""Feed entries are the longest."""
_SAY_EVERY = 10_240


async def export(
    directory: DirectoryFollower,
    transport: Transport,
    identity: Identity,
    target: Path,
    progress: Callable[[str], None],
    *,
    state: Path,
    bodies: bool = True,
) -> Manifest:
    """Write everything below ``target``, which must not be there yet; whole, or not at all.

    Raises ``DiskError`` when the disk does not take it: what is there by then is beside ``target``, and the next try
    begins anew. ``state`` is the identity's folder: two exports at once take turns there where they would disturb
    each other.
    """
    partial = _begin(target)
    register = directory.view.register
    sources = [(DIRECTORY, DIRECTORY_STREAM)]
    party = directory.view.member(identity.sender_id).party
    everything = audits_everything(directory.view, party, wall_ms())
    if audits(directory.view, party, wall_ms()):
        sources.append((ADMISSION, ADMISSION_STREAM))
    compartments = readable(directory.view, identity)
    sources += [(f"{p}/{c}", feed_stream(p, c)) for p in register.periods.readable for c in compartments]
    notes = _Notes(transport, partial, register.enclave)
    if not everything:
        await notes.take_hourly(identity, state, [log for log, _ in sources])
    logs: list[LogSize] = []
    known = 0
    for log, stream in sources:
        if is_feed(log) and not _has_begun(directory.directory, register.enclave, log, known):
            continue
        if everything:
            await notes.take_all(log)
        closing = directory.directory.closing(f"{register.enclave}/{log}")
        # Published checkpoints are kept for a day; that of a closed log is in the directory.
        note = closing.note if closing is not None else await notes.newest(log)
        size = parse_checkpoint(parse_note(note)).tree_size
        known = size if log == DIRECTORY else known
        progress(f"{log}: {size} entries")
        _write(partial, {f"{log}/checkpoint": note})
        await _write_entries(transport, partial, log, stream, size, progress, bodies=bodies)
        logs.append(LogSize(log, size, notes.others(log, note)))
    manifest = Manifest(FORMAT, directory.directory.enclave_id.hex(), bodies, tuple(logs))
    _write(partial, {MANIFEST: manifest.encode()})
    with _on_disk(partial):
        os.rename(partial, target)  # noqa: PTH104 - one call, at the very end
    return manifest


def _has_begun(directory: TrustedDirectory, enclave: str, log: str, known: int) -> bool:
    """Whether the log of the period before is closed within the first ``known`` entries of the directory."""
    period, _, compartment = log.partition("/")
    earlier = directory.period_before(period)
    closing = directory.closing(f"{enclave}/{earlier}/{compartment}")
    return earlier is None or (closing is not None and closing.directory_size <= known)


class _Notes:
    """What is published of each log beside its newest checkpoint: written as it comes, one per size and root.

    Two notes of one size and root say the same. Everything else is kept, whatever it says.
    """

    def __init__(self, transport: Transport, target: Path, enclave: str) -> None:
        self._transport = transport
        self._target = target
        self._enclave = enclave
        self._names: dict[str, set[str]] = {}
        self._newest: dict[str, bytes] = {}

    async def newest(self, log: str) -> bytes:
        """The newest published note."""
        if log not in self._newest:
            stored = await self._last(log)
            if stored is None:
                raise UnavailableError(f"no checkpoint of {log} is published yet; try again")
            self._newest[log] = stored.body
        return self._newest[log]

    async def _last(self, log: str) -> StoredMessage | None:
        subject = checkpoint_subject(f"{self._enclave}/{log}")
        return await self._transport.read_last_at(direct_get_subject(CHECKPOINTS_STREAM, subject))

    async def take_all(self, log: str) -> None:
        """Every note that is kept: all of a day, and one an hour for good. For who may read these streams."""
        hourly = hourly_subject(f"{self._enclave}/{log}")
        # What is kept for good first: it was published before it was kept, so none is beyond the newest.
        kept = await self._transport.read_last_at(direct_get_subject(HOURLY_STREAM, hourly))
        last = await self._last(log)
        if last is not None:
            self._newest[log] = last.body
        checkpoints = checkpoint_subject(f"{self._enclave}/{log}")
        for stream, subject, end in ((HOURLY_STREAM, hourly, kept), (CHECKPOINTS_STREAM, checkpoints, last)):
            if end is not None:
                async for stored in _subject(self._transport, stream, subject, end.seq):
                    self._keep(log, stored.body)

    async def take_hourly(self, identity: Identity, state: Path, logs: list[str]) -> None:
        """The notes that are kept for good, by the identity's own consumer, which shows those of its logs alone."""
        last = 0
        for log in logs:
            subject = direct_get_subject(HOURLY_STREAM, hourly_subject(f"{self._enclave}/{log}"))
            if (newest := await self._transport.read_last_at(subject)) is not None:
                last = max(last, newest.seq)
        if last == 0:
            return
        lock = Lock(state / "hourly.lock")
        await lock.acquire(lambda: None)
        try:
            async for stored in self._transport.pull(HOURLY_STREAM, identity.name, 1, gaps=True):
                self._keep(self._log_of(stored.body, logs), stored.body)
                if stored.seq >= last:
                    break
        finally:
            lock.release()

    def _log_of(self, note: bytes, logs: list[str]) -> str:
        try:
            enclave, _, log = parse_checkpoint(parse_note(note)).origin.partition("/")
        except InvalidError:
            enclave, log = "", ""
        # What says that it is of no log of ours stands with the directory's, where it is found wrong.
        return log if enclave == self._enclave and log in logs else DIRECTORY

    def _keep(self, log: str, note: bytes) -> None:
        name = checkpoint_name(note, f"{self._enclave}/{log}")
        names = self._names.setdefault(log, set())
        if name not in names:
            names.add(name)
            _write(self._target, {f"{log}/{checkpoint_path(name)}": note})

    def others(self, log: str, newest: bytes) -> tuple[str, ...]:
        """The names of what is there beside the newest, which is taken out."""
        names = self._names.get(log, set())
        name = checkpoint_name(newest, f"{self._enclave}/{log}")
        if name in names:
            names.discard(name)
            (self._target / log / checkpoint_path(name)).unlink()
        return tuple(sorted(names))


async def _subject(
    transport: Transport, stream: str, subject: str, last_seq: int
) -> AsyncIterator[StoredMessage]:
    """Every message under a subject up to a sequence; ones that expire meanwhile are passed over."""
    seq = 1
    while seq <= last_seq:
        found = await transport.read_from(stream, seq, subject=subject)
        for stored in found:
            if stored.seq <= last_seq:
                yield stored
        if not found:
            return
        seq = found[-1].seq + 1


async def _write_entries(
    transport: Transport,
    target: Path,
    log: str,
    stream: str,
    size: int,
    progress: Callable[[str], None],
    *,
    bodies: bool,
) -> None:
    """The first ``size`` entries, piece by piece, and the tiles over them."""
    upper = UpperTiles()
    for number, start in enumerate(range(0, size, TILE_WIDTH)):
        piece = _piece(
            log, number, await _read(transport, stream, start, min(TILE_WIDTH, size - start)), bodies=bodies
        )
        _write(target, piece_files(log, piece))
        tiles = upper.add([leaf_hash(entry) for entry in piece.entries])
        _write(target, {f"{log}/{path}": data for path, data in tiles})
        if start and start % _SAY_EVERY == 0:
            progress(f"{log}: {start} of {size} entries written")
    _write(target, {f"{log}/{path}": data for path, data in upper.rest()})


def _piece(log: str, number: int, stored: list[StoredMessage], *, bodies: bool) -> Piece:
    entries = tuple(from_base64(s.headers[ENTRY_HEADER], _MAX_ENTRY_BYTES) for s in stored)
    if log == DIRECTORY:
        return Piece(number, entries, bodies=tuple(s.body for s in stored))
    if not is_feed(log):
        return Piece(number, entries)
    signatures = tuple(from_base64(s.headers[SIGNATURE_HEADER], SIGNATURE_BYTES) for s in stored)
    kept = tuple(
        s.body if bodies or not _is_sealed(e) else None for e, s in zip(entries, stored, strict=True)
    )
    return Piece(number, entries, signatures, kept)


def _is_sealed(entry: bytes) -> bool:
    return decode_header(decode_entry(entry).header_bytes).kind in SEALED


async def _read(transport: Transport, stream: str, start: int, width: int) -> list[StoredMessage]:
    stored: list[StoredMessage] = []
    while len(stored) < width:
        more = await transport.read_from(stream, start + len(stored) + 1, width - len(stored))
        if not more:
            raise UnavailableError(f"{stream} has fewer entries than its checkpoint; try again")
        stored += more
    return stored[:width]


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
        with _on_disk(root):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())


@contextlib.contextmanager
def _on_disk(partial: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        left = f"; what there is of it is in {partial}, and is of no use" if partial.exists() else ""
        raise DiskError(
            f"the export was not written: {error.strerror}{left}; make room, and export again"
        ) from None
