# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Output that nobody waits for: a full pipe or a stopped terminal must not stop whoever has other duties.

A thread writes; what it cannot get rid of waits, up to a number of lines, and what comes then is left out and counted.
"""

from __future__ import annotations

import os
import queue
import threading
import time

_MOST_WAITING = 1_000
_PATIENCE_SECONDS = 0.5


class Aside:
    """Writes lines to a file descriptor; a reader that went away ends that quietly."""

    def __init__(self, descriptor: int, most_waiting: int = _MOST_WAITING) -> None:
        self._descriptor = descriptor
        self._waiting: queue.Queue[str] = queue.Queue(most_waiting)
        self._left_out = 0
        self._counting = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="seinpost-output", daemon=True)
        self._thread.start()

    def say(self, line: str) -> None:
        """One line, without its end; returns at once."""
        try:
            self._waiting.put_nowait(line)
        except queue.Full:
            with self._counting:
                self._left_out += 1

    def _run(self) -> None:
        while True:
            line = self._waiting.get()
            with self._counting:
                left_out, self._left_out = self._left_out, 0
            if left_out:
                line = f"{line}\n({left_out} lines left out: nobody took them)"
            try:
                # Not through a file object: who ends meanwhile would wait for its lock.
                self._write(f"{line}\n".encode())
            except OSError:
                pass
            finally:
                self._waiting.task_done()

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._descriptor, data) :]

    def close(self) -> None:
        """Wait until everything is written, for half a second at most."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while self._waiting.unfinished_tasks and time.monotonic() < deadline:
            time.sleep(0.005)
