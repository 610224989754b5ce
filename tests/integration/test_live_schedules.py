# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Live: seeded schedules that send, and kill -9 broker, witnesses and the reader in any order.

What the model says is simple: every signal that was admitted is delivered over all runs of the reader, all of the log
ends as audited, and nobody raises an alarm.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.dishonest import dishonest, fresh_reader
from harness.enclave import Running, start
from harness.samples import signal
from harness.witnessed import WITNESSES, Witnessed, witnessed_enclave

import seinpost

pytestmark = [pytest.mark.nats]
PLACE = "depv/process"
PATIENT = {
    "seinpost._audit.TAIL_MS": 150_000,
    "seinpost._audit.FRESH_MS": 300_000,
    "seinpost._auditing.FRESH_MS": 300_000,
}
"""Who is killed comes back when the machine lets it: what is late for that is not withheld."""
STEPS = 12


@pytest.fixture
def witnessed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Witnessed]:
    yield from witnessed_enclave(tmp_path_factory.mktemp("live") / "e", "kiesraad", "tafel")


class Watching:
    """`seinpost watch --json` as a process, killed and started again; its output goes on in one file."""

    def __init__(self, witnessed: Witnessed, folder: Path) -> None:
        self._config = witnessed.enclave.config("tafel")
        self._out, self._err = folder / "out", folder / "err"
        self._running: Running | None = None

    def start(self) -> None:
        patch = "".join(
            f"import {name.rpartition('.')[0]}\n{name} = {value}\n" for name, value in PATIENT.items()
        )
        patch += (
            "import os\n"
            f"os.dup2(os.open({str(self._out)!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 1)\n"
            f"os.dup2(os.open({str(self._err)!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)\n"
        )
        self._running = start("watch", "--config", self._config, "--json", patch=patch)

    def kill(self) -> None:
        assert self._running is not None
        self._running.process.kill()
        self._running.process.communicate()

    @property
    def delivered(self) -> set[str]:
        """The ids in every whole line that was written; a kill may leave half a line."""
        found: set[str] = set()
        for text in self._out.read_text().splitlines() if self._out.exists() else ():
            try:
                found.add(json.loads(text)["signal"]["id"])
            except json.JSONDecodeError:
                continue
        return found

    @property
    def alarms(self) -> list[str]:
        said = self._err.read_text().splitlines() if self._err.exists() else []
        return [text for text in said if "ALARM" in text]


async def publish(witnessed: Witnessed, party: str, rng: random.Random) -> set[str]:
    """A few signals, each admitted by a broker that may have to be waited for."""
    ids = set()
    async with seinpost.connect(witnessed.enclave.config(party)) as post:
        for number in range(rng.randint(1, 3)):
            answer = await post.publish(
                signal(f"{party} {number}"), theme="process", classification="depv", timeout_seconds=120
            )
            ids.add(answer.signal)
    return ids


@pytest.mark.parametrize("seed", range(2))
async def test_whoever_is_killed_everything_is_delivered_and_audited_without_an_alarm(
    witnessed: Witnessed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    for name, value in PATIENT.items():
        monkeypatch.setattr(name, value)
    rng = random.Random(seed)
    watching = Watching(witnessed, tmp_path)
    watching.start()
    admitted: set[str] = set()
    for _ in range(STEPS):
        match rng.choice(["publish", "publish", "broker", "witness", "reader"]):
            case "broker":
                witnessed.enclave.kill_broker()
                await asyncio.to_thread(witnessed.enclave.start)
            case "witness":
                party = rng.choice(WITNESSES)
                witnessed.kill_witness(party)
                # A quorum is left, or two of them are on their way back at once.
                await asyncio.to_thread(witnessed.start_witness, party)
            case "reader":
                watching.kill()
                watching.start()
            case _:
                admitted |= await publish(witnessed, rng.choice(["ncsc", "ibd"]), rng)
        await asyncio.sleep(rng.random())
    admitted |= await publish(witnessed, "ncsc", rng)
    async with asyncio.timeout(120):
        while not admitted <= watching.delivered:
            await asyncio.sleep(0.2)
    watching.kill()
    assert watching.delivered == admitted
    assert watching.alarms == []
    async with dishonest(witnessed.enclave, PLACE) as hub:
        entries = len(await hub.entries())
    async with fresh_reader(witnessed.enclave, "kiesraad", tmp_path) as reader:
        await reader.until_audited_size(PLACE, entries, 120)
        # The last of them may still be on their way to the application.
        await reader.until_audited(len(admitted), 60)
        assert {
            d.signal.id for d in reader.deliveries if reader.connection.status(d) == "audited"
        } == admitted
        assert reader.codes == []
