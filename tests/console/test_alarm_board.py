# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Alarms as the table works with them: nothing leaves the top while it lasts, and nothing is forgotten."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from seinpost.alarm_words import ADVICE, ALARMS
from seinpost.console.alarm_board import PASSING, AlarmBoard
from seinpost.delivery import Alarm


def alarm(code: str = "stale-checkpoint", place: str = "depv/process", sender: str | None = None) -> Alarm:
    return Alarm(code=code, message=f"{code} in {place}", compartment=place, sender=sender)


def test_alarms_of_one_kind_are_one_line_with_all_their_places() -> None:
    board = AlarmBoard()
    board.note(alarm(), 10)
    board.note(alarm(place="ong/debate"), 20)
    board.note(alarm(), 30)
    board.note(alarm("fork", sender="ncsc"), 25)
    first, second = board.open()
    assert (first.code, first.times, first.first_ms, first.last_ms) == ("stale-checkpoint", 3, 10, 30)
    assert first.places == ["depv/process", "ong/debate"]
    assert (second.code, second.senders) == ("fork", ["ncsc"])


@pytest.mark.parametrize(
    ("confirmed", "over"),
    [
        ({}, False),
        ({"depv/process": 10}, False),
        ({"depv/process": 11, "ong/debate": 9}, True),
        ({"ong/debate": 99}, False),
    ],
)
def test_a_passing_alarm_is_put_aside_only_when_every_log_of_it_was_confirmed_since(
    confirmed: dict[str, int], over: bool
) -> None:
    board = AlarmBoard()
    board.note(alarm(), 10)
    assert board.open()[0].is_over(confirmed) is over
    assert board.resolve("stale-checkpoint", "2041", 40, confirmed) is over
    assert bool(board.open()) is not over
    (held,) = board.all()
    assert held.resolved_by == ("2041" if over else None)


def test_what_is_a_fact_is_never_over_and_is_put_aside_once_it_was_looked_into() -> None:
    board = AlarmBoard()
    board.note(alarm("split-view"), 10)
    assert not board.open()[0].is_over({"depv/process": 99})
    assert board.resolve("split-view", None, 20, {})
    assert board.open() == []
    assert not board.resolve("split-view", None, 30, {})
    assert not board.resolve("never-came", None, 30, {})


def test_what_was_put_aside_comes_back_as_soon_as_it_happens_again() -> None:
    board = AlarmBoard()
    board.note(alarm("split-view"), 10)
    board.resolve("split-view", "2041", 20, {})
    board.note(alarm("split-view", "ong/debate"), 30)
    (back,) = board.open()
    assert (back.first_ms, back.times, back.resolved_by) == (30, 2, None)


def test_every_alarm_of_a_reader_has_a_sentence_and_says_what_to_do() -> None:
    assert set(ADVICE) == set(ALARMS)
    assert set(ADVICE) >= PASSING
    text = (Path(__file__).parents[2] / "docs/glossary.md").read_text()
    listed = set(re.findall(r"(?m)^\| `([a-z-]+)` \|", text.partition("alarm")[2]))
    # A witness's own.
    assert listed - {"unasked"} <= set(ALARMS)
    assert len(listed) > 20
