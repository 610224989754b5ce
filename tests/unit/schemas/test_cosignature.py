# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Cosignatures against the C2SP vectors, and a quorum against every way of having less than one."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
import pytest

from seinpost_schemas.checkpoint import Checkpoint, LogKeys, parse_checkpoint
from seinpost_schemas.cosignature import (
    WitnessKeys,
    cosigned,
    verify_cosignature,
    verify_quorum,
    verify_threshold,
)
from seinpost_schemas.errors import MalformedError, QuorumError, SignatureError
from seinpost_schemas.note import Note, NoteSignature, parse_note, parse_signature_line

ORIGIN = "proef/2026q4/depv/process"
CHECKPOINT = Checkpoint(ORIGIN, 7, bytes(range(32)))
KEYS = [WitnessKeys(f"proef/witness/w{n}", bytes([n]) * 64) for n in range(1, 5)]
WITNESSES = [k.public for k in KEYS]
NOTE = parse_note(LogKeys(bytes(64)).sign(CHECKPOINT, 1_790_000_000))
Lines = list[NoteSignature]


def lines_of(*stamps: int | None, checkpoint: Checkpoint = CHECKPOINT) -> Lines:
    """Both lines of each witness that has a timestamp."""
    found: Lines = []
    for keys, stamp in zip(KEYS, stamps, strict=False):
        found += keys.cosign(checkpoint, stamp) if stamp else ()
    return found


def note_with(lines: Lines) -> Note:
    return Note(NOTE.text, (*NOTE.signatures, *lines))


def test_the_vectors_cosignatures_are_ours(tlog: dict[str, Any]) -> None:
    note = parse_note(tlog["checkpoint_300"].encode())
    checkpoint = parse_checkpoint(note)
    seed = bytes.fromhex(tlog["witness_seed"] + tlog["mldsa44_seed"])
    keys = WitnessKeys("witness.example/w1", seed)
    classical, quantum = keys.cosign(checkpoint, 1_790_000_000)
    assert classical.line() == note.signatures[1].line()
    assert quantum.key_id.hex() == tlog["mldsa44_keyid"]
    foreign = [note.signatures[1], parse_signature_line(tlog["mldsa44_sig_line"])]
    assert verify_cosignature(foreign, checkpoint, keys.public) == 1_790_000_000


def test_a_witness_counts_with_both_lines_only() -> None:
    pair = lines_of(5)
    assert verify_cosignature(pair, CHECKPOINT, WITNESSES[0]) == 5
    for line in pair:
        assert verify_cosignature([line], CHECKPOINT, WITNESSES[0]) is None
    assert verify_cosignature(pair, CHECKPOINT, WITNESSES[1]) is None


def test_the_earlier_of_its_two_timestamps_counts() -> None:
    classical, _ = KEYS[0].cosign(CHECKPOINT, 9)
    _, quantum = KEYS[0].cosign(CHECKPOINT, 5)
    assert verify_cosignature([classical, quantum], CHECKPOINT, WITNESSES[0]) == 5


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("at", [0, 7, 8, -1])
def test_a_changed_line_of_a_known_key_is_refused(place: int, at: int) -> None:
    pair = lines_of(5)
    raw = bytearray(pair[place].signature)
    raw[at] ^= 1
    pair[place] = NoteSignature(pair[place].name, pair[place].key_id, bytes(raw))
    with pytest.raises(SignatureError):
        verify_cosignature(pair, CHECKPOINT, WITNESSES[0])


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("signature", [b"", bytes(8), bytes(71), bytes(73), bytes(2_427), bytes(2_429)])
def test_a_line_of_another_length_is_refused(place: int, signature: bytes) -> None:
    pair = lines_of(5)
    pair[place] = NoteSignature(pair[place].name, pair[place].key_id, signature)
    with pytest.raises(SignatureError):
        verify_cosignature(pair, CHECKPOINT, WITNESSES[0])


