# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""How old a checkpoint is when it comes: by the witnesses' word, never by when it was shown. Pure.

A checkpoint's age is the k-th highest cosignature timestamp. Neither clock is believed alone: this machine's may be
minutes off and whoever shows checkpoints may hold them back, so that their timestamps rise in step and are all old.
"""

from __future__ import annotations

import msgspec

from seinpost_schemas.limits import FRESH_MS, MAX_CLOCK_SKEW_MS


class Moment(msgspec.Struct, frozen=True):
    """When something came, three times in milliseconds."""

    monotonic_ms: int
    """This process's monotonic clock."""
    wall_ms: int
    """This machine's wall clock, Unix time."""
    stated_ms: int = 0
    """The newest time that a quorum stated of any log of the enclave, as far as this process was shown; Unix time."""


def lateness(timestamp_ms: int, moment: Moment) -> str | None:
    """Why a checkpoint with this timestamp is no news of its log; ``None`` when it is.

    By the wall clock within the difference that sealing permits too (``Freshness``), so that a reader whose clock
    is minutes off is not alarmed; held against the other logs of the enclave within a minute, since witnesses
    cosign all of them with one clock.
    """
    age_ms = moment.wall_ms - timestamp_ms
    if age_ms > FRESH_MS + MAX_CLOCK_SKEW_MS:
        return f"the newest that was signed is {age_ms // 60_000} minutes old"
    if -age_ms > MAX_CLOCK_SKEW_MS:
        return f"what is signed lies {-age_ms // 60_000} minutes ahead of this machine's clock; set it right"
    if (behind_ms := moment.stated_ms - timestamp_ms) > FRESH_MS:
        return f"the newest that was signed is {behind_ms // 1000} s older than what is signed of other logs"
    return None
