# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What a witness holds of one log: eats checkpoints with proofs, never goes back. Sans-IO.

The caller stores ``position`` durably before it gives out anything that was signed on it: a witness that
forgot would sign two histories.
"""

from __future__ import annotations

import msgspec

from .checkpoint import Checkpoint, LogPublicKeys, verify_checkpoint
from .errors import ProofError, SplitViewError
from .merkle import EMPTY_ROOT, verify_consistency


class Position(msgspec.Struct, frozen=True):
    """The newest size and 32-byte root that were accepted of a log."""

    tree_size: int = 0
    root_hash: bytes = EMPTY_ROOT


class OldSizeError(ProofError):
    """The proof starts at another size than the one held; ask again from ``held``."""

    def __init__(self, held: int) -> None:
        super().__init__(f"the proof starts elsewhere: size {held} is held")
        self.held = held


def advance(
    position: Position, origin: str, keys: LogPublicKeys, old_size: int, proof: tuple[bytes, ...], note: bytes
) -> tuple[Checkpoint, Position]:
    """The verified checkpoint and the position after it.

    In order: the log's two signatures, the old size against the one held, then consistency. Raises
    ``MalformedError``, ``BindingError``, ``SignatureError``, ``OldSizeError``, ``SplitViewError`` (same
    size, another root) or ``ProofError``.
    """
    checkpoint, _ = verify_checkpoint(note, origin, keys)
    if old_size > checkpoint.tree_size:
        raise ProofError("the old size is above the checkpoint's")
    if old_size != position.tree_size:
        raise OldSizeError(position.tree_size)
    if checkpoint.tree_size == position.tree_size and checkpoint.root_hash != position.root_hash:
        raise SplitViewError(f"{origin} has two roots at size {position.tree_size}")
    verify_consistency(old_size, checkpoint.tree_size, proof, position.root_hash, checkpoint.root_hash)
    return checkpoint, Position(checkpoint.tree_size, checkpoint.root_hash)
