# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Following the directory: what does not verify ends it with a sentence, what does not come is waited for."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from trial.enclave import T0, TrialEnclave, identity, mandate, party_of
from trial.network import MemoryTransport
from trial.reader import until

from seinpost._directory import DirectoryFollower, monotonic_ms, wall_ms
from seinpost._reading_state import ReadingState
from seinpost._transport import StoredMessage
from seinpost_schemas.checkpoint import LogKeys, parse_checkpoint
from seinpost_schemas.cosignature import WitnessKeys
from seinpost_schemas.entry import to_base64
from seinpost_schemas.errors import SetupError, SplitViewError, UnavailableError
from seinpost_schemas.note import Note, parse_note

FOREIGN_KEYS = LogKeys(b"\x09" * 64)


def now() -> int:
    return int(time.time())


class Following:
    """A follower on a memory network, with its own state on disk."""

    def __init__(self, enclave: TrialEnclave, path: Path, enclave_id: bytes | None = None) -> None:
        self.enclave = enclave
        self.transport = MemoryTransport(enclave)
        self.state = ReadingState(path, b"k" * 32)
        self.follower = DirectoryFollower(enclave_id or enclave.enclave_id, self.transport, self.state)

    async def follow(self) -> None:
        """Until it has everything, or its error."""
        task = asyncio.ensure_future(self.follower.follow())
        wanted = len(self.transport.streams["DIRECTORY"])
        try:
            await until(lambda: task.done() or self.follower.directory.size >= wanted)
            if task.done():
                task.result()
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def confirm(self, note: bytes) -> None:
        """Follow, with this note as the newest checkpoint, and hold the two against each other."""
        self.transport.set_directory_checkpoint(note)
        await self.follow()
        await self.follower.confirm()


@pytest.fixture
def following(enclave: TrialEnclave, tmp_path: Path) -> Iterator[Following]:
    made = Following(enclave, tmp_path)
    yield made
    made.state.close()


# -- the entries ----------------------------------------------------------------------------------


async def test_the_directory_is_followed_as_it_grows(following: Following) -> None:
    await following.follow()
    assert following.follower.view.register.version == 1
    following.enclave.amend(lambda table: None)
    await following.follow()
    assert following.follower.view.register.version == 2
    assert following.follower.directory.root() == following.enclave.directory().root()


def swap(messages: list[StoredMessage]) -> None:
    messages[2], messages[3] = (
        StoredMessage(3, messages[3].headers, messages[3].body),
        StoredMessage(4, messages[2].headers, messages[2].body),
    )


def without_header(messages: list[StoredMessage]) -> None:
    messages[2] = StoredMessage(3, {}, messages[2].body)


def another_object(messages: list[StoredMessage]) -> None:
    messages[2] = StoredMessage(3, messages[2].headers, messages[3].body)


def a_bit_of_the_register(messages: list[StoredMessage]) -> None:
    last = messages[-1]
    messages[-1] = StoredMessage(last.seq, last.headers, last.body.replace(b"depv", b"dep2", 1))


def junk(messages: list[StoredMessage]) -> None:
    messages[2] = StoredMessage(3, {"Seinpost-Entry": "!"}, b"")


WRONG: dict[str, tuple[Callable[[list[StoredMessage]], None], str]] = {
    "an entry left out": (lambda m: m.pop(2), "has a hole"),  # type: ignore[dict-item, return-value]
    "an entry without its header": (without_header, "does not verify"),
    "an object that its entry does not name": (another_object, "does not verify"),
    "a register with a byte changed": (a_bit_of_the_register, "does not verify"),
    "junk": (junk, "does not verify"),
}


@pytest.mark.parametrize(("change", "says"), WRONG.values(), ids=WRONG.keys())
async def test_what_does_not_verify_ends_it(
    following: Following, change: Callable[[list[StoredMessage]], Any], says: str
) -> None:
    messages = list(following.enclave.messages)
    change(messages)
    following.transport.streams["DIRECTORY"] = messages
    with pytest.raises(SetupError, match=says):
        await following.follow()


async def test_entries_in_another_order_have_another_root(following: Following) -> None:
    """Two key objects changed places: each verifies, and the checkpoint tells."""
    messages = list(following.enclave.messages)
    swap(messages)
    following.transport.streams["DIRECTORY"] = messages
    with pytest.raises(SetupError, match="not the one that the broker signed"):
        await following.confirm(following.enclave.checkpoint(now()))


async def test_another_enclaves_register_is_not_trusted(enclave: TrialEnclave, tmp_path: Path) -> None:
    foreign = Following(enclave, tmp_path, enclave_id=b"?" * 16)
    with pytest.raises(SetupError, match="not the one this configuration trusts"):
        await foreign.follow()
    foreign.state.close()


