# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Verifying an audit export offline, with no key but the register's root (the enclave_id).

In order: the manifest → the directory's entries and objects, which give the registers and their log keys → per feed
every entry as a reader verifies it (its leaf in its tile, sender, both signatures, body, chain, mandate at its
directory size, epoch, audience, what a receipt or recall names), per admission entry its form and order → as the
entries come, every checkpoint, which log and quorum signed, against the root over the entries that it covers, so
that all of them are consistent, and every tile → no file that is not named. What is wrong is raised with its place.

A log is read in pieces of 256 entries: beside the feed's own state 37 bytes are held per entry, and its files' names.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from seinpost_schemas.admission_entry import decode_admission_entry
from seinpost_schemas.clear_bodies import decode_recall, decode_receipt
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.directory import TrustedDirectory
from seinpost_schemas.entry import ENTRY_HEADER, SIGNATURE_HEADER, to_base64
from seinpost_schemas.errors import ReorderedError
from seinpost_schemas.kinds import Kind
from seinpost_schemas.merkle import Frontier, leaf_hash
from seinpost_schemas.policy import suspicion
from seinpost_schemas.references import Referred, size_of_logs, verify_recall, verify_receipt
from seinpost_schemas.subjects import parse_period

from ._export_checkpoints import ExportCheckpoints
from ._export_files import ExportError, ExportFiles, placed
from ._logged_entries import LoggedEntries
from ._trusted_feed import Accepted, TrustedFeed
from .export_layout import (
    ADMISSION,
    DIRECTORY,
    MANIFEST,
    LogSize,
    Manifest,
    Piece,
    UpperTiles,
    decode_manifest,
)

__all__ = ["ExportError", "LogReport", "Report", "verify_export"]
_SAY_EVERY = 10_240


class LogReport(msgspec.Struct, frozen=True):
    """What was found of one log."""

    log: str
    entries: int
    root: str
    checkpoints: int
    """The newest and all others: each over a prefix of exactly these entries."""
    cosigned_by: tuple[str, ...]


class Suspect(msgspec.Struct, frozen=True):
    """Entries by an identity that was revoked since, from the moment or place on that its revocation names.

    They hold, and whether its own party made them nobody can tell.
    """

    log: str
    party: str
    identity: str
    reason: str
    entries: tuple[int, ...]
    """Their indexes."""


class Report(msgspec.Struct, frozen=True):
    """What was found of an export."""

    enclave: str
    register: int
    quorum: int
    bodies: bool
    """Whether the sealed bodies were there, so that their hashes were checked."""
    logs: tuple[LogReport, ...]
    files: int
    suspects: tuple[Suspect, ...] = ()


Take = Callable[[Piece], None]
"""Verifies the entries of a piece, as its kind of log asks; raises with their place."""


def verify_export(root: Path, enclave_id: bytes, progress: Callable[[str], None]) -> Report:
    """The report of an export that holds; raises ``ExportError`` at the first thing that does not."""
    files = ExportFiles(root)
    manifest = placed(MANIFEST, lambda: decode_manifest(files.read(MANIFEST)))
    if manifest.enclave != enclave_id.hex():
        raise ExportError(MANIFEST, "it is of another enclave")
    if not manifest.logs or manifest.logs[0].log != DIRECTORY:
        raise ExportError(MANIFEST, "an export begins with the directory")
    export = _Export(files, manifest, TrustedDirectory(enclave_id), progress)
    reports = export.verify()
    files.verify_nothing_else(f"the export of {len(manifest.logs)} logs")
    register = export.directory.current.register
    return Report(
        manifest.enclave,
        register.version,
        register.quorum,
        manifest.bodies,
        tuple(reports),
        files.count,
        export.suspects(),
    )


class _Feed(msgspec.Struct, frozen=True):
    """A feed that holds, and what stands in it, for the log that goes on from it."""

    feed: TrustedFeed
    entries: LoggedEntries


