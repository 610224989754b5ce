# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Live readers: one that may not see section 3, one that was killed, and all of them before a broker that lies."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from harness.enclave import Done, Enclave, Running, start
from harness.raw import hub
from harness.samples import encoded, table, titles

import seinpost
from seinpost._lane import recipients_of
from seinpost.epochs import EpochSecrets, make_epoch, open_epoch
from seinpost.identity import Identity
from seinpost.sealing import _open_part, seal_envelope
from seinpost_broker.ports import AppendRequest, StoredMessage
from seinpost_schemas import labels
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.entry import Entry, feed_headers, parse_feed_headers, signature_hash
from seinpost_schemas.envelope import Envelope, assemble_envelope
from seinpost_schemas.header import ZERO_16, ZERO_32, Header, batch_context
from seinpost_schemas.kinds import Kind
from seinpost_schemas.leaf import PROTECTED, SECTIONS, expand_slots, section_digest
from seinpost_schemas.sealed_body import split_parts
from seinpost_schemas.sections import encode_signal
from seinpost_schemas.subjects import feed_stream, feed_subject
from seinpost_schemas.uuid7 import parse_id

pytestmark = pytest.mark.nats

WHERE = ("--theme", "process", "--classification", "depv")
PROCESS = Compartment.parse("depv/process")
SOURCE = "de bron is een buurvrouw van nummer twaalf"


def period_of(enclave: Enclave) -> str:
    return enclave.trusted_directory().current.register.periods.current


async def feed_of(enclave: Enclave) -> list[StoredMessage]:
    """Everything in the feed, as a broker reads it."""
    seed, _ = enclave.directory.load_secrets()
    async with hub(enclave.url, seed) as bus:
        return [m async for m in bus.read(feed_stream(period_of(enclave), PROCESS), 1)]


def publish(enclave: Enclave, folder: Path, party: str, *signals: dict[str, Any]) -> list[dict[str, Any]]:
    """Publish signals; their answers."""
    source = folder / "signals.jsonl"
    source.write_text("".join(json.dumps(s) + "\n" for s in signals))
    done = enclave.publish(party, source, "--json", *WHERE)
    assert done.status == 0, done
    return done.rows


# -- section 3 ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def published(
    new_enclave: Callable[..., Enclave], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Enclave]:
    """NCSC has published three signals, two with a protected section; IBD reads, the table reads it all."""
    enclave = new_enclave("ncsc", "ibd", "tafel")
    enclave.start()
    publish(
        enclave,
        tmp_path_factory.mktemp("source"),
        "ncsc",
        {**table("Een"), "protected": {"source_description": SOURCE}},
        table("Twee"),
        {**table("Drie"), "protected": {"contact": "loket 4"}},
    )
    yield enclave
    enclave.stop()


def test_a_reader_without_the_right_verifies_the_whole_and_is_not_shown_section_3(published: Enclave) -> None:
    without = published.watch("ibd", "--from-start", "--count", "3")
    with_ = published.watch("tafel", "--from-start", "--count", "3")
    assert (without.status, with_.status) == (0, 0), (without, with_)
    assert titles(without.rows) == titles(with_.rows) == ["Een", "Twee", "Drie"]
    assert [r["signal"].get("protected") for r in without.rows] == [None] * 3
    assert with_.rows[0]["signal"]["protected"] == {"source_description": SOURCE}
    assert "buurvrouw" not in without.stdout + without.stderr
    for one, other in zip(without.rows, with_.rows, strict=True):
        other["signal"].pop("protected", None)
        one["signal"].pop("protected", None)
        assert one == other


def files_of(enclave: Enclave, party: str) -> bytes:
    """All that a party has on disk beside its keys."""
    folder = enclave.path / "state" / f"{party}-1"
    return b"".join(p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file())


def memory_of(running: Running) -> bytes:
    """All memory that a process may write to."""
    pid = running.process.pid
    found = []
    with Path(f"/proc/{pid}/maps").open() as maps, Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        for line in maps:
            match = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
            if match is None:
                continue
            begin, end = (int(g, 16) for g in match.groups())
            try:
                memory.seek(begin)
                found.append(memory.read(end - begin))
            except (OSError, OverflowError):
                continue
    return b"".join(found)


