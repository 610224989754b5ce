# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""``.tlog-proof`` files (C2SP tlog-proof, draft): a leaf's index, its inclusion proof, and the checkpoint."""

from __future__ import annotations

import re

import msgspec

from .entry import from_base64, to_base64
from .errors import MalformedError
from .merkle import HASH_BYTES, verify_inclusion

_HEAD = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")
_MAX_HASHES = 63
_MAX_BYTES = 256 * 1024


class TlogProof(msgspec.Struct, frozen=True):
    """That a leaf is at ``index`` of the tree whose signed checkpoint is ``note`` (verbatim bytes)."""

    index: int
    proof: tuple[bytes, ...]
    note: bytes

    def encode(self) -> bytes:
        """The file's bytes."""
        hashes = "".join(f"{to_base64(h)}\n" for h in self.proof)
        return f"{_HEAD}\nindex {self.index}\n{hashes}\n".encode() + self.note

    def verify(self, leaf: bytes, tree_size: int, root: bytes) -> None:
        """Raise ``ProofError`` unless ``leaf`` (its 32-byte hash) is where this says; the caller verified the note."""
        verify_inclusion(leaf, self.index, tree_size, self.proof, root)


def decode_tlog_proof(data: bytes) -> TlogProof:
    """Raises ``MalformedError``. An ``extra`` line, which nothing authenticates, is refused."""
    head, found, note = data[:_MAX_BYTES].partition(b"\n\n")
    try:
        first, *lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise MalformedError("a proof is ASCII up to its checkpoint") from None
    index = _INDEX.fullmatch(lines[0]) if lines else None
    if not found or len(data) > _MAX_BYTES or first != _HEAD or index is None or len(lines) > _MAX_HASHES + 1:
        raise MalformedError("not a tlog-proof: its first lines are the format and 'index <number>'")
    proof = tuple(from_base64(line, HASH_BYTES) for line in lines[1:])
    if any(len(h) != HASH_BYTES for h in proof):
        raise MalformedError("a proof is made of 32-byte hashes")
    return TlogProof(int(index[1]), proof, note)
