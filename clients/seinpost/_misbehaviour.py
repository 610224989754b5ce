# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""From two signed checkpoints that cannot both be true to a file that convicts the log before anyone. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from seinpost_schemas.checkpoint import parse_checkpoint
from seinpost_schemas.directory_material import DirectoryItem
from seinpost_schemas.entry import to_base64
from seinpost_schemas.errors import InvalidError
from seinpost_schemas.merkle_tree import MerkleTree
from seinpost_schemas.note import parse_note
from seinpost_schemas.split_view import FORMAT, SplitView, verify_split_view


def prove_split_view(
    enclave_id: bytes,
    directory: Sequence[DirectoryItem],
    notes: tuple[bytes, bytes],
    leaves: Callable[[int], Sequence[bytes]],
) -> bytes | None:
    """The file (specification, section 8.10), verified; ``None`` when these two prove nothing yet.

    Of different sizes they do when the larger one is over what we received, whose leaf hashes ``leaves`` gives up to
    a size: what it says of the smaller size is then another root than the smaller one's.
    """
    try:
        smaller, larger = sorted(notes, key=lambda note: parse_checkpoint(parse_note(note)).tree_size)
        first, second = (parse_checkpoint(parse_note(note)) for note in (smaller, larger))
        made = SplitView(
            format=FORMAT,
            enclave=enclave_id.hex(),
            directory=tuple(directory),
            first=smaller.decode(),
            second=larger.decode(),
        )
        if first.tree_size != second.tree_size:
            tree = MerkleTree.of(b"".join(leaves(second.tree_size)))
            if (tree.size, tree.root()) != (second.tree_size, second.root_hash):
                return None
            made = made.extended(
                to_base64(tree.root(first.tree_size)),
                tuple(to_base64(h) for h in tree.consistency_proof(first.tree_size)),
            )
        verify_split_view(made, enclave_id)
    except InvalidError:
        return None
    return made.encode()