@pytest.mark.parametrize(("party", "shown"), [("ibd", False), ("tafel", True)])
def test_section_3_is_not_in_the_memory_or_files_of_a_reader_without_the_right(
    published: Enclave, party: str, *, shown: bool
) -> None:
    """The table is the control: this finds the text where it is."""
    running = start("watch", "--config", published.config(party), "--from-start", "--json")
    running.wait_for("stdout", '"Drie"')
    memory = memory_of(running)
    assert b"Drie: wat er gezien is." in memory
    assert (b"buurvrouw van nummer twaalf" in memory) == shown
    running.interrupt()
    assert b"buurvrouw" not in files_of(published, party)
    assert len(files_of(published, party)) > 1_000


def envelope_of(message: StoredMessage) -> Envelope:
    entry, _, signature = parse_feed_headers(dict(message.headers))
    return assemble_envelope(entry.header_bytes, signature, message.body)


def secrets_for(identity: Identity, messages: list[StoredMessage], *, protected: bool) -> EpochSecrets:
    epoch = next(e for e in map(envelope_of, messages) if e.header.kind == Kind.EPOCH)
    secrets = open_epoch(epoch, identity.kem, read_protected=protected)
    assert secrets is not None
    return secrets


async def test_guessing_section_3_fails_with_all_that_such_a_reader_holds(published: Enclave) -> None:
    """It has the main part with its seed, all d3 and leaves, and here even the true text among its guesses."""
    messages = await feed_of(published)
    sealed = next(e for e in map(envelope_of, messages) if e.header.kind == Kind.SIGNALS)
    mine = secrets_for(published.identity("ibd"), messages, protected=False)
    assert mine.protected is None
    main, protected = split_parts(sealed.body)
    context = batch_context(sealed.header_bytes)
    opened = _open_part(main, labels.MAIN_KEY, mine.secret, sealed.header, context)
    seed, rows = msgspec.msgpack.decode(opened)
    d3s = {row[4] for row in rows}
    assert len(d3s) == 3
    true = encode_signal(
        seinpost.parse_signal(json.dumps({**table("Een"), "protected": {"source_description": SOURCE}})),
        parse_id("0198c5d7-a000-7000-8000-000000000001"),
    ).sections[PROTECTED]
    assert true is not None
    slots = expand_slots(seed, 64)
    salts = [slots[i : i + 32] for i in range(0, len(slots), 32)] + [ZERO_32, seed, mine.secret, context]
    guesses = {section_digest(j, salt, true) for salt in salts for j in range(SECTIONS)}
    assert not guesses & d3s
    # The control: with the seed inside the protected part, the same guess hits.
    theirs = secrets_for(published.identity("tafel"), messages, protected=True)
    assert theirs.protected is not None
    inner = _open_part(protected, labels.PROTECTED_KEY, theirs.protected, sealed.header, context)
    salt = expand_slots(msgspec.msgpack.decode(inner)[0], 1)[32 * PROTECTED :][:32]
    assert section_digest(PROTECTED, salt, true) in d3s


# -- a reader that ends and begins again ------------------------------------------------------------


def test_a_reader_that_restarts_goes_on_where_it_was(published: Enclave, tmp_path: Path) -> None:
    published.watch("ibd", "--from-start", "--count", "3")
    rest = published.watch("ibd", "--idle", "2")
    publish(published, tmp_path, "ncsc", table("Vier"))
    after = published.watch("ibd", "--idle", "2")
    assert (rest.status, after.status) == (0, 0), (rest, after)
    assert set(titles(rest.rows)) <= {
        "Een",
        "Twee",
        "Drie",
    }  # the last envelope, if its position was not stored
    assert "Vier" in titles(after.rows)
    assert "Een" not in titles(after.rows)


