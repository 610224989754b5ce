# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A signing key is rolled while work goes on: the old one vouches, a registrar confirms, nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.enclave import Enclave, run, run_broker_command
from harness.registrar import Desk
from harness.samples import signal

import seinpost
from seinpost.identity import load_identity, read_passphrase_file
from seinpost_schemas.statements import decode_prekey

pytestmark = [pytest.mark.nats]

NewEnclave = Callable[..., Enclave]
WHERE = {"theme": "process", "classification": "depv"}


class Roll:
    """The new identity of a party, from its request to its configuration, in the state directory of the old one."""

    def __init__(self, enclave: Enclave, folder: Path, party: str) -> None:
        self.enclave = enclave
        self.party = party
        self.old = enclave.config(party)
        self.key = folder / f"{party}-2.key"
        self.request = folder / f"{party}-2.key.request.json"
        self.passphrase = enclave.path / "identities" / f"{party}.pass"
        self.desk = Desk(enclave, folder)

    def make(self) -> None:
        """On the partner's machine."""
        words = ["--party", self.party, "--name", f"{self.party}-2", "--succeeds", self.old]
        done = run("keygen", self.key, *words, "--passphrase-file", self.passphrase)
        assert done.status == 0, done

    def confirm(self) -> None:
        """At the registrars' desk, without a telephone call, and by the operator."""

        def change(draft: Path) -> None:
            done = run("register", "add", self.request, "--to", draft, "--endorsed")
            assert f"vouched for by {self.party}-1, which it succeeds" in done.stdout, done

        note = self.desk.sign(self.desk.draft(change))
        done = self.desk.publish(note, "--request", self.request)
        assert "is in force" in done.stdout, done
        # The server has it a moment later; who connects meanwhile waits for answers that do not come.
        deadline = time.monotonic() + 60
        while (drift := run_broker_command("drift", self.enclave.path)).status:
            assert time.monotonic() < deadline, drift

    @property
    def new(self) -> Path:
        """The configuration with the new identity file, and nothing else changed."""
        path = self.enclave.path / f"{self.party}-2.toml"
        path.write_text(self.old.read_text().replace(f"identities/{self.party}-1.key", str(self.key)))
        assert tomllib.loads(path.read_text())["state"] == tomllib.loads(self.old.read_text())["state"]
        return path

    def end_old(self) -> None:
        """By the old identity's own word."""
        done = run("revoke", "--config", self.old, "--yes")
        assert done.status == 0, done


async def read_titles(config: Path, count: int, *, from_start: bool = False) -> list[str]:
    """The next titles that an identity reads, and that there is no other then; without an alarm."""
    titles: list[str] = []
    async with seinpost.connect(config) as post:
        feed = post.signals(from_start=from_start)
        with contextlib.suppress(TimeoutError):
            while True:
                # Asking for the next one says that the one before was taken.
                async with asyncio.timeout(30 if len(titles) < count else 1):
                    titles.append((await anext(feed)).signal.report.title)
        await feed.aclose()
        assert post.alarms == []
    return titles


async def test_a_publisher_rolls_its_key_while_it_publishes(new_enclave: NewEnclave, tmp_path: Path) -> None:
    enclave = new_enclave("ncsc", "bzk", "tafel")
    enclave.start()
    roll = Roll(enclave, tmp_path, "ncsc")
    sent: list[str] = []
    read: list[str] = []
    alarms: list[object] = []

    async def read_all() -> None:
        async with seinpost.connect(enclave.config("tafel"), on_alarm=alarms.append) as table:
            async for delivery in table.signals():
                read.append(delivery.signal.report.title)

    async def publish(post: seinpost.Connection, until: asyncio.Event | None, at_least: int) -> None:
        while len(sent) < at_least or (until is not None and not until.is_set()):
            title = f"Signaal {len(sent)}"
            answer = await post.publish(signal(title), **WHERE)
            assert str(answer.verdict) == "admitted"
            sent.append(title)

    reading = asyncio.ensure_future(read_all())
    try:
        in_force = asyncio.Event()
        async with seinpost.connect(roll.old) as old:
            publishing = asyncio.ensure_future(publish(old, in_force, 3))
            await asyncio.to_thread(roll.make)
            await asyncio.to_thread(roll.confirm)
            in_force.set()
            await publishing
            before = len(sent)
        # Between the two, the old identity ends itself; what waits to be published waits that long.
        await asyncio.to_thread(roll.end_old)
        async with seinpost.connect(roll.new) as new:
            await publish(new, None, before + 3)
            last = await new.publish(signal("Laatste"), **WHERE)
            sent.append("Laatste")
            await new.wait_audited(last)
            # What was sent before is still this sender's, with its proofs.
            told = await new.receipts(limit=len(sent))
            assert len(told) == len(sent)
            assert new.alarms == []
        async with asyncio.timeout(30):
            while len(read) < len(sent):
                await asyncio.sleep(0.05)
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    assert read == sent
    assert len(set(read)) == len(read)
    assert alarms == []
    assert before >= 3
    print(f"{before} signals before the switch, {len(sent) - before} after it; {len(read)} read, each once")
    refused = run("watch", "--config", roll.old, "--idle", "1")
    assert refused.status == 1, refused


