# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Live: a sender that was away while a revocation came, and brokers that keep one from everyone."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal as signals
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.enclave import Enclave, close, run, start
from harness.raw import hub
from harness.registrar import Desk
from harness.revoking import WHERE, epochs_of
from harness.samples import line, signal

import seinpost
from seinpost_broker.adapters.nats_bus import NatsBus
from seinpost_schemas.errors import SeinpostError
from seinpost_schemas.subjects import ingress_stream

pytestmark = [pytest.mark.nats]
NewEnclave = Callable[..., Enclave]
LIMIT_SECONDS = 60.0
SKEW = "import time\nright = time.time_ns\ntime.time_ns = lambda: right() + {seconds} * 10**9"
OPTIONS = ("--theme", "process", "--classification", "depv")


@pytest.mark.parametrize("seconds", [600, -600])
async def test_a_sender_that_was_away_seals_past_who_was_revoked(
    new_enclave: NewEnclave, tmp_path: Path, seconds: int
) -> None:
    """Stopped while the version comes, its clock ten minutes off: the next envelope is in a new epoch."""
    enclave = new_enclave("ncsc", "bzk", "tafel")
    enclave.start()
    desk = Desk(enclave, tmp_path)
    stolen, sender = enclave.identity("ncsc"), enclave.identity("bzk")
    period = enclave.trusted_directory().current.register.periods.current
    seed, _ = enclave.directory.load_secrets()
    note = await asyncio.to_thread(desk.revoke, "ncsc-1")
    publishing = start(
        "publish", "-", "--config", enclave.config("bzk"), *OPTIONS, patch=SKEW.format(seconds=seconds)
    )
    async with hub(enclave.url, seed) as bus:

        async def epochs(count: int) -> list[set[bytes]]:
            async with asyncio.timeout(LIMIT_SECONDS):
                while len(found := await epochs_of(bus, period, sender.sender_id)) < count:
                    await asyncio.sleep(0.05)
            return found

        publishing.send(line("Voor de intrekking"))
        (before,) = await epochs(1)
        assert len(before) == 3
        await asyncio.to_thread(publishing.wait_for, "stdout", "depv/process")
        publishing.process.send_signal(signals.SIGSTOP)
        done = await asyncio.to_thread(desk.publish, note)
        assert done.stdout == "version 2 is in force\n", done
        await asyncio.sleep(3)
        began = time.monotonic()
        publishing.process.send_signal(signals.SIGCONT)
        publishing.send(line("Na de intrekking"))
        found = await epochs(2)
        sealed = time.monotonic() - began
    assert len(found[1]) == len(before) - 1
    assert stolen.keys.kem_key_id not in found[1]
    ended = await asyncio.to_thread(publishing.finish)
    assert ended.status == 0, ended
    print(
        f"a sender that was away, its clock {seconds} s off: sealed past the revoked one after {sealed:.1f} s"
    )
    assert sealed < LIMIT_SECONDS


FREEZE = """
import os
from seinpost_broker.service import checkpointer, directory
step, submit = checkpointer.Checkpointer.step, directory.DirectoryService.submit

async def frozen_step(self):
    return True if self.origin.endswith("/directory") and os.path.exists({flag!r}) else await step(self)

async def frozen_submit(self, *arguments, **named):
    if not os.path.exists({flag!r}):
        return await submit(self, *arguments, **named)

checkpointer.Checkpointer.step, directory.DirectoryService.submit = frozen_step, frozen_submit
"""


async def sent_until(bus: NatsBus, party: str, seconds: float) -> float:
    """When the last envelope of a party came into its ingress, by the monotonic clock, within so many seconds."""
    last, seen = await bus.last_seq(ingress_stream(party)), time.monotonic()
    deadline = seen + seconds
    while time.monotonic() < deadline:
        if (now := await bus.last_seq(ingress_stream(party))) > last:
            last, seen = now, time.monotonic()
        await asyncio.sleep(0.1)
    return seen


