# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""With every party's raw credentials, on the running server: exactly the mandates of the register.

What is expected is written out here from the domain's table of parties, not taken from the code.
"""

from __future__ import annotations

import itertools

import pytest
from harness.enclave import Enclave
from harness.raw import Acks, connected

from seinpost.identity import Identity
from seinpost_broker.core import layout
from seinpost_schemas.policy import View

pytestmark = pytest.mark.nats

THEMES = ("process", "debate", "parties", "international")
CARRIED = ("ong", "depv")
LEVELS = (*CARRIED, "stgc", "stgg", "stgzg")
ACTIONS = (
    "publish", "read", "read-protected", "witness", "feedback", "release", "report", "share", "audit",
)  # fmt: skip
#            party: (publishes on, reads); "*" for all four themes
TABLE = {
    "bzk": ("*", "*"),
    "nctv": ("*", "*"),
    "politie": ("process parties", "process parties"),
    "om": ("process parties", "process parties"),
    "ncsc": ("process parties international", "process parties international"),
    "ibd": ("process", "process parties"),
    "kiesraad": ("process", "process"),
    "cvdm": ("debate", "debate"),
    "acm": ("debate", "debate international"),
    "ap": ("debate parties", "debate parties"),
    "aivd": ("*", "*"),
    "mivd": ("*", "*"),
    "ec": ("international", "international"),
    "tafel": ("", "*"),
    "toezicht": ("", ""),
}
UP_TO_ONG = {"ec"}
AUDITS = {"toezicht"}


def themes(party: str, column: int) -> tuple[str, ...]:
    text = TABLE[party][column]
    return THEMES if text == "*" else tuple(text.split())


def levels(party: str) -> tuple[str, ...]:
    return ("ong",) if party in UP_TO_ONG else CARRIED


def expected_ingress(party: str) -> set[str]:
    """A publisher publishes and shares; a reader reads (receipts, table acts) and gives feedback."""
    granted = [(a, t) for a in ("publish", "share") for t in themes(party, 0)]
    granted += [(a, t) for a in ("read", "feedback") for t in themes(party, 1)]
    return {f"seinpost.in.{c}.{t}.{a}.{party}" for a, t in granted for c in levels(party)}


def expected_feeds(party: str) -> set[tuple[str, str]]:
    """The overseer pulls every feed (and opens nothing); the others what they read."""
    if party in AUDITS:
        return set(itertools.product(CARRIED, THEMES))
    return set(itertools.product(levels(party), themes(party, 1)))


ALL_INGRESS = [
    f"seinpost.in.{c}.{t}.{a}.{p}" for c, t, a, p in itertools.product(LEVELS, THEMES, ACTIONS, TABLE)
]


def test_the_table_here_has_the_parties_of_the_register(enclave: Enclave) -> None:
    register = enclave.trusted_directory().current.register
    assert {p.token for p in register.parties} == set(TABLE)
    assert all(len(p.identities) == 1 for p in register.parties)


@pytest.mark.parametrize("party", TABLE)
def test_the_layout_follows_the_table(enclave: Enclave, party: str) -> None:
    view: View = enclave.trusted_directory().current
    now_ms = int(view.register.issued.timestamp() * 1000) + 1
    rights = {r.subject for r in layout.ingress_rights(view, view.party(party), now_ms)}
    assert rights == expected_ingress(party)


@pytest.mark.parametrize("party", TABLE)
async def test_every_ingress_subject_of_every_party(
    enclave: Enclave, identities: dict[str, Identity], party: str
) -> None:
    """20 compartments × 9 actions × 15 parties: denied, or stored, exactly as the table says."""
    allowed = expected_ingress(party)
    async with connected(enclave.url, identities[party].nats_seed) as raw:
        denied = await raw.denied_publishes(ALL_INGRESS)
        assert set(ALL_INGRESS) - denied == allowed
    inbox = f"_INBOX_{party}"
    async with connected(enclave.url, identities[party].nats_seed, inbox) as raw:
        acks = Acks(raw.client, f"{inbox}.acks")
        await acks.listen()
        for number, subject in enumerate(sorted(allowed)):
            await raw.client.publish(subject, b"junk", reply=f"{acks.prefix}.{number}")
        await acks.until(len(allowed))
        assert len(acks.replies) == len(allowed)
        assert all(f'"stream":"IN_{party}"'.encode() in data for data in acks.replies.values())
        assert raw.denied == []


def other_subjects(party: str, period: str) -> list[str]:
    """Everything else worth trying: brokers' subjects, others' consumers, JetStream's own interface."""
    other = "om" if party != "om" else "aivd"
    feeds = [f"FEED_{period}_{c}_{t}" for c, t in itertools.product(CARRIED, THEMES)]
    streams = [
        *feeds,
        "DIRECTORY",
        "ADMISSION",
        "ANSWERS",
        "CHECKPOINTS",
        "HOURLY",
        f"IN_{party}",
        f"IN_{other}",
    ]
    subjects = [
        *(f"seinpost.feed.{period}.{c}.{t}" for c, t in itertools.product(CARRIED, THEMES)),
        "seinpost.directory", "seinpost.admission", "seinpost.checkpoint.directory",
        "seinpost.note.directory", "seinpost.in.directory.x", f"seinpost.in.directory.{other}",
        *(f"seinpost.answer.{p}" for p in TABLE),
        f"_INBOX_{other}.x", "_INBOX.x", "$SYS.REQ.SERVER.PING", "$SYS.REQ.ACCOUNT.HUB.INFO", "x",
        "$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.LIST", "$JS.API.STREAM.CREATE.X",
        "$JS.API.ACCOUNT.PURGE.HUB", "$JS.API.META.LEADER.STEPDOWN",
    ]  # fmt: skip
    for stream in streams:
        subjects += [
            f"$JS.API.STREAM.{verb}.{stream}"
            for verb in ("INFO", "UPDATE", "DELETE", "PURGE", "SNAPSHOT", "RESTORE", "MSG.GET", "MSG.DELETE")
        ]
        subjects += [
            f"$JS.API.CONSUMER.NAMES.{stream}", f"$JS.API.CONSUMER.LIST.{stream}",
            f"$JS.API.CONSUMER.CREATE.{stream}", f"$JS.API.CONSUMER.CREATE.{stream}.x",
            f"$JS.API.CONSUMER.DURABLE.CREATE.{stream}.x", f"$JS.API.DIRECT.GET.{stream}",
            f"$JS.API.DIRECT.GET.{stream}.seinpost.answer.{other}",
            f"$JS.ACK.{stream}.brokers.1.1.1.1.0", f"$JS.ACK.{stream}.{other}-1.1.1.1.1.0",
            f"$JS.FC.{stream}.{other}-1.x",
        ]  # fmt: skip
        for name in ("brokers", f"{other}-1", f"{party}-1"):
            subjects += [
                f"$JS.API.CONSUMER.{v}.{stream}.{name}" for v in ("MSG.NEXT", "RESET", "DELETE", "INFO")
            ]
    return subjects


