# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Slots, section digests and leaves."""

from __future__ import annotations

import hashlib

from seinpost_schemas.leaf import expand_slots, leaf_hash, leaf_hashes, section_digest

SEED = b"\x61" * 32


def test_slots_are_one_shake256_call() -> None:
    wanted = hashlib.shake_256(b"seinpost/salts/v1" + SEED).digest(128 * 3)
    assert expand_slots(SEED, 3) == wanted
    assert expand_slots(SEED, 1_024)[:384] == wanted  # a batch's length does not change its first slots
    assert expand_slots(b"\x62" * 32, 3) != wanted


def test_a_section_digest_names_its_section_and_salt() -> None:
    wanted = hashlib.sha256(b"seinpost/section/v1" + b"\2" + b"s" * 32 + b"data").digest()
    assert section_digest(2, b"s" * 32, b"data") == wanted
    digests = {section_digest(j, salt * 32, b"data") for j in range(4) for salt in (b"s", b"t")}
    assert len(digests) == 8


def test_a_leaf_binds_signal_sender_epoch_and_sections() -> None:
    digests = [bytes([n]) * 32 for n in range(4)]
    wanted = hashlib.sha256(
        b"\0seinpost/leaf/v1" + b"i" * 16 + b"S" * 16 + b"I" * 16 + b"".join(digests)
    ).digest()
    assert leaf_hash(b"i" * 16, b"S" * 16, b"I" * 16, digests) == wanted


def test_a_batch_of_leaves_is_each_leaf_by_itself() -> None:
    sections = [(b"zero", b"one", None, b"three"), (None, b"", b"two", None)]
    slots, slots3 = expand_slots(SEED, 2), expand_slots(b"\x62" * 32, 2)
    leaves, d3s = leaf_hashes(
        [(bytes([i]) * 16, s) for i, s in enumerate(sections)], b"S" * 16, b"I" * 16, slots, slots3
    )
    for i, row in enumerate(sections):
        digests = []
        for j, section in enumerate(row):
            slot = (slots3 if j == 3 else slots)[128 * i + 32 * j : 128 * i + 32 * j + 32]
            digests.append(slot if section is None else section_digest(j, slot, section))
        assert d3s[i] == digests[3]
        assert leaves[i] == leaf_hash(bytes([i]) * 16, b"S" * 16, b"I" * 16, digests)


def test_a_given_d3_takes_the_place_of_a_computed_one() -> None:
    slots, given = expand_slots(SEED, 1), [b"g" * 32]
    rows = [(b"i" * 16, (b"zero", None, None, None))]
    leaves, d3s = leaf_hashes(rows, b"S" * 16, b"I" * 16, slots, slots, given)
    assert d3s == given
    digests = [section_digest(0, slots[:32], b"zero"), slots[32:64], slots[64:96], b"g" * 32]
    assert leaves == [leaf_hash(b"i" * 16, b"S" * 16, b"I" * 16, digests)]