async def test_a_broker_that_freezes_the_directory_is_found_out_by_publisher_and_reader(
    new_enclave: NewEnclave, tmp_path: Path
) -> None:
    """It admits as before, and keeps a revocation to itself: nobody seals on, and whoever reads is told."""
    enclave = new_enclave("ncsc", "bzk", "tafel")
    flag = tmp_path / "frozen"
    enclave.start(FREEZE.format(flag=str(flag)))
    desk = Desk(enclave, tmp_path)
    note = await asyncio.to_thread(desk.revoke, "ncsc-1")
    seed, _ = enclave.directory.load_secrets()
    watching = start("watch", "--config", enclave.config("tafel"), "--from-start", "--lang", "en")
    async with seinpost.connect(enclave.config("bzk")) as bzk, hub(enclave.url, seed) as bus:
        await bzk.publish(signal("Voordat het adresboek bevriest"), **WHERE)
        await asyncio.to_thread(watching.wait_for, "stdout", "bevriest")
        flag.touch()
        began = time.monotonic()
        assert (await asyncio.to_thread(desk.publish, note, "--wait", "3")).stdout.startswith("version 2 is")
        admitted, refused = [], None
        counting = asyncio.ensure_future(sent_until(bus, "bzk", LIMIT_SECONDS + 25))
        while refused is None:
            assert time.monotonic() - began < LIMIT_SECONDS + 20, "it seals on a directory that is frozen"
            try:
                async with asyncio.timeout(20):
                    await bzk.publish(signal(f"Bevroren {len(admitted)}"), **WHERE)
                admitted.append(time.monotonic() - began)
            except (SeinpostError, TimeoutError) as error:
                refused = error
            await asyncio.sleep(0.5)
        sealed = await counting - began
        # For as long as it may be a broker that is merely busy, all goes on.
        assert len(admitted) > 10
        assert sealed < LIMIT_SECONDS + 2
        told = await asyncio.to_thread(
            watching.wait_for, "stderr", "the directory has not been confirmed", 150
        )
        alarmed = time.monotonic() - began
        assert "stale-checkpoint" in told
    late = await asyncio.to_thread(enclave.publish, "ncsc", _signal_file(tmp_path), *OPTIONS)
    assert late.status == 3
    assert "directory" in late.error
    print(f"a frozen directory: nothing sealed after {sealed:.1f} s, a reader told after {alarmed:.1f} s")
    with contextlib.suppress(ProcessLookupError):
        watching.process.send_signal(signals.SIGINT)


def _signal_file(folder: Path) -> Path:
    path = folder / "signal.json"
    path.write_bytes(line("Te laat"))
    return path


def test_a_broker_that_rolls_the_directory_back_is_found_out_by_publisher_and_reader(
    new_enclave: NewEnclave, tmp_path: Path
) -> None:
    """The whole enclave put back to before the revocation: it serves, and nobody who saw the version goes on."""
    enclave = new_enclave("ncsc", "bzk", "tafel")
    broker = enclave.start()
    source = _signal_file(tmp_path)
    assert enclave.publish("bzk", source, *OPTIONS).status == 0
    broker.terminate()
    close(broker)
    shutil.copytree(enclave.path, tmp_path / "before", ignore=shutil.ignore_patterns("state", "broker.log"))
    enclave.start()
    desk = Desk(enclave, tmp_path)
    assert desk.publish(desk.revoke("ncsc-1")).status == 0
    assert enclave.publish("bzk", source, *OPTIONS).status == 0
    assert enclave.watch("tafel", "--from-start", "--idle", "3").status == 0
    assert enclave.broker is not None
    enclave.broker.terminate()
    close(enclave.broker)

    for name in ("nats", "directory"):
        shutil.rmtree(enclave.path / name)
        shutil.copytree(tmp_path / "before" / name, enclave.path / name)
    enclave.start()
    for done in (
        enclave.publish("bzk", source, *OPTIONS),
        run("watch", "--config", enclave.config("tafel"), "--idle", "3"),
    ):
        assert (done.status, "rolled back" in done.error) == (4, True), done
    # Who was revoked, and never saw it, is let in again: by that alone an honest party could not tell.
    assert enclave.publish("ncsc", source, *OPTIONS).status == 0
