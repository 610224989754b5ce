# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Live: what concerns a signal of the period before still works: receipts, feedback, recall, proof and export."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.dishonest import fresh_reader
from harness.enclave import make_enclave, run
from harness.periods import three_periods, turn_period, until_closed
from harness.registrar import Desk
from harness.samples import signal

import seinpost
from seinpost.audit_verify import ExportError, verify_export
from seinpost.export_layout import Piece, piece_files
from seinpost_schemas.tiles import decode_bundle

pytestmark = [pytest.mark.nats]
PARTIES = ("ncsc", "ibd", "ap", "toezicht", "tafel")
WHERE = {"theme": "process", "classification": "depv"}
LOG = "depv/process"


class Turned:
    """An enclave in its second period, and the ids of signals of its first."""

    def __init__(self, desk: Desk, ids: list[str]) -> None:
        self.desk = desk
        self.enclave = desk.enclave
        self.ids = ids
        self.first, self.second, _ = three_periods(self.enclave)


async def fill(desk: Desk) -> list[str]:
    """Three signals in the first period; then the second begins, and holds one too."""
    first, second, third = three_periods(desk.enclave)
    async with seinpost.connect(desk.enclave.config("ncsc")) as post:
        answers = [await post.publish(signal(f"Bericht {n}"), **WHERE) for n in range(3)]
        for answer in answers:
            await post.wait_audited(answer)
        await turn_period(desk, second, third, first)
        await until_closed(desk.enclave, first)
        answers.append(await post.publish(signal("Na de wisseling"), **WHERE))
        await post.wait_audited(answers[-1])
    return [a.signal for a in answers]


@pytest.fixture(scope="module")
def turned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Turned]:
    folder = tmp_path_factory.mktemp("turned")
    enclave = make_enclave(folder / "e", *PARTIES, witnesses=True)
    enclave.start(witnesses=True)
    desk = Desk(enclave, folder)
    yield Turned(desk, asyncio.run(fill(desk)))
    enclave.stop()


def row(done: Any) -> dict[str, Any]:
    assert done.status == 0, done
    found: dict[str, Any] = done.rows[0]
    return found


async def test_a_reader_that_comes_later_says_in_the_new_log_what_it_read_of_the_old(turned: Turned) -> None:
    config = turned.enclave.config("ibd")
    seen: set[str] = set()
    async with seinpost.connect(config, on_alarm=lambda _: None) as reader:
        async with asyncio.timeout(60):
            async for delivery in reader.signals():
                seen.add(str(delivery.signal.id))
                if set(turned.ids) <= seen:
                    break
        assert reader.alarms == []
    async with asyncio.timeout(60):
        while True:
            done = await asyncio.to_thread(
                run, "receipts", turned.ids[0], "--config", turned.enclave.config("ncsc"), "--json"
            )
            states = {p["party"]: p["state"] for p in row(done)["parties"]}
            if states["ibd"] == "delivered":
                return
            await asyncio.sleep(0.5)


async def test_feedback_and_recall_reach_a_signal_of_the_period_before(
    turned: Turned, tmp_path: Path
) -> None:
    async with fresh_reader(turned.enclave, "tafel", tmp_path) as table:
        await table.until_audited(4)
        first = next(d for d in table.deliveries if d.signal.id == turned.ids[0])
        assert first.period == turned.first
        answer = await table.connection.feedback(turned.ids[0], "question", text="Waar was dit?")
        assert answer.verdict == "admitted"
        async with seinpost.connect(turned.enclave.config("ncsc"), receipts=False) as post:
            recalled = await post.recall(turned.ids[1], "mistake")
        assert recalled.verdict == "admitted"
        async with asyncio.timeout(30):
            while len(table.deliveries) < 5 or "recalled" not in {
                table.connection.status(d) for d in table.deliveries
            }:
                await asyncio.sleep(0.05)
        (act,) = [d for d in table.deliveries if d.kind == 6]
        assert (act.period, act.signal.handling.refers_to) == (turned.second, (turned.ids[0],))
        gone = [d.signal.id for d in table.deliveries if table.connection.status(d) == "recalled"]
        assert gone == [turned.ids[1]]
        assert table.codes == []


