# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""tlog-witness requests and answers, and what a witness accepts of a log."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seinpost_schemas import merkle
from seinpost_schemas.checkpoint import Checkpoint, LogKeys
from seinpost_schemas.errors import BindingError, MalformedError, ProofError, SignatureError, SplitViewError
from seinpost_schemas.merkle_tree import MerkleTree
from seinpost_schemas.note import NoteSignature
from seinpost_schemas.trusted_log import OldSizeError, Position, advance
from seinpost_schemas.witnessing import (
    MAX_HASHES,
    MAX_REQUEST_BYTES,
    WitnessAnswer,
    WitnessRequest,
    decode_answer,
    decode_request,
    signed_answer,
)

ORIGIN = "proef/directory"
KEYS = LogKeys(b"\x07" * 64)
HASHES = st.lists(st.binary(min_size=32, max_size=32), max_size=MAX_HASHES).map(tuple)


def tree_of(size: int, salt: bytes = b"") -> MerkleTree:
    tree = MerkleTree()
    for number in range(size):
        tree.append(merkle.leaf_hash(salt + number.to_bytes(4, "big")))
    return tree


TREE = tree_of(20)


def note_at(size: int, tree: MerkleTree = TREE, origin: str = ORIGIN, keys: LogKeys = KEYS) -> bytes:
    return keys.sign(Checkpoint(origin, size, tree.root(size)), 1_790_000_000)


def step(position: Position, old: int, size: int, tree: MerkleTree = TREE) -> Position:
    proof = tuple(tree.consistency_proof(old, size))
    _, after = advance(position, ORIGIN, KEYS.public, old, proof, note_at(size, tree))
    return after


# -- the log as a witness holds it ------------------------------------------------------------------


@given(st.lists(st.integers(0, 20), max_size=6))
def test_a_witness_follows_a_log_that_grows(sizes: list[int]) -> None:
    position = Position()
    for size in sorted(sizes):
        position = step(position, position.tree_size, size)
        assert position == Position(size, TREE.root(size))


def test_the_same_size_again_is_no_news_and_no_offence() -> None:
    position = step(Position(), 0, 9)
    assert step(position, 9, 9) == position


def test_a_size_that_is_not_held_is_asked_for_again() -> None:
    position = step(Position(), 0, 9)
    for old in (0, 8, 10):
        with pytest.raises(OldSizeError) as refused:
            step(position, old, 12)
        assert refused.value.held == 9


def test_a_log_that_shrank_is_refused() -> None:
    position = step(Position(), 0, 9)
    with pytest.raises(ProofError):
        advance(position, ORIGIN, KEYS.public, 9, (), note_at(8))


def test_two_roots_of_one_size_are_a_split_view() -> None:
    position = step(Position(), 0, 9)
    with pytest.raises(SplitViewError):
        advance(position, ORIGIN, KEYS.public, 9, (), note_at(9, tree_of(9, b"other")))


def test_a_fork_that_goes_on_is_refused() -> None:
    position, other = step(Position(), 0, 9), tree_of(20, b"other")
    with pytest.raises(ProofError):
        step(position, 9, 12, other)


def test_a_proof_that_lacks_a_hash_is_refused() -> None:
    position = step(Position(), 0, 9)
    proof = tuple(TREE.consistency_proof(9, 12))
    for bad in (proof[1:], proof[:-1], (*proof, bytes(32)), ()):
        with pytest.raises(ProofError):
            advance(position, ORIGIN, KEYS.public, 9, bad, note_at(12))


def test_the_logs_signatures_come_first() -> None:
    with pytest.raises(SignatureError):
        advance(Position(), ORIGIN, LogKeys(b"\x08" * 64).public, 5, (), note_at(9))
    with pytest.raises(BindingError):
        advance(Position(), ORIGIN, KEYS.public, 0, (), note_at(9, origin="ander/directory"))


# -- requests and answers ----------------------------------------------------------------------------


@given(st.integers(0, 10**18), HASHES, st.binary(max_size=100))
def test_a_request_reads_back_as_it_was(old: int, proof: tuple[bytes, ...], note: bytes) -> None:
    request = WitnessRequest(old, proof, note)
    assert decode_request(request.encode()) == request


def test_a_request_is_the_one_of_tlog_witness() -> None:
    data = WitnessRequest(7, (bytes(32),), b"note").encode()
    assert data == b"old 7\n" + b"A" * 43 + b"=\n\nnote"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"old 7\n",
        b"old 7",
        b"old\n\nx",
        b"old 07\n\nx",
        b"old -1\n\nx",
        b"old 1 \n\nx",
        b"new 1\n\nx",
        b"old 99999999999999999999\n\nx",
        b"old 1\nAAAA\n\nx",
        b"old 1\n" + b"A" * 43 + b"=\r\n\nx",
        b"old 1\n" + (b"A" * 43 + b"=\n") * 64 + b"\nx",
        b"old 1\n\xff\n\nx",
        b"old 1\n\n" + bytes(MAX_REQUEST_BYTES),
    ],
)
def test_a_request_in_any_other_form_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError):
        decode_request(data)


def test_answers_read_back() -> None:
    lines = (NoteSignature("w", b"1234", b"sig"), NoteSignature("w", b"1235", b"sig2"))
    assert decode_answer(signed_answer(lines).encode()).signatures() == lines
    assert decode_answer(WitnessAnswer(409, "12\n").encode()).size() == 12
    assert decode_answer(b"422\nno\n") == WitnessAnswer(422, "no\n")


@pytest.mark.parametrize(
    "data", [b"", b"200", b"x\n", b"500\nx", b"-1\n", b"200\xff\n", b"\xb2\n", b"20000\n"]
)
def test_an_answer_in_any_other_form_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError):
        decode_answer(data)


@pytest.mark.parametrize("body", ["", "-1\n", "01\n", "x\n", "1\n2\n", "9" * 20])
def test_a_409_names_a_size(body: str) -> None:
    with pytest.raises(MalformedError):
        WitnessAnswer(409, body).size()
    with pytest.raises(MalformedError):
        WitnessAnswer(200, "12\n").size()


@pytest.mark.parametrize("body", ["", "x\n", "— w AAAA\n", "— w\n"])
def test_a_200_holds_signature_lines(body: str) -> None:
    with pytest.raises(MalformedError):
        WitnessAnswer(200, body).signatures()
    with pytest.raises(MalformedError):
        WitnessAnswer(422, "— w AAAAAAAA\n").signatures()