@pytest.mark.parametrize("party", TABLE)
async def test_everything_else_that_can_be_published_on(
    enclave: Enclave, identities: dict[str, Identity], party: str
) -> None:
    periods = enclave.trusted_directory().current.register.periods
    own = {f"FEED_{periods.current}_{c}_{t}" for c, t in expected_feeds(party)}
    own |= {"ANSWERS", "HOURLY"}
    allowed = {f"$JS.API.CONSUMER.{v}.{s}.{party}-1" for s in own for v in ("MSG.NEXT", "RESET")}
    allowed |= {f"$JS.API.DIRECT.GET.{s}" for s in (own - {"ANSWERS", "HOURLY"}) | {"DIRECTORY"}}
    if party in AUDITS:
        allowed |= {f"$JS.API.DIRECT.GET.{s}" for s in ("ADMISSION", "CHECKPOINTS", "HOURLY")}
    tried = other_subjects(party, periods.current)
    assert allowed <= set(tried)
    async with connected(enclave.url, identities[party].nats_seed) as raw:
        denied = await raw.denied_publishes(tried)
        assert set(tried) - denied == allowed
        checkpoint = "$JS.API.DIRECT.GET.CHECKPOINTS.seinpost.checkpoint.directory"
        assert await raw.denied_publishes([checkpoint, checkpoint + ".x"]) == {checkpoint + ".x"}


@pytest.mark.parametrize("party", TABLE)
async def test_only_the_own_inbox_can_be_subscribed_to(
    enclave: Enclave, identities: dict[str, Identity], party: str
) -> None:
    tried = [
        ">", "*", "*.>", "seinpost.>", "seinpost.in.>", f"seinpost.in.*.*.*.{party}", "seinpost.feed.>",
        f"seinpost.answer.{party}", "seinpost.directory", "seinpost.checkpoint.>", "$JS.>", "$JS.API.>",
        "$JS.ACK.>", "$JS.EVENT.ADVISORY.>", "$SYS.>", "_INBOX.>", "_R_.>",
        *(f"_INBOX_{p}.>" for p in TABLE if p != party), f"_INBOX_{party}x.>",
    ]  # fmt: skip
    async with connected(enclave.url, identities[party].nats_seed) as raw:
        assert await raw.denied_subscriptions(tried) == set(tried)
        assert await raw.denied_subscriptions([f"_INBOX_{party}.>", f"_INBOX_{party}.x"]) == set()
