# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The broker's log lines, on their way to whoever collects them: a full pipe or a stopped terminal stops no broker.

A thread writes; what it cannot get rid of waits, up to a number of lines, and what comes then is left out and counted.
"""

from __future__ import annotations

import json
import os
import queue
import threading
import time

_MOST_WAITING = 10_000
_PATIENCE_SECONDS = 0.5


class LogOutput:
    """What ``structlog.WriteLogger`` asks of a file, over a file descriptor."""

    def __init__(self, descriptor: int, most_waiting: int = _MOST_WAITING) -> None:
        self._descriptor = descriptor
        self._waiting: queue.Queue[bytes] = queue.Queue(most_waiting)
        self._left_out = 0
        self._counting = threading.Lock()
        threading.Thread(target=self._run, name="seinpost-log", daemon=True).start()

    def write(self, text: str) -> int:
        """Take a whole line; returns at once."""
        try:
            self._waiting.put_nowait(text.encode())
        except queue.Full:
            with self._counting:
                self._left_out += 1
        return len(text)

    def flush(self) -> None:
        """Nobody waits: see ``close``."""

    def _run(self) -> None:
        while True:
            data = self._waiting.get()
            with self._counting:
                left_out, self._left_out = self._left_out, 0
            if left_out:
                line = {
                    "event": "log lines left out: nobody took them",
                    "level": "warning",
                    "lines": left_out,
                }
                data += json.dumps(line).encode() + b"\n"
            try:
                # Not through a file object: who ends meanwhile would wait for its lock.
                while data:
                    data = data[os.write(self._descriptor, data) :]
            except OSError:
                pass
            finally:
                self._waiting.task_done()

    def close(self) -> None:
        """Wait until everything is written, for half a second at most."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while self._waiting.unfinished_tasks and time.monotonic() < deadline:
            time.sleep(0.005)
