# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Live: `seinpost-broker drift` finds nothing on a server that follows its register, and everything else."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.enclave import Enclave, run_broker_command
from harness.raw import hub
from harness.registrar import Desk

from seinpost_broker.core.layout import Consumer, Stream

pytestmark = pytest.mark.nats
NewEnclave = Callable[..., Enclave]


def settled(enclave: Enclave) -> None:
    """Until the broker has followed what was published; fails when it does not come to that."""
    deadline = time.monotonic() + 20
    while (done := run_broker_command("drift", enclave.path)).status != 0:
        assert time.monotonic() < deadline, done
    assert done.stdout == "the server is what the register says\n"


def differences(enclave: Enclave) -> list[str]:
    done = run_broker_command("drift", enclave.path, "--json")
    assert done.status == 1, done
    found: list[str] = json.loads(done.stdout)["differences"]
    return found


async def test_drift_is_found_and_named(new_enclave: NewEnclave, tmp_path: Path) -> None:
    enclave = new_enclave("ncsc", "tafel")
    enclave.start()
    settled(enclave)
    # A revoked identity leaves nothing behind; rendering again changes nothing.
    desk = Desk(enclave, tmp_path)
    assert desk.publish(desk.revoke("ncsc-1")).status == 0
    settled(enclave)
    for _ in range(2):
        assert run_broker_command("render", enclave.path).stdout.endswith(": unchanged\n")

    # A server that loaded something else, though the file is as it should be.
    config = enclave.directory.nats_config
    right = config.read_text()
    (pid,) = enclave.nats_pids()
    config.write_text(right.replace("max_payload: 1MB", "max_payload: 2MB"))
    nats_log = enclave.path / "nats" / "nats.log"
    reloads = nats_log.read_text().count("Reloaded server")
    os.kill(pid, signal.SIGHUP)
    deadline = time.monotonic() + 20
    while nats_log.read_text().count("Reloaded server") == reloads:
        assert time.monotonic() < deadline
    config.write_text(right)
    (line,) = differences(enclave)
    assert "the server has loaded something else" in line
    os.kill(pid, signal.SIGHUP)
    settled(enclave)

    seed, _ = enclave.directory.load_secrets()
    async with hub(enclave.url, seed) as bus:
        await bus.ensure_stream(Stream(name="EXTRA", subjects=("extra.>",)))
        await bus.ensure_consumer(
            Consumer(stream="ANSWERS", name="ncsc-1", filter_subject="seinpost.answer.ncsc")
        )
        await bus.remove_consumer(Consumer(stream="ANSWERS", name="tafel-1"))
        custody = Stream(name="CUSTODY", subjects=("seinpost.custody.>",), max_messages_per_subject=1)
        await bus.ensure_stream(custody)
    config.write_text(config.read_text().replace("max_payload: 1MB", "max_payload: 8MB"))
    found = differences(enclave)
    for part in (
        "nats.conf is not what the register gives",
        "stream EXTRA is there, and the register does not ask for it",
        "stream CUSTODY: max_messages_per_subject is 1, the register asks for 64",
        "consumer ncsc-1 on ANSWERS is there, and the register does not ask for it",
        "consumer tafel-1 on ANSWERS is missing",
    ):
        assert len([x for x in found if part in x]) == 1, found
    assert len(found) == 5


def test_a_server_that_is_not_there_is_status_3(new_enclave: NewEnclave) -> None:
    done = run_broker_command("drift", new_enclave("tafel").path)
    assert (done.status, "no server answers" in done.error) == (3, True)
