# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Evidence that a log lied: it convicts when two signed checkpoints cannot both be true, and never otherwise."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

sys.path.append(str(Path(__file__).parents[2] / "integration"))

from harness.memory import founding_objects, seed

from seinpost_schemas.checkpoint import Checkpoint, LogKeys
from seinpost_schemas.cosignature import WitnessKeys
from seinpost_schemas.directory import DirectoryEntry, directory_object_hash
from seinpost_schemas.directory_material import DirectoryItem
from seinpost_schemas.entry import to_base64
from seinpost_schemas.errors import InvalidError, MalformedError, ProofError
from seinpost_schemas.merkle import EMPTY_ROOT, leaf_hash
from seinpost_schemas.merkle_tree import MerkleTree
from seinpost_schemas.note import Note, parse_note
from seinpost_schemas.split_view import (
    FORMAT,
    SplitView,
    decode_split_view,
    is_split_view,
    verify_split_view,
)

LOG, OTHER = LogKeys(seed("log")), LogKeys(seed("other log"))
ORIGIN = "proef/2026q4/depv/process"
WITNESSES = [WitnessKeys(f"proef/witness/w{n}", seed(f"w{n}")) for n in range(1, 5)]


def with_witnesses(table: dict[str, Any]) -> None:
    parties = ["ncsc", "ibd", "ap", "toezicht"]
    table["quorum"] = 3
    table["witnesses"] = [
        {
            "name": f"w{n}",
            "party": party,
            "nats": "U" + "ABCD"[n - 1] * 55,
            "ed25519": to_base64(w.public.ed25519),
            "mldsa44": to_base64(w.public.mldsa44),
        }
        for n, (w, party) in enumerate(zip(WITNESSES, parties, strict=True), 1)
    ]


ENCLAVE_ID, _OBJECTS = founding_objects(change=with_witnesses)
ITEMS = tuple(
    DirectoryItem(
        entry=to_base64(DirectoryEntry(type_, 1_700_000_000_000, directory_object_hash(data)).encode()),
        object=to_base64(data),
    )
    for type_, data in _OBJECTS
)


@pytest.fixture
def enclave_id() -> bytes:
    """The root of trust."""
    return ENCLAVE_ID


def note(
    root: bytes,
    size: int = 8,
    *,
    keys: LogKeys = LOG,
    by: list[WitnessKeys] | None = None,
    origin: str = ORIGIN,
) -> str:
    checkpoint = Checkpoint(origin, size, root)
    made = parse_note(keys.sign(checkpoint, 1_790_000_000))
    lines = [x for w in by or [] for x in w.cosign(checkpoint, 1_790_000_000)]
    return Note(made.text, (*made.signatures, *lines)).encode().decode()


def split(enclave_id: bytes, first: str, second: str) -> SplitView:
    return SplitView(format=FORMAT, enclave=enclave_id.hex(), directory=ITEMS, first=first, second=second)


def test_two_roots_for_one_size_convict_the_log_and_who_cosigned_both(enclave_id: bytes) -> None:
    made = split(enclave_id, note(b"\x01" * 32, by=WITNESSES[:3]), note(b"\x02" * 32, by=WITNESSES[2:]))
    assert is_split_view(made.encode())
    found = verify_split_view(decode_split_view(made.encode()), enclave_id)
    assert (found.origin, found.tree_size) == (ORIGIN, 8)
    assert found.roots == (b"\x01" * 32, b"\x02" * 32)
    assert found.witnesses == ("proef/witness/w3",)


@pytest.mark.parametrize(
    "pair",
    [
        lambda: (note(b"\x01" * 32), note(b"\x01" * 32)),
        lambda: (note(b"\x01" * 32), note(b"\x02" * 32, 9)),
        lambda: (note(b"\x01" * 32), note(b"\x02" * 32, keys=OTHER)),
        lambda: (note(b"\x01" * 32, keys=OTHER), note(b"\x02" * 32)),
        lambda: (note(b"\x01" * 32), note(b"\x02" * 32, origin="proef/2026q4/depv/debate")),
        lambda: (note(b"\x01" * 32, origin="elders/x"), note(b"\x02" * 32, origin="elders/x")),
        lambda: (note(b"\x01" * 32), "no note"),
        lambda: ("", ""),
    ],
)
def test_what_can_both_be_true_or_was_not_signed_convicts_nobody(
    enclave_id: bytes, pair: Callable[[], tuple[str, str]]
) -> None:
    with pytest.raises(InvalidError):
        verify_split_view(split(enclave_id, *pair()), enclave_id)


