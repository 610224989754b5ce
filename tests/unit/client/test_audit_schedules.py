# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Random schedules of entries, checkpoints, time, restarts and states put back, against a model of two pages.

The log is honest here (``test_schedules`` has those that are not); what is signed and shown of it is anything. After
every step the delivered signals, the audited size and the alarms that it raised must be what the model says.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trial.enclave import ENCLAVE, LOG_KEYS, PROCESS, T0, TrialEnclave, identity, mandate, party_of
from trial.export import tree_of
from trial.log import TrialLog
from trial.reader import TrialReader, until
from trial.samples import encoded

from seinpost import _auditing, subscriber
from seinpost._audit import TAIL_MS, AuditState
from seinpost._reading_state import ReadingState
from seinpost_schemas.checkpoint import Checkpoint
from seinpost_schemas.cosignature import WitnessKeys
from seinpost_schemas.entry import to_base64
from seinpost_schemas.limits import FRESH_MS, MAX_CLOCK_SKEW_MS
from seinpost_schemas.note import Note, parse_note
from seinpost_schemas.subjects import CHECKPOINTS_STREAM, checkpoint_subject, direct_get_subject, feed_stream

NCSC, TAFEL = identity("ncsc-1"), identity("tafel-1")
ORIGIN, STREAM = f"{ENCLAVE}/2026q4/{PROCESS}", feed_stream("2026q4", PROCESS)
SUBJECT = direct_get_subject(CHECKPOINTS_STREAM, checkpoint_subject(ORIGIN))
KEYS = [WitnessKeys(f"{ENCLAVE}/witness/w{n}", bytes([n]) * 64) for n in range(1, 5)]
ENTRIES = 10
Kind = Literal["true", "other", "few", "old"]


def with_witnesses(table: dict[str, Any]) -> None:
    table["quorum"] = 3
    parties = ["ncsc", "ibd", "kiesraad", "cvdm"]
    for party in parties:
        party_of(table, party)["mandates"].append(mandate("all", "witness"))
    table["witnesses"] = [
        {
            "name": f"w{n}",
            "party": party,
            "nats": "U" + "BCDE"[n - 1] * 55,
            "ed25519": to_base64(keys.public.ed25519),
            "mldsa44": to_base64(keys.public.mldsa44),
        }
        for n, (keys, party) in enumerate(zip(KEYS, parties, strict=True), 1)
    ]


def honest() -> tuple[TrialEnclave, TrialLog]:
    """An epoch and nine signals."""
    enclave = TrialEnclave(with_witnesses)
    log = TrialLog(enclave)
    secrets = log.add_epoch(NCSC)
    for number in range(ENTRIES - 1):
        log.add_signals(NCSC, secrets, encoded(number, f"signaal {number}"))
    return enclave, log


ENCLAVE_OF_TRIAL, LOG = honest()
TREE = tree_of(LOG.messages)


class Shown(msgspec.Struct, frozen=True):
    """A note as it is published: ``few`` lacks a witness for the quorum, ``old`` is of half an hour ago."""

    size: int
    kind: Kind
    timestamp: int

    def encode(self) -> bytes:
        root = b"\xff" * 32 if self.kind == "other" else TREE.root(self.size)
        checkpoint = Checkpoint(ORIGIN, self.size, root)
        made = parse_note(LOG_KEYS.sign(checkpoint, self.timestamp))
        by = KEYS[: 2 if self.kind == "few" else 3]
        lines = [line for w in by for line in w.cosign(checkpoint, self.timestamp)]
        return Note(made.text, (*made.signatures, *lines)).encode()


# -- the model ----------------------------------------------------------------------------------------


class Disk(msgspec.Struct, frozen=True):
    """What is in the database: entries read, audited size, newest statement accepted when that last grew."""

    read: int = 0
    audited: int = 0
    newest: tuple[int, int] = (0, 0)


