# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Output of what must go on although nobody takes it: of a witness, and of a broker."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from typing import TextIO

import pytest

from seinpost.cli._aside import Aside
from seinpost_broker.adapters.log_output import LogOutput

ROOM = 4
Said = tuple[Callable[[str], object], Callable[[], None]]


class Pipes:
    """Makes pipes, (end to read, end to write), and closes them when the test is over."""

    def __init__(self) -> None:
        self._open: list[TextIO] = []

    def empty(self, encoding: str = "utf-8") -> tuple[TextIO, TextIO]:
        read, write = os.pipe()
        self._open += [os.fdopen(read), os.fdopen(write, "w", encoding=encoding)]
        return self._open[-2], self._open[-1]

    def full(self, *, blocking: bool = True) -> tuple[TextIO, TextIO]:
        """Nothing more goes into it."""
        read, write = self.empty()
        os.set_blocking(write.fileno(), False)
        try:
            while True:
                os.write(write.fileno(), b"\n" * 4_096)
        except BlockingIOError:
            os.set_blocking(write.fileno(), blocking)
        return read, write

    def close(self) -> None:
        for stream in self._open:
            stream.close()


@pytest.fixture
def pipes() -> Iterator[Pipes]:
    made = Pipes()
    yield made
    made.close()


def aside(stream: TextIO | None) -> Said:
    made = Aside(stream, lambda lines: json.dumps({"lines": lines}), ROOM)
    return made.say, made.close


def log_output(stream: TextIO | None) -> Said:
    made = LogOutput(stream, ROOM)
    return lambda line: made.write(line + "\n"), made.close


def rows_of(stream: TextIO, until: str) -> list[dict[str, object]]:
    """The JSON lines that are read until one with that text."""
    rows = []
    for line in stream:
        if line.strip():
            rows.append(json.loads(line))
        if until in line:
            break
    return rows


def row(number: int) -> str:
    return json.dumps({"number": number})


@pytest.mark.parametrize("blocking", [True, False])
@pytest.mark.parametrize("make", [aside, log_output])
def test_nobody_waits_for_a_full_pipe_and_what_was_left_out_is_counted(
    make: Callable[[TextIO], Said], blocking: bool, pipes: Pipes
) -> None:
    read, write = pipes.full(blocking=blocking)
    say, close = make(write)
    begun = time.monotonic()
    for number in range(10):
        say(row(number))
    close()
    assert time.monotonic() - begun < 5
    told: list[dict[str, object]] = []
    while sum("number" in r for r in told) < ROOM:
        told += rows_of(read, '"number"')
    assert [r["number"] for r in told] == [0, 1, 2, 3]
    close()
    say(row(10))
    # Where the gap is, between what was said before it and after it.
    notice, last = rows_of(read, '"number": 10')
    assert (notice["lines"], last["number"]) == (6, 10)


@pytest.mark.parametrize("make", [aside, log_output])
def test_a_reader_that_went_away_stops_nobody(make: Callable[[TextIO], Said], pipes: Pipes) -> None:
    read, write = pipes.empty()
    read.close()
    say, close = make(write)
    for number in range(20):
        say(row(number))
        close()


@pytest.mark.parametrize("make", [aside, log_output])
def test_a_stream_that_was_closed_at_the_start_takes_everything(make: Callable[[None], Said]) -> None:
    say, close = make(None)
    for number in range(20):
        say(row(number))
        close()


def test_an_alarm_finds_room_where_nothing_else_does(pipes: Pipes) -> None:
    read, write = pipes.full()
    said = Aside(write, lambda lines: json.dumps({"lines": lines}), ROOM)
    for number in range(10):
        said.say(row(number))
    said.say(json.dumps({"alarm": "split-view"}), always=True)
    told = rows_of(read, "split-view")
    assert told[-2:] == [{"lines": 6}, {"alarm": "split-view"}]


@pytest.mark.parametrize("make", [aside, log_output])
def test_everything_is_written_when_somebody_reads(make: Callable[[TextIO], Said], pipes: Pipes) -> None:
    read, write = pipes.empty()
    say, close = make(write)
    for number in range(100):
        say(row(number))
        close()
    assert [r["number"] for r in rows_of(read, '"number": 99')] == list(range(100))


def test_what_a_terminal_cannot_show_is_written_as_an_escape(pipes: Pipes) -> None:
    read, write = pipes.empty("ascii")
    made = Aside(write, str)
    made.say("één")
    assert os.read(read.fileno(), 100) == b"\\xe9\\xe9n\n"
