# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Live: a broker that lies in every way there is. Each lie has its alarm, and nothing of it shows as audited.

The first part rewrites what is stored while honest checkpoints go on; the second holds the log's keys too, with
as many dishonest witnesses as the case says.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from harness.dishonest import Dishonest, FreshReader, ahead, dishonest, fresh_reader
from harness.enclave import Enclave, make_enclave
from harness.samples import signal

import seinpost
from seinpost import _audit
from seinpost_broker.ports import StoredMessage
from seinpost_schemas.checkpoint import parse_checkpoint
from seinpost_schemas.entry import ENTRY_HEADER, decode_entry, from_base64, to_base64
from seinpost_schemas.note import parse_note

pytestmark = [pytest.mark.nats]

WITNESSES = ("ncsc", "ibd", "ap", "toezicht")
PARTIES = (*WITNESSES, "kiesraad", "tafel")
PLACE = "depv/process"
WHERE = {"theme": "process", "classification": "depv"}
Lie = Callable[[list[StoredMessage]], list[StoredMessage]]


async def fill(enclave: Enclave, rounds: int = 2) -> list[str]:
    """Two senders take turns; the ids of what they sent, all of it audited."""
    ids = []
    async with (
        seinpost.connect(enclave.config("ncsc")) as ncsc,
        seinpost.connect(enclave.config("ibd")) as ibd,
    ):
        for number in range(rounds):
            for post in (ncsc, ibd):
                answer = await post.publish(signal(f"Bericht {number}"), **WHERE)
                await post.wait_audited(answer)
                ids.append(answer.signal)
    async with dishonest(enclave, PLACE) as hub, asyncio.timeout(30):
        while parse_checkpoint(parse_note(await hub.published())).tree_size < len(await hub.entries()):
            await asyncio.sleep(0.05)
    return ids


def honest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Enclave]:
    made = make_enclave(tmp_path_factory.mktemp("dishonest") / "e", *PARTIES, witnesses=True)
    made.start(witnesses=True)
    asyncio.run(fill(made))
    yield made
    made.stop()


