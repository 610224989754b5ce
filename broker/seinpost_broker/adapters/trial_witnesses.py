# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The witnesses whose identities still lie in the enclave's own directory: for trials, beside our own nats-server.

In use each party runs its witness itself, on its own machine: that is what makes it worth something. The broker's
package holds none of their code; it runs the command.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import functools
import os
import signal
import sys
from pathlib import Path

import structlog

_AGAIN_SECONDS = 1.0
_PR_SET_PDEATHSIG = 1
_prctl = getattr(ctypes.CDLL(None), "prctl", None)
_log = structlog.get_logger("witnesses")


def find_configs(directory: Path) -> list[Path]:
    """The configurations of witnesses whose key files are here."""
    configs = sorted(directory.glob("*-witness.toml"))
    return [c for c in configs if (directory / "identities" / f"{c.stem}.key").exists()]


class TrialWitnesses:
    """One process with all of them, started again when it ends by itself."""

    def __init__(self, configs: list[Path], log: Path) -> None:
        self._configs = configs
        self._log = log

    async def supervise(self) -> None:
        """Run them until cancelled."""
        if not self._configs:
            return
        _log.warning(
            "witnesses run here, which is for trials only", witnesses=[c.stem for c in self._configs]
        )
        while True:
            with self._log.open("ab") as log:
                process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "seinpost",
                    "witness",
                    *map(str, self._configs),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    preexec_fn=functools.partial(_end_with, os.getpid()),
                )
            try:
                code = await process.wait()
            finally:
                if process.returncode is None:
                    with contextlib.suppress(ProcessLookupError):
                        process.kill()
                    await process.wait()
            _log.error("witnesses ended; starting them again", code=code)
            await asyncio.sleep(_AGAIN_SECONDS)


def _end_with(parent: int) -> None:
    """In the new process: end when its parent does, also when that is killed outright (Linux, prctl(2))."""
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        # It ended before this was asked for.
        os.kill(os.getpid(), signal.SIGKILL)
