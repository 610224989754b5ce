# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Live: a nats-server that an operator runs, with a file of their own that includes what was rendered."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal as signals
import sys
import time
from collections.abc import Callable
from pathlib import Path

import nats.errors
import pytest
from harness.enclave import Enclave, close, free_port, run_broker_command
from harness.raw import connected, hub
from harness.registrar import Desk
from harness.revoking import revoked_while_everyone_works

pytestmark = [pytest.mark.nats]
NewEnclave = Callable[..., Enclave]
SKEW = "import time\nright = time.time_ns\ntime.time_ns = lambda: right() + {seconds} * 10**9"


class Operator:
    """Runs the server as an operator does: a file of their own around the rendered one."""

    def __init__(
        self, enclave: Enclave, folder: Path, *, copied: bool = False, reload: str | None = None
    ) -> None:
        self.enclave = enclave
        self.folder = folder
        self.taken = folder / "taken.conf" if copied else enclave.directory.nats_config
        if copied:
            self.copy()
        self.main = folder / "nats-server.conf"
        # Monitoring of their own, as an example of what the rendered file does not know.
        self.main.write_text(
            f'http: "127.0.0.1:{free_port()}"\ninclude "{os.path.relpath(self.taken, folder)}"\n'
        )
        self.server = enclave.start_nats(self.main)
        enclave.use_own_nats()
        if reload is not None:
            with (enclave.path / "broker.toml").open("a") as config:
                config.write(f"reload = {json.dumps([sys.executable, '-c', reload])}\n")

    def copy(self) -> None:
        self.taken.write_bytes(self.enclave.directory.nats_config.read_bytes())

    def broker_log(self) -> list[dict[str, str]]:
        lines = (self.enclave.path / "broker.log").read_text().splitlines()
        return [json.loads(x) for x in lines if x.startswith("{")]


def drift(enclave: Enclave) -> list[str]:
    found: list[str] = json.loads(run_broker_command("drift", enclave.path, "--json").stdout)["differences"]
    return found


def settled(enclave: Enclave) -> None:
    """Until nothing differs, which the broker has seconds for after a version is in force."""
    deadline = time.monotonic() + 30
    while found := drift(enclave):
        assert time.monotonic() < deadline, found


@pytest.mark.parametrize("seconds", [0, 600, -600])
async def test_a_revoked_machine_is_out_of_an_operators_server_too(
    new_enclave: NewEnclave, tmp_path: Path, seconds: int
) -> None:
    """Asked by NATS to read its file again; nobody copies, signals or restarts anything."""
    enclave = new_enclave("ncsc", "bzk", "tafel")
    operator = Operator(enclave, tmp_path)
    enclave.start(SKEW.format(seconds=seconds))
    settled(enclave)
    closed, sealed = await revoked_while_everyone_works(enclave, tmp_path)
    print(
        f"an operator's server, clocks {seconds} s apart: closed after {closed:.1f} s, sealed past after {sealed:.1f} s"
    )
    assert max(closed, sealed) < 60
    settled(enclave)
    # It was the same server all along.
    assert operator.server.poll() is None


async def test_where_the_file_must_be_brought_the_operators_command_does_it(
    new_enclave: NewEnclave, tmp_path: Path
) -> None:
    enclave = new_enclave("ncsc", "bzk", "tafel")
    pid_file = tmp_path / "pid"
    source, target = enclave.directory.nats_config, tmp_path / "taken.conf"
    command = (
        f"import os, shutil; shutil.copy({str(source)!r}, {str(target)!r}); "
        f"os.kill(int(open({str(pid_file)!r}).read()), 1)"
    )
    operator = Operator(enclave, tmp_path, copied=True, reload=command)
    pid_file.write_text(str(operator.server.pid))
    enclave.start()
    closed, sealed = await revoked_while_everyone_works(enclave, tmp_path)
    print(f"by the operator's command: closed after {closed:.1f} s, sealed past after {sealed:.1f} s")
    assert max(closed, sealed) < 60
    settled(enclave)


