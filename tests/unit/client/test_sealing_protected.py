# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A reader without ``read-protected``: it verifies the whole, and learns nothing of section 3."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import msgspec
import pytest

from seinpost.epochs import EpochSecrets
from seinpost.sealing import open_envelope, part_key, seal_envelope
from seinpost_schemas import labels
from seinpost_schemas.batch import Batch, encode_batch
from seinpost_schemas.compartment import Classification, Compartment, Theme
from seinpost_schemas.envelope import Envelope
from seinpost_schemas.errors import DecryptionError
from seinpost_schemas.header import Header
from seinpost_schemas.kinds import Kind
from seinpost_schemas.leaf import PROTECTED, SECTIONS, expand_slots, section_digest
from seinpost_schemas.sealed_body import split_parts
from seinpost_schemas.sections import EncodedSignal
from seinpost_schemas.signing import SigningKey
from seinpost_schemas.uuid7 import make_id

SENDER = SigningKey(bytes(range(64)))
EPOCH = EpochSecrets(b"I" * 16, b"\x51" * 32, b"\x52" * 32)
UNPROTECTED = EpochSecrets(EPOCH.epoch_id, EPOCH.secret, None)
PLACE = Header(
    kind=Kind.SIGNALS,
    compartment=Compartment(Classification.DEPV, Theme.PROCESS),
    enclave_id=b"E" * 16,
    sender_id=SENDER.public.sender_id,
    epoch_id=bytes(16),
    seq=7,
    prev_hash=b"p" * 32,
    directory_size=12,
    created_ms=1_790_000_000_000,
    count=0,
    batch_root=bytes(32),
    body_len=0,
    body_hash=bytes(32),
)
SECRET = b"the source is a neighbour"
OTHER_SECRET = b"contact: desk 4"
MIXED = [
    EncodedSignal(make_id(i, bytes(10)), (b"handling %d" % i, b"report %d" % i, None, section3))
    for i, section3 in enumerate([SECRET, None, OTHER_SECRET, None, b""])
]
MAIN_SEED, PROTECTED_SEED = b"\x61" * 32, b"\x62" * 32
CANDIDATES = [SECRET, OTHER_SECRET, b"", b"\xc0", *(b"handling %d" % i for i in range(5))]
"""What such a reader may guess: the true texts among them."""


def make_batch(protected_seed: bytes = PROTECTED_SEED, signals: list[EncodedSignal] = MIXED) -> Batch:
    return encode_batch(signals, SENDER.public.sender_id, EPOCH.epoch_id, MAIN_SEED, protected_seed)


def d3_of(batch: Batch) -> list[bytes]:
    return [row[4] for row in msgspec.msgpack.decode(batch.main)[1]]


def everything_that_a_seed_gives(seed: bytes, count: int) -> Iterator[bytes]:
    """Each slot by itself, and each candidate under each slot as salt, in each place."""
    slots = expand_slots(seed, count + 8)
    for at in range(0, len(slots), 32):
        slot = slots[at : at + 32]
        yield slot
        for candidate in CANDIDATES:
            for section in range(SECTIONS):
                yield section_digest(section, slot, candidate)


def test_guessing_section_3_with_the_main_seed_never_hits() -> None:
    batch = make_batch()
    seed = msgspec.msgpack.decode(batch.main)[0]
    assert seed == MAIN_SEED  # this reader does hold the main seed
    guesses = set(everything_that_a_seed_gives(seed, len(MIXED)))
    assert not guesses & set(d3_of(batch))
    plain = {hashlib.sha256(c).digest() for c in CANDIDATES}
    plain |= {section_digest(PROTECTED, bytes(32), c) for c in CANDIDATES}
    plain |= {section_digest(PROTECTED, seed, c) for c in CANDIDATES}
    assert not plain & set(d3_of(batch))


def test_the_guess_would_hit_if_both_seeds_were_one() -> None:
    # The control: the guesser above is strong enough to find section 3, were its salts from the main seed.
    batch = make_batch(protected_seed=MAIN_SEED)
    assert set(d3_of(batch)) <= set(everything_that_a_seed_gives(MAIN_SEED, len(MIXED)))


