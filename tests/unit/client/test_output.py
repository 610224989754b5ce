# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Commands whose output goes onto a full disk, or to a reader that has gone: one line or none, and a status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from seinpost_schemas.request import decode_request

FULL = Path("/dev/full")
KEYGEN = ("keygen", "a.key", "--party", "ap", "--name", "ap-1")
RAISING = """
import sqlite3, sys
import seinpost.cli as cli, seinpost.cli.receipts as receipts
async def run(*_words, **_named): raise {error}
receipts.run = run
cli.main()
"""


def ended(folder: Path, stdout: int, *command: str) -> tuple[int, list[str]]:
    """The status of a command and its lines on standard error."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        env={**os.environ, "SEINPOST_PASSPHRASE": "een lange wachtwoordzin"},
    )
    return done.returncode, done.stderr.splitlines()


@pytest.mark.parametrize(
    "command",
    [
        ("seinpost", "--help"),
        ("seinpost", "--version"),
        ("seinpost", *KEYGEN),
        ("seinpost", *KEYGEN, "--json"),
        ("seinpost_broker", "--help"),
        ("seinpost_broker", "trial-pki", "new", "pki"),
    ],
)
def test_a_full_disk_is_one_line(tmp_path: Path, command: tuple[str, ...]) -> None:
    with FULL.open("wb") as full:
        status, lines = ended(tmp_path, full.fileno(), "-m", *command)
    assert (status, len(lines)) == (1, 1), lines
    assert lines[0].startswith(command[0].replace("_", "-") + ": ")
    assert "No space left on device" in lines[0]


@pytest.mark.parametrize("command", [("seinpost", "--version"), ("seinpost_broker", "--version")])
def test_a_reader_that_has_gone_is_told_nothing(tmp_path: Path, command: tuple[str, ...]) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        assert ended(tmp_path, write, "-m", *command) == (1, [])
    finally:
        os.close(write)


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        ("sqlite3.OperationalError('database or disk is full')", 4, "database or disk is full"),
        ("PermissionError(13, 'Permission denied', 'a.db')", 1, "cannot use a.db: Permission denied"),
        ("OSError(23, 'Too many open files')", 1, "Too many open files"),
    ],
)
def test_what_the_disk_refuses_is_one_line(tmp_path: Path, error: str, status: int, says: str) -> None:
    words = ("receipts", "--config", "none.toml")
    found, lines = ended(tmp_path, subprocess.DEVNULL, "-c", RAISING.format(error=error), *words)
    assert (found, len(lines)) == (status, 1), lines
    assert says in lines[0]


def test_keygen_gives_programs_the_fingerprint_too(tmp_path: Path) -> None:
    read, write = os.pipe()
    try:
        assert ended(tmp_path, write, "-m", "seinpost", *KEYGEN, "--json") == (0, [])
        row = json.loads(os.read(read, 65_536))
    finally:
        os.close(read)
        os.close(write)
    written = (tmp_path / "a.key.request.json").read_bytes()
    assert row.pop("fingerprint") == decode_request(written).fingerprint().hex()
    assert row == json.loads(written)
