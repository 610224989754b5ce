# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""An audit export of logs in memory, as an honest reader would write it; tests then change what is in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from seinpost._transport import StoredMessage
from seinpost.audit_export import _piece
from seinpost.audit_verify import ExportError, Report, verify_export
from seinpost.export_layout import (
    DIRECTORY,
    FORMAT,
    MANIFEST,
    LogSize,
    Manifest,
    UpperTiles,
    checkpoint_name,
    checkpoint_path,
    decode_manifest,
    piece_files,
)
from seinpost_schemas.checkpoint import Checkpoint
from seinpost_schemas.entry import ENTRY_HEADER, from_base64
from seinpost_schemas.merkle import leaf_hash
from seinpost_schemas.merkle_tree import MerkleTree
from seinpost_schemas.tiles import TILE_WIDTH

from .enclave import ENCLAVE, LOG_KEYS, TrialEnclave
from .log import TrialLog
from .network import PERIOD


def tree_of(messages: Sequence[StoredMessage]) -> MerkleTree:
    """The tree over what a stream holds."""
    tree = MerkleTree()
    for message in messages:
        tree.append(leaf_hash(from_base64(message.headers[ENTRY_HEADER], 1_000)))
    return tree


def note(log: str, tree: MerkleTree, size: int, timestamp: int = 1_800_000_000) -> bytes:
    """A checkpoint of a log in an export, as its log signs it."""
    return LOG_KEYS.sign(Checkpoint(f"{ENCLAVE}/{log}", size, tree.root(size)), timestamp)


class TrialExport:
    """An export on disk, whose registers ask for no witnesses."""

    def __init__(self, enclave: TrialEnclave, folder: Path, *logs: TrialLog) -> None:
        self.path = folder
        self._enclave_id = enclave.enclave_id
        streams = {DIRECTORY: enclave.messages}
        streams |= {f"{PERIOD}/{log.compartment}": log.messages for log in logs}
        self.trees = {log: tree_of(messages) for log, messages in streams.items()}
        for log, messages in streams.items():
            self._write_log(log, messages)
        sizes = tuple(LogSize(log, len(messages)) for log, messages in streams.items())
        self.write_manifest(Manifest(FORMAT, self._enclave_id.hex(), bodies=True, logs=sizes))

    def _write_log(self, log: str, messages: Sequence[StoredMessage]) -> None:
        upper, files = UpperTiles(), {}
        for number, start in enumerate(range(0, len(messages), TILE_WIDTH)):
            piece = _piece(log, number, list(messages[start : start + TILE_WIDTH]), bodies=True)
            files |= piece_files(log, piece)
            files |= {f"{log}/{p}": d for p, d in upper.add([leaf_hash(e) for e in piece.entries])}
        files |= {f"{log}/{path}": data for path, data in upper.rest()}
        files[f"{log}/checkpoint"] = note(log, self.trees[log], len(messages))
        for name, data in files.items():
            self.write(name, data)

    def write(self, name: str, data: bytes) -> None:
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_bytes(data)

    def write_manifest(self, manifest: Manifest) -> None:
        self.write(MANIFEST, manifest.encode())

    def add_checkpoint(self, log: str, data: bytes) -> str:
        """One more published note; the name of its file."""
        manifest = decode_manifest((self.path / MANIFEST).read_bytes())
        name = checkpoint_name(data, f"{ENCLAVE}/{log}")
        self.write(f"{log}/{checkpoint_path(name)}", data)

        def added(size: LogSize) -> LogSize:
            if size.log != log:
                return size
            return msgspec.structs.replace(size, checkpoints=tuple(sorted([*size.checkpoints, name])))

        logs = tuple(added(size) for size in manifest.logs)
        self.write_manifest(msgspec.structs.replace(manifest, logs=logs))
        return f"{log}/{checkpoint_path(name)}"

    def verify(self) -> Report:
        """The report of what holds."""
        return verify_export(self.path, self._enclave_id, lambda _: None)

    def wrong_at(self) -> tuple[str, str]:
        """The place at which it does not hold, and why."""
        try:
            report = self.verify()
        except ExportError as error:
            return error.place, str(error)
        raise AssertionError(f"it holds: {report}")