def test_no_fragment_of_the_protected_part_is_in_the_main_part() -> None:
    batch = make_batch()
    for secret in (SECRET, OTHER_SECRET, PROTECTED_SEED):
        assert secret not in batch.main
        assert batch.protected is not None
        assert secret in batch.protected


def test_a_fresh_pair_of_seeds_is_drawn_for_each_envelope() -> None:
    seen: set[bytes] = set()
    for _ in range(3):
        envelope = seal_envelope(MIXED, PLACE, EPOCH, SENDER)
        seen.add(envelope.header.batch_root)
    assert len(seen) == 3


def test_both_readers_verify_the_same_leaves() -> None:
    envelope = seal_envelope(MIXED, PLACE, EPOCH, SENDER)
    without = open_envelope(envelope, SENDER.public, UNPROTECTED)
    with_protected = open_envelope(envelope, SENDER.public, EPOCH)
    assert without.leaves == with_protected.leaves
    assert [s.sections[:3] for s in without.signals] == [s.sections[:3] for s in MIXED]
    assert [s.sections[3] for s in without.signals] == [None] * len(MIXED)
    assert with_protected.signals == MIXED


def test_a_decoy_looks_like_a_digest() -> None:
    # Signals 1 and 3 have no section 3, and their d3 stands among the others: same type, same length, and
    # all different, so that a reader without the protected part cannot tell which signals have one.
    digests = d3_of(make_batch())
    assert [len(d) for d in digests] == [32] * len(MIXED)
    assert len(set(digests)) == len(MIXED)
    swapped = [
        EncodedSignal(s.id, (*s.sections[:3], b"something" if s.sections[3] is None else None)) for s in MIXED
    ]
    again = make_batch(signals=swapped)
    assert len(again.main) == len(make_batch().main)
    ones = [
        sum(int.from_bytes(d).bit_count() for d in group) / len(group) for group in (digests, d3_of(again))
    ]
    assert all(80 < mean < 176 for mean in ones)


def test_the_decoys_are_the_protected_seeds_slots_and_not_the_main_seeds() -> None:
    digests = d3_of(make_batch())
    slots, main_slots = (expand_slots(seed, len(MIXED)) for seed in (PROTECTED_SEED, MAIN_SEED))
    for i in (1, 3):
        place = slice(128 * i + 96, 128 * i + 128)
        assert digests[i] == slots[place]
        assert digests[i] != main_slots[place]


def test_a_batch_without_protected_sections_shows_that_there_are_none() -> None:
    batch = make_batch(signals=[MIXED[1], MIXED[3]])
    assert batch.protected is None
    assert d3_of(batch) == [None, None]


@pytest.fixture(scope="module")
def envelope() -> Envelope:
    return seal_envelope(MIXED, PLACE, EPOCH, SENDER)


def test_the_main_secret_does_not_open_the_protected_part(envelope: Envelope) -> None:
    guess = msgspec.structs.replace(EPOCH, protected=EPOCH.secret)
    with pytest.raises(DecryptionError):
        open_envelope(envelope, SENDER.public, guess)
    assert part_key(labels.PROTECTED_KEY, EPOCH.secret, EPOCH.epoch_id, 7) != part_key(
        labels.MAIN_KEY, EPOCH.secret, EPOCH.epoch_id, 7
    )


def test_the_protected_secret_does_not_open_the_main_part(envelope: Envelope) -> None:
    assert EPOCH.protected is not None
    with pytest.raises(DecryptionError):
        open_envelope(envelope, SENDER.public, EpochSecrets(EPOCH.epoch_id, EPOCH.protected, None))


def test_how_much_is_protected_shows_in_its_bucket_only() -> None:
    sizes = set()
    for length in range(1, 180, 20):
        signals = [EncodedSignal(MIXED[0].id, (b"h", b"r", None, bytes(length)))]
        sizes.add(len(split_parts(seal_envelope(signals, PLACE, EPOCH, SENDER).body)[1]))
    assert sizes == {24 + 32 + 16 + 256}
