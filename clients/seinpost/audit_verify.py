# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Verifying an audit export offline, with no key but the register's root (the enclave_id).

In order: the manifest → the directory's entries and objects, which give the registers and their log keys → its
checkpoint → per feed every entry as a reader verifies it (sender, both signatures, body, chain, mandate at its
directory size, epoch, audience) → the root against the checkpoint, which the log signed and a quorum cosigned → every
tile and bundle against what the entries make → no file that is not named. What is wrong is raised with its place.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from seinpost_schemas.checkpoint import Checkpoint, LogPublicKeys, verify_checkpoint
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.cosignature import cosigned, verify_quorum
from seinpost_schemas.directory import TrustedDirectory, log_keys_of
from seinpost_schemas.entry import ENTRY_HEADER, SIGNATURE_HEADER, to_base64
from seinpost_schemas.errors import InvalidError, MalformedError, RefusedError, SeinpostError, SignatureError
from seinpost_schemas.note import parse_note
from seinpost_schemas.register import Register
from seinpost_schemas.signing import SIGNATURE_BYTES
from seinpost_schemas.subjects import directory_origin, parse_period
from seinpost_schemas.tiles import TILE_WIDTH, bundle_path, decode_bundle

from ._trusted_feed import TrustedFeed
from .export_layout import (
    DIRECTORY,
    MANIFEST,
    LogContent,
    LogSize,
    Manifest,
    body_path,
    decode_manifest,
    log_files,
    signatures_path,
)

_MAX_FILE_BYTES = 4 * 1024 * 1024


class ExportError(InvalidError):
    """An export does not hold what it must; ``place`` names the file, or the log and entry."""

    code = "export"

    def __init__(self, place: str, message: str) -> None:
        super().__init__(f"{place}: {message}")
        self.place = place


class LogReport(msgspec.Struct, frozen=True):
    """What was found of one log."""

    log: str
    entries: int
    root: str
    cosigned_by: tuple[str, ...]


class Report(msgspec.Struct, frozen=True):
    """What was found of an export."""

    enclave: str
    register: int
    quorum: int
    logs: tuple[LogReport, ...]
    files: int


def verify_export(root: Path, enclave_id: bytes, progress: Callable[[str], None]) -> Report:
    """The report of an export that holds; raises ``ExportError`` at the first thing that does not."""
    manifest = _placed(MANIFEST, lambda: decode_manifest(_read(root, MANIFEST)))
    if manifest.enclave != enclave_id.hex():
        raise ExportError(MANIFEST, "it is of another enclave")
    if not manifest.logs or manifest.logs[0].log != DIRECTORY:
        raise ExportError(MANIFEST, "an export begins with the directory")
    named = {MANIFEST}
    content = _load(root, manifest.logs[0])
    directory = _directory(content, enclave_id)
    register = _placed(DIRECTORY, lambda: directory.current.register)
    reports = [_checkpoint(DIRECTORY, content, directory.root(), register)]
    named |= _same_files(root, DIRECTORY, content)
    for log in manifest.logs[1:]:
        compartment = _placed(MANIFEST, lambda name=log.log: _compartment(name))  # type: ignore[misc]
        progress(f"{log.log}: {log.size} entries")
        content = _load(root, log)
        feed = _feed(log.log, compartment, content, directory)
        reports.append(_checkpoint(log.log, content, feed.root(), register))
        named |= _same_files(root, log.log, content)
    _nothing_else(root, named, manifest)
    return Report(manifest.enclave, register.version, register.quorum, tuple(reports), len(named))


def _placed(place: str, step: Callable[[], msgspec.Struct | object]):  # type: ignore[no-untyped-def]
    try:
        return step()
    except ExportError:
        raise
    except (InvalidError, RefusedError) as error:
        raise ExportError(place, str(error)) from None
    except SeinpostError as error:
        raise ExportError(place, str(error)) from None


def _read(root: Path, name: str) -> bytes:
    try:
        with (root / name).open("rb") as file:
            data = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ExportError(name, f"cannot be read: {error.strerror}") from None
    if len(data) > _MAX_FILE_BYTES:
        raise ExportError(name, f"is over the limit of {_MAX_FILE_BYTES} bytes")
    return data


