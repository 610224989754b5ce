# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""One process at a time per identity, and the operating system's word for it."""

from __future__ import annotations

import asyncio
import select
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from seinpost._lock import Lock
from seinpost_schemas.errors import SetupError

HOLD = """
import asyncio, sys
from pathlib import Path
from seinpost._lock import Lock

async def hold():
    lock = Lock(Path(sys.argv[1]))
    await lock.acquire(lambda: None)
    print("held", flush=True)
    await asyncio.to_thread(sys.stdin.read)

asyncio.run(hold())
"""


@contextmanager
def other_process(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that holds the lock until its standard input ends, or it is killed."""
    command = [sys.executable, "-c", HOLD, str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        assert select.select([process.stdout], [], [], 30)[0]
        assert process.stdout.readline() == b"held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def unexpected() -> None:
    raise AssertionError("nobody else holds it")


async def test_a_free_lock_is_taken_without_a_word(tmp_path: Path) -> None:
    path = tmp_path / "state" / "sending.lock"
    lock = Lock(path)
    await lock.acquire(unexpected)
    await lock.acquire(unexpected)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    lock.release()
    lock.release()
    await lock.acquire(unexpected)
    lock.release()


async def test_a_second_one_in_the_same_process_waits_too(tmp_path: Path) -> None:
    first, second, waited = Lock(tmp_path / "l"), Lock(tmp_path / "l"), []
    await first.acquire(unexpected)
    waiting = asyncio.ensure_future(second.acquire(lambda: waited.append(1)))
    while not waited:
        await asyncio.sleep(0.01)
    assert not waiting.done()
    first.release()
    await waiting
    second.release()


async def test_another_process_is_waited_for_and_it_is_said_once(tmp_path: Path) -> None:
    lock, waited = Lock(tmp_path / "l"), []
    with other_process(tmp_path / "l") as process:
        waiting = asyncio.ensure_future(lock.acquire(lambda: waited.append(1)))
        await asyncio.sleep(0.35)
        assert not waiting.done()
        assert waited == [1]
        assert process.stdin is not None
        process.stdin.close()
        await waiting
        process.stdin = None
    lock.release()


async def test_a_killed_process_leaves_nothing_locked(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "l")
    with other_process(tmp_path / "l") as process:
        process.kill()
        process.wait()
        await lock.acquire(unexpected)
    lock.release()


def open_files(path: Path) -> int:
    """How often this process has the file open."""
    return sum(p.resolve() == path for p in Path("/proc/self/fd").iterdir())


async def test_who_gives_up_waiting_holds_nothing(tmp_path: Path) -> None:
    first, second, third = (Lock(tmp_path / "l") for _ in range(3))
    await first.acquire(unexpected)
    waited: list[int] = []
    waiting = asyncio.ensure_future(second.acquire(lambda: waited.append(1)))
    before = open_files(tmp_path / "l")
    while not waited:
        await asyncio.sleep(0.01)
    assert open_files(tmp_path / "l") == before + 1
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert open_files(tmp_path / "l") == before
    first.release()
    await third.acquire(unexpected)
    third.release()


async def test_a_state_directory_that_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    with pytest.raises(SetupError, match="cannot use the state directory"):
        await Lock(tmp_path / "file" / "l").acquire(unexpected)
