# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
from __future__ import annotations

import time

import pytest
from harness.memory import NOW_MS, MemoryLog, Sender

from seinpost_broker.adapters.system_clock import SystemClock
from seinpost_schemas.errors import Reason, RefusedError, SetupError
from seinpost_schemas.limits import MAX_CLOCK_SKEW_MS, MAX_EPOCH_AGE_MS, MAX_LIVE_EPOCHS


def test_a_clock_that_runs_is_believed() -> None:
    clock = SystemClock()
    assert abs(clock.now_ms() - time.time() * 1000) < 1_000
    assert clock.now_ms() >= clock.now_ms() - 1


@pytest.mark.parametrize("minutes", [-16, 16, 360 * 24 * 60])
def test_a_clock_that_jumps_stops_the_broker(monkeypatch: pytest.MonkeyPatch, minutes: int) -> None:
    clock = SystemClock()
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() + minutes * 60_000_000_000)
    with pytest.raises(SetupError, match="clock was set"):
        clock.now_ms()


def test_a_clock_that_is_corrected_a_little_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SystemClock()
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() + 60_000_000_000)
    clock.now_ms()


def test_a_log_ahead_of_the_clock_is_not_added_to() -> None:
    """Its times never go back: to go on would put the future's time on everything."""
    log, sender = MemoryLog(), Sender()
    log.admit(sender.epoch())
    envelope = sender.signals()
    log.decide(envelope, now_ms=NOW_MS - MAX_CLOCK_SKEW_MS)
    with pytest.raises(SetupError, match="ahead of this machine's clock"):
        log.decide(envelope, now_ms=NOW_MS - MAX_CLOCK_SKEW_MS - 1)


def test_a_sender_has_few_live_epochs() -> None:
    log, sender, other = MemoryLog(), Sender(), Sender("ibd")
    for _ in range(MAX_LIVE_EPOCHS):
        log.admit(sender.epoch())
    with pytest.raises(RefusedError) as refused:
        log.decide(one_more := sender.epoch())
    assert refused.value.reason is Reason.QUOTA
    log.admit(other.epoch())
    # An hour later they carry nothing more, and count no more.
    log.admit(one_more, now_ms=NOW_MS + MAX_EPOCH_AGE_MS)
