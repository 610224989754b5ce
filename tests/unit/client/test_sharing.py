# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Shares of past epochs: bound to their header, checked against the epoch, and only what the reader may have."""

from __future__ import annotations

import msgspec
import pytest

from seinpost.epochs import EpochSecrets, Recipient
from seinpost.kem import KemPrivateKey
from seinpost.sharing import Commitments, open_share, seal_share
from seinpost_schemas.clear_bodies import ShareSlot, decode_share
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.epoch_body import commit, commit_protected
from seinpost_schemas.errors import BadSlotError, CommitmentError
from seinpost_schemas.header import ZERO_16, ZERO_32, Header
from seinpost_schemas.kinds import Kind

READER, STRANGER = KemPrivateKey(b"\x01" * 96), KemPrivateKey(b"\x02" * 96)
ONE, TWO = b"1" * 32, b"2" * 32
EPOCH = EpochSecrets(b"I" * 16, ONE, TWO)
COMMITTED = Commitments(b"I" * 16, commit(ONE), commit_protected(TWO))
PLACE = Header(
    kind=Kind.SHARE,
    compartment=Compartment.parse("depv/process"),
    enclave_id=b"E" * 16,
    sender_id=b"S" * 16,
    epoch_id=ZERO_16,
    seq=7,
    prev_hash=b"p" * 32,
    directory_size=12,
    created_ms=1_790_000_000_000,
    count=0,
    batch_root=ZERO_32,
    body_len=0,
    body_hash=ZERO_32,
)


def slot_of(
    epoch: EpochSecrets = EPOCH, committed: Commitments = COMMITTED, *, read_protected: bool = True
) -> ShareSlot:
    body = seal_share(PLACE, [(epoch, committed)], READER.key_id, Recipient(READER.public, read_protected))
    (slot,) = decode_share(body).slots
    return slot


def test_a_share_gives_the_epochs_secrets_back() -> None:
    assert open_share(PLACE, slot_of(), COMMITTED, READER, read_protected=True) == EPOCH
    other = EpochSecrets(b"A" * 16, b"3" * 32, b"4" * 32)
    committed = Commitments(b"A" * 16, commit(b"3" * 32), commit_protected(b"4" * 32))
    body = seal_share(
        PLACE, [(EPOCH, COMMITTED), (other, committed)], READER.key_id, Recipient(READER.public, True)
    )
    first, second = decode_share(body).slots
    assert (first.epoch_id, second.epoch_id) == (b"A" * 16, b"I" * 16)
    assert open_share(PLACE, first, committed, READER, read_protected=True) == other


def test_a_reader_without_the_right_gets_random_bytes_for_the_protected_secret() -> None:
    slot = slot_of(read_protected=False)
    # Whatever it believes of its own rights: it is not there.
    for believes in (True, False):
        opened = open_share(PLACE, slot, COMMITTED, READER, read_protected=believes)
        assert opened == EpochSecrets(b"I" * 16, ONE, None)
    given = slot_of(read_protected=True)
    assert open_share(PLACE, given, COMMITTED, READER, read_protected=False).protected is None


def test_who_does_not_hold_the_protected_secret_shares_the_other_one() -> None:
    slot = slot_of(EpochSecrets(b"I" * 16, ONE, None))
    assert open_share(PLACE, slot, COMMITTED, READER, read_protected=True) == EpochSecrets(
        b"I" * 16, ONE, None
    )


def test_another_secret_than_the_epoch_committed_to_is_noticed() -> None:
    """The sharer shows the newcomer other content than everyone else: it does not get that far."""
    slot = slot_of(EpochSecrets(b"I" * 16, b"9" * 32, TWO))
    with pytest.raises(CommitmentError):
        open_share(PLACE, slot, COMMITTED, READER, read_protected=True)


def test_a_slot_is_its_readers_alone() -> None:
    with pytest.raises(BadSlotError):
        open_share(PLACE, slot_of(), COMMITTED, STRANGER, read_protected=True)


@pytest.mark.parametrize(
    "change",
    [
        {"enclave_id": b"F" * 16},
        {"sender_id": b"T" * 16},
        {"seq": 8},
        {"prev_hash": b"q" * 32},
        {"directory_size": 13},
        {"compartment": Compartment.parse("depv/debate")},
        {"compartment": Compartment.parse("ong/process")},
    ],
    ids="-".join,
)
def test_a_slot_opens_under_its_own_header_only(change: dict[str, object]) -> None:
    moved = msgspec.structs.replace(PLACE, **change)
    with pytest.raises(BadSlotError):
        open_share(moved, slot_of(), COMMITTED, READER, read_protected=True)


def test_a_slot_is_not_moved_to_another_epoch_or_taken_for_an_epochs_own() -> None:
    slot = slot_of()
    moved = msgspec.structs.replace(slot, epoch_id=b"J" * 16)
    with pytest.raises(BadSlotError):
        open_share(PLACE, moved, COMMITTED, READER, read_protected=True)
    other = Commitments(b"I" * 16, commit(ONE), commit_protected(b"9" * 32))
    with pytest.raises(BadSlotError):
        open_share(PLACE, slot, other, READER, read_protected=True)
