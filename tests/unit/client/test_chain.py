# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A sender's own chain: no seq twice, whatever happens to the process, and the right header before each."""

from __future__ import annotations

import msgspec
import pytest
from trial.log import TrialLog

from seinpost._chain import BLOCK, Chain
from seinpost_schemas.errors import GapError
from seinpost_schemas.header import ZERO_32, Header


class Disk:
    """What was stored before ``reserve`` returned."""

    def __init__(self) -> None:
        self.reserved = 0
        self.writes = 0
        self.full = False

    def reserve(self, upto: int) -> None:
        if self.full:
            raise OSError("no space left on device")
        self.reserved = upto
        self.writes += 1


@pytest.fixture
def disk() -> Disk:
    return Disk()


def chain_on(disk: Disk, head: bytes = ZERO_32) -> Chain:
    return Chain(disk.reserved, head, disk.reserve)


def header(log: TrialLog, seq: int) -> Header:
    from trial.enclave import identity

    return msgspec.structs.replace(log.place(identity("ncsc-1"), 2), seq=seq)


def test_the_first_seq_is_1_after_a_zero_hash(disk: Disk) -> None:
    chain = chain_on(disk)
    assert (chain.take_seq(), chain.prev_hash) == (1, ZERO_32)


def test_every_seq_is_reserved_before_it_is_given_out(disk: Disk) -> None:
    chain = chain_on(disk)
    for expected in range(1, 3 * BLOCK):
        seq = chain.take_seq()
        assert seq == expected
        assert seq <= disk.reserved
    assert disk.writes == 3


@pytest.mark.parametrize("used", [1, 2, BLOCK, BLOCK + 1])
def test_after_a_crash_no_seq_comes_again(disk: Disk, used: int) -> None:
    chain = chain_on(disk)
    given = {chain.take_seq() for _ in range(used)}
    after = chain_on(disk)
    again = {after.take_seq() for _ in range(BLOCK + 1)}
    assert not given & again
    assert min(again) > max(given)


def test_a_seq_that_could_not_be_reserved_is_not_given_out(disk: Disk) -> None:
    chain = chain_on(disk)
    disk.full = True
    with pytest.raises(OSError, match="no space"):
        chain.take_seq()


def test_nor_at_the_second_try(disk: Disk) -> None:
    chain = chain_on(disk)
    disk.full = True
    for _ in range(2):
        with pytest.raises(OSError, match="no space"):
            chain.take_seq()
    assert disk.reserved == 0


def test_each_signed_header_follows_the_one_before(disk: Disk) -> None:
    chain = chain_on(disk, b"a" * 32)
    assert chain.prev_hash == b"a" * 32
    chain.signed(b"b" * 32)
    assert chain.prev_hash == b"b" * 32
    chain.signed(b"c" * 32)
    chain.admitted(b"b" * 32)
    assert chain.prev_hash == b"c" * 32


def test_what_never_reached_a_broker_is_not_followed(disk: Disk) -> None:
    chain = chain_on(disk, b"a" * 32)
    for hash_ in (b"b", b"c", b"d"):
        chain.signed(hash_ * 32)
    chain.admitted(b"b" * 32)
    chain.resume_own()
    assert chain.prev_hash == b"b" * 32


def test_after_a_refusal_the_chain_goes_on_from_the_logs_head_with_a_new_seq(
    disk: Disk, log: TrialLog
) -> None:
    chain = chain_on(disk)
    taken = [chain.take_seq() for _ in range(3)]
    chain.resume(header(log, 2), b"h" * 32)
    assert chain.prev_hash == b"h" * 32
    assert chain.take_seq() == max(taken) + 1


def test_a_lost_file_is_made_up_for_by_the_head_that_the_log_shows(disk: Disk, log: TrialLog) -> None:
    chain = chain_on(disk)
    chain.take_seq()
    chain.resume(header(log, 90_000), b"h" * 32)
    seq = chain.take_seq()
    assert seq == 90_001
    assert disk.reserved >= seq
    assert chain_on(disk).take_seq() > seq


def test_a_log_that_lost_the_chain_is_not_begun_anew(disk: Disk) -> None:
    """It held what it admitted; now it says that it holds nothing: that is for its operator to explain."""
    chain = chain_on(disk, b"a" * 32)
    with pytest.raises(GapError):
        chain.resume(None, b"ignored" + bytes(25))
    assert chain.prev_hash == b"a" * 32


def test_a_chain_that_never_was_admitted_starts_from_nothing(disk: Disk) -> None:
    chain = chain_on(disk)
    first = chain.take_seq()
    chain.signed(b"b" * 32)
    chain.resume(None, b"ignored" + bytes(25))
    assert chain.prev_hash == ZERO_32
    assert chain.take_seq() > first