class Model:
    """A reader in a page; times in milliseconds."""

    def __init__(self) -> None:
        self.now = 0
        self.there = 0
        self.shown: Shown | None = None
        self.disk = Disk()
        self.mark = 0
        self.start()

    def start(self) -> set[str]:
        """A process begins with what is on the disk, and reads what there is."""
        self.begun = self.disk.read
        self.audited, self.newest = self.disk.audited, self.disk.newest
        self.accepted = {self.audited} if self.audited else set()
        self.rose, self.ever = self.now, False
        self.ahead: tuple[int, bool, int] | None = None
        self.uncovered: int | None = None
        self.unproven: list[int] = []
        self.said: set[str] = set()
        self.read = self.disk.read
        lost = {"state-lost"} if self.mark > self.disk.read else set()
        return lost | self.look()

    def look(self) -> set[str]:
        """Everything that is there is read, what is shown is taken, and the clock is looked at."""
        raised: set[str] = set()
        while self.read < self.there:
            self.read += 1
            if self.ahead is not None and self.ahead[0] <= self.read:
                size, true, _ = self.ahead
                self.ahead = None
                self.said.discard("withheld-tail")
                raised |= self.compare(size, true=true)
        if self.shown is not None:
            raised |= self.take(self.shown)
        raised |= self.overdue()
        self.disk = msgspec.structs.replace(self.disk, read=self.read)
        return raised

    def once(self, code: str) -> set[str]:
        if code in self.said:
            return set()
        self.said.add(code)
        return {code}

    def take(self, note: Shown) -> set[str]:
        if note.kind == "few":
            return self.once("quorum")
        self.ever = True
        at = (note.timestamp, note.size)
        if at <= self.newest:
            return set()
        if note.size < self.newest[1]:
            return self.compare(note.size, true=note.kind != "other") | self.once("rolled-back")
        self.newest = at
        self.said.discard("missing-log")
        if (T0 + self.now) - note.timestamp * 1000 <= FRESH_MS + MAX_CLOCK_SKEW_MS:
            self.rose = self.now
            if self.uncovered is None:
                self.said.discard("stale-checkpoint")
        true = note.kind != "other"
        if note.size > self.read:
            self.ahead = self.ahead or (note.size, true, self.now)
            return set()
        return self.compare(note.size, true=true)

    def compare(self, size: int, *, true: bool) -> set[str]:
        if not self.begun <= size <= self.read:
            # What was not received by this process has no root to compare with.
            return set()
        if not true:
            raised = self.once("split-view")
            if raised and not any(a >= size for a in self.accepted):
                self.unproven.append(size)
            return raised
        self.accepted.add(size)
        proven = [u for u in self.unproven if u <= size]
        self.unproven = [u for u in self.unproven if u > size]
        if size >= self.audited:
            if size > self.audited:
                self.uncovered = None
                self.said.discard("stale-checkpoint")
                self.disk = Disk(self.read, size, self.newest)
            self.audited = size
        return {"split-view"} if proven else set()

    def overdue(self) -> set[str]:
        raised: set[str] = set()
        if self.ahead is not None and self.now - self.ahead[2] > TAIL_MS:
            raised |= self.once("withheld-tail")
        if self.ever and self.read > self.audited:
            self.uncovered = self.now if self.uncovered is None else self.uncovered
            if self.now - self.uncovered > FRESH_MS:
                raised |= self.once("stale-checkpoint")
        if self.now - self.rose > FRESH_MS:
            raised |= self.once("stale-checkpoint" if self.ever else "missing-log")
        return raised


# -- the reader ---------------------------------------------------------------------------------------


class Driven:
    """A reader that is led step by step."""

    def __init__(self, folder: Path) -> None:
        self.log = TrialLog(ENCLAVE_OF_TRIAL)
        self.reader = TrialReader(ENCLAVE_OF_TRIAL, TAFEL, folder / "state", self.log)
        self.saved: list[bytes] = []
        self._looks = 0
        self._over = False
        self._task: asyncio.Task[Any] | None = None
        read_last = self.reader.transport.read_last

        async def counted(subject: str) -> bytes | None:
            self._looks += subject == SUBJECT
            return await read_last(subject)

        self.reader.transport.read_last = counted  # type: ignore[method-assign]

    async def start(self) -> None:
        self._over = False
        self._task = asyncio.ensure_future(self.reader.read(stop=lambda: self._over))

    async def settle(self) -> None:
        """Until everything that is there was taken in, stored, and looked at a few times."""
        await until(lambda: self._position() > len(self.log.messages))
        looks = self._looks
        await until(lambda: self._looks >= looks + 4)

    def _position(self) -> int:
        if self._task is not None and self._task.done():
            self._task.result()
        state = ReadingState(self.reader.path, TAFEL.storage_key)
        try:
            return state.position(STREAM)
        finally:
            state._unmarked = {}
            state.close()

    async def end(self) -> None:
        self._over = True
        if self._task is not None:
            await self._task
            self._task = None
        self.saved.append((self.reader.path / "reading.db").read_bytes())

    def put_back(self, which: int) -> int:
        """An earlier database in the place of the newest; which one."""
        which %= len(self.saved)
        (self.reader.path / "reading.db").write_bytes(self.saved[which])
        return which

    @property
    def audited(self) -> int:
        state = ReadingState(self.reader.path, TAFEL.storage_key)
        try:
            stored = state.load_audit(ORIGIN)
        finally:
            state._unmarked = {}
            state.close()
        return msgspec.msgpack.decode(stored, type=AuditState).audited_size if stored else 0


Step = tuple[str, Any]


@st.composite
def schedules(draw: st.DrawFn) -> list[Step]:
    steps: list[Step] = []
    for _ in range(draw(st.integers(1, 14))):
        match draw(st.sampled_from(["entries", "note", "note", "note", "time", "restart"])):
            case "entries":
                steps.append(("entries", draw(st.integers(1, 4))))
            case "note":
                kind = draw(st.sampled_from(["true", "true", "other", "few", "old"]))
                steps.append(("note", (draw(st.integers(-4, 3)), kind)))
            case "time":
                steps.append(("time", draw(st.sampled_from([1, 6, 11, 30, 61]))))
            case _:
                steps.append(("restart", draw(st.none() | st.integers(0, 5))))
    return steps


