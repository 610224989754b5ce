# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Whether a sender may seal: the directory's timestamp against two clocks, both of which are arguments."""

from __future__ import annotations

import pytest

from seinpost.freshness import Freshness
from seinpost_schemas.errors import UnavailableError
from seinpost_schemas.limits import FRESH_MS, MAX_CLOCK_SKEW_MS

STAMP = 1_793_000_000
"""A timestamp, in seconds."""
WALL = STAMP * 1_000
MONO = 5_000_000
"""This process's clock, which has no relation to the other."""


def fresh() -> Freshness:
    """One recent timestamp has been seen."""
    freshness = Freshness()
    freshness.saw(STAMP, MONO, WALL)
    return freshness


def refused(freshness: Freshness, monotonic_ms: int, wall_ms: int, says: str) -> None:
    with pytest.raises(UnavailableError, match=says):
        freshness.verify(monotonic_ms, wall_ms)


def test_nothing_seen_is_not_fresh() -> None:
    refused(Freshness(), MONO, WALL, "not been confirmed")


def test_a_recent_timestamp_is_fresh_for_60_seconds_of_the_monotonic_clock() -> None:
    freshness = fresh()
    freshness.verify(MONO, WALL)
    freshness.verify(MONO + FRESH_MS, WALL + FRESH_MS)
    refused(freshness, MONO + FRESH_MS + 1, WALL + FRESH_MS + 1, "not been confirmed for 60 s")


def test_the_wall_clock_standing_still_does_not_keep_it_fresh() -> None:
    refused(fresh(), MONO + FRESH_MS + 1, WALL, "not been confirmed for 60 s")


@pytest.mark.parametrize("stamp", [STAMP, STAMP - 1, 0])
def test_the_same_or_an_older_timestamp_again_does_not_renew_it(stamp: int) -> None:
    """A broker that is dead, or replays what it once signed."""
    freshness = fresh()
    freshness.saw(stamp, MONO + FRESH_MS, WALL + FRESH_MS)
    freshness.verify(MONO + FRESH_MS, WALL + FRESH_MS)
    refused(freshness, MONO + FRESH_MS + 1, WALL + FRESH_MS + 1, "not been confirmed")


def test_a_timestamp_that_rises_renews_it() -> None:
    freshness = fresh()
    freshness.saw(STAMP + 1, MONO + FRESH_MS, WALL + FRESH_MS)
    freshness.verify(MONO + 2 * FRESH_MS, WALL + 2 * FRESH_MS)


@pytest.mark.parametrize("away_ms", [FRESH_MS + 1, -FRESH_MS - 1, 86_400_000, -86_400_000])
def test_a_first_timestamp_that_is_not_recent_has_not_risen(away_ms: int) -> None:
    """Else a replayed old checkpoint would make a client that just started seal to whoever was there then."""
    freshness = Freshness()
    freshness.saw(STAMP, MONO, WALL + away_ms)
    refused(freshness, MONO, WALL + away_ms, "not been confirmed")
    freshness.saw(STAMP + 1, MONO + 1, WALL + away_ms)
    if abs(away_ms) <= MAX_CLOCK_SKEW_MS:
        freshness.verify(MONO + 1, WALL + away_ms)
    else:
        refused(freshness, MONO + 1, WALL + away_ms, "clock differs")


@pytest.mark.parametrize("away_ms", [FRESH_MS, -FRESH_MS, 0])
def test_a_first_timestamp_within_a_minute_counts_at_once(away_ms: int) -> None:
    freshness = Freshness()
    freshness.saw(STAMP, MONO, WALL + away_ms)
    freshness.verify(MONO, WALL + away_ms)


@pytest.mark.parametrize("direction", [1, -1])
def test_the_wall_clock_may_differ_by_15_minutes_and_no_more(direction: int) -> None:
    freshness = fresh()
    freshness.verify(MONO, WALL + direction * MAX_CLOCK_SKEW_MS)
    refused(
        freshness, MONO, WALL + direction * (MAX_CLOCK_SKEW_MS + 1), "differs from the directory's by 15 min"
    )


def test_the_minute_that_passes_between_checkpoints_is_no_skew() -> None:
    freshness = fresh()
    freshness.verify(MONO + 50_000, WALL + MAX_CLOCK_SKEW_MS + 50_000)
    refused(freshness, MONO + 50_000, WALL + MAX_CLOCK_SKEW_MS + 50_001, "clock differs")


def test_a_timestamp_from_the_future_is_not_sealed_on() -> None:
    """A dishonest broker cannot stay 'fresh' by signing ahead of time: the clocks are too far apart."""
    freshness = fresh()
    freshness.saw(STAMP + 86_400, MONO, WALL)
    refused(freshness, MONO, WALL, "clock differs")
