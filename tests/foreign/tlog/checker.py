# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Runs in an environment of its own, with `aics-tlog` and nothing of ours: checks what it is given, and makes its own.

JSON on standard input and output; bytes in hexadecimal.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import aics_tlog as tlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def check(given: dict[str, Any]) -> dict[str, Any]:
    """What it finds of our note, proofs and tiles."""
    entries = [bytes.fromhex(e) for e in given["entries"]]
    tree = tlog.MerkleTree(entries)
    root = bytes.fromhex(given["root"])
    note = tlog.parse_note(bytes.fromhex(given["note"]))
    witnesses = [tlog.parse_vkey(v) for v in given["witnesses"]]
    result = tlog.verify_checkpoint(note, tlog.parse_vkey(given["log"]), witnesses, given["quorum"])
    tiles = {path: bytes.fromhex(data) for path, data in given["tiles"].items()}
    reader = tlog.MemoryTileReader(tiles)
    size = len(entries)
    return {
        "checkpoint": result.ok,
        "cosignatures": result.cosignature_count,
        "size": result.size,
        "root": tree.root() == root,
        "inclusion": [
            tlog.verify_leaf_inclusion(entries[i], i, size, [bytes.fromhex(h) for h in proof], root)
            for i, proof in given["inclusion"]
        ],
        "consistency": [
            tlog.verify_consistency(old, size, bytes.fromhex(was), root, [bytes.fromhex(h) for h in proof])
            for old, was, proof in given["consistency"]
        ],
        "tile_root": tlog.tree_root_from_tiles(reader, size) == root,
        "entries": all(tlog.read_entry(reader, i, size) == e for i, e in enumerate(entries)),
    }


def make(given: dict[str, Any]) -> dict[str, Any]:
    """Its own tree, tiles, proofs, checkpoint and cosignature over the same entries."""
    entries = [bytes.fromhex(e) for e in given["entries"]]
    tree, size = tlog.MerkleTree(entries), len(entries)
    log = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(given["log_seed"]))
    witness = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(given["witness_seed"]))
    note = tlog.sign_checkpoint(tlog.Checkpoint(given["origin"], size, tree.root()), log, given["origin"])
    _, line = tlog.sign_cosignature(
        witness, given["witness"], 1_790_000_000, given["origin"], size, tree.root()
    )
    cosigned = tlog.Note(text=note.text, signatures=[*note.signatures, line])
    return {
        "note": cosigned.to_bytes().hex(),
        "root": tree.root().hex(),
        "inclusion": [[i, [h.hex() for h in tree.inclusion_proof(i)]] for i in range(0, size, 17)],
        "consistency": [[old, [h.hex() for h in tree.consistency_proof(old)]] for old in range(0, size, 13)],
        "tiles": {path: data.hex() for path, data in tlog.TileWriter(entries).materialise().items()},
    }


if __name__ == "__main__":
    task = json.load(sys.stdin)
    json.dump({"check": check, "make": make}[task["do"]](task), sys.stdout)
