# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Verifying an audit export offline, with no key but the register's root (the enclave_id).

In order: the manifest → the directory's entries and objects, which give the registers and their log keys → per feed
every entry as a reader verifies it (sender, both signatures, body, chain, mandate at its directory size, epoch,
audience), per admission entry its form and order → every checkpoint, which log and quorum signed, against
the root over the entries that it covers, so that all of them are consistent → every tile and bundle against what the
entries make → no file that is not named. What is wrong is raised with its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from seinpost_schemas.admission_entry import decode_admission_entry
from seinpost_schemas.checkpoint import Checkpoint, LogPublicKeys, verify_checkpoint
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.cosignature import cosigned, verify_quorum
from seinpost_schemas.directory import TrustedDirectory, log_keys_of
from seinpost_schemas.entry import ENTRY_HEADER, SIGNATURE_HEADER, decode_entry, to_base64
from seinpost_schemas.errors import (
    InvalidError,
    MalformedError,
    RefusedError,
    ReorderedError,
    SeinpostError,
    SignatureError,
)
from seinpost_schemas.header import decode_header
from seinpost_schemas.kinds import SEALED
from seinpost_schemas.merkle import leaf_hash
from seinpost_schemas.merkle_tree import MerkleTree
from seinpost_schemas.note import parse_note
from seinpost_schemas.register import Register
from seinpost_schemas.signing import SIGNATURE_BYTES
from seinpost_schemas.subjects import parse_period
from seinpost_schemas.tiles import TILE_WIDTH, bundle_path, decode_bundle

