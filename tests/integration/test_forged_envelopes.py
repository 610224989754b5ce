# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Live: what a party with its own credentials can make of envelopes, its own and others'. Nothing of it is logged.

Each is answered with its reason, the feed does not move, and an honest signal goes on afterwards.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator

import msgspec
import pytest
from harness.answers import next_answer
from harness.enclave import Enclave
from harness.memory import PROCESS, Sender
from harness.raw import RawClient, connected, hub
from harness.samples import signal

import seinpost
from seinpost.identity import Identity
from seinpost_broker.adapters.nats_bus import NatsBus
from seinpost_schemas.answer import BrokerAnswer
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.envelope import Envelope, sign_envelope
from seinpost_schemas.errors import Reason
from seinpost_schemas.header import HEADER_BYTES
from seinpost_schemas.kinds import Kind
from seinpost_schemas.subjects import ANSWERS_STREAM, feed_stream

pytestmark = pytest.mark.nats
PARTIES = ("ncsc", "ibd", "tafel")
PARTS = Compartment.parse("depv/parties")
FRESH = Compartment.parse("ong/process")
"""Where NCSC's chain has not begun: what is refused there is refused for itself."""
SIGNATURE = slice(HEADER_BYTES, HEADER_BYTES + 3_373)


class Forger:
    """NCSC's credentials, and what the broker answers to what is sent with them."""

    def __init__(
        self, enclave: Enclave, raw: RawClient, bus: NatsBus, identities: dict[str, Identity]
    ) -> None:
        self.enclave = enclave
        self.raw = raw
        self.bus = bus
        self.identities = identities
        self.directory = enclave.trusted_directory()

    def sender(self, party: str = "ncsc", compartment: Compartment = PROCESS) -> Sender:
        """A chain of a party that the log knows nothing of."""
        now_ms = time.time_ns() // 1_000_000
        return Sender(party, compartment, self.directory, self.identities[party], now_ms=now_ms)

    async def feeds(self) -> list[int]:
        period = self.directory.current.register.periods.current
        return [await self.bus.last_seq(feed_stream(period, c)) for c in (PROCESS, PARTS, FRESH)]

    async def answer_to(self, data: bytes, subject: str = "depv.process.publish") -> BrokerAnswer:
        """Send bytes into NCSC's ingress; the answer to them."""
        before = await self.bus.last_seq(ANSWERS_STREAM)
        await self.raw.client.publish(f"seinpost.in.{subject}.ncsc", data)
        return await next_answer(self.bus, before)

    async def refused(
        self, data: bytes | Envelope, reason: Reason, subject: str = "depv.process.publish"
    ) -> None:
        """It is refused for this reason, and no feed moves."""
        before = await self.feeds()
        answer = await self.answer_to(data if isinstance(data, bytes) else data.encode(), subject)
        assert (answer.verdict, answer.reason) == ("refused", reason), answer
        assert answer.message
        assert await self.feeds() == before


@pytest.fixture(scope="module")
def own(new_enclave: Callable[..., Enclave]) -> Iterator[Enclave]:
    made = new_enclave(*PARTIES)
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def own_identities(own: Enclave) -> dict[str, Identity]:
    return own.identities()


@pytest.fixture
async def forger(own: Enclave, own_identities: dict[str, Identity]) -> AsyncIterator[Forger]:
    """A forger before; and after it an honest signal of the same party, which must go through."""
    seed, _ = own.directory.load_secrets()
    async with connected(own.url, own_identities["ncsc"].nats_seed) as raw, hub(own.url, seed) as bus:
        yield Forger(own, raw, bus, own_identities)
    async with seinpost.connect(own.config("ncsc")) as post:
        answer = await post.publish(signal("Eerlijk"), theme="process", classification="depv")
    assert answer.verdict == "admitted"


async def test_another_partys_envelope_does_not_come_in_here(forger: Forger) -> None:
    await forger.refused(forger.sender("ibd").epoch(), Reason.UNKNOWN_SENDER)


async def test_an_envelope_signed_anew_by_another_is_refused(forger: Forger) -> None:
    epoch = forger.sender().epoch()
    await forger.refused(
        sign_envelope(epoch.header, epoch.body, forger.identities["ibd"].signing), Reason.SIGNATURE
    )


async def test_an_unknown_sender_is_refused(forger: Forger) -> None:
    header = msgspec.structs.replace(forger.sender().epoch().header, sender_id=b"\x07" * 16)
    body = b"x" * header.body_len
    await forger.refused(
        sign_envelope(header, body, forger.identities["ncsc"].signing), Reason.UNKNOWN_SENDER
    )


