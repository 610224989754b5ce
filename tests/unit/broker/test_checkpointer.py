# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""One log's checkpoints, on a clock that jumps: when they come, who is asked, and what two brokers do to each other."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import random
from collections import defaultdict
from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any

import pytest
from trial.witnessed import register_of, to_witness

from seinpost_broker.ports import AppendLostError
from seinpost_broker.service.checkpointer import Checkpointer, Signing
from seinpost_schemas.checkpoint import Checkpoint, LogKeys, parse_checkpoint, verify_checkpoint
from seinpost_schemas.cosignature import WitnessKeys, verify_quorum
from seinpost_schemas.errors import SetupError, UnavailableError
from seinpost_schemas.merkle import leaf_hash
from seinpost_schemas.merkle_tree import MerkleTree
from seinpost_schemas.note import parse_note
from seinpost_schemas.register import Mandate
from seinpost_schemas.subjects import checkpoint_subject, custody_subject, hourly_subject
from seinpost_schemas.trusted_log import OldSizeError, Position, advance
from seinpost_schemas.witnessing import WitnessAnswer, decode_request, signed_answer

ORIGIN = "proef/2026q4/depv/process"
CUSTODY, PUBLISHED, HOURLY = custody_subject(ORIGIN), checkpoint_subject(ORIGIN), hourly_subject(ORIGIN)
KEYS = LogKeys(b"\x07" * 64)
WITNESSES = {f"w{n}": WitnessKeys(f"proef/witness/w{n}", bytes([n]) * 64) for n in range(1, 5)}
T0_MS = 1_790_000_000_000 // 3_600_000 * 3_600_000 + 1_800_000
"""Half past an hour."""


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer as soon as nothing else is to do."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self.now = max(self.now, self._scheduled[0].when())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