@pytest.mark.parametrize(
    "other",
    [
        Checkpoint(ORIGIN, 8, CHECKPOINT.root_hash),
        Checkpoint(ORIGIN, 7, bytes(32)),
        Checkpoint("proef/2026q4/depv/debate", 7, CHECKPOINT.root_hash),
    ],
)
def test_a_cosignature_is_of_its_checkpoint_only(other: Checkpoint) -> None:
    for place in (0, 1):
        pair = lines_of(5)
        pair[place] = lines_of(5, checkpoint=other)[place]
        with pytest.raises(SignatureError):
            verify_cosignature(pair, CHECKPOINT, WITNESSES[0])


def test_another_witnesses_signature_under_ones_name_is_refused() -> None:
    forged = [
        NoteSignature(own.name, own.key_id, other.signature)
        for own, other in zip(lines_of(5), lines_of(None, 5), strict=True)
    ]
    with pytest.raises(SignatureError):
        verify_cosignature(forged, CHECKPOINT, WITNESSES[0])


@pytest.mark.parametrize("stamps", list(itertools.product((None, 50), repeat=4)))
def test_three_of_four_are_a_quorum_and_two_are_not(stamps: tuple[int | None, ...]) -> None:
    note = note_with(lines_of(*stamps))
    if sum(s is not None for s in stamps) >= 3:
        assert verify_quorum(note, CHECKPOINT, WITNESSES, 3) == 50
    else:
        with pytest.raises(QuorumError):
            verify_quorum(note, CHECKPOINT, WITNESSES, 3)


def test_the_time_of_a_quorum_is_the_kth_highest() -> None:
    note = note_with(lines_of(40, 10, 30, 20))
    assert [verify_quorum(note, CHECKPOINT, WITNESSES, k) for k in (1, 2, 3, 4)] == [40, 30, 20, 10]
    assert cosigned(note, CHECKPOINT, WITNESSES) == {
        w.name: s for w, s in zip(WITNESSES, (40, 10, 30, 20), strict=True)
    }


def test_one_witness_many_times_is_one_witness() -> None:
    with pytest.raises(QuorumError):
        verify_quorum(note_with(lines_of(5) * 4), CHECKPOINT, WITNESSES, 2)


def test_a_quorum_of_none_says_nothing() -> None:
    with pytest.raises(QuorumError):
        verify_quorum(note_with(lines_of(5, 5, 5, 5)), CHECKPOINT, WITNESSES, 0)


def test_a_cosignature_of_a_stranger_counts_for_nothing() -> None:
    stranger = WitnessKeys("proef/witness/w9", b"\x09" * 64)
    note = note_with([*lines_of(5, 5), *stranger.cosign(CHECKPOINT, 5)])
    with pytest.raises(QuorumError):
        verify_quorum(note, CHECKPOINT, WITNESSES, 3)


@pytest.mark.parametrize(
    ("witnesses", "enough"), [(0, 0), (1, 1), (2, 2), (3, 2), (4, 3), (5, 4), (7, 5), (10, 7), (13, 9)]
)
def test_a_quorum_is_above_n_plus_f_over_two(witnesses: int, enough: int) -> None:
    for quorum in range(witnesses + 2):
        if enough <= quorum <= witnesses:
            verify_threshold(witnesses, quorum)
            # Two quorums share more witnesses than may be dishonest.
            assert 2 * quorum - witnesses > (witnesses - 1) // 3 or witnesses == 0
        else:
            with pytest.raises(MalformedError):
                verify_threshold(witnesses, quorum)


def test_a_cosignature_needs_a_time() -> None:
    with pytest.raises(MalformedError):
        KEYS[0].cosign(CHECKPOINT, 0)


def test_a_witness_struct_compares_by_its_keys() -> None:
    assert msgspec.structs.replace(WITNESSES[0]) == WITNESSES[0]
    assert WITNESSES[0] != WITNESSES[1]