async def test_a_reader_rolls_its_key_and_misses_and_repeats_nothing(
    new_enclave: NewEnclave, tmp_path: Path
) -> None:
    """With signals that were read before, that waited unread, sealed to the old keys, and that come later."""
    enclave = new_enclave("ncsc", "bzk", "tafel")
    enclave.start()
    roll = Roll(enclave, tmp_path, "tafel")
    async with seinpost.connect(enclave.config("ncsc")) as post:
        await post.publish(signal("Gelezen"), **WHERE)
        assert await read_titles(roll.old, 1) == ["Gelezen"]
        # By now the table has stated a prekey; what follows is sealed to that, and waits.
        assert stated(enclave, enclave.identity("tafel").sender_id) == 1
        await post.publish(signal("Wacht, onder de sleutel van vandaag"), **WHERE)
        await asyncio.to_thread(roll.make)
        await post.publish(signal("Wacht ook"), **WHERE)
        await asyncio.to_thread(roll.confirm)
        await post.publish(signal("Voor beide"), **WHERE)
        waiting = ["Wacht, onder de sleutel van vandaag", "Wacht ook", "Voor beide"]
        assert await read_titles(roll.new, 3) == waiting
        await asyncio.to_thread(roll.end_old)
        await post.publish(signal("Alleen voor de nieuwe"), **WHERE)
        assert await read_titles(roll.new, 1) == ["Alleen voor de nieuwe"]
        new = load_identity(roll.key, read_passphrase_file(roll.passphrase))
        assert stated(enclave, new.sender_id) == 1
        everything = ["Gelezen", *waiting, "Alleen voor de nieuwe"]
        assert await read_titles(roll.new, 5, from_start=True) == everything
        assert post.alarms == []
    # Without what the old identity left in its state, the register's own keys still open what they opened.
    assert run("watch", "--config", roll.old, "--idle", "1").status == 1


async def test_who_revoked_itself_brings_in_no_successor(new_enclave: NewEnclave, tmp_path: Path) -> None:
    """A thief has the old key, and its owner was first: neither the desk nor the broker takes the thief's word."""
    enclave = new_enclave("ncsc", "bzk")
    enclave.start()
    roll = Roll(enclave, tmp_path, "ncsc")
    roll.make()
    roll.end_old()
    asked = ("register", "add", roll.request, "--endorsed", "--to")
    other = enclave.config("bzk")

    def at_the_desk(draft: Path) -> None:
        done = run(*asked, draft, "--config", other)
        assert done.status != 0, done
        assert "ncsc-1 has revoked itself" in done.stderr, done
        # Who asks nobody is told so, and finds out at publication.
        done = run(*asked, draft)
        assert done.status == 0, done
        assert "known at publication" in done.stdout, done

    note = roll.desk.sign(roll.desk.draft(at_the_desk))
    for done in (
        roll.desk.publish(note, "--request", roll.request),
        run("register", "publish", note, "--config", other, "--request", roll.request),
    ):
        assert done.status != 0, done
        assert "ncsc-2 succeeds ncsc-1, which is revoked" in done.stderr, done


def stated(enclave: Enclave, sender_id: bytes) -> int:
    """How many prekeys an identity has stated, as the state that it shares with its successor knows."""
    with sqlite3.connect(enclave.path / "state" / "tafel-1" / "keys.db") as db:
        rows = db.execute("SELECT statement FROM prekey").fetchall()
    return sum(decode_prekey(r[0]).sender_id == sender_id for r in rows)