stored = pytest.fixture(scope="module")(honest)
"""An enclave whose broker and witnesses go on honestly while its stream is rewritten."""


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Alarms that wait for time, sooner: 10 s are 1.5, 60 s are 4."""
    monkeypatch.setattr(_audit, "TAIL_MS", 1_500)
    monkeypatch.setattr(_audit, "FRESH_MS", 4_000)


def back_dated(message: StoredMessage, by_ms: int = 60_000) -> StoredMessage:
    """The same envelope, admitted earlier."""
    entry = decode_entry(from_base64(message.headers[ENTRY_HEADER], 1_000))
    earlier = msgspec.structs.replace(entry, admitted_ms=entry.admitted_ms - by_ms)
    headers = {**message.headers, ENTRY_HEADER: to_base64(earlier.encode())}
    return msgspec.structs.replace(message, headers=headers)


def changed(index: int, make: Callable[[StoredMessage], StoredMessage]) -> Lie:
    return lambda log: [make(m) if i == index else m for i, m in enumerate(log)]


def moved(index: int, to: int) -> Lie:
    def lie(log: list[StoredMessage]) -> list[StoredMessage]:
        log = list(log)
        log.insert(to, log.pop(index))
        return log

    return lie


def other_body(message: StoredMessage) -> StoredMessage:
    return msgspec.structs.replace(message, body=message.body[:-1] + bytes([message.body[-1] ^ 1]))


# Entries: ncsc's epoch, its signal, ibd's epoch, its signal, ncsc's next, ibd's next; then both ends of epochs.
LIES: dict[str, tuple[Lie, set[str]]] = {
    "a signal dropped": (lambda log: log[:1] + log[2:], {"gap", "withheld-tail"}),
    "an epoch dropped": (lambda log: log[1:], {"gap", "withheld-tail"}),
    "a chain's newest signal dropped": (lambda log: [m for m in log if m is not log[4]], {"gap"}),
    "two swapped within a chain": (moved(1, 0), {"gap"}),
    "two of different chains swapped": (moved(2, 1), {"reordering"}),
    "reversed": (lambda log: log[::-1], {"gap"}),
    "back-dated": (changed(3, back_dated), {"reordering"}),
    "the first one back-dated": (changed(0, lambda m: back_dated(m, 1)), {"split-view"}),
    "a body changed": (changed(1, other_body), {"signature"}),
    "a signature exchanged": (
        changed(1, lambda m: msgspec.structs.replace(m, headers={**m.headers, "Seinpost-Signature": "AAAA"})),
        {"malformed"},
    ),
}


# A running broker that finds more in its stream than it admitted stops: these are for one that has gone.
LONGER: dict[str, tuple[Lie, set[str]]] = {
    "one duplicated": (lambda log: [*log[:2], log[1], *log[2:]], {"reordering"}),
    "the last one duplicated": (lambda log: [*log, log[-1]], {"reordering"}),
    "all of it twice": (lambda log: [*log, *log], {"reordering"}),
}


async def lied_to(enclave: Enclave, folder: Path, lie: Lie, wanted: set[str]) -> FreshReader:
    """Rewrite the stream, let a fresh reader read it until the wanted alarms have come, and put it back."""
    async with dishonest(enclave, PLACE) as hub:
        truth = await hub.entries()
        assert len(truth) >= 6
        await hub.rewrite(lie(truth))
        try:
            async with fresh_reader(enclave, "tafel", folder) as reader:
                for code in wanted:
                    await reader.alarm(code)
                # Long enough for two more rounds of checkpoints to be looked at.
                await asyncio.sleep(0.6)
        finally:
            await hub.rewrite(truth)
    return reader


async def test_the_control_what_is_not_rewritten_is_audited(stored: Enclave, tmp_path: Path) -> None:
    async with dishonest(stored, PLACE) as hub:
        truth = await hub.entries()
        await hub.rewrite(truth)
    async with fresh_reader(stored, "tafel", tmp_path) as reader:
        await reader.until_audited(4)
        assert reader.codes == []


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize(("lie", "wanted"), LIES.values(), ids=LIES)
async def test_every_rewriting_raises_its_alarm_and_audits_nothing(
    stored: Enclave, tmp_path: Path, lie: Lie, wanted: set[str]
) -> None:
    reader = await lied_to(stored, tmp_path, lie, wanted)
    assert wanted <= set(reader.codes)
    # A changed body leaves its entry, and so the log, what it was: that one is not shown, and the others are true.
    true = {3, 4, 5} if lie is LIES["a body changed"][0] else set()
    assert set(reader.audited) <= true


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("kept", range(7))
async def test_a_tail_cut_at_any_place_is_withheld(stored: Enclave, tmp_path: Path, kept: int) -> None:
    """At 0 a whole compartment is hidden. What is left is pending for as long as the rest does not come."""
    reader = await lied_to(stored, tmp_path, lambda log: log[:kept], {"withheld-tail"})
    assert reader.codes == ["withheld-tail"]
    assert len(reader.deliveries) == sum(kept > i for i in (1, 3, 4, 5))
    assert reader.audited == []


async def test_a_withheld_tail_is_an_alarm_within_its_ten_seconds(stored: Enclave, tmp_path: Path) -> None:
    """Without shortened times: the promise itself, with margin."""
    began = asyncio.get_running_loop().time()
    reader = await lied_to(stored, tmp_path, lambda log: log[:3], {"withheld-tail"})
    seconds = asyncio.get_running_loop().time() - began
    assert 10 < seconds < 20
    assert reader.audited == []


@pytest.fixture
def within_half_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """60 s are 30: three times what an honest broker takes between two checkpoints of an idle log."""
    monkeypatch.setattr(_audit, "FRESH_MS", 30_000)


@pytest.mark.usefixtures("within_half_a_minute")
async def test_one_log_frozen_while_the_broker_goes_on_is_stale_and_no_other(
    stored: Enclave, tmp_path: Path
) -> None:
    async with dishonest(stored, PLACE) as hub, fresh_reader(stored, "tafel", tmp_path) as reader:
        frozen = await hub.published()
        reader.go_on_showing(hub.origin, lambda: frozen)
        await reader.until_audited(4)
        await reader.alarm("stale-checkpoint", 90)
        await asyncio.sleep(5)
        assert [(a.code, a.compartment) for a in reader.connection.alarms] == [("stale-checkpoint", PLACE)]


@pytest.mark.usefixtures("within_half_a_minute")
async def test_one_log_shown_minutes_late_but_in_step_is_stale_and_no_other(
    stored: Enclave, tmp_path: Path
) -> None:
    """Ten minutes are within what this machine's clock may be off: the other logs tell."""
    async with dishonest(stored, PLACE) as hub:
        tree = hub.tree(await hub.entries())
        async with fresh_reader(stored, "tafel", tmp_path) as reader:
            # Before it saw anything else: by what is of today, these would be old news and never looked at.
            reader.go_on_showing(hub.origin, lambda: hub.sign(tree, int(time.time()) - 600, WITNESSES))
            await reader.until_audited(4)
            alarm = await reader.alarm("stale-checkpoint", 90)
            assert "older than what is signed of other logs" in alarm.message, alarm
            found = [(a.code, a.compartment) for a in reader.connection.alarms]
            assert found == [("stale-checkpoint", PLACE)]


# -- with the log's keys --------------------------------------------------------------------------