async def test_a_server_that_does_not_take_it_is_said_until_it_does(
    new_enclave: NewEnclave, tmp_path: Path
) -> None:
    """The file is elsewhere and nobody told the broker: it asks in vain, says so, and goes on when it was brought."""
    enclave = new_enclave("ncsc", "tafel")
    operator = Operator(enclave, tmp_path, copied=True)
    enclave.start()
    desk = Desk(enclave, tmp_path)
    seed = enclave.identity("ncsc").nats_seed
    async with connected(enclave.url, seed, "_INBOX_ncsc") as thief:
        assert (await asyncio.to_thread(desk.publish, desk.revoke("ncsc-1"))).status == 0
        async with asyncio.timeout(30):
            while not any(
                "does not load what was rendered" in x.get("cause", "") for x in operator.broker_log()
            ):
                await asyncio.sleep(0.2)
        assert thief.client.is_connected
        (line, *_) = await asyncio.to_thread(drift, enclave)
        assert "has loaded something else than" in line
        operator.copy()
        async with asyncio.timeout(30):
            while not thief.client.is_closed:
                await asyncio.sleep(0.05)
    await asyncio.to_thread(settled, enclave)


async def test_a_server_that_was_started_with_an_old_file_is_put_right(
    new_enclave: NewEnclave, tmp_path: Path
) -> None:
    enclave = new_enclave("ncsc", "tafel")
    config = enclave.directory.nats_config
    right = config.read_text()
    config.write_text(
        right.replace("max_payload: 1MB", "max_payload: 2MB").replace("seinpost-", "seinpost-0", 1)
    )
    Operator(enclave, tmp_path)
    config.write_text(right)
    enclave.start()
    settled(enclave)


async def test_a_command_that_fails_is_said_with_its_last_word(
    new_enclave: NewEnclave, tmp_path: Path
) -> None:
    enclave = new_enclave("ncsc", "tafel")
    operator = Operator(enclave, tmp_path, reload="import sys; sys.exit('no route to the NATS machine')")
    enclave.start()
    desk = Desk(enclave, tmp_path)
    assert (await asyncio.to_thread(desk.publish, desk.revoke("ncsc-1"))).status == 0
    async with asyncio.timeout(30):
        while not any(
            "status 1: no route to the NATS machine" in x.get("cause", "") for x in operator.broker_log()
        ):
            await asyncio.sleep(0.2)


async def test_only_a_broker_can_have_the_server_reload(new_enclave: NewEnclave, tmp_path: Path) -> None:
    enclave = new_enclave("ncsc", "tafel")
    operator = Operator(enclave, tmp_path)
    log = enclave.path / "own-nats.log"
    seed, _ = enclave.directory.load_secrets()
    async with hub(enclave.url, seed) as bus:
        (state,) = await bus.server_states()
        subject = f"$SYS.REQ.SERVER.{state.server_id}.RELOAD"
        async with connected(enclave.url, enclave.identity("ncsc").nats_seed, "_INBOX_ncsc") as raw:
            before = log.read_text().count("Reloaded server configuration")
            with contextlib.suppress(nats.errors.Error, TimeoutError):
                await raw.client.request(subject, b"", timeout=1)
            assert log.read_text().count("Reloaded server configuration") == before
        # The control.
        await bus.reload_server(state.server_id)
        assert log.read_text().count("Reloaded server configuration") == before + 1
    operator.server.send_signal(signals.SIGTERM)
    close(operator.server)


def test_a_broker_waits_for_no_reload_that_it_need_not_have(new_enclave: NewEnclave, tmp_path: Path) -> None:
    enclave = new_enclave("tafel")
    Operator(enclave, tmp_path, reload="raise SystemExit(1)")
    began = time.monotonic()
    enclave.start()
    assert time.monotonic() - began < 25
    assert "register waits" not in (enclave.path / "broker.log").read_text()