async def play(folder: Path, steps: list[Step], model: Model) -> None:
    driven = Driven(folder)
    disks: list[Disk] = []
    await driven.start()
    await driven.settle()
    for number, (step, argument) in enumerate(steps):
        before = len(driven.reader.alarms)
        expected: set[str] = set()
        if step == "entries":
            model.there = min(ENTRIES, model.there + argument)
            driven.log.messages[:] = LOG.messages[: model.there]
        elif step == "note":
            size = max(0, min(ENTRIES, model.there + argument[0]))
            now = (T0 + model.now) // 1000
            model.shown = Shown(size, argument[1], now - 1_800 if argument[1] == "old" else now)
            driven.reader.transport.notes[SUBJECT] = model.shown.encode()
        elif step == "time":
            model.now += argument * 1000
        else:
            await driven.end()
            disks.append(model.disk)
            model.mark = max(model.mark, model.disk.read)
            if argument is not None:
                model.disk = disks[driven.put_back(argument)]
            expected |= model.start()
            await driven.start()
        expected |= model.look()
        await driven.settle()
        raised = {a.code for a in driven.reader.alarms[before:] if a.compartment == str(PROCESS)}
        assert raised == expected, f"step {number}, {step} {argument}"
        assert driven.audited == model.disk.audited, f"step {number}, {step} {argument}"
        assert set(driven.reader.titles) == {f"signaal {n}" for n in range(max(0, model.there - 1))}
    await driven.end()


@pytest.fixture(scope="module", autouse=True)
def clocks() -> Any:
    """The reader's clocks are those of the schedule that is played; it looks as often as it can."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subscriber, "_LOOK_SECONDS", 0.001)
        patch.setattr(_auditing, "_AUDIT_SECONDS", 0.001)
        patch.setattr(_auditing, "_IDLE_AUDIT_MS", -1)
        yield patch


def run(clocks: pytest.MonkeyPatch, steps: list[Step]) -> None:
    model = Model()
    clocks.setattr(subscriber, "monotonic_ms", lambda: model.now)
    clocks.setattr(_auditing, "monotonic_ms", lambda: model.now)
    clocks.setattr(_auditing, "wall_ms", lambda: T0 + model.now)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder), steps, model))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(schedules())
def test_what_is_audited_and_alarmed_is_what_the_model_says(
    clocks: pytest.MonkeyPatch, steps: list[Step]
) -> None:
    run(clocks, steps)


NAMED: dict[str, list[Step]] = {
    "an honest day": [
        ("entries", 3),
        ("note", (0, "true")),
        ("time", 6),
        ("entries", 4),
        ("note", (0, "true")),
    ],
    "a fork, and then the proof of it": [
        ("entries", 4),
        ("note", (0, "other")),
        ("time", 1),
        ("entries", 2),
        ("note", (0, "true")),
    ],
    "a tail that never comes": [("entries", 4), ("note", (2, "true")), ("time", 11), ("time", 61)],
    "a tail that comes late": [("entries", 4), ("note", (2, "true")), ("time", 11), ("entries", 2)],
    "nothing is ever signed": [("entries", 4), ("time", 61), ("time", 61)],
    "old ones shown as new": [("entries", 2), ("note", (0, "old")), ("time", 61), ("note", (0, "true"))],
    "old ones replayed in step": [
        ("entries", 2),
        ("note", (0, "old")),
        ("time", 30),
        ("note", (0, "old")),
        ("time", 30),
        ("note", (0, "old")),
        ("time", 6),
    ],
    "an older one shown to the next process": [
        ("entries", 4),
        ("note", (0, "true")),
        ("time", 6),
        ("restart", None),
        ("note", (-2, "old")),
        ("note", (-2, "true")),
    ],
    "rolled back to another history": [
        ("entries", 6),
        ("note", (0, "true")),
        ("time", 1),
        ("note", (-3, "other")),
    ],
    "put back": [
        ("entries", 3),
        ("note", (0, "true")),
        ("restart", None),
        ("entries", 3),
        ("time", 1),
        ("note", (0, "true")),
        ("restart", 0),
        ("time", 6),
        ("restart", None),
    ],
}


@pytest.mark.parametrize("steps", NAMED.values(), ids=NAMED)
def test_named_schedules(clocks: pytest.MonkeyPatch, steps: list[Step]) -> None:
    run(clocks, steps)


@pytest.mark.parametrize("seed", range(3))
def test_long_schedules(clocks: pytest.MonkeyPatch, seed: int) -> None:
    rng = random.Random(seed)
    steps: list[Step] = []
    for _ in range(60):
        kinds: list[Step] = [
            ("entries", rng.randint(0, 1)),
            ("note", (rng.randint(-4, 3), rng.choice(["true", "true", "true", "other", "few", "old"]))),
            ("time", rng.choice([1, 6, 11, 30, 61])),
            ("restart", rng.choice([None, None, rng.randint(0, 20)])),
        ]
        steps.append(rng.choice([kinds[0], kinds[1], kinds[1], kinds[2], kinds[3]]))
    run(clocks, steps)