@pytest.fixture
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Enclave]:
    """An enclave whose honest broker and witnesses have gone, a moment after everything was audited."""
    for made in honest(tmp_path_factory):
        assert made.broker is not None
        made.broker.kill()
        made.broker.wait()
        yield made


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize(("lie", "wanted"), LONGER.values(), ids=LONGER)
async def test_what_is_repeated_is_an_alarm_and_adds_nothing(
    alone: Enclave, tmp_path: Path, lie: Lie, wanted: set[str]
) -> None:
    reader = await lied_to(alone, tmp_path, lie, wanted)
    assert wanted <= set(reader.codes)
    # Behind a whole and true log a repeat adds nothing: what a quorum saw may show as audited, and no more.
    whole = lie is not LONGER["one duplicated"][0]
    assert set(reader.audited) <= ({1, 3, 4, 5} if whole else set())
    assert len(reader.deliveries) == len({d.signal.id for d in reader.deliveries}) == 4


@pytest.mark.usefixtures("soon")
async def test_a_broker_that_finds_in_its_stream_what_nobody_admitted_stops(stored: Enclave) -> None:
    async with dishonest(stored, PLACE) as hub:
        truth = await hub.entries()
        await hub.rewrite([*truth, truth[1]])
        assert stored.broker is not None
        # It looks at its log each ten seconds while nothing comes.
        await asyncio.to_thread(stored.broker.wait, 90)
    assert stored.broker.returncode == 4
    assert "what no broker admitted" in (stored.path / "broker.log").read_text()


def forged(log: list[StoredMessage]) -> list[StoredMessage]:
    """Another history of the same length that holds by itself: the last signal was never sent."""
    return [log[0], log[1], *log[2:4]]


async def fork(hub: Dishonest, witnesses: tuple[str, ...]) -> tuple[list[StoredMessage], bytes]:
    """Show another, shorter history from now on, signed by the log and by these witnesses."""
    truth = await hub.entries()
    shown = forged(truth)
    await hub.rewrite([*shown, *truth[5:6]])
    entries = await hub.entries()
    note = hub.sign(hub.tree(entries), ahead(), witnesses)
    await hub.publish(note)
    return truth, note


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("witnesses", [(), ("ncsc",), ("ncsc", "ibd")])
async def test_a_fork_with_fewer_cosignatures_than_a_quorum_is_not_accepted(
    alone: Enclave, tmp_path: Path, witnesses: tuple[str, ...]
) -> None:
    """Three of four are a quorum. How many dishonest witnesses it takes to get them: ``test_witness_bound``."""
    async with dishonest(alone, PLACE) as hub:
        await fork(hub, witnesses)
        async with fresh_reader(alone, "tafel", tmp_path) as reader:
            await reader.alarm("quorum")
            await asyncio.sleep(1)
            assert reader.audited == []


@pytest.mark.usefixtures("soon")
async def test_checkpoints_of_thirty_days_ago_replayed_in_step_are_stale(
    alone: Enclave, tmp_path: Path
) -> None:
    """All signatures hold and every timestamp rises. The broker is gone: other logs are stale too."""
    async with dishonest(alone, PLACE) as hub:
        tree, ago = hub.tree(await hub.entries()), 30 * 86_400
        async with fresh_reader(alone, "tafel", tmp_path) as reader:
            reader.go_on_showing(hub.origin, lambda: hub.sign(tree, int(time.time()) - ago, WITNESSES))
            async with asyncio.timeout(30):
                while not (late := [a for a in reader.connection.alarms if a.compartment == PLACE]):
                    await asyncio.sleep(0.05)
        assert late[0].code == "stale-checkpoint"
        assert "43200 minutes old" in late[0].message


@pytest.mark.usefixtures("soon")
async def test_an_older_checkpoint_shown_again_is_rolled_back(alone: Enclave, tmp_path: Path) -> None:
    """Cosigned later, and about fewer entries: with witnesses that forgot what they signed."""
    async with dishonest(alone, PLACE) as hub:
        truth = await hub.entries()
        async with fresh_reader(alone, "tafel", tmp_path) as reader:
            await reader.until_audited(4)
            await hub.publish(hub.sign(hub.tree(truth[:4]), ahead(), WITNESSES))
            await reader.alarm("rolled-back")


@pytest.mark.usefixtures("soon")
async def test_a_compartment_hidden_with_its_checkpoints_is_missing(alone: Enclave, tmp_path: Path) -> None:
    """The register says which logs there must be: none of them can be left out."""
    async with dishonest(alone, PLACE) as hub:
        await hub.rewrite([])
        await hub.forget_checkpoints()
        async with fresh_reader(alone, "tafel", tmp_path) as reader:
            alarm = await reader.alarm("missing-log")
            assert reader.deliveries == []
        assert alarm.compartment == PLACE
