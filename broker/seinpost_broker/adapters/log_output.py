# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What a broker says, on its way to whoever collects it: a full pipe or a stopped terminal stops no broker.

A thread writes; what it cannot get rid of waits, up to a number of lines. What comes then is left out, and the next
line that finds room says how many were.
"""

from __future__ import annotations

import json
import os
import queue
import select
import threading
import time
from datetime import UTC, datetime
from typing import TextIO

_MOST_WAITING = 10_000
_PATIENCE_SECONDS = 0.5
_NOWHERE = -1


class LogOutput:
    """What ``structlog.WriteLogger`` asks of a file."""

    def __init__(self, stream: TextIO | None, most_waiting: int = _MOST_WAITING) -> None:
        # Not through the file object: who ends while the thread is in its write would wait for its lock. A stream
        # that was closed when the program began is None, and its number may be another file's by now.
        self._stream = stream
        self._descriptor = stream.fileno() if stream is not None else _NOWHERE
        self._most_waiting = most_waiting
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._waiting = 0
        self._left_out = 0
        self._counting = threading.Lock()
        threading.Thread(target=self._run, name="seinpost-log", daemon=True).start()

    def write(self, line: str) -> int:
        """Take a whole line with its end; returns at once."""
        with self._counting:
            if self._waiting >= self._most_waiting:
                self._left_out += 1
                return len(line)
            if self._left_out:
                line = f"{_left_out(self._left_out)}\n{line}"
                self._left_out = 0
            self._waiting += 1
            self._lines.put(line)
        return len(line)

    def flush(self) -> None:
        """Nobody waits: see ``close``."""

    def _run(self) -> None:
        while True:
            line = self._lines.get()
            try:
                self._write(line.encode("utf-8", "backslashreplace"))
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


def _left_out(lines: int) -> str:
    row = {
        "lines": lines,
        "event": "lines left out: nobody took them",
        "level": "warning",
        "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
    }
    return json.dumps(row)
