# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Reply subjects: the server's own acknowledgements must not become a party's way into other streams.

Reply subjects are not checked against publish permissions. In a single account a party that may publish on
one subject makes JetStream's acknowledgement (or a pulled message) land in any stream. With an account per
party, it does not leave that account. No broker runs here, so that nothing else writes.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import nats
import pytest
from harness.enclave import Enclave
from harness.raw import RawClient, connected, stream_states
from nats.aio.client import Client

from seinpost.identity import Identity
from seinpost_broker.adapters.nats_bus import NatsBus
from seinpost_broker.app import lay_out
from seinpost_broker.core import layout
from seinpost_schemas.policy import View

pytestmark = pytest.mark.nats

PARTIES = ("ncsc", "tafel", "kiesraad")
FEED = "seinpost.feed.{period}.depv.process"
States = dict[str, tuple[int, int, int]]


@pytest.fixture(scope="module")
def quiet(new_enclave: Callable[..., Enclave]) -> Enclave:
    """An enclave whose nats-server runs and whose broker does not."""
    made = new_enclave(*PARTIES)
    made.start_nats()
    return made


def now_ms(view: View) -> int:
    return int(view.register.issued.timestamp() * 1000) + 1


async def prepare(enclave: Enclave, view: View) -> Client:
    """Streams and consumers as the broker makes them, with something in each to be pulled; the HUB's client."""
    seed, _ = enclave.directory.load_secrets()
    bus = await NatsBus.connect(enclave.url, seed)
    await lay_out(bus, view, now_ms(view))
    await bus.close()
    client = await nats.connect(enclave.url, nkeys_seed_str=seed)
    jetstream = client.jetstream()
    for stream in layout.streams(view.register):
        subject = stream.subjects[0].replace("*", "ong", 1).replace("*", "x").replace(">", "directory")
        await jetstream.publish(subject, b"something to pull")
    for party in PARTIES:
        await jetstream.publish(f"seinpost.answer.{party}", b"an answer")
    return client


def reply_subjects(view: View) -> list[str]:
    """A concrete subject of every stream of the enclave, and of JetStream's own."""
    replies = []
    for stream in layout.streams(view.register):
        if stream.name.startswith("IN_"):
            party = stream.name.removeprefix("IN_")
            replies += [
                f"seinpost.in.{c}.process.{a}.{party}" for c in ("ong", "depv") for a in ("publish", "x")
            ]
            replies.append(f"$JS.ACK.{stream.name}.brokers.1.1.1.1.0")
        else:
            replies.append(stream.subjects[0].replace("*", "tafel").replace(">", "directory"))
            replies.append(f"$JS.ACK.{stream.name}.tafel-1.1.1.1.1.0")
            replies.append(f"$JS.API.STREAM.PURGE.{stream.name}")
            replies.append(f"$JS.API.STREAM.DELETE.{stream.name}")
    return [*replies, "$JS.API.STREAM.CREATE.X", "_INBOX.x", "_INBOX_tafel.x", "seinpost.note.directory"]


async def attack(raw: RawClient, rights: list[layout.Right], replies: list[str]) -> int:
    """Every permitted publish with every reply subject; how many were sent."""
    sent = 0
    for right in rights:
        for reply in replies:
            data = b""
            if right.subject.startswith("$JS.API.DIRECT."):
                data = b'{"seq":1,"batch":2}' if right.answers_many else b""
            elif right.answers_many:
                data = b'{"batch":2,"no_wait":true}'
            elif ".RESET." in right.subject:
                data = b'{"seq":1}'
            elif right.subject.startswith("seinpost.in."):
                data = b"junk"
            await raw.client.publish(right.subject, data, reply=reply)
            sent += 1
            if sent % 200 == 0:
                await raw.client.flush()
    await raw.settle()
    assert raw.denied == []
    return sent


def rights_of(view: View, party: str) -> list[layout.Right]:
    return layout.identity_rights(view, view.party(party), f"{party}-1", now_ms(view))


@pytest.mark.parametrize("party", PARTIES)
async def test_no_reply_subject_puts_a_byte_into_another_stream(quiet: Enclave, party: str) -> None:
    view = quiet.trusted_directory().current
    client = await prepare(quiet, view)
    identity: Identity = quiet.identity(party)
    replies = reply_subjects(view)
    assert {s.name for s in layout.streams(view.register)} == set(await stream_states(client))
    before = await stream_states(client)
    async with connected(quiet.url, identity.nats_seed) as raw:
        assert await attack(raw, rights_of(view, party), replies) > 1000
    after = await settled(client)
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    assert changed == {f"IN_{party}"}
    await client.close()


async def settled(client: Client) -> States:
    """The streams' states once two readings agree."""
    before: States = {}
    while before != (now := await stream_states(client)):
        before = now
    return now


async def test_control_in_a_single_account_the_attack_succeeds(new_enclave: Callable[..., Enclave]) -> None:
    """The same users, permissions, streams and publishes; only the accounts are gone."""
    enclave = new_enclave("ncsc", "tafel")
    view = enclave.trusted_directory().current
    identity = enclave.identity("ncsc")
    config = enclave.directory.nats_config
    text = config.read_text()
    users = re.findall(r"    users: \[\n((?:      .*\n)+)    \]\n", text)
    assert len(users) == 3
    single = text[: text.index("accounts {")]
    single += (
        "accounts {\n  HUB {\n    jetstream: enabled\n    users: [\n" + "".join(users) + "    ]\n  }\n}\n"
    )
    config.write_text(single)
    enclave.start_nats()
    client = await prepare(enclave, view)
    before = await stream_states(client)
    async with connected(enclave.url, identity.nats_seed) as raw:
        # The permissions are the same: without the reply subject the feed is out of reach.
        feed = FEED.format(period=view.register.periods.current)
        assert await raw.denied_publishes([feed]) == {feed}
        raw.denied.clear()
        ingress = [r for r in rights_of(view, "ncsc") if r.subject.startswith("seinpost.in.")][:1]
        replies = [r for r in reply_subjects(view) if not r.startswith("$JS.API.STREAM")]
        await attack(raw, ingress, replies)
    after = await settled(client)
    changed = {name for name in before if before[name] != after[name]}
    await client.close()
    assert {s.name for s in layout.streams(view.register)} == changed
