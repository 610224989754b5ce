# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Output of what must go on although nobody takes it: of a witness, and of a broker."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable

import pytest

from seinpost.cli._aside import Aside
from seinpost_broker.adapters.log_output import LogOutput


def full_pipe() -> tuple[int, int]:
    """A pipe into which nothing more goes: (end to read, end to write)."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    try:
        while True:
            os.write(write, b"\n" * 4_096)
    except BlockingIOError:
        os.set_blocking(write, True)
        return read, write


def aside(descriptor: int) -> tuple[Callable[[str], object], Callable[[], None]]:
    made = Aside(descriptor, 4)
    return made.say, made.close


def log_output(descriptor: int) -> tuple[Callable[[str], object], Callable[[], None]]:
    made = LogOutput(descriptor, 4)
    return lambda line: made.write(line + "\n"), made.close


def lines_of(read: int, until: str) -> list[str]:
    data = b""
    while until.encode() not in data:
        data += os.read(read, 65_536)
    return data.decode().split()


@pytest.mark.parametrize("make", [aside, log_output])
def test_nobody_waits_for_a_full_pipe_and_what_was_left_out_is_counted(
    make: Callable[[int], tuple[Callable[[str], object], Callable[[], None]]],
) -> None:
    read, write = full_pipe()
    say, close = make(write)
    begun = time.monotonic()
    say("line-0")
    # The thread holds that one by now, and four more have room.
    time.sleep(0.2)
    for number in range(1, 11):
        say(f"line-{number}")
    close()
    assert time.monotonic() - begun < 5
    found = lines_of(read, "left out")
    assert [x for x in found if x.startswith("line-")][:2] == ["line-0", "line-1"]
    assert any("6" in x for x in found)
    say("at last")
    assert "last" in lines_of(read, "at last")


@pytest.mark.parametrize("make", [aside, log_output])
def test_a_reader_that_went_away_stops_nobody(
    make: Callable[[int], tuple[Callable[[str], object], Callable[[], None]]],
) -> None:
    read, write = os.pipe()
    os.close(read)
    say, close = make(write)
    for number in range(20):
        say(f"line {number}")
        close()


def test_left_out_log_lines_are_told_of_in_a_line_of_json() -> None:
    read, write = full_pipe()
    say, _ = log_output(write)
    for number in range(20):
        say(json.dumps({"event": str(number)}))
    data = b""
    while b"left out" not in data:
        data += os.read(read, 65_536)
    rows = [json.loads(line) for line in data.decode().split("\n") if line.strip()]
    assert sum(row.get("lines", 0) for row in rows) >= 15


def test_everything_is_written_when_somebody_reads() -> None:
    read, write = os.pipe()
    made = Aside(write)
    for number in range(100):
        made.say(str(number))
    made.close()
    assert os.read(read, 65_536).decode().split() == [str(number) for number in range(100)]
