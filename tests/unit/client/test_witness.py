# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A witness remembers before it speaks, never goes back, and finds its own word when it forgot it. No network."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from trial.enclave import LOG_KEYS, TrialEnclave, identity
from trial.network import MemoryTransport
from trial.witnessed import with_witness

from seinpost._own_word import Finding
from seinpost._witness_following import WitnessFollowing
from seinpost._witness_state import WitnessState
from seinpost.config import Config
from seinpost.witness import Witness
from seinpost_schemas.checkpoint import Checkpoint
from seinpost_schemas.cosignature import WitnessKeys, verify_cosignature
from seinpost_schemas.errors import SetupError, UnavailableError
from seinpost_schemas.limits import FRESH_MS
from seinpost_schemas.merkle import leaf_hash
from seinpost_schemas.merkle_tree import MerkleTree
from seinpost_schemas.note import Note, parse_note
from seinpost_schemas.subjects import checkpoint_subject, direct_get_subject, hourly_subject
from seinpost_schemas.trusted_log import Position
from seinpost_schemas.witnessing import WitnessAnswer, WitnessRequest

ORIGIN = "proef/2026q4/depv/process"
KEYS = identity("ncsc-1").witness_keys("proef")
STRANGER = WitnessKeys("proef/witness/other", b"\x09" * 64)


def tree_of(salt: bytes) -> MerkleTree:
    tree = MerkleTree()
    for number in range(9):
        tree.append(leaf_hash(salt + bytes([number])))
    return tree


TREE, OTHER = tree_of(b"one"), tree_of(b"other")


def note(size: int, tree: MerkleTree = TREE, by: WitnessKeys | None = KEYS, origin: str = ORIGIN) -> bytes:
    checkpoint = Checkpoint(origin, size, tree.root(size))
    made = parse_note(LOG_KEYS.sign(checkpoint, 1_790_000_000))
    lines = by.cosign(checkpoint, 1_790_000_000) if by is not None else ()
    return Note(made.text, (*made.signatures, *lines)).encode()


def request(size: int, old: int = 0, tree: MerkleTree = TREE) -> bytes:
    proof = tuple(tree.consistency_proof(old, size))
    return WitnessRequest(old, proof, note(size, tree, by=None)).encode()


class Desk:
    """A witness, its state on disk, and what is published; ``restart`` is its process begun again."""

    def __init__(self, enclave: TrialEnclave, folder: Path) -> None:
        self.transport = MemoryTransport(enclave)
        self.register = with_witness(enclave.directory().current.register)
        self.findings: list[Finding] = []
        self.folder = folder
        config = Config(
            server="", party="ncsc", identity=folder, enclave=enclave.enclave_id.hex(), state=folder
        )
        self.witness = Witness(
            config,
            identity("ncsc-1"),
            on_cosigned=lambda _: None,
            on_refused=lambda *_: None,
            on_waiting=lambda _: None,
            on_finding=self.findings.append,
        )
        self.witness._keys = KEYS
        self.closed: set[str] = set()
        self.state: WitnessState | None = None
        self.restart()

    def restart(self) -> None:
        self.close()
        self.state = WitnessState(self.folder)
        self.logs = WitnessFollowing(
            self.transport,
            self.state,
            KEYS.public,
            lambda: self.register,
            self.closed.__contains__,
            self.findings.append,
        )

    def close(self) -> None:
        if self.state is not None:
            self.state.close()

    def publish(self, data: bytes, *, hourly: bool = False) -> None:
        stream, subject = ("HOURLY", hourly_subject) if hourly else ("CHECKPOINTS", checkpoint_subject)
        self.transport.notes[direct_get_subject(stream, subject(ORIGIN))] = data

    async def ask(self, data: bytes) -> WitnessAnswer:
        assert self.state is not None
        return await self.witness.answer(data, self.register, self.state, lambda _: None, self.logs)

    def held(self) -> Position:
        """What is on disk, read by somebody else."""
        database = sqlite3.connect(self.folder / "witness.db")
        try:
            row = database.execute(
                "SELECT tree_size, root_hash FROM log WHERE origin=?", (ORIGIN,)
            ).fetchone()
        finally:
            database.close()
        return Position(*row) if row else Position()


