# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Live: proofs to the sender, receipts, feedback, recall; with the commands that officials use."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.enclave import Enclave, make_enclave, run
from harness.samples import line, signal

import seinpost
from seinpost.connection import Connection
from seinpost_schemas.checkpoint import Checkpoint, LogPublicKeys, verify_checkpoint
from seinpost_schemas.directory import log_keys_of
from seinpost_schemas.errors import MalformedError, Reason, RefusedError
from seinpost_schemas.subjects import log_origin

pytestmark = pytest.mark.nats

PARTIES = ("ncsc", "ibd", "kiesraad", "ap", "toezicht", "tafel")
WHERE = {"theme": "process", "classification": "depv"}
SECONDS = 30.0


@pytest.fixture(scope="module")
def witnessed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Enclave]:
    made = make_enclave(tmp_path_factory.mktemp("acts") / "e", *PARTIES, witnesses=True)
    made.start(witnesses=True)
    yield made
    made.stop()


class Reader:
    """A party that reads in the background."""

    def __init__(self, connection: Connection, recalled: list[seinpost.Recalled]) -> None:
        self.connection = connection
        self.recalled = recalled
        self.deliveries: list[seinpost.Delivery] = []

    async def read(self) -> None:
        async for delivery in self.connection.signals():
            self.deliveries.append(delivery)

    async def delivery(self, about: str) -> seinpost.Delivery:
        """Wait for a signal of this id, or for an act on it."""
        async with asyncio.timeout(SECONDS):
            while True:
                for d in self.deliveries:
                    if d.signal.id == about or (d.kind != 2 and about in d.signal.handling.refers_to):
                        return d
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def reading(enclave: Enclave, party: str) -> AsyncIterator[Reader]:
    recalled: list[seinpost.Recalled] = []
    connection = seinpost.connect(enclave.config(party), on_recalled=recalled.append, on_alarm=lambda _: None)
    async with connection:
        reader = Reader(connection, recalled)
        task = asyncio.ensure_future(reader.read())
        try:
            yield reader
        finally:
            task.cancel()
            await asyncio.wait({task})


def feedback_seen(reader: Reader) -> set[str]:
    """The signals about which a reader heard feedback."""
    return {i for d in reader.deliveries if d.kind == 6 for i in d.signal.handling.refers_to}


async def publish(enclave: Enclave, party: str, title: str) -> str:
    async with seinpost.connect(enclave.config(party)) as post:
        return (await post.publish(signal(title), **WHERE)).signal


def receipts(enclave: Enclave, party: str, signal_id: str) -> dict[str, Any]:
    done = run("receipts", signal_id, "--config", enclave.config(party), "--json")
    assert done.status == 0, done
    return done.rows[0]


async def test_the_sender_gets_a_proof_that_holds(witnessed: Enclave) -> None:
    register = witnessed.trusted_directory().current.register
    async with seinpost.connect(witnessed.config("ncsc")) as post:
        answer = await post.publish(signal("Met bewijs"), **WHERE)
        proof = await post.wait_audited(answer)
        assert post.alarms == []
    assert answer.index is not None
    assert proof.index == answer.index
    checkpoint, _ = verify_checkpoint(
        proof.note,
        log_origin(register.enclave, register.periods.current, _compartment()),
        LogPublicKeys(*log_keys_of(register)),
    )
    assert checkpoint.tree_size > answer.index
    assert isinstance(checkpoint, Checkpoint)


def _compartment() -> Any:
    from seinpost_schemas.compartment import Compartment

    return Compartment.parse("depv/process")


def test_publish_waits_for_the_proof_when_asked(witnessed: Enclave, tmp_path: Path) -> None:
    source = tmp_path / "two.jsonl"
    source.write_bytes(line("Eerste") + line("Tweede"))
    done = witnessed.publish(
        "ibd", source, "--theme", "process", "--classification", "depv", "--audited", "--json"
    )
    assert done.status == 0, done
    assert [row["verdict"] for row in done.rows] == ["admitted", "admitted", "audited", "audited"]
    assert done.rows[2]["tree_size"] > done.rows[0]["index"]


