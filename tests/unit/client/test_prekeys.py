# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""When a KEM key is made, stated again and destroyed: decided without a clock, a disk or a network."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest

from seinpost import _prekeys
from seinpost._keyring import HeldPrekey
from seinpost._prekeys import Plan, plan
from seinpost.delivery import Alarm
from seinpost_schemas.policy import Prekey

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
T0 = 1_790_000_000_000


def held(number: int, made_ms: int = T0) -> HeldPrekey:
    return HeldPrekey(bytes([number]) * 16, number, b"statement %d" % number, made_ms)


def logged(number: int, at_ms: int = T0) -> Prekey:
    return Prekey(number, b"", bytes([number]) * 16, 5, at_ms)


def test_who_has_none_makes_the_first() -> None:
    assert plan(None, [], {}, None, T0) == Plan(make=1)


def test_a_key_on_its_way_is_stated_again_and_no_other_is_made() -> None:
    assert plan(None, [held(1)], {}, None, T0) == Plan(send=held(1))
    assert plan(logged(1), [held(1), held(2)], {}, None, T0 + 2 * DAY_MS) == Plan(send=held(2))


@pytest.mark.parametrize(("age_ms", "make"), [(0, None), (DAY_MS - 1, None), (DAY_MS, 2), (9 * DAY_MS, 2)])
def test_a_new_one_is_made_after_a_day(age_ms: int, make: int | None) -> None:
    assert plan(logged(1), [held(1)], {}, None, T0 + age_ms) == Plan(make=make)


def test_a_clock_that_was_put_back_makes_no_key() -> None:
    assert plan(logged(1), [held(1)], {}, None, T0 - 9 * DAY_MS) == Plan()


def test_a_broker_whose_clock_was_ahead_does_not_make_a_key_last() -> None:
    ahead = logged(1, T0 + 365 * DAY_MS)
    assert plan(ahead, [held(1)], {}, None, T0 + DAY_MS - 1) == Plan()
    assert plan(ahead, [held(1)], {}, None, T0 + DAY_MS) == Plan(make=2)
    # And the other way round: this machine's was.
    assert plan(logged(1), [held(1, T0 + 365 * DAY_MS)], {}, None, T0 + DAY_MS) == Plan(make=2)


def test_who_lost_its_keys_makes_one_at_once_above_the_last() -> None:
    assert plan(logged(41), [], {}, None, T0) == Plan(make=42)
    # Another machine has this identity too, and states keys of its own: ours is not in force.
    assert plan(logged(41), [held(40)], {bytes([40]) * 16: T0}, None, T0) == Plan(make=42)


def test_a_key_goes_when_every_log_was_read_two_hours_past_its_successor() -> None:
    both, gave_way = [held(1), held(2)], {bytes([1]) * 16: T0}
    for read_to_ms in (None, 0, T0 + 2 * HOUR_MS - 1):
        assert plan(logged(2), both, gave_way, read_to_ms, T0).destroy == ()
    assert plan(logged(2), both, gave_way, T0 + 2 * HOUR_MS, T0).destroy == (bytes([1]) * 16,)


def test_the_newest_key_and_one_on_its_way_are_never_destroyed() -> None:
    far = T0 + 400 * DAY_MS
    todo = plan(logged(2), [held(1), held(2), held(3)], {bytes([1]) * 16: T0}, far, far)
    assert todo == Plan(send=held(3), destroy=(bytes([1]) * 16,))


def test_a_key_that_was_overtaken_before_it_was_logged_goes_at_once() -> None:
    """Nobody can have sealed to it: the directory never held it."""
    todo = plan(logged(5), [held(3), held(5)], {}, None, T0)
    assert todo == Plan(destroy=(bytes([3]) * 16,))
    todo = plan(logged(1), [held(1), held(2), held(3)], {}, None, T0)
    assert todo == Plan(send=held(3), destroy=(bytes([2]) * 16,))


async def test_keys_that_cannot_be_replaced_are_said_once_and_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_prekeys, "_LOOK_SECONDS", 0.001)
    alarms: list[Alarm] = []
    keeping = _prekeys.Prekeys.__new__(_prekeys.Prekeys)
    keeping._on_alarm, keeping._failing = alarms.append, False
    looks: list[int] = []

    async def look() -> float:
        looks.append(1)
        if len(looks) in (4, 5):
            return 0.001
        raise sqlite3.OperationalError("near a secret")

    keeping._look = look  # type: ignore[method-assign]
    running = asyncio.ensure_future(keeping.run())
    while len(looks) < 9:
        await asyncio.sleep(0.001)
    running.cancel()
    assert [a.code for a in alarms] == ["keys-stand-still"] * 2
    assert not any("secret" in a.message for a in alarms)
