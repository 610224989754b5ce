# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A folder in which the commands of a runbook are run as they stand, one after another."""

from __future__ import annotations

import contextlib
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from .enclave import Enclave, free_port

PASSPHRASE = "een lange wachtwoordzin"


class Folder:
    """Where the commands of a runbook are run, one after another."""

    def __init__(self, path: Path, port: int) -> None:
        self.path = path
        self.port = port
        self.fingerprint = ""
        self.enclave: Enclave | None = None
        self.ran: list[str] = []

    def run(self, line: str) -> str:
        """Run one line; what it printed."""
        words = shlex.split(line.replace("FINGERPRINT", self.fingerprint or "none"))
        if words[:2] == ["seinpost-broker", "init"]:
            parties = [w for p in ("ncsc", "bzk", "tafel", "om") for w in ("--party", p)]
            words += ["--port", str(self.port), *parties]
        if words[:2] == ["seinpost-broker", "prepare"]:
            words += ["--port", str(free_port())]
        if words[:2] == ["seinpost-broker", "run"]:
            self.serve(self.path / words[2])
            self.ran.append(line)
            return ""
        module = {"seinpost": "seinpost", "seinpost-broker": "seinpost_broker"}[words[0]]
        done = subprocess.run(
            [sys.executable, "-m", module, *words[1:]],
            cwd=self.path,
            capture_output=True,
            text=True,
            timeout=90,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        if words[1] == "keygen":
            (self.fingerprint,) = re.findall(r"^  ([0-9a-f]{64})$", done.stdout, re.MULTILINE)
        self.ran.append(line)
        return done.stdout

    def serve(self, path: Path) -> None:
        """Run a broker: the first one stays, any other shows that it serves."""
        enclave = Enclave(path, self.port)
        enclave.start()
        if self.enclave is None:
            self.enclave = enclave
        else:
            enclave.stop()


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Folder]:
    """A folder with a passphrase in pass.txt; what was started in it ends with it."""
    passphrase = path / "pass.txt"
    passphrase.write_text(PASSPHRASE + "\n")
    passphrase.chmod(0o600)
    made = Folder(path, free_port())
    yield made
    if made.enclave is not None:
        made.enclave.stop()


def blocks(text: str) -> list[list[str]]:
    """The indented blocks of a document, a list of lines each."""
    found: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.startswith("    "):
            found[-1].append(line[4:])
        elif line.strip() and found[-1]:
            found.append([])
    return [b for b in found if b]
