# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A log of ours for foreign checkers: entries, tree, tiles, a cosigned checkpoint, and the task of checking them."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.asymmetric import ed25519

from seinpost_schemas.checkpoint import Checkpoint, LogKeys, parse_checkpoint
from seinpost_schemas.cosignature import COSIGNATURE_ED25519_TYPE, WitnessKeys, ed25519_message
from seinpost_schemas.merkle import leaf_hash, verify_consistency, verify_inclusion
from seinpost_schemas.merkle_tree import MerkleTree
from seinpost_schemas.note import ED25519_TYPE, Note, format_vkey, key_id, parse_note, verify_ed25519
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


def verify_made(made: dict[str, Any], size: int) -> None:
    """Hold what another implementation made of the same entries against ours: tree, note, proofs, tiles."""
    entries = entries_of(size)
    tree = tree_of(entries)
    root = bytes.fromhex(made["root"])
    assert root == tree.root()
    note = parse_note(bytes.fromhex(made["note"]))
    checkpoint = parse_checkpoint(note)
    assert checkpoint == Checkpoint(ORIGIN, size, root)
    verify_ed25519(note, ORIGIN, LOG.public.ed25519)
    witness = WITNESSES[0].public
    (line,) = (s for s in note.signatures if s.name == witness.name)
    assert line.key_id == key_id(witness.name, COSIGNATURE_ED25519_TYPE + witness.ed25519)
    key = ed25519.Ed25519PublicKey.from_public_bytes(witness.ed25519)
    key.verify(line.signature[8:], ed25519_message(int.from_bytes(line.signature[:8], "big"), checkpoint))
    for index, proof in made["inclusion"]:
        verify_inclusion(leaf_hash(entries[index]), index, size, [bytes.fromhex(h) for h in proof], root)
    for old, proof in made["consistency"]:
        verify_consistency(old, size, [bytes.fromhex(h) for h in proof], tree.root(old), root)
    assert {path: bytes.fromhex(data) for path, data in made["tiles"].items()} == tiles_over(entries)
