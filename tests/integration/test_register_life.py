# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Live: a register that expires stops publication with a sentence, and the next version starts it; its history."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.answers import next_answer
from harness.enclave import Done, Enclave, run, start
from harness.memory import PROCESS, Sender
from harness.raw import hub
from harness.registrar import Desk
from harness.samples import line, titles

from seinpost_schemas.errors import Reason

pytestmark = [pytest.mark.nats]
NewEnclave = Callable[..., Enclave]
OPTIONS = ("--theme", "process", "--classification", "depv")


def expiring(moment: dt.datetime) -> Callable[[Path], None]:
    def change(draft: Path) -> None:
        text = re.sub(r"(?m)^expires = .*$", f"expires = {moment:%Y-%m-%dT%H:%M:%SZ}", draft.read_text())
        draft.write_text(text)

    return change


async def test_an_expired_register_stops_publication_until_the_next_version(
    new_enclave: NewEnclave, tmp_path: Path
) -> None:
    enclave = new_enclave("ncsc", "bzk", "tafel")
    enclave.start()
    desk = Desk(enclave, tmp_path)
    source = tmp_path / "signal.json"

    def publish(title: str) -> Done:
        source.write_bytes(line(title))
        return enclave.publish("ncsc", source, *OPTIONS)

    moment = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=60)
    note = await asyncio.to_thread(lambda: desk.sign(desk.draft(expiring(moment))))
    assert (await asyncio.to_thread(desk.publish, note)).stdout == "version 2 is in force\n"
    # One that runs on, and one that is started each time.
    running = start("publish", "-", "--config", enclave.config("bzk"), *OPTIONS)
    running.send(line("Voor de vervaldatum"))
    await asyncio.to_thread(running.wait_for, "stdout", "depv/process")
    near = await asyncio.to_thread(publish, "Op tijd")
    assert near.status == 0
    assert "verloopt" in near.stderr.lower() or "expires" in near.stderr.lower()
    await asyncio.sleep(max(0.0, (moment - dt.datetime.now(dt.UTC)).total_seconds()) + 0.5)

    late = await asyncio.to_thread(publish, "Te laat")
    assert late.status == 1
    assert "nothing can be published until the registrars sign a new one" in late.stderr
    running.send(line("Ook te laat"))
    said = await asyncio.to_thread(running.wait_for, "stderr", "registrars sign a new one")
    assert "register version 2 expired" in said
    # What is sealed all the same, by a client of somebody's own making, a broker refuses.
    broker_seed, _ = enclave.directory.load_secrets()
    directory = enclave.trusted_directory()
    own = Sender(
        "ncsc", PROCESS, directory, enclave.identity("ncsc"), now_ms=time.time_ns() // 1_000_000
    ).epoch()
    async with hub(enclave.url, broker_seed) as bus:
        answered = await bus.last_seq("ANSWERS")
        await bus._client.publish("seinpost.in.depv.process.publish.ncsc", own.encode())
        answer = await next_answer(bus, answered)
        assert (answer.verdict, answer.reason) == ("refused", Reason.REGISTER_EXPIRED)
    # Reading goes on: what was admitted is there.
    read = await asyncio.to_thread(enclave.watch, "tafel", "--from-start", "--idle", "3")
    assert set(titles(r for r in read.rows if "signal" in r)) == {"Voor de vervaldatum", "Op tijd"}
    # And registrars can sign on: the one that expired is followed like any other.
    note = await asyncio.to_thread(lambda: desk.sign(desk.draft()))
    assert (await asyncio.to_thread(desk.publish, note)).stdout == "version 3 is in force\n"
    assert (await asyncio.to_thread(publish, "Verder")).status == 0
    running.send(line("Ook verder"))
    await asyncio.to_thread(running.finish)
    read = await asyncio.to_thread(enclave.watch, "tafel", "--from-start", "--idle", "3")
    assert {"Verder", "Ook verder"} <= set(titles(r for r in read.rows if "signal" in r))


def test_a_running_enclave_tells_its_registers_history(new_enclave: NewEnclave, tmp_path: Path) -> None:
    enclave = new_enclave("ncsc", "tafel")
    enclave.start()
    desk = Desk(enclave, tmp_path)
    began = dt.datetime.now(dt.UTC)
    first = desk.newest
    second = desk.revoke("ncsc-1")
    assert desk.publish(second).status == 0
    config = enclave.config("tafel")
    done = run("register", "history", "--config", config, "--json")
    assert done.status == 0, done
    files = run("register", "history", first, second, "--json").rows
    live = done.rows
    moments = [dt.datetime.fromisoformat(r.pop("in_force_since")) for r in live]
    assert live == files
    assert [r["version"] for r in live] == [1, 2]
    assert moments[0] < began < moments[1] < dt.datetime.now(dt.UTC)
    words = run("register", "history", "--config", config, "--lang", "en")
    assert f"in force since {moments[1]:%Y-%m-%d %H:%M}Z" in words.stdout
    assert "ncsc-1" in words.stdout
    # One or the other; and the notes of another enclave than the one that is trusted are refused.
    for arguments in ((), (first, "--config", config)):
        assert run("register", "history", *arguments).status == 4
    other = run("register", "history", "--config", config, "--enclave", "00" * 16)
    assert other.status == 1
