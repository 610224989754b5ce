# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A log of ours for foreign checkers: entries, tree, tiles, a cosigned checkpoint, and the task of checking them."""

from __future__ import annotations

from typing import Any

from seinpost_schemas.checkpoint import Checkpoint, LogKeys
from seinpost_schemas.cosignature import COSIGNATURE_ED25519_TYPE, WitnessKeys
from seinpost_schemas.merkle import leaf_hash
from seinpost_schemas.merkle_tree import MerkleTree
from seinpost_schemas.note import ED25519_TYPE, Note, format_vkey, parse_note
from seinpost_schemas.tiles import TILE_WIDTH, bundle_path, encode_bundle, tile_hashes, tiles_of

ORIGIN = "proef/2026q4/depv/process"
LOG_SEED = b"\x07" * 64
LOG = LogKeys(LOG_SEED)
WITNESSES = [WitnessKeys(f"proef/witness/w{n}", bytes([n]) * 64) for n in range(1, 5)]
SIZES = (1, 2, 255, 256, 257, 300, 600)


def entries_of(size: int) -> list[bytes]:
    return [b"seinpost/entry/v1" + n.to_bytes(4, "big") * 58 for n in range(size)]


def tree_of(entries: list[bytes]) -> MerkleTree:
    tree = MerkleTree()
    for entry in entries:
        tree.append(leaf_hash(entry))
    return tree


def tiles_over(entries: list[bytes]) -> dict[str, bytes]:
    """Every tile and entry bundle, in our code."""
    levels = [[leaf_hash(e) for e in entries]]
    made: dict[str, bytes] = {}
    for tile in tiles_of(len(entries)):
        while len(levels) <= tile.level:
            levels.append(tile_hashes(levels[-1]))
        start = tile.number * TILE_WIDTH
        made[tile.path] = b"".join(levels[tile.level][start : start + tile.width])
        if tile.level == 0:
            made[bundle_path(tile.number, tile.width)] = encode_bundle(entries[start : start + tile.width])
    return made


def cosigned_note(size: int, witnesses: int = 3) -> tuple[bytes, MerkleTree, list[bytes]]:
    entries = entries_of(size)
    tree = tree_of(entries)
    checkpoint = Checkpoint(ORIGIN, size, tree.root())
    note = parse_note(LOG.sign(checkpoint, 1_790_000_000))
    lines = [line for w in WITNESSES[:witnesses] for line in w.cosign(checkpoint, 1_790_000_000)]
    return Note(note.text, (*note.signatures, *lines)).encode(), tree, entries


def task_of(size: int, note: bytes, tree: MerkleTree, entries: list[bytes]) -> dict[str, Any]:
    return {
        "do": "check",
        "entries": [e.hex() for e in entries],
        "note": note.hex(),
        "root": tree.root().hex(),
        "log": format_vkey(ORIGIN, ED25519_TYPE + LOG.public.ed25519),
        "witnesses": [
            format_vkey(w.public.name, COSIGNATURE_ED25519_TYPE + w.public.ed25519) for w in WITNESSES
        ],
        "quorum": 3,
        "inclusion": [[i, [h.hex() for h in tree.inclusion_proof(i)]] for i in range(0, size, 19)],
        "consistency": [
            [old, tree.root(old).hex(), [h.hex() for h in tree.consistency_proof(old)]]
            for old in range(0, size, 23)
        ],
        "tiles": {path: data.hex() for path, data in tiles_over(entries).items()},
    }
