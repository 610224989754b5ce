# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Batches: every list of signals comes back with its root, and a part has one encoding only."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from seinpost_schemas import canonical
from seinpost_schemas.batch import Batch, OpenedBatch, decode_batch, encode_batch
from seinpost_schemas.errors import MalformedError, RootError, SeinpostError
from seinpost_schemas.leaf import expand_slots, leaf_hash, section_digest
from seinpost_schemas.merkle import root_hash
from seinpost_schemas.sections import EncodedSignal
from seinpost_schemas.uuid7 import make_id

SENDER, EPOCH, SEED, PROTECTED_SEED = b"S" * 16, b"I" * 16, b"\x61" * 32, b"\x62" * 32
SECTION = st.binary(max_size=40)
IDS = st.builds(make_id, st.integers(0, (1 << 48) - 1), st.binary(min_size=10, max_size=10))


@st.composite
def signal_lists(draw: st.DrawFn) -> list[EncodedSignal]:
    ids = draw(st.lists(IDS, min_size=1, max_size=6, unique=True))
    maybe = SECTION | st.none()
    return [EncodedSignal(i, (draw(maybe), draw(maybe), draw(maybe), draw(maybe))) for i in ids]


def encode(signals: list[EncodedSignal]) -> Batch:
    return encode_batch(signals, SENDER, EPOCH, SEED, PROTECTED_SEED)


def decode(batch: Batch, main: bytes, protected: bytes | None) -> OpenedBatch:
    return decode_batch(
        main,
        protected,
        has_protected_part=batch.protected is not None,
        count=batch.count,
        root=batch.root,
        sender_id=SENDER,
        epoch_id=EPOCH,
    )


def without_section3(signals: list[EncodedSignal]) -> list[EncodedSignal]:
    return [EncodedSignal(s.id, (*s.sections[:3], None)) for s in signals]


@given(signal_lists())
def test_a_batch_comes_back_with_its_root(signals: list[EncodedSignal]) -> None:
    batch = encode(signals)
    opened = decode(batch, batch.main, batch.protected)
    assert opened.signals == signals
    assert root_hash(opened.leaves) == batch.root
    assert decode(batch, batch.main, None) == OpenedBatch(without_section3(signals), opened.leaves)


@given(signal_lists())
def test_leaves_are_what_the_specification_says(signals: list[EncodedSignal]) -> None:
    batch = encode(signals)
    slots = expand_slots(SEED, len(signals))
    slots3 = expand_slots(PROTECTED_SEED, len(signals)) if batch.protected is not None else slots
    leaves = []
    for i, signal in enumerate(signals):
        digests = []
        for j, section in enumerate(signal.sections):
            slot = (slots3 if j == 3 else slots)[32 * (4 * i + j) : 32 * (4 * i + j) + 32]
            digests.append(slot if section is None else section_digest(j, slot, section))
        leaves.append(leaf_hash(signal.id, SENDER, EPOCH, digests))
    assert decode(batch, batch.main, batch.protected).leaves == leaves


@given(signal_lists(), signal_lists())
def test_two_batches_have_two_roots(one: list[EncodedSignal], other: list[EncodedSignal]) -> None:
    assert (encode(one).root == encode(other).root) == (one == other)


@given(data=st.data())
def test_a_changed_part_is_refused(mangle: Any, data: st.DataObject) -> None:
    signals = data.draw(signal_lists())
    batch = encode(signals)
    main = data.draw(mangle(st.just(batch.main)))
    protected = batch.protected
    if protected is not None:
        protected = data.draw(mangle(st.just(protected)))
    try:
        opened = decode(batch, main, protected)
    except (MalformedError, RootError):
        return
    assert main == batch.main  # one encoding, and the root holds every byte of it but d3 of absent sections
    assert opened.signals == signals
    assert protected == batch.protected


@given(st.binary(max_size=200), st.binary(max_size=100) | st.none(), st.integers(0, 3))
def test_random_parts_raise_our_errors_only(main: bytes, protected: bytes | None, count: int) -> None:
    try:
        decode(Batch(b"", protected, count, bytes(32)), main, protected)
    except SeinpostError:
        return
    raise AssertionError("random bytes were taken for a batch")


ATOMS = st.none() | st.booleans() | st.integers(-5, 1 << 40) | st.binary(max_size=40) | st.text(max_size=9)


@given(st.recursive(ATOMS, lambda inner: st.lists(inner, max_size=5), max_leaves=12))
def test_well_formed_messagepack_of_another_shape_is_malformed(value: object) -> None:
    try:
        decode(Batch(b"", None, 1, bytes(32)), canonical.encode(value), None)
    except (MalformedError, RootError):
        return
    raise AssertionError("another shape was taken for a batch")
