# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A batch's two parts; what a hostile sender puts in them is in tests/unit/client, properties beside."""

from __future__ import annotations

import msgspec
import pytest

from seinpost_schemas.batch import Batch, OpenedBatch, decode_batch, encode_batch
from seinpost_schemas.errors import MalformedError, RootError
from seinpost_schemas.leaf import leaf_hash
from seinpost_schemas.merkle import root_hash
from seinpost_schemas.sections import EncodedSignal
from seinpost_schemas.uuid7 import make_id

SENDER, EPOCH, SEED, SEED2 = b"S" * 16, b"I" * 16, b"\x61" * 32, b"\x62" * 32
ONE = EncodedSignal(make_id(1, bytes(10)), (b"zero", b"one", None, None))
TWO = EncodedSignal(make_id(2, bytes(10)), (b"zero", b"one", b"two", b"three"))


def encode(*signals: EncodedSignal) -> Batch:
    return encode_batch(signals, SENDER, EPOCH, SEED, SEED2)


def decode(batch: Batch, *, sender: bytes = SENDER, epoch: bytes = EPOCH) -> OpenedBatch:
    return decode_batch(
        batch.main,
        batch.protected,
        has_protected_part=batch.protected is not None,
        count=batch.count,
        root=batch.root,
        sender_id=sender,
        epoch_id=epoch,
    )


def test_parts_are_the_specifications() -> None:
    batch = encode(ONE, TWO)
    seed, rows = msgspec.msgpack.decode(batch.main)
    assert seed == SEED
    assert [row[:4] for row in rows] == [
        [ONE.id, b"zero", b"one", None],
        [TWO.id, b"zero", b"one", b"two"],
    ]
    assert msgspec.msgpack.decode(batch.protected or b"") == [SEED2, [[1, b"three"]]]
    assert encode(ONE).protected is None
    assert msgspec.msgpack.decode(encode(ONE).main)[1][0][4] is None


def test_a_batch_is_bound_to_its_sender_and_epoch() -> None:
    batch = encode(ONE, TWO)
    assert decode(batch).signals == [ONE, TWO]
    for other in ({"sender": b"T" * 16}, {"epoch": b"J" * 16}):
        with pytest.raises(RootError):
            decode(batch, **other)


def test_the_root_is_that_of_the_leaves() -> None:
    opened = decode(encode(ONE, TWO))
    assert root_hash(opened.leaves) == encode(ONE, TWO).root
    assert len(opened.leaves[0]) == 32
    assert opened.leaves[0] != leaf_hash(ONE.id, SENDER, EPOCH, [bytes(32)] * 4)


def test_a_signal_without_any_section_has_a_leaf() -> None:
    empty = EncodedSignal(make_id(3, bytes(10)), (None, None, None, None))
    assert decode(encode(empty)).signals == [empty]


@pytest.mark.parametrize("seeds", [(b"", SEED2), (SEED[:31], SEED2), (SEED, SEED2 + b"\0")])
def test_a_seed_of_another_length_is_our_own_bug(seeds: tuple[bytes, bytes]) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        encode_batch([ONE], SENDER, EPOCH, *seeds)


@pytest.mark.parametrize("count", [0, 1_025])
def test_a_batch_has_1_to_1024_signals(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 1024"):
        encode_batch([ONE] * count, SENDER, EPOCH, SEED, SEED2)


def test_a_batch_that_names_an_id_twice_is_malformed() -> None:
    honest = encode(ONE, TWO)
    twice = msgspec.structs.replace(honest, main=honest.main.replace(TWO.id, ONE.id))
    assert twice.main != honest.main
    with pytest.raises(MalformedError, match="twice"):
        decode(twice)


def test_an_id_twice_is_not_encoded() -> None:
    with pytest.raises(ValueError, match="once"):
        encode(ONE, ONE)
