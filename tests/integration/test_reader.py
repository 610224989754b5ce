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

from seinpost import parse_signal
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
Message = tuple[dict[str, str], bytes]
"""The headers and body of a feed message."""


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
        parse_signal(json.dumps({**table("Een"), "protected": {"source_description": SOURCE}})),
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


class Writer:
    """One party's real keys, on its true chain: what it would send, for somebody else to log."""

    def __init__(self, enclave: Enclave, party: str) -> None:
        self.party = party
        self._identity = enclave.identity(party)
        self._directory = enclave.trusted_directory()
        self._seq, self._head = 0, ZERO_32
        self._secrets: EpochSecrets | None = None
        self._number = 0
        self.now_ms = 0

    def follow(self, messages: list[StoredMessage]) -> None:
        """Go on from what is in the feed."""
        for message in messages:
            header, object_hash = envelope_of(message).header, envelope_of(message).object_hash
            self.now_ms = parse_feed_headers(dict(message.headers))[0].admitted_ms
            if header.sender_id == self._identity.sender_id:
                self._seq, self._head = header.seq, object_hash

    def _place(self, kind: Kind) -> Header:
        self._seq += 1
        return Header(
            kind=kind,
            compartment=PROCESS,
            enclave_id=self._directory.enclave_id,
            sender_id=self._identity.sender_id,
            epoch_id=ZERO_16,
            seq=self._seq,
            prev_hash=self._head,
            directory_size=self._directory.size,
            created_ms=self.now_ms,
            count=0,
            batch_root=ZERO_32,
            body_len=0,
            body_hash=ZERO_32,
        )

    def epoch(self) -> Envelope:
        """The next epoch, as the party would make it."""
        view = self._directory.current
        members = view.audience_members(view.audience("all"), view.party(self.party), PROCESS, self.now_ms)
        recipients = recipients_of(view, members, PROCESS, self.now_ms)
        envelope, self._secrets = make_epoch(self._place(Kind.EPOCH), 1, recipients, self._identity.signing)
        self._head = envelope.object_hash
        return envelope

    def signals(self, title: str) -> Envelope:
        """The next signal, as the party would seal it."""
        assert self._secrets is not None
        self._number += 1
        batch = [encoded(900 + self._number, title)]
        envelope = seal_envelope(batch, self._place(Kind.SIGNALS), self._secrets, self._identity.signing)
        self._head = envelope.object_hash
        return envelope

    def logged(self, envelope: Envelope, body: bytes | None = None) -> Message:
        """The envelope as a feed message, with another body if one is given."""
        entry = Entry(
            self.now_ms, self._directory.size, envelope.header_bytes, signature_hash(envelope.signature)
        )
        return feed_headers(entry, envelope.signature), envelope.body if body is None else body


class Liar:
    """The HUB's own connection and two parties' real keys: whatever it wants to append to the feed."""

    def __init__(self, enclave: Enclave, messages: list[StoredMessage]) -> None:
        self.enclave = enclave
        self.messages = messages
        self.ncsc, self.ibd = Writer(enclave, "ncsc"), Writer(enclave, "ibd")
        for writer in (self.ncsc, self.ibd):
            writer.follow(messages)

    async def append(self, *messages: Message) -> None:
        """Append to the feed as only a broker can."""
        seed, _ = self.enclave.directory.load_secrets()
        async with hub(self.enclave.url, seed) as bus:
            stream = feed_stream(period_of(self.enclave), PROCESS)
            for headers, body in messages:
                request = AppendRequest(
                    stream=stream,
                    subject=feed_subject(period_of(self.enclave), PROCESS),
                    expected_last_seq=await bus.last_seq(stream),
                    expected_last_msg_id=None,
                    msg_id=os.urandom(16).hex(),
                    headers=headers,
                    body=body,
                )
                await (await bus.append(request))

    def truth(self, writer: Writer, title: str) -> list[Message]:
        """An epoch and a signal as an honest broker would log them."""
        return [writer.logged(writer.epoch()), writer.logged(writer.signals(title))]


@pytest.fixture
async def liar(new_enclave: Callable[..., Enclave], tmp_path: Path) -> AsyncIterator[Liar]:
    """A feed with two true signals, whose broker is gone: from here on somebody else writes it."""
    enclave = new_enclave("ncsc", "ibd", "tafel")
    enclave.start()
    await asyncio.to_thread(publish, enclave, tmp_path, "ncsc", table("Echt een"), table("Echt twee"))
    yield Liar(enclave, await feed_of(enclave))
    enclave.stop()


def replayed(liar: Liar) -> list[Message]:
    return [(dict(liar.messages[0].headers), liar.messages[0].body)]


def changed(liar: Liar) -> list[Message]:
    epoch = liar.ncsc.epoch()
    return [liar.ncsc.logged(epoch, epoch.body[:-1] + bytes((epoch.body[-1] ^ 1,)))]


def left_out(liar: Liar) -> list[Message]:
    epoch = liar.ncsc.logged(liar.ncsc.epoch())
    liar.ncsc.signals("Verzwegen")
    return [epoch, liar.ncsc.logged(liar.ncsc.signals("Na het verzwegene"))]


def moved(liar: Liar) -> list[Message]:
    liar.ncsc.epoch()
    return [liar.ncsc.logged(liar.ncsc.signals("Voor zijn epoch"))]


def junk(_liar: Liar) -> list[Message]:
    return [({}, b"junk")]


LIES = {
    "an entry once more": ("reordering", replayed),
    "a changed body": ("signature", changed),
    "an entry left out": ("gap", left_out),
    "an entry in another's place": ("gap", moved),
    "junk": ("malformed", junk),
}


async def watched(liar: Liar, *appended: Message) -> Done:
    """What the table's `watch --json` says of the two true signals, and of what is appended then, to the third."""
    watching = start(
        "watch",
        "--config",
        liar.enclave.config("tafel"),
        "--from-start",
        "--json",
        "--count",
        "3",
        "--lang",
        "en",
    )
    shown = await asyncio.to_thread(watching.wait_for, "stdout", '"Echt twee"')
    liar.enclave.kill_broker()
    await liar.append(*appended)
    done: Done = await asyncio.to_thread(watching.finish)
    done.stdout = shown + done.stdout
    return done


@pytest.mark.parametrize(("code", "lie"), LIES.values(), ids=LIES.keys())
async def test_what_a_dishonest_broker_appends_is_an_alarm_by_name_and_status_1(
    liar: Liar, code: str, lie: Callable[[Liar], list[Message]]
) -> None:
    done = await watched(liar, *lie(liar), *liar.truth(liar.ibd, "Na de leugen"))
    assert f"ALARM {code} in depv/process" in done.error
    assert done.status == 1
    assert titles(done.rows) == ["Echt een", "Echt twee", "Na de leugen"]


async def test_the_control_what_an_honest_broker_would_append_is_no_alarm(liar: Liar) -> None:
    """The forger above is good enough: what it makes truly is accepted, of both senders."""
    done = await watched(liar, *liar.truth(liar.ncsc, "Ook echt"))
    assert (done.status, done.stderr) == (0, "")
    assert titles(done.rows) == ["Echt een", "Echt twee", "Ook echt"]


async def test_the_senders_own_next_signal_is_read_after_a_lie(liar: Liar) -> None:
    done = await watched(liar, *junk(liar), *liar.truth(liar.ncsc, "Na de leugen"))
    assert "ALARM malformed" in done.error
    assert titles(done.rows) == ["Echt een", "Echt twee", "Na de leugen"]