def test_a_reader_that_is_killed_loses_nothing(published: Enclave, tmp_path: Path) -> None:
    running = start("watch", "--config", published.config("tafel"), "--from-start", "--json")
    running.wait_for("stdout", '"Drie"')
    running.process.kill()
    running.process.wait()
    publish(published, tmp_path, "ncsc", table("Na de val"))
    after = published.watch("tafel", "--idle", "2")
    assert after.status == 0, after
    assert titles(after.rows)[-1] == "Na de val"
    assert len(titles(after.rows)) == len(set(titles(after.rows)))


# -- a broker that lies ---------------------------------------------------------------------------


class Liar:
    """The HUB's own connection and NCSC's real keys: whatever it wants to append to the feed."""

    def __init__(self, enclave: Enclave) -> None:
        self.enclave = enclave
        self.ncsc = enclave.identity("ncsc")
        self.directory = enclave.trusted_directory()
        self.messages: list[StoredMessage] = []
        self._seq, self._head = 0, ZERO_32
        self._secrets: EpochSecrets | None = None
        self._number = 0

    async def look(self) -> None:
        """What is in the feed now, and where NCSC's chain is."""
        self.messages = await feed_of(self.enclave)
        for envelope in map(envelope_of, self.messages):
            if envelope.header.sender_id == self.ncsc.sender_id:
                self._seq, self._head = envelope.header.seq, envelope.object_hash

    def _place(self, kind: Kind) -> Header:
        self._seq += 1
        return Header(
            kind=kind,
            compartment=PROCESS,
            enclave_id=self.directory.enclave_id,
            sender_id=self.ncsc.sender_id,
            epoch_id=ZERO_16,
            seq=self._seq,
            prev_hash=self._head,
            directory_size=self.directory.size,
            created_ms=self.now_ms,
            count=0,
            batch_root=ZERO_32,
            body_len=0,
            body_hash=ZERO_32,
        )

    @property
    def now_ms(self) -> int:
        return parse_feed_headers(dict(self.messages[-1].headers))[0].admitted_ms

    def epoch(self) -> Envelope:
        """NCSC's next epoch, as it would make it."""
        view = self.directory.current
        party = view.party("ncsc")
        members = view.audience_members(view.audience("all"), party, PROCESS, self.now_ms)
        recipients = recipients_of(view, members, PROCESS, self.now_ms)
        envelope, self._secrets = make_epoch(self._place(Kind.EPOCH), 1, recipients, self.ncsc.signing)
        self._head = envelope.object_hash
        return envelope

    def signals(self, title: str) -> Envelope:
        """NCSC's next signal, as it would seal it."""
        assert self._secrets is not None
        self._number += 1
        batch = [encoded(900 + self._number, title)]
        envelope = seal_envelope(batch, self._place(Kind.SIGNALS), self._secrets, self.ncsc.signing)
        self._head = envelope.object_hash
        return envelope

    def message(self, envelope: Envelope, body: bytes | None = None) -> tuple[dict[str, str], bytes]:
        entry = Entry(
            self.now_ms, self.directory.size, envelope.header_bytes, signature_hash(envelope.signature)
        )
        return feed_headers(entry, envelope.signature), envelope.body if body is None else body

    async def append(self, *messages: tuple[dict[str, str], bytes]) -> None:
        """Append to the feed as only a broker can."""
        seed, _ = self.enclave.directory.load_secrets()
        async with hub(self.enclave.url, seed) as bus:
            stream = feed_stream(period_of(self.enclave), PROCESS)
            for headers, body in messages:
                last = await bus.last_seq(stream)
                request = AppendRequest(
                    stream=stream,
                    subject=feed_subject(period_of(self.enclave), PROCESS),
                    expected_last_seq=last,
                    expected_last_msg_id=None,
                    msg_id=os.urandom(16).hex(),
                    headers=headers,
                    body=body,
                )
                await (await bus.append(request))


@pytest.fixture
async def liar(new_enclave: Callable[..., Enclave], tmp_path: Path) -> AsyncIterator[Liar]:
    """A feed with two true signals, whose broker is gone: from here on somebody else writes it."""
    enclave = new_enclave("ncsc", "tafel")
    enclave.start()
    await asyncio.to_thread(publish, enclave, tmp_path, "ncsc", table("Echt een"), table("Echt twee"))
    made = Liar(enclave)
    await made.look()
    yield made
    enclave.stop()