async def test_an_envelope_is_of_its_compartment_action_and_enclave(forger: Forger) -> None:
    epoch = forger.sender().epoch()
    await forger.refused(epoch, Reason.MANDATE, "depv.parties.publish")
    await forger.refused(epoch, Reason.MANDATE, "ong.process.publish")
    await forger.refused(forger.sender().signals_under(epoch), Reason.MANDATE, "depv.process.read")
    elsewhere = forger.sender().epoch(enclave_id=b"\x09" * 16)
    await forger.refused(elsewhere, Reason.MALFORMED)


async def test_either_half_of_the_signature_gone_swapped_or_of_another_kind_is_refused(
    forger: Forger,
) -> None:
    first, second = forger.sender().epoch(), forger.sender().epoch()
    whole, other = first.encode(), second.encode()
    mldsa, ed25519 = slice(HEADER_BYTES, HEADER_BYTES + 3_309), slice(HEADER_BYTES + 3_309, SIGNATURE.stop)
    for part in (mldsa, ed25519, SIGNATURE):
        for instead in (bytes(part.stop - part.start), other[part]):
            await forger.refused(whole[: part.start] + instead + whole[part.stop :], Reason.SIGNATURE)
    swapped = whole[ed25519] + whole[mldsa]
    await forger.refused(whole[:HEADER_BYTES] + swapped + whole[SIGNATURE.stop :], Reason.SIGNATURE)
    kind5 = sign_envelope(
        msgspec.structs.replace(first.header, kind=Kind.RECALL), first.body, forger.identities["ncsc"].signing
    )
    await forger.refused(whole[:HEADER_BYTES] + kind5.signature + whole[SIGNATURE.stop :], Reason.SIGNATURE)


async def test_a_changed_body_or_length_is_refused(forger: Forger) -> None:
    whole = forger.sender().epoch().encode()
    await forger.refused(whole[:-1] + bytes((whole[-1] ^ 1,)), Reason.SIGNATURE)
    for cut in (
        whole[:-1],
        whole + b"\0",
        whole[: SIGNATURE.stop],
        whole[:HEADER_BYTES],
        whole[:100],
        b"",
        b"junk",
    ):
        await forger.refused(cut, Reason.MALFORMED)
    await forger.refused(whole + bytes(1_000_000), Reason.TOO_LARGE)


async def test_slots_that_are_not_the_audience_are_refused(forger: Forger) -> None:
    right = forger.sender("ncsc", FRESH).recipients()
    for wrong in ({}, dict(list(right.items())[1:])):
        epoch = forger.sender("ncsc", FRESH).epoch(recipients=wrong)
        await forger.refused(epoch, Reason.EPOCH, "ong.process.publish")
    unknown = forger.sender("ncsc", FRESH).epoch(directory_size=10_000)
    await forger.refused(unknown, Reason.STALE_DIRECTORY, "ong.process.publish")


async def test_a_state_secret_is_refused_whoever_signed_it(forger: Forger) -> None:
    secret = forger.sender().epoch(
        compartment=Compartment.parse("stgc/process"), recipients=forger.sender().recipients()
    )
    await forger.refused(secret, Reason.CLASSIFICATION)


async def test_a_chain_is_neither_repeated_forked_nor_skipped(forger: Forger) -> None:
    """In a compartment of its own, so that the honest chain of the other is not in the way."""
    place = "depv.parties.publish"
    sender = forger.sender("ncsc", PARTS)
    epoch, first = sender.epoch(), sender.signals()
    for envelope in (epoch, first):
        assert (await forger.answer_to(envelope.encode(), place)).verdict == "admitted"
    size = await forger.feeds()
    # Repeated byte for byte, it is the same envelope: answered again with its place, logged once.
    again = await forger.answer_to(first.encode(), place)
    assert (again.verdict, again.index) == ("admitted", 1)
    assert await forger.feeds() == size
    await forger.refused(
        sender.signals(seq=first.header.seq, prev_hash=epoch.object_hash), Reason.REPLAY, place
    )
    await forger.refused(sender.signals(seq=9, prev_hash=epoch.object_hash), Reason.GAP, place)
    # Its predecessor is not known and does not come: held, and refused after ten seconds.
    await forger.refused(sender.signals(seq=10, prev_hash=b"\x05" * 32), Reason.GAP, place)


async def test_a_clear_body_in_any_other_form_is_malformed(forger: Forger) -> None:
    for body in (b"", b"\x92\x01\x81\xa1a\xa1b", bytes(64)):
        recall = forger.sender("ncsc", FRESH).clear(Kind.RECALL, body)
        await forger.refused(recall, Reason.MALFORMED, "ong.process.publish")
    end = forger.sender("ncsc", FRESH).clear(Kind.END_OF_EPOCH, bytes(13), epoch_id=b"\x01" * 16)
    await forger.refused(end, Reason.MALFORMED, "ong.process.publish")
