# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The checkpoints of one log in an export: each is over exactly the first entries that it says, or something lied."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from seinpost_schemas.checkpoint import Checkpoint, LogPublicKeys, verify_checkpoint
from seinpost_schemas.cosignature import cosigned
from seinpost_schemas.directory import log_keys_of
from seinpost_schemas.errors import InvalidError, MalformedError
from seinpost_schemas.merkle import Frontier
from seinpost_schemas.note import parse_note
from seinpost_schemas.quorum import counting, quorum_timestamp
from seinpost_schemas.register import Register

from ._export_files import ExportError, ExportFiles, placed
from .export_layout import MANIFEST, LogSize, checkpoint_name, checkpoint_path

_NAME = re.compile(r"([0-9]{12}|unreadable)-[0-9a-f]{16}")


class ExportCheckpoints:
    """Holds every checkpoint of a log against its entries, as these come: nothing is read again."""

    def __init__(self, files: ExportFiles, log: LogSize, enclave: str, registers: Sequence[Register]) -> None:
        names = log.checkpoints
        if list(names) != sorted(set(names)) or not all(_NAME.fullmatch(n) for n in names):
            raise ExportError(
                MANIFEST, f"the checkpoints of {log.log} are not named in order by size and root"
            )
        self._files = files
        self._log = log
        self._origin = f"{enclave}/{log.log}"
        self._registers = registers
        self.count = 1 + len(names)
        self._at: defaultdict[int, list[str]] = defaultdict(list)
        for name in names:
            number = name.partition("-")[0]
            # What cannot be one of this log is looked at first, and refused by what is in it.
            self._at[int(number) if number.isdigit() else 0].append(name)

    def verify_at(self, size: int, tree: Frontier) -> None:
        """Verify those over the first ``size`` entries, of which this is the tree."""
        if size not in self._at:
            return
        root = tree.root()
        for name in self._at.pop(size):
            path = f"{self._log.log}/{checkpoint_path(name)}"
            note = self._files.read(path)
            if placed(path, lambda note=note: checkpoint_name(note, self._origin)) != name:  # type: ignore[misc]
                raise ExportError(path, "is not the checkpoint that its name says")
            self._verify(path, note, size, root)

    def verify_newest(self, size: int, root: bytes) -> tuple[str, ...]:
        """Verify the newest one, over all entries, and that no other is over more; who cosigned it."""
        path = f"{self._log.log}/checkpoint"
        names = self._verify(path, self._files.read(path), size, root)
        for beyond in sorted(self._at):
            path = f"{self._log.log}/{checkpoint_path(self._at[beyond][0])}"
            note = self._files.read(path)
            placed(path, lambda note=note: self._signed(note))  # type: ignore[misc]
            raise ExportError(
                path, f"the log was signed with {beyond} entries and has {size}: it was rolled back"
            )
        return names

    def _verify(self, path: str, note: bytes, size: int, root: bytes) -> tuple[str, ...]:
        checkpoint, by = placed(path, lambda: self._signed(note))
        if checkpoint.tree_size != size:
            raise ExportError(path, f"it is over {checkpoint.tree_size} entries, not over these {size}")
        if checkpoint.root_hash != root:
            raise ExportError(
                path, f"it is not over these entries: the log signed another history of {size} (split view)"
            )
        return by

    def _signed(self, data: bytes) -> tuple[Checkpoint, tuple[str, ...]]:
        """(checkpoint, who cosigned it) by the newest register that it holds under: keys and witnesses change."""
        problem: InvalidError | None = None
        for register in reversed(self._registers):
            try:
                return _signed_under(data, self._origin, register)
            except InvalidError as error:
                problem = problem or error
        raise problem or MalformedError("there is no register that it could hold under")


def _signed_under(data: bytes, origin: str, register: Register) -> tuple[Checkpoint, tuple[str, ...]]:
    checkpoint, _ = verify_checkpoint(data, origin, LogPublicKeys(*log_keys_of(register)))
    note = parse_note(data)
    lines = cosigned(note, checkpoint, register.cosigners)
    stamps = counting(register, lines, origin)
    if register.quorum:
        quorum_timestamp(register, stamps, origin)
    if note.encode() != data or len(note.signatures) != 2 + 2 * len(lines):
        # Every byte of an export is accounted for: no line that nobody here can verify.
        raise MalformedError("it holds a line that is not of this log or of its witnesses")
    return checkpoint, tuple(sorted(stamps))
