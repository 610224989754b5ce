# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""One moment in the life of an enclave: everything is tried that anybody might, and compared with the rules."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from seinpost._trusted_feed import TrustedFeed
from seinpost.epochs import EpochSecrets
from seinpost.identity import Identity
from seinpost_schemas.answer import BrokerAnswer
from seinpost_schemas.clear_bodies import (
    Recall,
    RecallReason,
    Receipt,
    ReceiptState,
    Run,
    Share,
    ShareSlot,
)
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.directory import TrustedDirectory
from seinpost_schemas.envelope import Envelope
from seinpost_schemas.errors import InvalidError, RefusedError
from seinpost_schemas.kinds import Kind

from .cast import Chains, Reader
from .memory import Sender, encoded, entry_of, message
from .raw import Acks, RawClient
from .rules import ACTIONS, LEVELS, PLACES, THEMES, Place, Rules
from .samples import signal

RIGHTS = {"mandate", "prohibited", "ceiling", "classification", "revoked", "audience"}
ROUNDS = (
    ("publish", "all"), ("publish", "tafel"), ("publish", "own"), ("feedback", "all"),
    ("read", "own"), ("release", "tafel"),
)  # fmt: skip
"""Action and audience of one epoch per chain; a chain may have 64 epochs within an hour."""


class Scene(msgspec.Struct, kw_only=True):
    """Who and what is there for the whole walk."""

    identities: dict[str, Identity]
    chains: Chains
    raws: dict[str, RawClient]
    readers: dict[str, Reader]
    expected: defaultdict[str, set[str]]
    """By identity, the titles of everything that was sealed for it."""
    numbers: Iterator[int]
    known: Callable[[], TrustedDirectory]
    """The directory as the broker has it."""