async def test_what_ended_it_is_what_everyone_who_waits_is_told(following: Following) -> None:
    messages = list(following.enclave.messages)
    another_object(messages)
    following.transport.streams["DIRECTORY"] = messages
    task = asyncio.ensure_future(following.follower.run())
    with pytest.raises(SetupError, match="does not verify"):
        await following.follower.wait_for(lambda: False)
    with pytest.raises(SetupError, match="does not verify"):
        following.follower.verify_fresh()
    await asyncio.wait({task})
    assert isinstance(task.exception(), ExceptionGroup)


async def test_a_directory_that_does_not_come_is_no_hang(
    following: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seinpost._directory._FIRST_SECONDS", 0.05)
    with pytest.raises(UnavailableError, match="did not come"):
        await following.follower.wait_for(lambda: False)


# -- the checkpoint -------------------------------------------------------------------------------


async def test_a_confirmed_directory_is_fresh_and_remembered(following: Following) -> None:
    with pytest.raises(UnavailableError):
        following.follower.verify_fresh()
    await following.confirm(following.enclave.checkpoint(now()))
    following.follower.verify_fresh()
    with pytest.raises(SetupError, match="rolled back"):
        following.state.store_directory(following.enclave.size - 1, b"?" * 32)


@pytest.mark.parametrize(
    ("note", "says"),
    [
        (lambda e: e.checkpoint(now(), FOREIGN_KEYS), "checkpoint does not verify"),
        (lambda e: e.checkpoint(now(), root=b"?" * 32), "not the one that the broker signed"),
        (lambda e: b"", "checkpoint does not verify"),
        (lambda e: b"proef/directory\n1\nAAAA\n", "checkpoint does not verify"),
        (
            lambda e: e.checkpoint(now()).replace(b"proef/directory", b"proef/2026q4/depv/process"),
            "not verify",
        ),
    ],
    ids=["another log key", "another root", "nothing", "no signature", "another log's name"],
)
async def test_a_checkpoint_that_does_not_fit_ends_it(
    following: Following, note: Callable[[TrialEnclave], bytes], says: str
) -> None:
    with pytest.raises(SetupError, match=says):
        await following.confirm(note(following.enclave))
    with pytest.raises(UnavailableError):
        following.follower.verify_fresh()


async def test_no_checkpoint_yet_is_waited_for(following: Following) -> None:
    await following.follow()
    with pytest.raises(UnavailableError, match="no broker has signed"):
        await following.follower.confirm()


async def test_an_old_checkpoint_makes_nothing_fresh(following: Following) -> None:
    await following.confirm(following.enclave.checkpoint(T0 // 1_000 - 86_400 * 365))
    with pytest.raises(UnavailableError):
        following.follower.verify_fresh()


async def test_a_checkpoint_of_less_than_has_come_says_nothing(following: Following) -> None:
    before = following.enclave.checkpoint(now())
    following.enclave.amend(lambda table: None)
    await following.confirm(before)
    with pytest.raises(UnavailableError):
        following.follower.verify_fresh()


async def test_a_checkpoint_of_more_than_comes_is_not_believed(
    following: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker signed a directory and keeps its newest entry, such as a revocation, to itself."""
    monkeypatch.setattr("seinpost._directory._FIRST_SECONDS", 0.2)
    shown = list(following.enclave.messages)
    following.enclave.amend(lambda table: None)
    following.transport.streams["DIRECTORY"] = shown
    with pytest.raises(UnavailableError):
        await following.confirm(following.enclave.checkpoint(now()))
    with pytest.raises(UnavailableError):
        following.follower.verify_fresh()


KEYS = {
    f"{p}-witness": WitnessKeys(f"proef/witness/{p}-witness", hashlib.sha512(p.encode()).digest())
    for p in ("ncsc", "ibd", "cvdm", "tafel")
}


def witnessed_by(*parties: str) -> Callable[[dict[str, Any]], None]:
    """Witnesses of these parties, whose mandates allow it; the smallest quorum."""

    def change(table: dict[str, Any]) -> None:
        table["quorum"] = {0: 0, 1: 1, 2: 2, 3: 2, 4: 3}[len(parties)]
        table["witnesses"] = [
            {
                "name": f"{party}-witness",
                "party": party,
                "nats": "U" + "BCDE"[place] * 55,
                "ed25519": to_base64(KEYS[f"{party}-witness"].public.ed25519),
                "mldsa44": to_base64(KEYS[f"{party}-witness"].public.mldsa44),
            }
            for place, party in enumerate(parties)
        ]
        for party in parties:
            if not any("witness" in m["actions"] for m in party_of(table, party)["mandates"]):
                party_of(table, party)["mandates"].append(mandate("all", "witness"))

    return change


def cosigned(note: bytes, *parties: str) -> bytes:
    made = parse_note(note)
    checkpoint = parse_checkpoint(made)
    lines = [line for p in parties for line in KEYS[f"{p}-witness"].cosign(checkpoint, now())]
    return Note(made.text, (*made.signatures, *lines)).encode()


@pytest.mark.parametrize(
    ("before", "after", "by"),
    [
        (("ncsc", "ibd", "cvdm", "tafel"), ("ibd", "cvdm", "tafel"), ("ibd", "tafel")),
        (("ncsc", "ibd"), (), ()),
        ((), ("ncsc", "ibd"), ("ncsc", "ibd")),
        (("ncsc", "ibd", "cvdm"), ("ncsc", "ibd", "cvdm", "tafel"), ("ncsc", "ibd", "tafel")),
    ],
    ids=["one revoked", "all revoked", "the first", "one more"],
)
async def test_a_checkpoint_of_a_version_that_is_still_to_come_makes_it_come(
    following: Following, before: tuple[str, ...], after: tuple[str, ...], by: tuple[str, ...]
) -> None:
    """A broker has the version with other witnesses first; and a note of before it is no reason to stop."""
    enclave = following.enclave
    enclave.amend(witnessed_by(*before))
    following.transport.set_directory_checkpoint(cosigned(enclave.checkpoint(now()), *before))
    task = asyncio.ensure_future(following.follower.follow())
    try:
        await until(lambda: following.follower.directory.size == enclave.size)
        await following.follower.confirm()
        following.follower.verify_fresh()
        old = cosigned(enclave.checkpoint(now()), *before)
        enclave.amend(witnessed_by(*after))
        newest = cosigned(enclave.checkpoint(now()), *by)
        following.transport.set_directory_checkpoint(newest)
        assert await following.follower.register_for(newest) == enclave.directory().current.register
        await following.follower.confirm()
        assert following.follower.note == newest
        following.transport.set_directory_checkpoint(old)
        await following.follower.confirm()
        assert following.follower.note == newest
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_a_checkpoint_without_its_quorum_ends_it(following: Following) -> None:
    following.enclave.amend(witnessed_by("ncsc", "ibd"))
    with pytest.raises(SetupError, match="1 witnesses"):
        await following.confirm(cosigned(following.enclave.checkpoint(now()), "ncsc"))


# -- across restarts ------------------------------------------------------------------------------


async def test_a_shorter_directory_after_a_restart_is_a_roll_back(
    enclave: TrialEnclave, tmp_path: Path
) -> None:
    before, note = list(enclave.messages), enclave.checkpoint(now())
    enclave.amend(lambda table: None)
    first = Following(enclave, tmp_path)
    await first.confirm(enclave.checkpoint(now()))
    first.state.close()
    again = Following(enclave, tmp_path)
    again.transport.streams["DIRECTORY"] = before
    with pytest.raises(SetupError, match="rolled back"):
        await again.confirm(note)
    again.state.close()


async def test_another_directory_of_the_same_length_after_a_restart_is_a_fork(
    enclave: TrialEnclave, tmp_path: Path
) -> None:
    first = Following(enclave, tmp_path)
    await first.confirm(enclave.checkpoint(now()))
    first.state.close()
    again = Following(enclave, tmp_path)
    messages = list(enclave.messages)
    swap(messages)
    again.transport.streams["DIRECTORY"] = messages
    with pytest.raises(SetupError, match="rolled back or forked"):
        await again.follow()
    again.state.close()


async def test_the_keys_of_an_identity_are_those_of_the_register(following: Following) -> None:
    await following.follow()
    member = following.follower.view.member(identity("ncsc-1").sender_id)
    assert member.keys == identity("ncsc-1").keys


# -- gossip ---------------------------------------------------------------------------------------


async def test_a_directory_that_others_were_shown_otherwise_stops_this_one(
    enclave: TrialEnclave, tmp_path: Path
) -> None:
    """The log signed two: nothing is sealed on either. What it did not sign is a party's word, and changes nothing."""
    reading = ReadingState(tmp_path, bytes(32))
    follower = DirectoryFollower(enclave.enclave_id, MemoryTransport(enclave), reading)
    task = asyncio.ensure_future(follower.follow())
    await follower.wait_for(lambda: follower.directory.size == enclave.size)
    follower.freshness.saw(wall_ms() // 1000, monotonic_ms(), wall_ms())
    follower.hear(enclave.checkpoint(T0 // 1000))
    follower.hear(b"junk")
    follower.hear(enclave.checkpoint(T0 // 1000, LogKeys(b"\x09" * 64), b"\x01" * 32))
    follower.verify_fresh()
    with pytest.raises(SplitViewError, match="another directory"):
        follower.hear(enclave.checkpoint(T0 // 1000, root=b"\x01" * 32))
    with pytest.raises(SetupError, match="signed another directory"):
        follower.verify_fresh()
    task.cancel()
    await asyncio.wait({task})
    reading.close()
