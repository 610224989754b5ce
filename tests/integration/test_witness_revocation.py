# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Live: a party is revoked together with its witness, and a witness whose mandate ends goes by itself."""

from __future__ import annotations

import asyncio
import datetime as dt
import signal as signals
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.enclave import Enclave, Running, make_enclave, run, start
from harness.raw import connected
from harness.registrar import Desk
from harness.samples import signal

import seinpost
from seinpost.identity import load_identity, read_passphrase_file
from seinpost_schemas.note import parse_note

pytestmark = [pytest.mark.nats]
WITNESSES = ("ncsc", "ibd", "ap", "toezicht")
WHERE = {"theme": "process", "classification": "depv"}
LIMIT_SECONDS = 60.0


class Witnessed:
    """An enclave with its four witnesses as processes of their own."""

    def __init__(self, enclave: Enclave) -> None:
        self.enclave = enclave
        self.running = {p: start("witness", enclave.config(f"{p}-witness")) for p in WITNESSES}
        for running in self.running.values():
            running.wait_for("stdout", "witnessing")

    def nats_seed(self, party: str) -> str:
        """The connection key of a party's witness."""
        folder = self.enclave.path / "identities"
        name = f"{party}-witness"
        return load_identity(folder / f"{name}.key", read_passphrase_file(folder / f"{name}.pass")).nats_seed


@pytest.fixture
def witnessed(tmp_path: Path) -> Iterator[Witnessed]:
    enclave = make_enclave(tmp_path / "e", *WITNESSES, "bzk", "tafel", witnesses=True)
    enclave.start()
    try:
        yield Witnessed(enclave)
    finally:
        Running.end_all()
        enclave.stop()


def cosigners(audited: seinpost.Audited) -> set[str]:
    """The parties whose witnesses cosigned what made signals audited."""
    names = {s.name for s in parse_note(audited.note).signatures if s.name.startswith("proef/witness/")}
    return {n.rpartition("/")[2].removesuffix("-witness") for n in names}


class Reader:
    """The table in the background, and what it was told."""

    def __init__(self, enclave: Enclave) -> None:
        self.audited: list[seinpost.Audited] = []
        self.connection = seinpost.connect(enclave.config("tafel"), on_audited=self.audited.append)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Reader:
        await self.connection.__aenter__()
        self._task = asyncio.create_task(self._read())
        return self

    async def _read(self) -> None:
        async for _ in self.connection.signals(from_start=True):
            pass

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait({self._task})
        await self.connection.__aexit__(None, None, None)

    async def until_audited(self, ready: Callable[[seinpost.Audited], bool]) -> seinpost.Audited:
        """The newest of depv/process that is as wanted."""
        async with asyncio.timeout(LIMIT_SECONDS):
            while True:
                for audited in reversed(self.audited):
                    if str(audited.compartment) == "depv/process" and ready(audited):
                        return audited
                await asyncio.sleep(0.05)


async def test_a_revoked_partys_witness_is_out(witnessed: Witnessed, tmp_path: Path) -> None:
    """Its connection is closed, it is not let in, it is asked nothing, and three go on with a quorum of two."""
    enclave = witnessed.enclave
    desk = Desk(enclave, tmp_path)

    def revoke(draft: Path) -> None:
        done = run(
            "register",
            "revoke",
            draft,
            "--party",
            "ncsc",
            "--reason",
            "einde",
            "--since",
            "2026-11-01T00:00:00Z",
        )
        assert done.status == 0, done
        assert "2 of the 3 witnesses that are left must cosign" in done.stderr

    note = desk.sign(desk.draft(revoke))
    seed = witnessed.nats_seed("ncsc")
    async with (
        Reader(enclave) as table,
        seinpost.connect(enclave.config("bzk")) as bzk,
        connected(enclave.url, seed, "_INBOX_ncsc") as thief,
    ):
        # One is away: of the four, the other three are needed.
        witnessed.running["ibd"].process.kill()
        await bzk.publish(signal("Voor de intrekking"), **WHERE)
        before = await table.until_audited(lambda a: a.size >= 2)
        assert cosigners(before) == {"ncsc", "ap", "toezicht"}
        began = time.monotonic()
        done = await asyncio.to_thread(desk.publish, note)
        assert done.stdout == "version 2 is in force\n", done
        async with asyncio.timeout(LIMIT_SECONDS):
            while not thief.client.is_closed:
                await asyncio.sleep(0.05)
        closed = time.monotonic() - began
        # Two of the three that are left are there, and enough; they were not before.
        answer = await bzk.publish(signal("Na de intrekking"), **WHERE)
        after = await table.until_audited(lambda a: a.size > answer.index)
        assert cosigners(after) == {"ap", "toezicht"}
        assert table.connection.alarms == []
        assert bzk.alarms == []
    print(f"revoked with its witness: the witness's connection was closed after {closed:.1f} s")
    # It ends with a sentence, and does not come back.
    assert "lets this identity in no more" in witnessed.running["ncsc"].finish().error
    again = run("witness", enclave.config("ncsc-witness"))
    assert (again.status, "does not know this identity" in again.error) == (1, True)
    # Where several run in one process, the others go on.
    both = start("witness", enclave.config("ncsc-witness"), enclave.config("ibd-witness"))
    assert "ibd-witness: witnessing" in both.wait_for("stdout", "witnessing")
    assert "the other witnesses go on" in both.wait_for("stderr", "go on")
    assert both.process.poll() is None


async def test_a_witness_whose_mandate_ends_goes_by_itself(witnessed: Witnessed, tmp_path: Path) -> None:
    """No new version when the moment comes: the date that the registrars wrote is enough."""
    enclave = witnessed.enclave
    desk = Desk(enclave, tmp_path)
    moment = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(seconds=45)

    def end(draft: Path) -> None:
        before, party, after = draft.read_text().partition('token = "ncsc"')
        witness = '    "witness",\n]\n'
        assert party
        assert witness in after
        draft.write_text(
            before + party + after.replace(witness, f"{witness}until = {moment:%Y-%m-%dT%H:%M:%SZ}\n", 1)
        )

    assert desk.publish(desk.sign(desk.draft(end))).stdout == "version 2 is in force\n"
    seed = witnessed.nats_seed("ncsc")
    ibd = witnessed.running["ibd"].process
    async with Reader(enclave) as table, seinpost.connect(enclave.config("bzk")) as bzk:
        async with connected(enclave.url, seed, "_INBOX_ncsc") as ending:
            ibd.send_signal(signals.SIGSTOP)
            await bzk.publish(signal("Voor het einde"), **WHERE)
            before = await table.until_audited(lambda a: a.size >= 2)
            assert cosigners(before) == {"ncsc", "ap", "toezicht"}
            ibd.send_signal(signals.SIGCONT)
            async with asyncio.timeout(45 + LIMIT_SECONDS):
                while not ending.client.is_closed:
                    await asyncio.sleep(0.05)
        late = time.time() - moment.timestamp()
        answer = await bzk.publish(signal("Na het einde"), **WHERE)
        after = await table.until_audited(lambda a: a.size > answer.index)
        assert cosigners(after) == {"ibd", "ap", "toezicht"}
        assert table.connection.alarms == []
    print(f"a mandate to witness ended: the connection was closed {late:.1f} s later")
    assert 0 <= late < LIMIT_SECONDS