async def test_receipts_say_who_has_and_has_not_opened_it(witnessed: Enclave) -> None:
    async with reading(witnessed, "tafel") as table, reading(witnessed, "kiesraad") as kiesraad:
        signal_id = await publish(witnessed, "ncsc", "Wie heeft dit geopend")
        table.connection.opened(await table.delivery(signal_id))
        await kiesraad.delivery(signal_id)
    # Leaving sends what is owed, unless a receipt went less than 30 s ago: then whoever reads next does.
    wanted = {"tafel": "opened", "kiesraad": "delivered", "ibd": "none"}
    states: dict[str, str] = {}
    async with asyncio.timeout(120):
        while {p: states.get(p) for p in wanted} != wanted:
            row = await asyncio.to_thread(receipts, witnessed, "ncsc", signal_id)
            states = {p["party"]: p["state"] for p in row["parties"]}
            if states.get("tafel") != "opened" or states.get("kiesraad") != "delivered":
                async with reading(witnessed, "tafel"), reading(witnessed, "kiesraad"):
                    await asyncio.sleep(5)
    assert "ncsc" not in states
    assert not any(p["late"] for p in row["parties"])
    assert row["audited"]


async def test_a_reader_sees_who_of_the_audience_has_opened_a_signal(witnessed: Enclave) -> None:
    async with (
        reading(witnessed, "ibd") as ibd,
        reading(witnessed, "tafel") as tafel,
        seinpost.connect(witnessed.config("ncsc")) as ncsc,
    ):
        answer = await ncsc.publish(signal("seen by some"), **WHERE)
        theirs, own = await ibd.delivery(answer.signal), await tafel.delivery(answer.signal)
        seen = {o.party: o for o in tafel.connection.openings(own)}
        assert set(seen) >= {"ibd", "kiesraad", "tafel"}
        assert "ncsc" not in seen
        assert not any(o.late for o in seen.values())
        ibd.connection.acknowledge(theirs)
        # Its last receipt may have gone a moment ago: the next goes 30 s later.
        async with asyncio.timeout(30 + SECONDS):
            while {o.party: o.state for o in tafel.connection.openings(own)}["ibd"] != "acknowledged":
                await asyncio.sleep(0.1)
        assert {o.party: o.state for o in tafel.connection.openings(own)}["kiesraad"] == "none"


async def test_a_party_that_has_not_opened_an_urgent_signal_is_late(witnessed: Enclave) -> None:
    async with seinpost.connect(witnessed.config("ncsc")) as post:
        made = signal("Nu", urgency="immediate")
        signal_id = (await post.publish(made, **WHERE)).signal
    patch = "import time; now = time.time_ns; time.time_ns = lambda: now() + 16 * 60 * 10**9"
    # The clock of this process alone is ahead: the directory's is then too far off, so nothing could be sent.
    done = await asyncio.to_thread(
        run, "receipts", signal_id, "--config", witnessed.config("ncsc"), "--json", patch=_ahead(patch)
    )
    assert done.status == 0, done
    assert {p["party"] for p in done.rows[0]["parties"] if p["late"]} >= {"tafel", "ibd"}


def _ahead(patch: str) -> str:
    """Sixteen minutes ahead, where a skew of fifteen is the most that freshness allows."""
    return patch + "; import seinpost.freshness as f; f.MAX_CLOCK_SKEW_MS = 10**9; f.FRESH_MS = 10**9"


async def test_feedback_reaches_every_reader_of_the_signal_and_nobody_else(witnessed: Enclave) -> None:
    async with (
        reading(witnessed, "tafel") as table,
        reading(witnessed, "ncsc") as ncsc,
        reading(witnessed, "kiesraad") as kiesraad,
    ):
        async with seinpost.connect(witnessed.config("ibd")) as post:
            to_table = await post.publish(signal("Alleen voor de tafel"), audience="tafel", **WHERE)
        await table.delivery(to_table.signal)
        signal_id = await publish(witnessed, "ncsc", "Klopt dit")
        await table.delivery(signal_id)
        answer = await table.connection.feedback(
            signal_id, "dispute", text="Het adres is van onszelf", official="t-7"
        )
        assert answer.index is not None
        act = (await ncsc.delivery(signal_id)).signal
        while not isinstance(act, seinpost.Act):
            await asyncio.sleep(0.02)
            act = next((d.signal for d in ncsc.deliveries if isinstance(d.signal, seinpost.Act)), act)
        assert (act.report.act, act.report.text, act.report.official) == (
            "dispute",
            "Het adres is van onszelf",
            "t-7",
        )
        await table.connection.feedback(to_table.signal, "question")
        async with asyncio.timeout(60):
            while not (seen := feedback_seen(kiesraad)):
                await asyncio.sleep(0.02)
        # The question was about what only the table may read: a moment for what must not come.
        await asyncio.sleep(1)
        assert feedback_seen(kiesraad) == seen == {signal_id}
        assert table.connection.alarms == ncsc.connection.alarms == kiesraad.connection.alarms == []
        with pytest.raises(MalformedError, match="choose from"):
            await table.connection.feedback(signal_id, "like")