@pytest.fixture
def desk(enclave: TrialEnclave, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(enclave, tmp_path)
    yield made
    made.close()


def at(size: int, tree: MerkleTree = TREE) -> Position:
    return Position(size, tree.root(size))


# -- what is said is on disk before -------------------------------------------------------------------


async def test_what_is_signed_is_on_disk_before_it_is_signed(desk: Desk) -> None:
    seen: list[Position] = []

    def cosign(checkpoint: Checkpoint, timestamp: int) -> Any:
        seen.append(desk.held())
        return KEYS.cosign(checkpoint, timestamp)

    desk.witness._keys = SimpleNamespace(cosign=cosign)  # type: ignore[assignment]
    for old, size in ((0, 4), (4, 9)):
        answer = await desk.ask(request(size, old))
        assert answer.status == 200
        assert seen.pop() == at(size)
        checkpoint = Checkpoint(ORIGIN, size, TREE.root(size))
        assert verify_cosignature(answer.signatures(), checkpoint, KEYS.public) is not None


async def test_what_cannot_be_stored_is_not_signed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(WitnessState, "store", full)
    signed: list[object] = []
    desk.witness._keys = SimpleNamespace(cosign=lambda *x: signed.append(x))  # type: ignore[assignment]
    with pytest.raises(sqlite3.OperationalError):
        await desk.ask(request(4))
    assert signed == []


async def test_no_second_history_is_signed_before_or_after_a_restart(desk: Desk) -> None:
    assert (await desk.ask(request(4))).status == 200
    for _ in range(2):
        assert (await desk.ask(request(4, 4, OTHER))).status == 422
        assert (await desk.ask(request(9, 4, OTHER))).status == 422
        assert (await desk.ask(request(9, 0, OTHER))) == WitnessAnswer(409, "4\n")
        assert (await desk.ask(request(3))) == WitnessAnswer(409, "4\n")
        assert desk.held() == at(4)
        desk.restart()
    assert (await desk.ask(request(9, 4))).status == 200


def test_a_state_never_goes_back(desk: Desk) -> None:
    assert desk.state is not None
    desk.state.store(ORIGIN, at(5))
    desk.state.store(ORIGIN, at(5))
    for back in (at(4), at(5, OTHER)):
        with pytest.raises(SetupError, match="would go back"):
            desk.state.store(ORIGIN, back)
    assert desk.held() == at(5)


# -- a state that was lost or put back ----------------------------------------------------------------


@pytest.mark.parametrize("hourly", [False, True])
@pytest.mark.parametrize("held", [0, 4])
async def test_what_it_said_and_forgot_stops_it(desk: Desk, held: int, *, hourly: bool) -> None:
    assert desk.state is not None
    if held:
        desk.state.store(ORIGIN, at(held))
    desk.publish(note(6), hourly=hourly)
    assert await desk.logs.begin(resume=False) == []
    (finding,) = desk.findings
    assert (finding.origin, finding.code) == (ORIGIN, "state-lost")
    assert "--resume" in finding.message
    assert (await desk.ask(request(9, held))).status == 422
    assert desk.held() == (at(held) if held else Position())
    # Other logs are as they were.
    other = ORIGIN.replace("process", "debate")
    made = WitnessRequest(0, (), note(3, by=None, origin=other)).encode()
    assert (await desk.ask(made)).status == 200


async def test_what_stopped_it_once_stops_it_after_a_restart_until_it_is_resumed(desk: Desk) -> None:
    """The next note that is published may be without its word: that it forgot is on disk."""
    desk.publish(note(6))
    await desk.logs.begin(resume=False)
    desk.publish(note(7, by=None))
    desk.restart()
    assert await desk.logs.begin(resume=False) == []
    assert [f.code for f in desk.findings] == ["state-lost", "state-lost"]
    assert (await desk.ask(request(9))).status == 422
    desk.restart()
    assert await desk.logs.begin(resume=True) == [ORIGIN]
    assert desk.held() == at(6)
    desk.restart()
    assert await desk.logs.begin(resume=True) == []
    assert (await desk.ask(request(9, 6))).status == 200


async def test_another_root_under_its_own_name_stops_it_too(desk: Desk) -> None:
    assert desk.state is not None
    desk.state.store(ORIGIN, at(6))
    desk.publish(note(6, OTHER))
    await desk.logs.begin(resume=False)
    assert [f.code for f in desk.findings] == ["state-lost"]
    assert (await desk.ask(request(9, 6))).status == 422
    # There is nothing to take up: it has said two things.
    with pytest.raises(SetupError, match="would go back"):
        await desk.logs.begin(resume=True)


async def test_what_it_knows_or_did_not_say_does_not_stop_it(desk: Desk) -> None:
    assert desk.state is not None
    desk.state.store(ORIGIN, at(4))
    for harmless in (note(4), note(2), note(6, by=None), note(6, by=STRANGER), note(9, OTHER, by=None)):
        desk.publish(harmless)
        await desk.logs.begin(resume=False)
        assert desk.findings == []
    assert (await desk.ask(request(9, 4))).status == 200


async def test_resuming_takes_up_the_newest_that_it_said_and_no_more(desk: Desk) -> None:
    desk.publish(note(6))
    desk.publish(note(4), hourly=True)
    assert await desk.logs.begin(resume=True) == [ORIGIN]
    assert desk.findings == []
    assert desk.held() == at(6)
    assert (await desk.ask(request(6, 6, OTHER))).status == 422
    assert (await desk.ask(request(9, 6))).status == 200
    # Once: there is nothing more to take up.
    assert await desk.logs.begin(resume=True) == []


async def test_a_log_that_came_later_is_looked_at_before_anything_of_it_is_signed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.publish(note(6))
    assert (await desk.ask(request(9))).status == 422
    assert [f.code for f in desk.findings] == ["state-lost"]
    desk.restart()

    async def silent(_: str) -> bytes | None:
        raise UnavailableError("no answer")

    monkeypatch.setattr(desk.transport, "read_last", silent)
    assert (await desk.ask(request(9))).status == 422
    assert desk.held() == Position()


# -- following ----------------------------------------------------------------------------------------


async def test_another_root_that_the_log_published_is_told(desk: Desk) -> None:
    assert (await desk.ask(request(4))).status == 200
    desk.publish(note(4, OTHER, by=None))
    await desk.logs.begin(resume=False)
    await desk.logs.begin(resume=False)
    assert [f.code for f in desk.findings] == ["split-view"]
    desk.publish(b"junk")
    await desk.logs.begin(resume=False)
    assert [f.code for f in desk.findings] == ["split-view", "signature"]


async def test_a_log_that_nobody_asks_about_is_told_once_a_minute_is_over(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seinpost._witness_following.monotonic_ms", lambda: 0)
    await desk.logs.begin(resume=False)
    assert desk.logs.unasked(FRESH_MS) == []
    missing = {f.origin for f in desk.logs.unasked(FRESH_MS + 1)}
    assert missing == {
        "proef/directory",
        "proef/admission",
        *(
            f"proef/2026q4/{c}/{t}"
            for c in ("ong", "depv")
            for t in ("process", "debate", "parties", "international")
        ),
    }
    monkeypatch.setattr("seinpost._witness_following.monotonic_ms", lambda: FRESH_MS)
    assert (await desk.ask(request(4))).status == 200
    desk.closed.add("proef/2026q4/ong/debate")
    assert missing - {f.origin for f in desk.logs.unasked(FRESH_MS + 1)} == {
        ORIGIN,
        "proef/2026q4/ong/debate",
    }