class _Export:
    def __init__(
        self,
        files: ExportFiles,
        manifest: Manifest,
        directory: TrustedDirectory,
        progress: Callable[[str], None],
    ) -> None:
        self._files = files
        self._manifest = manifest
        self._progress = progress
        self.directory = directory
        self._feeds: dict[str, _Feed] = {}
        self._suspects: dict[tuple[str, str, str, str], list[int]] = {}

    def suspects(self) -> tuple[Suspect, ...]:
        """What the newest register and identities' own revocations make suspect of what was verified."""
        return tuple(Suspect(*whose, tuple(found)) for whose, found in self._suspects.items())

    def _mark(self, log: str, accepted: Accepted) -> None:
        # The directory was read whole before any feed: this is what is known in the end, not what was known then.
        sender_id, now = accepted.envelope.header.sender_id, self.directory.current
        found = suspicion(now, sender_id, log, accepted.index, accepted.entry.admitted_ms)
        if found is not None:
            member = accepted.member
            whose = (log, member.party.token, member.identity.name, found.reason)
            self._suspects.setdefault(whose, []).append(accepted.index)

    def verify(self) -> list[LogReport]:
        logs = self._manifest.logs
        reports = [self._directory(logs[0])]
        for log in logs[1:]:
            compartment = placed(MANIFEST, lambda name=log.log: _compartment(name))  # type: ignore[misc]
            self._progress(f"{log.log}: {log.size} entries")
            if compartment is None:
                reports.append(self._walk(log, _admission(log.log, self.directory)))
            else:
                reports.append(self._feed(log, compartment))
        return reports

    def _walk(self, log: LogSize, take: Take) -> LogReport:
        """Every piece of a log, and beside them its checkpoints and the tiles above."""
        checkpoints = self._checkpoints(log)
        tree = self._pieces(log, take, checkpoints.verify_at)
        return _report(log, tree, checkpoints)

    def _checkpoints(self, log: LogSize) -> ExportCheckpoints:
        register = placed(log.log, lambda: self.directory.current.register)
        return ExportCheckpoints(self._files, log, register.enclave, self.directory.registers)

    def _pieces(self, log: LogSize, take: Take, at_size: Callable[[int, Frontier], None]) -> Frontier:
        tree, upper = Frontier(), UpperTiles()
        at_size(0, tree)
        for piece in self._files.pieces(log, bodies=self._manifest.bodies):
            take(piece)
            leaves = [leaf_hash(entry) for entry in piece.entries]
            for leaf in leaves:
                tree.append(leaf)
                at_size(tree.size, tree)
            self._same(log.log, upper.add(leaves))
            if tree.size % _SAY_EVERY == 0:
                self._progress(f"{log.log}: {tree.size} of {log.size} entries hold")
        self._same(log.log, upper.rest())
        return tree

    def _same(self, log: str, tiles: list[tuple[str, bytes]]) -> None:
        for path, data in tiles:
            if self._files.read(f"{log}/{path}") != data:
                raise ExportError(f"{log}/{path}", "is not what the entries make")

    # -- each kind of log -------------------------------------------------------------------------

    def _directory(self, log: LogSize) -> LogReport:
        """The directory first: its checkpoints are signed under registers that it holds itself."""
        past: list[Frontier] = []

        def take(piece: Piece) -> None:
            for index, (entry, body) in enumerate(zip(piece.entries, piece.bodies, strict=True), piece.start):
                placed(
                    f"{DIRECTORY}, entry {index}",
                    lambda e=entry, b=body: self.directory.advance(e, b or b""),  # type: ignore[misc]
                )

        tree = self._pieces(log, take, lambda _, tree: past.append(Frontier.of(tree.size, tree.peaks)))
        checkpoints = self._checkpoints(log)
        for then in past:
            checkpoints.verify_at(then.size, then)
        return _report(log, tree, checkpoints)

    def _feed(self, log: LogSize, compartment: Compartment) -> LogReport:
        """A whole feed, which goes on from that of the period before, and ends where the directory closed it."""
        feed = TrustedFeed(compartment, self.directory)
        before = self._follow(log, feed)
        gone = self.directory.period_before(log.log.partition("/")[0]) if before is None else None
        made = self._feeds[log.log] = _Feed(feed, LoggedEntries())
        period = log.log.partition("/")[0]
        known = {period: made.entries} | ({before[0]: before[1].entries} if before is not None else {})

        def referred(of: str, index: int) -> Referred | None:
            return known[of].at(index) if of in known else None

        def accept(index: int, entry: bytes, signature: bytes, body: bytes | None) -> None:
            headers = {ENTRY_HEADER: to_base64(entry), SIGNATURE_HEADER: to_base64(signature)}
            accepted = feed.accept(index + 1, headers, body)
            self._verify_references(accepted, period, compartment, referred, gone)
            self._mark(log.log, accepted)
            header = accepted.envelope.header
            made.entries.append(Referred(accepted.envelope.object_hash, header.sender_id, header.kind))

        def take(piece: Piece) -> None:
            rows = zip(piece.entries, piece.signatures, piece.bodies, strict=True)
            for index, row in enumerate(rows, piece.start):
                placed(f"{log.log}, entry {index}", lambda i=index, r=row: accept(i, *r))  # type: ignore[misc]

        report = self._walk(log, take)
        closing = self.directory.closing(f"{self.directory.current.register.enclave}/{log.log}")
        if closing is not None:
            closed = (closing.checkpoint.tree_size, closing.checkpoint.root_hash)
            if (feed.size, feed.root()) != closed:
                raise ExportError(
                    log.log, f"has {feed.size} entries, and is not the log that was closed with {closed[0]}"
                )
        return report

    def _verify_references(
        self,
        accepted: Accepted,
        period: str,
        compartment: Compartment,
        referred: Callable[[str, int], Referred | None],
        gone: str | None,
    ) -> None:
        """What a reader's ledger asks too: receipts of what was there, recalls by whose it was.

        Of a period that is no longer retained, ``gone``, nobody can say what stood in it.
        """
        envelope = accepted.envelope
        if envelope.header.kind == Kind.RECEIPT:
            sizes = size_of_logs(self.directory, compartment, period, accepted.index)
            verify_receipt(decode_receipt(envelope.body), sizes)
        elif envelope.header.kind == Kind.RECALL:
            recall = decode_recall(envelope.body)
            if recall.period != gone:
                verify_recall(recall, accepted.member.party.token, accepted.view, referred)

    def _follow(self, log: LogSize, feed: TrustedFeed) -> tuple[str, _Feed] | None:
        """Let a feed go on from that of the period before; that period and feed, if it is here."""
        register = self.directory.current.register
        period, _, compartment = log.log.partition("/")
        if period not in self.directory.periods:
            raise ExportError(log.log, "is of a period that has not begun")
        earlier = self.directory.period_before(period)
        if earlier is None:
            return None
        closing = self.directory.closing(f"{register.enclave}/{earlier}/{compartment}")
        if closing is None and log.size:
            raise ExportError(f"{log.log}, entry 0", f"was logged before the log of {earlier} was closed")
        before = self._feeds.get(f"{earlier}/{compartment}")
        if before is None and earlier in register.periods.retained:
            raise ExportError(log.log, f"goes on from the log of {earlier}, which is not there before it")
        feed.follow(
            before.feed if before is not None else None, closing.directory_size if closing is not None else 0
        )
        return (earlier, before) if before is not None else None