def play(scene: Coroutine[Any, Any, None]) -> None:
    """Run a scene to its end, in no time."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        runner.run(scene)


def seconds() -> float:
    return asyncio.get_running_loop().time()


class Store:
    """What is stored, by subject: (when, sequence, note); conditional like a stream."""

    def __init__(self) -> None:
        self.stored: defaultdict[str, list[tuple[float, int, bytes]]] = defaultdict(list)
        self._seq = itertools.count(1)
        self.failing = False

    async def newest_checkpoint(self, subject: str) -> tuple[int, bytes] | None:
        await asyncio.sleep(0.001)
        if self.failing:
            raise UnavailableError("away")
        rows = self.stored[subject]
        return (rows[-1][1], rows[-1][2]) if rows else None

    async def store_checkpoint(self, subject: str, note: bytes, newest_seq: int) -> int:
        await asyncio.sleep(0.002)
        if self.failing:
            raise UnavailableError("away")
        rows = self.stored[subject]
        if newest_seq != (rows[-1][1] if rows else 0):
            raise AppendLostError("another one is newest")
        rows.append((seconds(), next(self._seq), note))
        return rows[-1][1]

    def sizes(self, subject: str) -> list[int]:
        return [parse_checkpoint(parse_note(note)).tree_size for _, _, note in self.stored[subject]]

    def times(self, subject: str) -> list[float]:
        return [when for when, _, _ in self.stored[subject]]

    def one_root_per_size(self) -> None:
        roots: defaultdict[int, set[bytes]] = defaultdict(set)
        for rows in self.stored.values():
            for _, _, note in rows:
                checkpoint, _ = verify_checkpoint(note, ORIGIN, KEYS.public)
                roots[checkpoint.tree_size].add(checkpoint.root_hash)
        assert {len(r) for r in roots.values()} <= {1}


class Witnesses:
    """Honest ones, a moment away; ``silent`` ones never answer."""

    def __init__(self) -> None:
        self.asked: list[tuple[float, str, Checkpoint]] = []
        self.silent: set[str] = set()
        self.delay = 0.05
        self._held: defaultdict[str, Position] = defaultdict(Position)

    async def ask(self, party: str, request: bytes) -> bytes:
        decoded = decode_request(request)
        self.asked.append((seconds(), party, parse_checkpoint(parse_note(decoded.note))))
        await asyncio.sleep(self.delay if party not in self.silent else 3_600)
        try:
            checkpoint, self._held[party] = advance(
                self._held[party], ORIGIN, KEYS.public, decoded.old_size, decoded.proof, decoded.note
            )
        except OldSizeError as error:
            return WitnessAnswer(409, f"{error.held}\n").encode()
        now = (T0_MS + int(seconds() * 1000)) // 1000
        return signed_answer(WITNESSES[party].cosign(checkpoint, now)).encode()


class Enclave:
    """One log, its witnesses and its store; ``broker`` makes a checkpointer on a tree of its own."""

    def __init__(self, quorum: int = 3, **mandates: list[Mandate]) -> None:
        self.store, self.witnesses = Store(), Witnesses()
        self.entries = [leaf_hash(b"entry %d" % n) for n in range(3)]
        register = register_of(list(WITNESSES.values()), KEYS, quorum, mandates)
        self.signing = Signing(
            keys=KEYS,
            register=lambda: register,
            checkpoints=self.store,
            witnesses=self.witnesses,
            clock=SimpleNamespace(now_ms=lambda: T0_MS + int(seconds() * 1000)),  # type: ignore[arg-type]
        )

    def broker(self, idle_seconds: float = 10.0) -> Checkpointer:
        tree = MerkleTree()

        async def catch_up() -> int:
            for leaf in self.entries[tree.size :]:
                tree.append(leaf)
            return len(self.entries)

        return Checkpointer(ORIGIN, tree, self.signing, catch_up=catch_up, idle_seconds=idle_seconds)

    def append(self) -> None:
        self.entries.append(leaf_hash(b"entry %d" % len(self.entries)))

    def quorums_hold(self) -> None:
        """Nothing is published that a quorum did not cosign."""
        cosigners = [w.public for w in WITNESSES.values()]
        for _, _, note in self.store.stored[PUBLISHED]:
            checkpoint, _ = verify_checkpoint(note, ORIGIN, KEYS.public)
            verify_quorum(parse_note(note), checkpoint, cosigners, self.signing.register().quorum)


class Running:
    """Checkpointers at work while a scene plays."""

    def __init__(self, *brokers: Checkpointer) -> None:
        self._brokers = brokers
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> None:
        for broker in self._brokers:
            await broker.open()
            self._tasks.append(asyncio.ensure_future(broker.run()))

    async def __aexit__(self, *_exc: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


# -- when ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("silent", [(), ("w2",)])
def test_an_append_is_under_a_published_checkpoint_within_a_second(silent: tuple[str, ...]) -> None:
    """A witness that never answers does not make it later than its two seconds; the others are a quorum."""

    async def scene() -> None:
        enclave = Enclave()
        enclave.witnesses.silent = set(silent)
        broker = enclave.broker()
        rng = random.Random("appends")
        appended: dict[int, float] = {}
        async with Running(broker):
            for _ in range(60):
                await asyncio.sleep(rng.choice([0.01, 0.3, 1.1, 4.0, 11.0]))
                enclave.append()
                appended[len(enclave.entries)] = seconds()
                broker.grew()
            await asyncio.sleep(2)
        published = list(zip(enclave.store.sizes(PUBLISHED), enclave.store.times(PUBLISHED), strict=True))
        for size, when in appended.items():
            covered = min(at for of, at in published if of >= size)
            assert covered - when < 1.0
        enclave.quorums_hold()
        enclave.store.one_root_per_size()

    play(scene())


def test_a_burst_shares_checkpoints() -> None:
    async def scene() -> None:
        enclave = Enclave()
        broker = enclave.broker()
        async with Running(broker):
            for _ in range(1_000):
                await asyncio.sleep(0.01)
                enclave.append()
                broker.grew()
        assert len(enclave.store.stored[PUBLISHED]) <= 4 * 10 + 2

    play(scene())


def test_an_idle_log_is_signed_anew_every_ten_seconds() -> None:
    async def scene() -> None:
        enclave = Enclave()
        async with Running(enclave.broker()):
            await asyncio.sleep(600)
        times = enclave.store.times(PUBLISHED)
        assert max(b - a for a, b in itertools.pairwise([0.0, *times, 600.0])) < 10.5
        assert len(times) <= 62
        assert set(enclave.store.sizes(PUBLISHED)) == {3}
        stamps = [verify_checkpoint(n, ORIGIN, KEYS.public)[1] for _, _, n in enclave.store.stored[PUBLISHED]]
        assert stamps == sorted(set(stamps))

    play(scene())


def test_one_checkpoint_an_hour_is_kept_for_good() -> None:
    """From half past: four hours begin in three and a half."""

    async def scene() -> None:
        enclave = Enclave()
        async with Running(enclave.broker(60), enclave.broker(60)):
            await asyncio.sleep(3.4 * 3_600)
        hours = [int((T0_MS / 1000 + when) // 3_600) for when in enclave.store.times(HOURLY)]
        assert hours == list(range(hours[0], hours[0] + 4))
        # The first that is published in its hour.
        published = enclave.store.times(PUBLISHED)
        for when in enclave.store.times(HOURLY)[1:]:
            hour = (T0_MS / 1000 + when) // 3_600
            first = next(at for at in published if (T0_MS / 1000 + at) // 3_600 == hour)
            assert when - first < 1

    play(scene())


def test_a_witness_whose_mandate_ends_is_asked_no_more() -> None:
    """And what it says all the same is not counted, by whoever reads the note."""

    async def scene() -> None:
        until = dt.datetime.fromtimestamp(T0_MS / 1000 + 30, dt.UTC)
        enclave = Enclave(w1=[to_witness(until=until)], w2=[to_witness(themes=("debate",))])
        async with Running(enclave.broker()):
            await asyncio.sleep(60)
        asked = {party: [at for at, who, _ in enclave.witnesses.asked if who == party] for party in WITNESSES}
        assert max(asked["w1"]) < 30 < max(asked["w3"])
        assert asked["w2"] == []
        # Three of the four are needed, and three there were until then.
        published = enclave.store.times(PUBLISHED)
        assert published
        assert max(published) < 32
        enclave.quorums_hold()

    play(scene())


# -- without a quorum, without a store ----------------------------------------------------------------


def test_without_a_quorum_nothing_is_published_and_it_is_tried_again_each_second() -> None:
    async def scene() -> None:
        enclave = Enclave()
        enclave.witnesses.silent = {"w1", "w2"}
        async with Running(enclave.broker()):
            await asyncio.sleep(20)
            assert enclave.store.stored[PUBLISHED] == []
            assert enclave.store.stored[HOURLY] == []
            tries = {at for at, party, _ in enclave.witnesses.asked if party == "w3"}
            assert len(tries) >= 6
            enclave.witnesses.silent = set()
            await asyncio.sleep(4)
            assert enclave.store.sizes(PUBLISHED)[-1] == 3
        enclave.quorums_hold()

    play(scene())


def test_a_store_that_is_away_is_waited_for() -> None:
    async def scene() -> None:
        enclave = Enclave()
        async with Running(enclave.broker()):
            await asyncio.sleep(1)
            before = len(enclave.store.stored[PUBLISHED])
            enclave.store.failing = True
            enclave.append()
            await asyncio.sleep(30)
            enclave.store.failing = False
            await asyncio.sleep(2)
            assert enclave.store.sizes(PUBLISHED)[before:][0] == 4

    play(scene())


def test_without_witnesses_the_brokers_own_word_is_published() -> None:
    async def scene() -> None:
        enclave = Enclave(quorum=0)
        async with Running(enclave.broker()):
            await asyncio.sleep(1)
        assert enclave.store.sizes(PUBLISHED) == [3]
        assert enclave.witnesses.asked == []

    play(scene())


# -- two brokers --------------------------------------------------------------------------------------


def test_who_loses_the_race_for_custody_asks_no_witness_and_publishes_nothing() -> None:
    async def scene() -> None:
        enclave = Enclave()
        loser, winner = enclave.broker(), enclave.broker()
        for broker in (loser, winner):
            await broker.open()
        assert await winner.step()
        asked, published = len(enclave.witnesses.asked), len(enclave.store.stored[PUBLISHED])
        custody = list(enclave.store.stored[CUSTODY])
        # It still thinks that none was there before its own.
        enclave.append()
        assert await loser.step()
        assert len(enclave.witnesses.asked) == asked
        assert len(enclave.store.stored[PUBLISHED]) == published
        assert enclave.store.stored[CUSTODY] == custody
        # It knows where it is now, and its next one counts.
        assert await loser.step()
        assert enclave.store.sizes(PUBLISHED) == [3, 4]
        enclave.store.one_root_per_size()

    play(scene())


@pytest.mark.parametrize("seed", range(6))
def test_brokers_that_race_never_sign_two_roots_for_one_size(seed: int) -> None:
    """Whatever is stored anywhere, custody included; and nobody sees more than one answer of a witness to a size."""

    async def scene() -> None:
        enclave = Enclave()
        rng = random.Random(seed)
        brokers = [enclave.broker() for _ in range(3)]
        async with Running(*brokers):
            for _ in range(300):
                await asyncio.sleep(rng.random() * 0.4)
                if rng.random() < 0.7:
                    enclave.append()
                rng.choice(brokers).grew()
                enclave.witnesses.silent = {rng.choice([*WITNESSES, "nobody"])}
            await asyncio.sleep(15)
        assert enclave.store.sizes(PUBLISHED) == sorted(enclave.store.sizes(PUBLISHED))
        assert enclave.store.sizes(PUBLISHED)[-1] == len(enclave.entries)
        enclave.store.one_root_per_size()
        enclave.quorums_hold()
        custody = {parse_checkpoint(parse_note(note)) for _, _, note in enclave.store.stored[CUSTODY]}
        assert {checkpoint for _, _, checkpoint in enclave.witnesses.asked} <= custody

    play(scene())


# -- what was promised --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "says"), [(9, "entries were lost"), (2, "not of this stream"), (3, "not of this stream")]
)
def test_a_stored_checkpoint_that_the_stream_does_not_hold_stops_the_broker(size: int, says: str) -> None:
    async def scene() -> None:
        enclave = Enclave()
        forged = KEYS.sign(Checkpoint(ORIGIN, size, b"\xff" * 32), 1_790_000_000)
        await enclave.store.store_checkpoint(CUSTODY, forged, 0)
        broker = enclave.broker()
        await broker._catch_up()
        with pytest.raises(SetupError, match=says):
            await broker.open()
        assert enclave.witnesses.asked == []

    play(scene())