from ._trusted_feed import TrustedFeed
from .export_layout import (
    ADMISSION,
    DIRECTORY,
    MANIFEST,
    LogContent,
    LogSize,
    Manifest,
    body_path,
    decode_manifest,
    is_feed,
    log_files,
    older_path,
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
    checkpoints: int
    """The newest and those before it: each over a prefix of exactly these entries."""
    cosigned_by: tuple[str, ...]


class Report(msgspec.Struct, frozen=True):
    """What was found of an export."""

    enclave: str
    register: int
    quorum: int
    bodies: bool
    """Whether the sealed bodies were there, so that their hashes were checked."""
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
    content = _load(root, manifest.logs[0], bodies=True)
    directory = _directory(content, enclave_id)
    register = _placed(DIRECTORY, lambda: directory.current.register)
    registers = directory.registers
    reports = [_checkpoints(DIRECTORY, content, registers)]
    named |= _same_files(root, DIRECTORY, content)
    feeds: dict[str, TrustedFeed] = {}
    for log in manifest.logs[1:]:
        compartment = _placed(MANIFEST, lambda name=log.log: _compartment(name))  # type: ignore[misc]
        progress(f"{log.log}: {log.size} entries")
        content = _load(root, log, bodies=manifest.bodies)
        if compartment is None:
            _admission(log.log, content, directory)
        else:
            feeds[log.log] = _feed(log.log, compartment, content, directory, feeds)
        reports.append(_checkpoints(log.log, content, registers))
        named |= _same_files(root, log.log, content)
    _nothing_else(root, named, manifest)
    return Report(
        manifest.enclave, register.version, register.quorum, manifest.bodies, tuple(reports), len(named)
    )


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


def _load(root: Path, log: LogSize, *, bodies: bool) -> LogContent:
    entries: list[bytes] = []
    signatures: list[bytes] = []
    for number, start in enumerate(range(0, log.size, TILE_WIDTH)):
        width = min(TILE_WIDTH, log.size - start)
        name = f"{log.log}/{bundle_path(number, width)}"
        entries += _placed(name, lambda n=name, w=width: decode_bundle(_read(root, n), w))  # type: ignore[misc]
        if is_feed(log.log):
            name = f"{log.log}/{signatures_path(number, width)}"
            data = _read(root, name)
            if len(data) != width * SIGNATURE_BYTES:
                raise ExportError(name, f"holds {width} signatures of {SIGNATURE_BYTES} bytes")
            signatures += [data[i : i + SIGNATURE_BYTES] for i in range(0, len(data), SIGNATURE_BYTES)]
    found: tuple[bytes | None, ...] = ()
    if log.log == DIRECTORY or is_feed(log.log):
        found = tuple(
            _read(root, f"{log.log}/{body_path(i)}") if bodies or not _is_sealed(log.log, e) else None
            for i, e in enumerate(entries)
        )
    note = _read(root, f"{log.log}/checkpoint")
    return LogContent(note, tuple(entries), tuple(signatures), found, _older(root, log))


def _older(root: Path, log: LogSize) -> tuple[tuple[int, bytes], ...]:
    if list(log.checkpoints) != sorted(set(log.checkpoints)) or any(
        not 0 <= s < log.size for s in log.checkpoints
    ):
        raise ExportError(
            MANIFEST, f"the older checkpoints of {log.log} are not of rising sizes below its own"
        )
    return tuple((size, _read(root, f"{log.log}/{older_path(size)}")) for size in log.checkpoints)


def _is_sealed(log: str, entry: bytes) -> bool:
    if log == DIRECTORY:
        return False
    decoded = _placed(log, lambda: decode_entry(entry))
    return decode_header(decoded.header_bytes).kind in SEALED


def _directory(content: LogContent, enclave_id: bytes) -> TrustedDirectory:
    directory = TrustedDirectory(enclave_id)
    for index, (entry, body) in enumerate(zip(content.entries, content.bodies, strict=True)):
        _placed(f"{DIRECTORY}, entry {index}", lambda e=entry, b=body: directory.advance(e, b or b""))  # type: ignore[misc]
    return directory


def _admission(log: str, content: LogContent, directory: TrustedDirectory) -> None:
    """Every refusal decodes, and neither times nor directory sizes go back."""
    last = (0, 0)
    for index, data in enumerate(content.entries):

        def verify(data: bytes = data, last: tuple[int, int] = last) -> tuple[int, int]:
            entry = decode_admission_entry(data)
            at = (entry.admitted_ms, entry.directory_size)
            if at[0] < last[0] or at[1] < last[1] or at[1] > directory.size:
                raise ReorderedError("the admission log's times or directory sizes go back, or lie beyond it")
            return at

        last = _placed(f"{log}, entry {index}", verify)


def _compartment(log: str) -> Compartment | None:
    """The compartment of a log's name, which becomes part of paths: period and compartment, and nothing else.

    ``None`` for the admission log, which has none.
    """
    if log == ADMISSION:
        return None
    period, _, compartment = log.partition("/")
    parse_period(period)
    return Compartment.parse(compartment)


def _feed(
    log: str,
    compartment: Compartment,
    content: LogContent,
    directory: TrustedDirectory,
    feeds: Mapping[str, TrustedFeed],
) -> TrustedFeed:
    """A whole feed, which goes on from that of the period before, and ends where the directory closed it."""
    feed = TrustedFeed(compartment, directory)
    _follow(log, feed, content, directory, feeds)
    rows = zip(content.entries, content.signatures, content.bodies, strict=True)
    for index, (entry, signature, body) in enumerate(rows):
        headers = {ENTRY_HEADER: to_base64(entry), SIGNATURE_HEADER: to_base64(signature)}
        _placed(f"{log}, entry {index}", lambda i=index, h=headers, b=body: feed.accept(i + 1, h, b))  # type: ignore[misc]
    closing = directory.closing(f"{directory.current.register.enclave}/{log}")
    if closing is not None:
        closed = (closing.checkpoint.tree_size, closing.checkpoint.root_hash)
        if (feed.size, feed.root()) != closed:
            raise ExportError(
                log, f"has {feed.size} entries, and is not the log that was closed with {closed[0]}"
            )
    return feed


def _follow(
    log: str,
    feed: TrustedFeed,
    content: LogContent,
    directory: TrustedDirectory,
    feeds: Mapping[str, TrustedFeed],
) -> None:
    register = directory.current.register
    period, _, compartment = log.partition("/")
    if period not in directory.periods:
        raise ExportError(log, "is of a period that has not begun")
    earlier = directory.period_before(period)
    if earlier is None:
        return
    closing = directory.closing(f"{register.enclave}/{earlier}/{compartment}")
    if closing is None and content.entries:
        raise ExportError(f"{log}, entry 0", f"was logged before the log of {earlier} was closed")
    before = feeds.get(f"{earlier}/{compartment}")
    if before is None and earlier in register.periods.retained:
        raise ExportError(log, f"goes on from the log of {earlier}, which is not there before it")
    feed.follow(before, closing.directory_size if closing is not None else 0)


def _checkpoints(log: str, content: LogContent, registers: Sequence[Register]) -> LogReport:
    """Every checkpoint of a log is over a prefix of exactly these entries, and the newest over all of them."""
    tree = MerkleTree()
    for entry in content.entries:
        tree.append(leaf_hash(entry))
    places = [(f"{log}/checkpoint", content.note, tree.size)]
    places += [(f"{log}/{older_path(size)}", note, size) for size, note in content.older]
    names: list[tuple[str, ...]] = []
    for place, note, size in places:

        def verify(note: bytes = note, size: int = size) -> tuple[str, ...]:
            checkpoint, by = _signed(log, note, registers)
            if (checkpoint.tree_size, checkpoint.root_hash) != (size, tree.root(size)):
                raise SignatureError("it is not over these entries")
            return by

        names.append(_placed(place, verify))
    return LogReport(log, tree.size, tree.root().hex(), len(places), names[0])


def _signed(log: str, data: bytes, registers: Sequence[Register]) -> tuple[Checkpoint, tuple[str, ...]]:
    """(checkpoint, who cosigned it) by the newest register that it holds under: keys and witnesses change."""
    problem: InvalidError | None = None
    for register in reversed(registers):
        try:
            return _signed_under(log, data, register)
        except InvalidError as error:
            problem = problem or error
    raise problem or MalformedError("there is no register that it could hold under")


def _signed_under(log: str, data: bytes, register: Register) -> tuple[Checkpoint, tuple[str, ...]]:
    checkpoint, _ = verify_checkpoint(
        data, f"{register.enclave}/{log}", LogPublicKeys(*log_keys_of(register))
    )
    note = parse_note(data)
    names = tuple(sorted(cosigned(note, checkpoint, register.cosigners)))
    if register.quorum:
        verify_quorum(note, checkpoint, register.cosigners, register.quorum)
    if note.encode() != data or len(note.signatures) != 2 + 2 * len(names):
        # Every byte of an export is accounted for: no line that nobody here can verify.
        raise MalformedError("it holds a line that is not of this log or of its witnesses")
    return checkpoint, names


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
