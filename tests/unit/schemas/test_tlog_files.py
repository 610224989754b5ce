# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Tiles and proofs in the C2SP forms, against the vectors."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seinpost_schemas import merkle
from seinpost_schemas.errors import MalformedError, ProofError
from seinpost_schemas.merkle_tree import MerkleTree
from seinpost_schemas.tiles import (
    Tile,
    bundle_path,
    decode_bundle,
    decode_tile,
    encode_bundle,
    tile_hashes,
    tiles_of,
)
from seinpost_schemas.tlog_proof import TlogProof, decode_tlog_proof

LEAVES = [merkle.leaf_hash(f"record {n}".encode()) for n in range(300)]


def test_paths_are_those_of_the_vectors(tlog: dict[str, Any]) -> None:
    for key, path in tlog["tile_paths"].items():
        level, number, width = key.split(",")
        size = int(width) or 256
        made = (
            bundle_path(int(number), size) if level == "entries" else Tile(int(level), int(number), size).path
        )
        assert made == path


def test_tiles_are_those_of_the_vectors(tlog: dict[str, Any]) -> None:
    first, second = b"".join(LEAVES[:256]), b"".join(LEAVES[256:])
    assert hashlib.sha256(first).hexdigest() == tlog["tile_l0_0_sha256"]
    assert hashlib.sha256(second).hexdigest() == tlog["tile_l0_1_p44_sha256"]
    assert [h.hex() for h in tile_hashes(LEAVES)] == [tlog["tile_l1_0_p1"]]
    assert [t.path for t in tiles_of(300)] == ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"]


@pytest.mark.parametrize(
    ("size", "paths"),
    [
        (0, []),
        (1, ["tile/0/000.p/1"]),
        (255, ["tile/0/000.p/255"]),
        (256, ["tile/0/000", "tile/1/000.p/1"]),
        (257, ["tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1"]),
    ],
)
def test_a_tree_has_the_tiles_of_its_size(size: int, paths: list[str]) -> None:
    assert [t.path for t in tiles_of(size)] == paths


def test_a_large_tree_has_tiles_up_to_its_root() -> None:
    tiles = list(tiles_of(65_537))
    assert [t for t in tiles if t.level == 2] == [Tile(2, 0, 1)]
    assert sum(t.width for t in tiles if t.level == 0) == 65_537


def test_the_proof_of_the_vectors_reads_back_and_holds(tlog: dict[str, Any]) -> None:
    data = tlog["proof_7"].encode()
    proof = decode_tlog_proof(data)
    assert proof.encode() == data
    root = base64.b64decode(tlog["roots"]["300"])
    proof.verify(LEAVES[7], 300, root)
    for leaf, size, wrong in ((LEAVES[8], 300, root), (LEAVES[7], 200, root), (LEAVES[7], 300, bytes(32))):
        with pytest.raises(ProofError):
            proof.verify(leaf, size, wrong)


@given(st.integers(1, 300), st.data())
def test_every_leaf_has_a_proof_that_reads_back(size: int, data: st.DataObject) -> None:
    tree = MerkleTree()
    for leaf in LEAVES[:size]:
        tree.append(leaf)
    index = data.draw(st.integers(0, size - 1))
    proof = TlogProof(index, tuple(tree.inclusion_proof(index)), b"note\n")
    assert decode_tlog_proof(proof.encode()) == proof
    proof.verify(LEAVES[index], size, tree.root())


HEAD = b"c2sp.org/tlog-proof@v1\n"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        HEAD,
        HEAD + b"index 1\n",
        HEAD + b"\nx",
        HEAD + b"index 01\n\nx",
        HEAD + b"index -1\n\nx",
        HEAD + b"index 1\nAAAA\n\nx",
        HEAD + b"extra AAAA\nindex 1\n\nx",
        HEAD + b"index 1\n" + (b"A" * 43 + b"=\n") * 64 + b"\nx",
        b"c2sp.org/tlog-proof@v2\nindex 1\n\nx",
        HEAD + b"index 1\n\n" + bytes(300_000),
        b"\xff" + HEAD + b"index 1\n\nx",
    ],
)
def test_a_proof_in_any_other_form_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError):
        decode_tlog_proof(data)


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
def test_a_bundle_reads_back(entries: list[bytes]) -> None:
    assert decode_bundle(encode_bundle(entries), len(entries)) == entries


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\5abc", b"\0\1a\0\1b\0\1c", b"\0\1a\0\1bx"])
def test_a_bundle_holds_what_it_says_and_nothing_else(data: bytes) -> None:
    with pytest.raises(MalformedError):
        decode_bundle(data, 2)


def test_a_bundle_has_1_to_256_entries() -> None:
    for bad in ([], [b""] * 257, [bytes(65_536)]):
        with pytest.raises(ValueError, match="bundle"):
            encode_bundle(bad)


def test_a_tile_has_its_width() -> None:
    assert decode_tile(b"".join(LEAVES[:3]), 3) == LEAVES[:3]
    with pytest.raises(MalformedError):
        decode_tile(b"".join(LEAVES[:3]), 2)
    for width in (0, 257):
        with pytest.raises(ValueError, match="256"):
            assert Tile(0, 0, width).path
