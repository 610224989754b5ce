# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Limits fit into each other and are the specification's."""

from __future__ import annotations

from seinpost_schemas import limits
from seinpost_schemas.clear_bodies import Receipt, ReceiptState, Run, Share, ShareSlot
from seinpost_schemas.entry import ENTRY_BYTES
from seinpost_schemas.envelope import MAX_ENVELOPE_BYTES
from seinpost_schemas.epoch_body import SLOT_BYTES
from seinpost_schemas.padding import bucket_size
from seinpost_schemas.sealed_body import MIN_PART_BYTES

NATS_MAX_PAYLOAD = 1 << 20


def test_limits_are_the_specifications() -> None:
    assert limits.MAX_BODY_BYTES == 983_040
    assert MAX_ENVELOPE_BYTES == 986_597
    assert limits.MAX_BATCH_SIGNALS == 1_024
    assert limits.MAX_SIGNAL_BYTES == 65_536
    assert (limits.MAX_SLOTS, limits.MAX_RUNS, limits.MAX_SHARES) == (500, 4_096, 700)
    assert (limits.MAX_EPOCH_ENVELOPES, limits.MAX_EPOCH_AGE_MS) == (65_536, 3_600_000)
    assert (limits.HOLD_MS, limits.FRESH_MS, limits.MAX_CLOCK_SKEW_MS) == (10_000, 60_000, 900_000)


def test_an_envelope_fits_a_nats_message_with_its_headers() -> None:
    assert MAX_ENVELOPE_BYTES < NATS_MAX_PAYLOAD
    assert limits.MAX_BODY_BYTES + (ENTRY_BYTES + 3_373) * 4 // 3 + 1_000 < NATS_MAX_PAYLOAD


def test_the_largest_clear_bodies_fit() -> None:
    runs = (Run("2026q4", 0, 0, 0, 0, ReceiptState.OPENED),) * limits.MAX_RUNS
    assert len(Receipt("2026q4", 0, bytes(32), runs).encode()) < limits.MAX_BODY_BYTES
    slots = (ShareSlot(bytes(16), bytes(16), bytes(1_200)),) * limits.MAX_SHARES
    assert len(Share(slots).encode()) < limits.MAX_BODY_BYTES
    assert 83 + SLOT_BYTES * limits.MAX_SLOTS < limits.MAX_BODY_BYTES


def test_a_batch_closed_at_its_limit_fits_with_one_signal_more() -> None:
    largest = limits.BATCH_CLOSE_BYTES + limits.MAX_SIGNAL_BYTES + limits.MAX_BATCH_SIGNALS * 80
    both = 2 * (4 + 56) + bucket_size(largest) + bucket_size(limits.MAX_SIGNAL_BYTES) + 16 * 64
    assert both < limits.MAX_BODY_BYTES


def test_the_smallest_part_is_the_smallest_bucket_sealed() -> None:
    assert MIN_PART_BYTES == 24 + 32 + limits.MIN_BUCKET_BYTES + 16