def _load(root: Path, log: LogSize) -> LogContent:
    entries: list[bytes] = []
    signatures: list[bytes] = []
    for number, start in enumerate(range(0, log.size, TILE_WIDTH)):
        width = min(TILE_WIDTH, log.size - start)
        name = f"{log.log}/{bundle_path(number, width)}"
        entries += _placed(name, lambda n=name, w=width: decode_bundle(_read(root, n), w))  # type: ignore[misc]
        if log.log != DIRECTORY:
            name = f"{log.log}/{signatures_path(number, width)}"
            data = _read(root, name)
            if len(data) != width * SIGNATURE_BYTES:
                raise ExportError(name, f"holds {width} signatures of {SIGNATURE_BYTES} bytes")
            signatures += [data[i : i + SIGNATURE_BYTES] for i in range(0, len(data), SIGNATURE_BYTES)]
    bodies = tuple(_read(root, f"{log.log}/{body_path(i)}") for i in range(log.size))
    return LogContent(_read(root, f"{log.log}/checkpoint"), tuple(entries), tuple(signatures), bodies)


def _directory(content: LogContent, enclave_id: bytes) -> TrustedDirectory:
    directory = TrustedDirectory(enclave_id)
    for index, (entry, body) in enumerate(zip(content.entries, content.bodies, strict=True)):
        _placed(f"{DIRECTORY}, entry {index}", lambda e=entry, b=body: directory.advance(e, b))  # type: ignore[misc]
    return directory


def _compartment(log: str) -> Compartment:
    """The compartment of a log's name, which becomes part of paths: period and compartment, and nothing else."""
    period, _, compartment = log.partition("/")
    parse_period(period)
    return Compartment.parse(compartment)


def _feed(
    log: str, compartment: Compartment, content: LogContent, directory: TrustedDirectory
) -> TrustedFeed:
    feed = TrustedFeed(compartment, directory)
    rows = zip(content.entries, content.signatures, content.bodies, strict=True)
    for index, (entry, signature, body) in enumerate(rows):
        headers = {ENTRY_HEADER: to_base64(entry), SIGNATURE_HEADER: to_base64(signature)}
        _placed(f"{log}, entry {index}", lambda i=index, h=headers, b=body: feed.accept(i + 1, h, b))  # type: ignore[misc]
    return feed


def _checkpoint(log: str, content: LogContent, root: bytes, register: Register) -> LogReport:
    place = f"{log}/checkpoint"
    origin = directory_origin(register.enclave) if log == DIRECTORY else f"{register.enclave}/{log}"

    def verify() -> tuple[Checkpoint, tuple[str, ...]]:
        checkpoint, _ = verify_checkpoint(content.note, origin, LogPublicKeys(*log_keys_of(register)))
        note = parse_note(content.note)
        names = tuple(sorted(cosigned(note, checkpoint, register.cosigners)))
        if register.quorum:
            verify_quorum(note, checkpoint, register.cosigners, register.quorum)
        if note.encode() != content.note or len(note.signatures) != 2 + 2 * len(names):
            # Every byte of an export is accounted for: no line that nobody here can verify.
            raise MalformedError("it holds a line that is not of this log or of its witnesses")
        if (checkpoint.tree_size, checkpoint.root_hash) != (len(content.entries), root):
            raise SignatureError("it is not over these entries")
        return checkpoint, names

    checkpoint, names = _placed(place, verify)
    return LogReport(log, checkpoint.tree_size, root.hex(), names)


def _same_files(root: Path, log: str, content: LogContent) -> set[str]:
    """Compare every file of a log with what its entries make; their names."""
    files = log_files(log, content)
    for name, data in files.items():
        if _read(root, name) != data:
            raise ExportError(name, "is not what the entries make")
    return set(files)


def _nothing_else(root: Path, named: set[str], manifest: Manifest) -> None:
    there = {str(p.relative_to(root)) for p in root.rglob("*") if not p.is_dir()}
    if extra := sorted(there - named):
        raise ExportError(extra[0], f"is not part of the export of {len(manifest.logs)} logs")
