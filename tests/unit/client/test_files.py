# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Files that are whole or not there: on a real disk that fills up, and wherever a step fails."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from seinpost._files import NewFile, write_together, write_whole
from seinpost_schemas.errors import SetupError, UnavailableError

PASSPHRASE = "een lange wachtwoordzin"
COMMANDS = {
    "keygen": (["keygen", "a.key", "--party", "ap", "--name", "ap-1"], "a.key.request.json"),
    "register key": (["register", "key", "a.key", "--name", "bzk-3"], "a.key.vkey"),
}


def left_in(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir()}


def pair(folder: Path) -> Sequence[NewFile]:
    return [
        NewFile(folder / "a.key", b"secret" * 100, secret=True),
        NewFile(folder / "a.request", b"public" * 100),
    ]


def test_files_are_made_together_the_secret_one_for_its_owner_alone(tmp_path: Path) -> None:
    write_together(pair(tmp_path))
    assert left_in(tmp_path) == {"a.key", "a.request"}
    assert stat.S_IMODE((tmp_path / "a.key").stat().st_mode) == 0o600
    assert (tmp_path / "a.request").read_bytes() == b"public" * 100


@pytest.mark.parametrize("there", ["a.key", "a.request"])
def test_nothing_is_made_when_one_is_there(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_bytes(b"before")
    with pytest.raises(SetupError, match="exists already"):
        write_together(pair(tmp_path))
    assert (left_in(tmp_path), (tmp_path / there).read_bytes()) == ({there}, b"before")


# Two files: each of these is called twice, and fsync for their folder too.
CALLS = [(call, n) for call in ("mkstemp", "fchmod", "fsync", "link") for n in (1, 2)] + [
    ("fsync", 3),
    ("fsync", 4),
]


@pytest.mark.parametrize(("call", "nth"), CALLS)
def test_whichever_step_fails_nothing_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, nth: int
) -> None:
    calls = 0
    module = "tempfile" if call == "mkstemp" else "os"
    right: Callable[..., object] = getattr(sys.modules[module], call)

    def fails(*arguments: object, **named: object) -> object:
        nonlocal calls
        calls += 1
        if calls == nth:
            raise OSError(28, "No space left on device")
        return right(*arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(f"seinpost._files.{module}.{call}", fails)
        with pytest.raises(UnavailableError, match="nothing was changed"):
            write_together(pair(tmp_path))
    assert calls == nth
    assert left_in(tmp_path) == set()


def test_a_replacement_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "register.toml"
    path.write_bytes(b"before")
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(5, "Input/output error")))
        with pytest.raises(UnavailableError, match="nothing was changed"):
            write_whole(path, b"after")
    assert (left_in(tmp_path), path.read_bytes()) == ({"register.toml"}, b"before")


# -- real disks -----------------------------------------------------------------------------------

SCRIPT = """
import os, resource, sys
limit = int(sys.argv.pop(1))
if limit >= 0:
    # Writes are cut short at this many bytes, as a full disk cuts them.
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
os.environ["SEINPOST_PASSPHRASE"] = sys.argv.pop(1)
from seinpost.cli import main
main()
"""


def outcome(done: subprocess.CompletedProcess[str], folder: Path, public: str) -> bool:
    """Whether it was written; and then both files, whole, or else none, and one line that says so."""
    assert "Traceback" not in done.stderr, done.stderr
    assert PASSPHRASE not in done.stdout + done.stderr
    if done.returncode == 0:
        assert left_in(folder) == {"a.key", public}
        return True
    (line,) = done.stderr.splitlines()
    assert (done.returncode, "nothing was changed" in line) == (4, True), line
    assert left_in(folder) == set()
    return False


@pytest.mark.parametrize("command", COMMANDS)
def test_writes_that_are_cut_short_leave_nothing(tmp_path: Path, command: str) -> None:
    words, public = COMMANDS[command]
    found = []
    for limit in (0, 1, 300, 2_000, 100_000):
        folder = tmp_path / str(limit)
        folder.mkdir()
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(limit), PASSPHRASE, *words],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=60,
        )
        found.append(outcome(done, folder, public))
    # At 2,000 bytes the key is written whole, and what goes beside it is not.
    assert found == [False, False, False, False, True]


def namespaces() -> bool:
    """Whether this user may mount something of its own."""
    probe = ["unshare", "--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return shutil.which("unshare") is not None and subprocess.run(probe, capture_output=True).returncode == 0


@pytest.mark.skipif(not namespaces(), reason="no mount in a user namespace here; cut writes are tried above")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_disk_that_is_full_leaves_nothing(tmp_path: Path, command: str) -> None:
    """A file system of its own in memory, a page larger each time."""
    words, public = COMMANDS[command]
    disk, kept = tmp_path / "disk", tmp_path / "kept"
    disk.mkdir()
    found = []
    for pages in range(1, 8):
        shutil.rmtree(kept, ignore_errors=True)
        script = (
            'mount -t tmpfs -o nr_blocks="$1" tmpfs "$2" && cd "$2" && shift 3 && '
            '"$@"; status=$?; cp -a . "$KEPT"; exit $status'
        )
        done = subprocess.run(
            ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", str(pages), disk, "--",
             sys.executable, "-c", SCRIPT, "-1", PASSPHRASE, *words],
            env={**os.environ, "KEPT": str(kept)},
            capture_output=True,
            text=True,
            timeout=60,
        )  # fmt: skip
        found.append(outcome(done, kept, public))
    # As long as there is no room for both there is nothing.
    assert found == sorted(found)
    assert found[0] is False
    assert found[-1] is True
