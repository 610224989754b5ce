# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Live: a sender and a broker who lie together, a witness that nobody knows, and a broker that proves nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.dishonest import Dishonest, ahead, dishonest, fresh_reader
from harness.enclave import Enclave, make_enclave
from harness.memory import Sender, encoded, entry_of, message
from harness.samples import signal
from harness.witnessed import WITNESSES, Witnessed, witnessed_enclave

import seinpost
from seinpost import _claims
from seinpost_broker.ports import StoredMessage
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.cosignature import WitnessKeys
from seinpost_schemas.entry import parse_feed_headers
from seinpost_schemas.envelope import Envelope
from seinpost_schemas.note import Note, parse_note
from seinpost_schemas.subjects import witness_key_name

pytestmark = [pytest.mark.nats]
PLACE = "depv/process"
WHERE = {"theme": "process", "classification": "depv"}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Enclave]:
    """An enclave with one audited signal, whose honest broker and witnesses have gone."""
    made = make_enclave(
        tmp_path_factory.mktemp("sender") / "e", *WITNESSES, "kiesraad", "tafel", witnesses=True
    )
    made.start(witnesses=True)

    async def fill() -> None:
        async with seinpost.connect(made.config("ncsc")) as post:
            await post.wait_audited(await post.publish(signal("Gezien"), **WHERE))

    asyncio.run(fill())
    made.kill_broker()
    yield made
    made.stop()


class Together:
    """kiesraad, whose chain is still to begin, and the hub that logs whatever it makes."""

    def __init__(self, hub: Dishonest, truth: list[StoredMessage]) -> None:
        self._hub = hub
        self._log = list(truth)
        now_ms = time.time_ns() // 1_000_000
        self.sender = Sender(
            "kiesraad",
            Compartment.parse(PLACE),
            hub.enclave.trusted_directory(),
            hub.enclave.identity("kiesraad"),
            now_ms,
        )
        self._directory_size = parse_feed_headers(dict(truth[-1].headers))[0].directory_size

    def log(self, envelope: Envelope) -> int:
        """Its index."""
        entry = entry_of(envelope, self.sender.now_ms, self._directory_size)
        seq, headers, body = message(len(self._log) + 1, envelope, entry)
        self._log.append(StoredMessage(seq, headers, body))
        return seq - 1

    async def show(self) -> None:
        """All of it, as log and witnesses sign it."""
        await self._hub.rewrite(self._log)
        await self._hub.publish(self._hub.sign(self._hub.tree(self._log), ahead(), WITNESSES))


async def test_a_fork_of_a_senders_chain_is_named(alone: Enclave, tmp_path: Path) -> None:
    """Two envelopes at one place of its chain: a quorum saw the log, and the reader still shows the first only."""
    async with dishonest(alone, PLACE) as hub:
        truth = await hub.entries()
        both = Together(hub, truth)
        both.log(both.sender.epoch("tafel"))
        before = (both.sender.seq, both.sender.head)
        both.log(both.sender.signals(signals=[encoded(1, "Het ene")]))
        both.sender.seq, both.sender.head = before
        index = both.log(both.sender.signals(signals=[encoded(2, "Het andere")]))
        await both.show()
        try:
            async with fresh_reader(alone, "tafel", tmp_path) as reader:
                alarm = await reader.alarm("fork")
                await reader.until_audited_size(PLACE, index + 1)
        finally:
            await hub.rewrite(truth)
    assert (alarm.compartment, alarm.index) == (PLACE, index)
    assert [d.signal.report.title for d in reader.deliveries if d.sender == "kiesraad"] == ["Het ene"]  # type: ignore[union-attr]


async def test_an_epoch_that_is_cut_short_is_named(alone: Enclave, tmp_path: Path) -> None:
    """The sender counted two; the log that broker and witnesses signed holds one."""
    async with dishonest(alone, PLACE) as hub:
        truth = await hub.entries()
        both = Together(hub, truth)
        both.log(both.sender.epoch("tafel"))
        both.log(both.sender.signals(signals=[encoded(3, "Het eerste")]))
        index = both.log(both.sender.end(envelopes=2))
        await both.show()
        try:
            async with fresh_reader(alone, "tafel", tmp_path) as reader:
                alarm = await reader.alarm("epoch-cut-short")
        finally:
            await hub.rewrite(truth)
    assert (alarm.compartment, alarm.index) == (PLACE, index)


async def test_a_witness_that_the_register_does_not_name_is_named_and_counts_for_nothing(
    alone: Enclave, tmp_path: Path
) -> None:
    stranger = WitnessKeys(witness_key_name("proef", "vreemd"), b"\x09" * 64)
    async with dishonest(alone, PLACE) as hub:
        tree = hub.tree(await hub.entries())

        def cosigned(*witnesses: str) -> bytes:
            signed = parse_note(hub.sign(tree, ahead(), witnesses))
            checkpoint = hub.checkpoint(tree)
            return Note(signed.text, (*signed.signatures, *stranger.cosign(checkpoint, ahead()))).encode()

        async with fresh_reader(alone, "tafel", tmp_path) as reader:
            reader.go_on_showing(hub.origin, lambda: cosigned("ncsc", "ibd"))
            await reader.alarm("quorum")
            assert reader.audited == []
        async with fresh_reader(alone, "tafel", tmp_path) as reader:
            reader.go_on_showing(hub.origin, lambda: cosigned("ncsc", "ibd", "ap"))
            alarm = await reader.alarm("unknown-witness")
            assert alarm.compartment == PLACE
            await reader.until_audited(1)


@pytest.fixture
def witnessed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Witnessed]:
    yield from witnessed_enclave(tmp_path_factory.mktemp("unproven") / "e", "tafel")


async def test_an_admission_without_a_proof_is_an_alarm_at_its_sender(
    witnessed: Witnessed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker says "admitted", and no quorum ever sees it: its word is all there is."""
    monkeypatch.setattr(_claims, "FRESH_MS", 3_000)
    async with seinpost.connect(witnessed.enclave.config("ncsc")) as post:
        for party in WITNESSES[:2]:
            witnessed.kill_witness(party)
        answer = await post.publish(signal("Toegelaten"), **WHERE)
        async with asyncio.timeout(60):
            while not post.alarms:
                await asyncio.sleep(0.1)
        assert [a.code for a in post.alarms] == ["unproven"]
        # It is proven when the witnesses are back: late, not lost.
        for party in WITNESSES[:2]:
            witnessed.start_witness(party)
        await post.wait_audited(answer)