def tree_of(salt: bytes, size: int = 12) -> MerkleTree:
    tree = MerkleTree()
    for number in range(size):
        tree.append(leaf_hash(salt + bytes([number])))
    return tree


TREE, FORK = tree_of(b"one"), tree_of(b"other")


def of_two_sizes(
    enclave_id: bytes,
    size: int,
    *,
    tree: MerkleTree = FORK,
    upto: int = 12,
    by: list[WitnessKeys] | None = None,
) -> SplitView:
    """A note of ``tree`` at ``size``, and one of TREE at ``upto`` with the path between TREE's own two roots."""
    made = split(enclave_id, note(tree.root(size), size, by=by), note(TREE.root(upto), upto, by=by))
    path = tuple(to_base64(h) for h in TREE.consistency_proof(size, upto))
    return made.extended(to_base64(TREE.root(size)), path)


@pytest.mark.parametrize("size", [1, 4, 7, 8, 11])
def test_two_sizes_of_which_the_smaller_is_no_beginning_of_the_larger_convict(
    enclave_id: bytes, size: int
) -> None:
    made = of_two_sizes(enclave_id, size, by=WITNESSES[:3])
    found = verify_split_view(decode_split_view(made.encode()), enclave_id)
    assert (found.tree_size, found.roots) == (size, (FORK.root(size), TREE.root(size)))
    assert len(found.witnesses) == 3


def test_of_an_empty_log_there_is_one_root(enclave_id: bytes) -> None:
    made = split(enclave_id, note(b"\x01" * 32, 0), note(TREE.root(12), 12)).extended(
        to_base64(EMPTY_ROOT), ()
    )
    assert verify_split_view(made, enclave_id).tree_size == 0


@pytest.mark.parametrize("size", [0, 1, 7, 8, 11])
def test_two_sizes_of_one_history_convict_nobody(enclave_id: bytes, size: int) -> None:
    with pytest.raises(ProofError, match="can both be true"):
        verify_split_view(of_two_sizes(enclave_id, size, tree=TREE), enclave_id)


CHANGED: dict[str, Callable[[SplitView], SplitView]] = {
    "another root": lambda made: made.extended(to_base64(b"\x09" * 32), made.consistency),
    "the smaller one's own root": lambda made: made.extended(to_base64(FORK.root(7)), made.consistency),
    "no root": lambda made: made.extended("", made.consistency),
    "half a root": lambda made: made.extended(to_base64(TREE.root(7)[:16]), made.consistency),
    "no path": lambda made: made.extended(made.root, ()),
    "a shorter path": lambda made: made.extended(made.root, made.consistency[:-1]),
    "a longer path": lambda made: made.extended(made.root, (*made.consistency, made.consistency[0])),
    "a path of too many": lambda made: made.extended(made.root, made.consistency * 40),
    "the two swapped": lambda made: msgspec.structs.replace(made, first=made.second, second=made.first),
    "one twice": lambda made: msgspec.structs.replace(made, second=made.first),
}


@pytest.mark.parametrize("change", CHANGED.values(), ids=CHANGED)
def test_a_path_that_does_not_join_them_proves_nothing(
    enclave_id: bytes, change: Callable[[SplitView], SplitView]
) -> None:
    with pytest.raises(InvalidError):
        verify_split_view(change(of_two_sizes(enclave_id, 7)), enclave_id)


def test_it_rests_on_the_enclaves_register(enclave_id: bytes) -> None:
    made = split(enclave_id, note(b"\x01" * 32), note(b"\x02" * 32))
    with pytest.raises(InvalidError, match="another enclave"):
        verify_split_view(made, bytes(16))
    with pytest.raises(InvalidError):
        verify_split_view(msgspec.structs.replace(made, enclave="ff" * 16))
    with pytest.raises(InvalidError, match="no register"):
        verify_split_view(msgspec.structs.replace(made, directory=()))
    assert verify_split_view(made).enclave_id == enclave_id


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"format":"x"}', b"[" * 100_000])
def test_anything_else_is_malformed(data: bytes) -> None:
    assert not is_split_view(data)
    with pytest.raises(MalformedError):
        decode_split_view(data)