class Stop:
    """One moment of the walk: the rules that hold, and everyone who is there."""

    def __init__(self, scene: Scene, what: str, table: dict[str, Any]) -> None:
        self.scene = scene
        self.what = what
        self.rules = Rules(table, dt.datetime.now(dt.UTC))
        self.period: str = table["periods"]["current"]
        self.names = [n for p in self.rules.parties for n in self.rules.names(p)]
        self.gone = [
            i["name"]
            for p in self.rules.parties.values()
            for i in p.get("identities", [])
            if i["sender_id"] in self.rules.revoked
        ]

    # -- at the server ----------------------------------------------------------------------------

    def allowed(self, name: str) -> set[str]:
        """Every subject of those tried that the server must let this identity publish on."""
        party = self.rules.owner(name)
        feeds = {f"FEED_{self.period}_{level}_{theme}" for level, theme in self.rules.feeds(party)}
        pulled = feeds | {"ANSWERS", "HOURLY"}
        allowed = {f"$JS.API.CONSUMER.{v}.{s}.{name}" for s in pulled for v in ("MSG.NEXT", "RESET")}
        allowed |= {f"$JS.API.DIRECT.GET.{s}" for s in feeds | {"DIRECTORY"}}
        if any(self.rules.may(party, "audit", p) for p in PLACES):
            allowed.add("$JS.API.DIRECT.GET.ADMISSION")
        if all(self.rules.may(party, "audit", p) for p in self.rules.carried()):
            allowed |= {"$JS.API.DIRECT.GET.CHECKPOINTS", "$JS.API.DIRECT.GET.HOURLY"}
        return allowed | self.rules.ingress(party)

    def tried(self, name: str) -> list[str]:
        """The own party's whole matrix, every other party's publishing, and every verb on every stream."""
        own = self.rules.owner(name)
        subjects = [
            f"seinpost.in.{c}.{t}.{a}.{own}" for c, t, a in itertools.product(LEVELS, THEMES, ACTIONS)
        ]
        for party in self.rules.parties:
            if party != own:
                subjects += [f"seinpost.in.{c}.{t}.publish.{party}" for c, t in PLACES]
                subjects += [
                    f"seinpost.in.directory.{party}",
                    f"seinpost.answer.{party}",
                    f"_INBOX_{party}.x",
                ]
        feeds = [f"FEED_{self.period}_{c}_{t}" for c, t in PLACES]
        for stream in [*feeds, "DIRECTORY", "ADMISSION", "ANSWERS", "CHECKPOINTS", "HOURLY", f"IN_{own}"]:
            subjects += [
                f"$JS.API.STREAM.{v}.{stream}" for v in ("INFO", "DELETE", "PURGE", "MSG.GET", "UPDATE")
            ]
            subjects += [f"$JS.API.CONSUMER.{v}.{stream}.{name}" for v in ("MSG.NEXT", "RESET", "DELETE")]
            subjects += [f"$JS.API.DIRECT.GET.{stream}", f"$JS.API.CONSUMER.CREATE.{stream}.x"]
            subjects += [
                f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{other}" for other in self.names if other != name
            ]
            subjects.append(f"$JS.ACK.{stream}.{name}.1.1.1.1.0")
        return [
            *subjects, "$JS.API.INFO", "$JS.API.STREAM.NAMES", "$SYS.REQ.SERVER.PING", "_INBOX.x",
            *(f"seinpost.feed.{self.period}.{c}.{t}" for c, t in PLACES), "seinpost.directory",
        ]  # fmt: skip

    async def server_is_exact(self) -> None:
        """Denied, or stored in the own ingress: exactly as the text says; nobody listens to anything of others."""
        for name in self.names:
            raw, party = self.scene.raws[name], self.rules.owner(name)
            tried, allowed = self.tried(name), self.allowed(name)
            assert allowed <= set(tried)
            denied = await raw.denied_publishes(tried)
            taken = set(tried) - denied
            assert taken == allowed, f"{self.what}: {name}: {sorted(taken ^ allowed)}"
            acks = Acks(raw.client, f"_INBOX_{party}.{time.monotonic_ns()}")
            await acks.listen()
            stored = sorted(self.rules.ingress(party))
            for number, subject in enumerate(stored):
                await raw.client.publish(subject, b"junk", reply=f"{acks.prefix}.{number}")
            await acks.until(len(stored))
            assert all(f'"stream":"IN_{party}"'.encode() in data for data in acks.replies.values())
            heard = [">", "*.>", "seinpost.>", "seinpost.in.>", "seinpost.feed.>", f"seinpost.answer.{party}"]
            heard += ["$JS.>", "$SYS.>", "_INBOX.>", "_R_.>", *(f"_INBOX_{p}.>" for p in self.rules.parties)]
            denied = await raw.denied_subscriptions(heard)
            assert set(heard) - denied == {f"_INBOX_{party}.>"}, f"{self.what}: {name}"

    # -- at the broker ----------------------------------------------------------------------------

    async def broker_is_exact(self) -> None:
        """Epochs of every chain for every audience under every action, and signals under what was admitted."""
        for action, audience in ROUNDS:
            await self._epochs(action, audience)
        wrong: list[tuple[str, Place, str, Any]] = []
        for name, place in self._chains():
            slots = self._slots(name, "all", place)
            extra = next((n for n in self.names if n not in slots), None)
            chosen = sorted(slots)[1:] if extra is None or len(wrong) % 2 else [*slots, extra]
            wrong.append((name, place, "publish", self._epoch(name, place, "all", set(chosen) or slots)))
        for (name, place), answer in (await self.scene.chains.round(wrong)).items():
            may = self.rules.may(self.rules.owner(name), "publish", place)
            assert answer.reason == "epoch" if may else answer.verdict == "refused", (self.what, name, answer)
        shares = [
            (n, p, "share", self.scene.chains.sender(n, p).clear(Kind.SHARE, SHARE))
            for n, p in self._chains()
        ]
        for (name, place), answer in (await self.scene.chains.round(shares)).items():
            self._judge(name, "share", place, str(answer.reason), {"epoch"})
        await self._revoked_are_refused()

    async def publish_once(self, name: str, place: Place) -> dict[tuple[str, Place], BrokerAnswer]:
        """One epoch of one chain."""
        epoch = self._epoch(name, place, "all", self._slots(name, "all", place))
        return await self.scene.chains.round([(name, place, "publish", epoch)])

    def _chains(self) -> list[tuple[str, Place]]:
        return list(itertools.product(self.names, PLACES))

    def _slots(self, name: str, audience: str, place: Place) -> set[str]:
        return self.rules.audience(audience, self.rules.owner(name), place)

    def _epoch(self, name: str, place: Place, audience: str, slots: set[str]) -> Any:
        chains = self.scene.chains
        recipients = chains.recipients(self.rules, slots or {"tafel-1"}, place)
        return chains.sender(name, place).epoch(audience, recipients)

    def _judge(self, name: str, action: str, place: Place, reason: str, passed: set[str]) -> None:
        party = self.rules.owner(name)
        expected = (
            passed if self.rules.may(party, action, place) else self.rules.reasons(party, action, place)
        )
        assert reason in expected, f"{self.what}: {name} {action} {place}: {reason}, not {expected}"

    async def _epochs(self, action: str, audience: str) -> None:
        wanted = [
            (name, place, action, self._epoch(name, place, audience, self._slots(name, audience, place)))
            for name, place in self._chains()
        ]
        admitted = []
        for (name, place), answer in (await self.scene.chains.round(wanted)).items():
            passed = "admitted" if self._slots(name, audience, place) else "audience"
            self._judge(name, action, place, answer.reason or answer.verdict, {passed})
            if answer.verdict == "admitted":
                admitted.append((name, place))
        if action != "publish" or audience == "own":
            return
        batches = []
        for name, place in admitted:
            title = f"{self.what}: {name} {'/'.join(place)} {audience}"
            sent = self.scene.chains.sender(name, place).signals(
                signals=[encoded(next(self.scene.numbers), title)]
            )
            batches.append((name, place, "publish", sent))
            for reader in self._slots(name, audience, place):
                self.scene.expected[reader].add(title)
        answers = await self.scene.chains.round(batches)
        assert {a.verdict for a in answers.values()} == {"admitted"}, self.what

    async def _revoked_are_refused(self) -> None:
        wanted = [
            (name, place, "publish", self._epoch(name, place, "all", self._slots(name, "all", place)))
            for name, place in itertools.product(self.gone, PLACES)
        ]
        if wanted:
            answers = await self.scene.chains.round(wanted)
            assert {a.reason for a in answers.values()} == {"revoked"}

    # -- at the client and at the readers ---------------------------------------------------------

    async def client_is_exact(self) -> None:
        """The library seals nothing that its party may not send."""
        for name in self.names:
            post, party = self.scene.readers[name].connection, self.rules.owner(name)
            for (level, theme), audience in itertools.product(PLACES, ("all", "tafel", "own")):
                if self.rules.may(party, "publish", (level, theme)) and audience != "own":
                    continue
                with pytest.raises(RefusedError) as refused:
                    await post.publish(signal(), theme=theme, classification=level, audience=audience)
                assert refused.value.reason in RIGHTS, refused.value

    async def readers_are_exact(self) -> None:
        """Everyone opens what is sealed for them, nothing else, and hears no alarm."""
        reading = {n: r for n, r in self.scene.readers.items() if n in self.names}
        able = [n for n in reading if any(self.rules.may(self.rules.owner(n), "read", p) for p in PLACES)]
        await asyncio.gather(*(reading[n].until(self.scene.expected[n]) for n in able))
        for name, reader in self.scene.readers.items():
            assert reader.titles == self.scene.expected[name], f"{self.what}: {name}"
            assert name not in self.names or reader.connection.alarms == [], f"{self.what}: {name}"

    def readers_believe_no_broker(self) -> None:
        """A broker that admits what it must not: every reader finds it, and refuses nothing else."""
        directory, now_ms = self.scene.known(), time.time_ns() // 1_000_000
        for (name, place), action in itertools.product(
            self._chains(), ("publish", "feedback", "read", "share")
        ):
            sender = Sender(
                "", Compartment.parse("/".join(place)), directory, self.scene.identities[name], now_ms
            )
            envelope = MADE[action](sender)
            entry = entry_of(envelope, now_ms, directory.size)
            feed = TrustedFeed(Compartment.parse("/".join(place)), directory)
            try:
                feed.accept(*message(1, envelope, entry))
                found = "accepted"
            except (RefusedError, InvalidError) as error:
                found = str(getattr(error, "reason", type(error).__name__))
            if action == "share" and self.rules.may(self.rules.owner(name), "read", place):
                assert found not in RIGHTS, f"{self.what}: {name} {place}: {found}"
                continue
            self._judge(name, action, place, found, {"accepted", "epoch"})


RECEIPT = Receipt("2026q4", 1, bytes(32), (Run("2026q4", 0, 0, 0, 0, ReceiptState.OPENED),)).encode()
RECALL = Recall(bytes(32), "2026q4", 0, encoded(1).id, RecallReason.MISTAKE).encode()
SHARE = Share((ShareSlot(b"I" * 16, b"K" * 16, bytes(1_200)),)).encode()


def feedback(sender: Sender) -> Envelope:
    """Feedback in an epoch that is nobody's: who has the right is told ``epoch``."""
    sender.secrets = EpochSecrets(b"I" * 16, b"s" * 32, None)
    return sender.signals(kind=Kind.FEEDBACK, signals=[encoded(1)])


MADE: dict[str, Callable[[Sender], Envelope]] = {
    "publish": lambda sender: sender.clear(Kind.RECALL, RECALL),
    "feedback": feedback,
    "read": lambda sender: sender.clear(Kind.RECEIPT, RECEIPT),
    "share": lambda sender: sender.clear(Kind.SHARE, SHARE),
}