async def test_feedback_to_a_signal_of_an_ended_epoch_holds_for_a_reader_that_was_restarted(
    witnessed: Enclave,
) -> None:
    """The epoch that is answered ended before the reader began: it is looked up, not forgotten."""
    async with reading(witnessed, "tafel") as table:
        signal_id = await publish(witnessed, "ncsc", "Van een afgesloten sleutel")
        await table.delivery(signal_id)
    async with reading(witnessed, "tafel") as table:
        await table.connection.feedback(signal_id, "corroborate")
        await table.delivery(signal_id)
        assert table.connection.alarms == []


async def test_a_recalled_signal_is_withdrawn_and_the_sender_sees_by_whom(witnessed: Enclave) -> None:
    async with reading(witnessed, "tafel") as table:
        signal_id = await publish(witnessed, "ncsc", "Dit was een vergissing")
        delivery = await table.delivery(signal_id)
        async with seinpost.connect(witnessed.config("ncsc")) as post:
            await post.recall(signal_id, "mistake")
        async with asyncio.timeout(SECONDS):
            while table.connection.status(delivery) != "recalled":
                await asyncio.sleep(0.02)
        assert [(r.signal, r.sender, r.reason) for r in table.recalled] == [(signal_id, "ncsc", "mistake")]
        assert table.connection.alarms == []
    # One receipt per 30 s: what could not be said yet goes when it may.
    async with reading(witnessed, "tafel"), asyncio.timeout(60):
        while True:
            row = await asyncio.to_thread(receipts, witnessed, "ncsc", signal_id)
            state = {p["party"]: p["state"] for p in row["parties"]}["tafel"]
            if state == "withdrawn":
                break
            await asyncio.sleep(1)
    assert row["recalled"]
    # Who reads it again finds it recalled, and the log still holds it.
    done = await asyncio.to_thread(
        witnessed.watch, "tafel", "--from-start", "--idle", "3", seconds=SECONDS + 30
    )
    shown = [r for r in done.rows if r.get("signal", {}) and signal_id in json.dumps(r)]
    assert [r.get("status") for r in shown if "status" in r] == ["recalled"]


async def test_only_the_originators_party_can_recall(witnessed: Enclave) -> None:
    signal_id = await publish(witnessed, "ncsc", "Niet van jullie")
    async with reading(witnessed, "ibd") as ibd:
        await ibd.delivery(signal_id)
        with pytest.raises(RefusedError) as refused:
            await ibd.connection.recall(signal_id, "mistake")
        assert refused.value.reason is Reason.MANDATE
        with pytest.raises(MalformedError, match="choose from"):
            await ibd.connection.recall(signal_id, "whim")


async def test_the_commands(witnessed: Enclave) -> None:
    signal_id = await publish(witnessed, "ncsc", "Met de opdrachten")
    shown = await asyncio.to_thread(witnessed.watch, "tafel", "--idle", "3")
    assert shown.status == 0, shown
    config = witnessed.config("tafel")
    done = await asyncio.to_thread(
        run, "feedback", signal_id, "question", "--text", "Waar?", "--config", config, "--json"
    )
    assert done.status == 0, done
    assert done.rows[0]["verdict"] == "admitted"
    ncsc = witnessed.config("ncsc")
    done = await asyncio.to_thread(run, "recall", signal_id, "--reason", "legal", "--config", ncsc)
    assert done.status == 0, done
    assert done.stdout.startswith("recalled  depv/process")
    done = await asyncio.to_thread(run, "receipts", "--config", ncsc, "--lang", "nl")
    assert done.status == 0, done
    assert "ingetrokken" in done.stdout
    assert "heeft het niet ontvangen" in done.stdout
    done = await asyncio.to_thread(run, "recall", signal_id, "--reason", "grap", "--config", ncsc)
    assert done.status == 1
    assert "choose from mistake" in done.error
    unknown = "01931c3a-5f00-7000-8000-000000000001"
    done = await asyncio.to_thread(run, "receipts", unknown, "--config", ncsc)
    assert done.status == 1
    assert "was sent with this identity" in done.error