def _report(log: LogSize, tree: Frontier, checkpoints: ExportCheckpoints) -> LogReport:
    by = checkpoints.verify_newest(tree.size, tree.root())
    return LogReport(log.log, tree.size, tree.root().hex(), checkpoints.count, by)


def _admission(log: str, directory: TrustedDirectory) -> Take:
    """Every refusal decodes, and neither times nor directory sizes go back."""
    last = (0, 0)

    def verify(data: bytes) -> None:
        nonlocal last
        entry = decode_admission_entry(data)
        at = (entry.admitted_ms, entry.directory_size)
        if at[0] < last[0] or at[1] < last[1] or at[1] > directory.size:
            raise ReorderedError("the admission log's times or directory sizes go back, or lie beyond it")
        last = at

    def take(piece: Piece) -> None:
        for index, data in enumerate(piece.entries, piece.start):
            placed(f"{log}, entry {index}", lambda d=data: verify(d))  # type: ignore[misc]

    return take


def _compartment(log: str) -> Compartment | None:
    """The compartment of a log's name, which becomes part of paths: period and compartment, and nothing else.

    ``None`` for the admission log, which has none.
    """
    if log == ADMISSION:
        return None
    period, _, compartment = log.partition("/")
    parse_period(period)
    return Compartment.parse(compartment)