def test_a_signal_of_the_period_before_is_proven(turned: Turned, tmp_path: Path) -> None:
    proof = tmp_path / "signal.proof"
    config = turned.enclave.config("tafel")
    assert turned.enclave.watch("tafel", "--from-start", "--idle", "3").status == 0
    made = run("proof", turned.ids[2], "--config", config, "--out", proof)
    assert made.status == 0, made
    enclave_id = turned.enclave.trusted_directory().enclave_id.hex()
    shown = run("proof", "verify", proof, "--enclave", enclave_id, "--json")
    assert shown.status == 0, shown


@pytest.fixture(scope="module")
def exported(turned: Turned, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("export") / "export"
    done = run("audit", "export", target, "--config", turned.enclave.config("toezicht"), "--json")
    assert done.status == 0, done
    return target


def test_an_export_holds_the_logs_of_both_periods(turned: Turned, exported: Path) -> None:
    report = verify_export(exported, turned.enclave.trusted_directory().enclave_id, lambda _: None)
    logs = {log.log: log for log in report.logs}
    assert logs[f"{turned.first}/{LOG}"].entries >= 4
    assert logs[f"{turned.second}/{LOG}"].entries >= 2
    # Each compartment twice, the directory and the admission log.
    assert len(logs) == 2 + 2 * 8
    assert all(len(log.cosigned_by) >= 3 for log in report.logs)


def rewritten(exported: Path, target: Path, *without: str) -> Path:
    """The export without some of its logs."""
    shutil.copytree(exported, target)
    manifest = json.loads((target / "export.json").read_text())
    manifest["logs"] = [log for log in manifest["logs"] if log["log"] not in without]
    (target / "export.json").write_text(json.dumps(manifest, indent=1) + "\n")
    for log in without:
        shutil.rmtree(target / log)
    return target


def place_of(turned: Turned, export: Path) -> str:
    with pytest.raises(ExportError) as caught:
        verify_export(export, turned.enclave.trusted_directory().enclave_id, lambda _: None)
    return caught.value.place


def test_a_log_cannot_be_left_out_before_the_one_that_goes_on_from_it(
    turned: Turned, exported: Path, tmp_path: Path
) -> None:
    broken = rewritten(exported, tmp_path / "broken", f"{turned.first}/{LOG}")
    assert place_of(turned, broken) == f"{turned.second}/{LOG}"


def test_a_closed_log_is_exported_to_its_end(turned: Turned, exported: Path, tmp_path: Path) -> None:
    """An older checkpoint of a log, honest and cosigned, is not where it was closed."""
    broken = rewritten(exported, tmp_path / "broken")
    log = f"{turned.first}/{LOG}"
    manifest = json.loads((broken / "export.json").read_text())
    entry = next(x for x in manifest["logs"] if x["log"] == log)
    older = [n for n in entry["checkpoints"] if int(n[:12]) < entry["size"]]
    assert older, "a checkpoint below the closing is there, of size 0 at least"
    size, full = int(older[-1][:12]), entry["size"]
    kept = {
        n: (broken / log / "checkpoints" / n).read_bytes() for n in entry["checkpoints"] if n <= older[-1]
    }
    bundle = decode_bundle((broken / log / f"tile/entries/000.p/{full}").read_bytes(), full)
    signatures = (broken / log / f"signatures/000.p/{full}").read_bytes()
    bodies = tuple((broken / log / f"bodies/{i:09d}").read_bytes() for i in range(size))
    shutil.rmtree(broken / log)
    piece = Piece(
        0, tuple(bundle[:size]), tuple(signatures[i * 3373 : (i + 1) * 3373] for i in range(size)), bodies
    )
    files = piece_files(log, piece) if size else {}
    files[f"{log}/checkpoint"] = kept.pop(older[-1])
    files |= {f"{log}/checkpoints/{name}": note for name, note in kept.items()}
    for name, data in files.items():
        (broken / name).parent.mkdir(parents=True, exist_ok=True)
        (broken / name).write_bytes(data)
    entry["size"], entry["checkpoints"] = size, sorted(kept)
    (broken / "export.json").write_text(json.dumps(manifest, indent=1) + "\n")
    assert place_of(turned, broken) == log
