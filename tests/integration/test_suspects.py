# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Live: what an identity published between suspicion and revocation is marked, wherever it is shown or checked."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import signal as signals
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.enclave import Enclave, run, start
from harness.registrar import Desk
from harness.samples import signal

import seinpost

pytestmark = [pytest.mark.nats]
NewEnclave = Callable[..., Enclave]
WHERE = {"theme": "process", "classification": "depv"}


async def test_signals_shown_before_are_marked_and_an_audit_names_them(
    new_enclave: NewEnclave, tmp_path: Path
) -> None:
    enclave = new_enclave("ncsc", "bzk", "tafel", "toezicht")
    enclave.start()
    desk = Desk(enclave, tmp_path)
    watching = start("watch", "--config", enclave.config("tafel"), "--from-start", "--json")
    async with (
        seinpost.connect(enclave.config("ncsc")) as ncsc,
        seinpost.connect(enclave.config("bzk")) as bzk,
    ):
        await ncsc.publish(signal("Voor de verdenking"), **WHERE)
        await asyncio.sleep(1.5)
        since = dt.datetime.now(dt.UTC)
        answers = [await ncsc.publish(signal(f"Verdacht {n}"), **WHERE) for n in (1, 2)]
        await bzk.publish(signal("Van een ander"), **WHERE)
        await asyncio.to_thread(watching.wait_for, "stdout", "Van een ander")
    note = await asyncio.to_thread(lambda: desk.revoke("ncsc-1", since=f"{since:%Y-%m-%dT%H:%M:%S.%fZ}"))
    assert (await asyncio.to_thread(desk.publish, note)).status == 0
    said = await asyncio.to_thread(watching.wait_for, "stdout", str(answers[1].signal))
    watching.process.send_signal(signals.SIGINT)
    rest = await asyncio.to_thread(watching.finish)
    rows = [json.loads(x) for x in (said + rest.stdout).splitlines() if x.startswith('{"suspected"')]
    marked = [(r["suspected"], r["identity"], r["reason"]) for r in rows]
    assert sorted(marked) == sorted((str(a.signal), "ncsc-1", "laptop gestolen") for a in answers)

    # Whoever comes later sees it at once, on each row.
    again = enclave.watch("tafel", "--from-start", "--idle", "3")
    shown = {r["signal"]["report"]["title"]: r.get("suspect") for r in again.rows if "signal" in r}
    assert shown == {
        "Voor de verdenking": None,
        "Verdacht 1": "laptop gestolen",
        "Verdacht 2": "laptop gestolen",
        "Van een ander": None,
    }
    # An overseer, who can open nothing, is told of all its entries: envelopes too that are no signals.
    target = tmp_path / "export"
    exported = await asyncio.to_thread(
        run, "audit", "export", target, "--config", enclave.config("toezicht"), "--json"
    )
    assert exported.status == 0, exported
    verify = ("audit", "verify", target, "--config", enclave.config("toezicht"))
    report = (await asyncio.to_thread(run, *verify, "--json")).rows[0]
    (suspect,) = report["suspects"]
    assert report["verdict"] == "holds"
    assert (suspect["party"], suspect["identity"], suspect["reason"]) == ("ncsc", "ncsc-1", "laptop gestolen")
    assert suspect["log"].endswith("/depv/process")
    assert set(suspect["entries"]) >= {a.index for a in answers}
    first = next(r["index"] for r in again.rows if "signal" in r and "suspect" not in r)
    assert first not in suspect["entries"]
    words = await asyncio.to_thread(run, *verify)
    assert f"SUSPECT {suspect['log']} " in words.stdout
    assert words.status == 0


async def test_a_place_in_the_log_marks_from_there(new_enclave: NewEnclave, tmp_path: Path) -> None:
    """A revocation that names a log and an index instead of a time."""
    enclave = new_enclave("ncsc", "tafel")
    enclave.start()
    desk = Desk(enclave, tmp_path)
    async with seinpost.connect(enclave.config("ncsc")) as ncsc:
        before = await ncsc.publish(signal("Nog goed"), **WHERE)
        after = await ncsc.publish(signal("Niet meer"), **WHERE)
        other = await ncsc.publish(signal("Ander log"), theme="parties", classification="depv")
    period = enclave.trusted_directory().current.register.periods.current

    def change(draft: Path) -> None:
        place = ("--log", f"{period}/depv/process", "--index", str(after.index))
        assert run("register", "revoke", draft, "ncsc-1", "--reason", "gelekt", *place).status == 0

    note = await asyncio.to_thread(lambda: desk.sign(desk.draft(change)))
    assert (await asyncio.to_thread(desk.publish, note)).status == 0
    rows = (await asyncio.to_thread(enclave.watch, "tafel", "--from-start", "--idle", "3")).rows
    shown = {r["signal"]["id"]: r.get("suspect") for r in rows if "signal" in r}
    assert shown == {str(before.signal): None, str(after.signal): "gelekt", str(other.signal): None}