def flipped(body: bytes) -> bytes:
    return body[:-1] + bytes((body[-1] ^ 1,))


def replayed(liar: Liar) -> list[tuple[dict[str, str], bytes]]:
    return [(dict(liar.messages[0].headers), liar.messages[0].body)]


def changed(liar: Liar) -> list[tuple[dict[str, str], bytes]]:
    return [liar.message(e := liar.epoch(), flipped(e.body))]


def left_out(liar: Liar) -> list[tuple[dict[str, str], bytes]]:
    epoch = liar.message(liar.epoch())
    liar.signals("Verzwegen")
    return [epoch, liar.message(liar.signals("Na het verzwegene"))]


def moved(liar: Liar) -> list[tuple[dict[str, str], bytes]]:
    liar.epoch()
    before = liar.signals("Voor zijn epoch")
    return [liar.message(before)]


def junk(_liar: Liar) -> list[tuple[dict[str, str], bytes]]:
    return [({}, b"junk")]


LIES = {
    "an entry once more": ("reordering", replayed),
    "a changed body": ("signature", changed),
    "an entry left out": ("gap", left_out),
    "an entry in another's place": ("gap", moved),
    "junk": ("malformed", junk),
}


@pytest.mark.parametrize(("code", "lie"), LIES.values(), ids=LIES.keys())
async def test_what_a_dishonest_broker_appends_is_an_alarm_by_name_and_status_1(
    liar: Liar, code: str, lie: Callable[[Liar], list[tuple[dict[str, str], bytes]]]
) -> None:
    watching = start(
        "watch",
        "--config",
        liar.enclave.config("tafel"),
        "--from-start",
        "--json",
        "--idle",
        "4",
        "--lang",
        "en",
    )
    shown = await asyncio.to_thread(watching.wait_for, "stdout", '"Echt twee"')
    liar.enclave.kill_broker()
    await liar.append(*lie(liar))
    said = await asyncio.to_thread(watching.wait_for, "stderr", "\n")
    done: Done = await asyncio.to_thread(watching.finish)
    assert f"ALARM {code} in depv/process" in said
    assert done.status == 1, done
    assert "Traceback" not in said + done.stderr
    rows = [json.loads(line) for line in (shown + done.stdout).splitlines()]
    assert titles(rows) == ["Echt een", "Echt twee"]


async def test_what_is_true_after_a_lie_is_read_all_the_same(liar: Liar) -> None:
    """The lie, then NCSC's own next epoch and signal, through the library."""
    async with seinpost.connect(liar.enclave.config("tafel"), on_alarm=lambda _: None) as post:
        liar.enclave.kill_broker()
        await liar.append(*junk(liar))
        await liar.append(liar.message(liar.epoch()), liar.message(liar.signals("Na de leugen")))
        seen: list[str] = []
        async with asyncio.timeout(30):
            async for delivery in post.signals(from_start=True):
                seen.append(delivery.signal.report.title)  # type: ignore[union-attr]
                if seen[-1] == "Na de leugen":
                    break
        assert seen == ["Echt een", "Echt twee", "Na de leugen"]
        assert [a.code for a in post.alarms] == ["malformed"]


async def test_the_control_what_an_honest_broker_would_append_is_no_alarm(liar: Liar) -> None:
    """The forger above is good enough: what it makes truly is accepted."""
    watching = start(
        "watch",
        "--config",
        liar.enclave.config("tafel"),
        "--from-start",
        "--json",
        "--idle",
        "4",
        "--lang",
        "en",
    )
    await asyncio.to_thread(watching.wait_for, "stdout", '"Echt twee"')
    liar.enclave.kill_broker()
    await liar.append(liar.message(liar.epoch()), liar.message(liar.signals("Ook echt")))
    done: Done = await asyncio.to_thread(watching.finish)
    assert (done.status, done.stderr) == (0, "")
    assert titles(done.rows) == ["Ook echt"]
