# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Output that nobody waits for: a full pipe or a stopped terminal must not stop whoever has other duties.

A thread writes; what it cannot get rid of waits, up to a number of lines. What comes then is left out, and the next
line that finds room says how many were. What is said once only, such as an alarm, always finds room.
"""

from __future__ import annotations

import os
import queue
import select
import threading
import time
from collections.abc import Callable
from typing import TextIO

_MOST_WAITING = 1_000
_PATIENCE_SECONDS = 0.5
_NOWHERE = -1


class Aside:
    """Lines for a stream; one that is closed, or that nobody reads any more, takes them without a word."""

    def __init__(
        self,
        stream: TextIO | None,
        left_out: Callable[[int], str],
        most_waiting: int = _MOST_WAITING,
    ) -> None:
        # Not through the file object: who ends while the thread is in its write would wait for its lock. A stream
        # that was closed when the program began is None, and its number may be another file's by now.
        self._stream = stream
        self._descriptor = stream.fileno() if stream is not None else _NOWHERE
        self._encoding = (stream.encoding if stream is not None else None) or "utf-8"
        self._say_left_out = left_out
        self._most_waiting = most_waiting
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._waiting = 0
        self._left_out = 0
        self._counting = threading.Lock()
        threading.Thread(target=self._run, name="seinpost-output", daemon=True).start()

    def say(self, line: str, *, always: bool = False) -> None:
        """One line, without its end; returns at once. ``always``: also when there is no room."""
        with self._counting:
            if self._waiting >= self._most_waiting and not always:
                self._left_out += 1
                return
            if self._left_out:
                line = f"{self._say_left_out(self._left_out)}\n{line}"
                self._left_out = 0
            self._waiting += 1
            self._lines.put(line)

    def _run(self) -> None:
        while True:
            line = self._lines.get()
            try:
                self._write(f"{line}\n".encode(self._encoding, "backslashreplace"))
                lost = 0
            except OSError:
                lost = 1
            with self._counting:
                self._waiting -= 1
                self._left_out += lost

    def _write(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:
                # Another program made it so, on the same terminal.
                select.select([], [self._descriptor], [])

    def close(self) -> None:
        """Wait until everything is written, for half a second at most."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while self._waiting and time.monotonic() < deadline:
            time.sleep(0.005)
