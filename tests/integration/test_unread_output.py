# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A terminal that was stopped, a collector of logs that hangs: broker and witnesses go on."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from harness.enclave import close, make_enclave, wait_for_port
from harness.samples import signal
from harness.witnessed import WITNESSES

import seinpost

pytestmark = pytest.mark.nats


@contextmanager
def full_pipe() -> Iterator[int]:
    """The end of a pipe into which nothing more goes; nobody reads it."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    try:
        while True:
            os.write(write, b"\n" * 4_096)
    except BlockingIOError:
        os.set_blocking(write, True)
    try:
        yield write
    finally:
        os.close(read)
        os.close(write)


def started(unread: int, stdout: int, *command: str | Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", *map(str, command)], stdout=stdout, stderr=unread)


async def test_signals_are_proven_although_nobody_reads_what_is_said(tmp_path: Path) -> None:
    enclave = make_enclave(tmp_path / "e", *WITNESSES, witnesses=True)
    witnesses: list[subprocess.Popen[bytes]] = []
    with full_pipe() as unread:
        broker = started(unread, subprocess.PIPE, "seinpost_broker", "run", enclave.path, "--no-witnesses")
        enclave.broker = broker
        assert broker.stdout is not None
        try:
            async with asyncio.timeout(60):
                assert (await asyncio.to_thread(broker.stdout.readline)).startswith(b"ready")
            for party in WITNESSES:
                config = enclave.config(f"{party}-witness")
                witnesses.append(started(unread, unread, "seinpost", "witness", config))
            async with seinpost.connect(enclave.config("ncsc"), on_alarm=lambda _: None) as post:
                for number in range(3):
                    sent = signal(f"Ongelezen {number}")
                    answer = await post.publish(sent, theme="process", classification="depv")
                    await post.wait_audited(answer, 60)
        finally:
            enclave.stop()
            for witness in witnesses:
                close(witness)


def test_a_broker_ends_although_nobody_reads_what_it_said(tmp_path: Path) -> None:
    enclave = make_enclave(tmp_path / "e", "ncsc")
    with full_pipe() as unread:
        broker = started(unread, unread, "seinpost_broker", "run", enclave.path, "--no-witnesses")
        try:
            wait_for_port(enclave.port)
            # A second one finds the first, says so, and ends.
            second = started(unread, unread, "seinpost_broker", "publish-register", enclave.path, "none")
            assert second.wait(30) == 4
            broker.terminate()
            assert broker.wait(30) == 0
        finally:
            enclave.broker = broker
            enclave.stop()
