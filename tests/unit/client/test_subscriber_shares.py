# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A reader who is given the past: it is opened once, in order, as it was verified; lies about it are alarms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seinpost._keyring import Keyring
from seinpost._lane import recipients_of
from seinpost._reading_state import ReadingState
from seinpost._transport import StoredMessage
from seinpost.epochs import EpochSecrets
from seinpost.sharing import Commitments, seal_share
from seinpost_schemas.clear_bodies import Recall, RecallReason
from seinpost_schemas.epoch_body import commit, commit_protected
from seinpost_schemas.errors import Reason, RefusedError
from seinpost_schemas.kinds import Kind
from seinpost_schemas.subjects import feed_stream

from .trial.enclave import TrialEnclave, identity, party_of
from .trial.log import TrialLog, take
from .trial.network import PERIOD
from .trial.reader import TrialReader
from .trial.samples import encoded

NCSC, IBD, TAFEL, LATE = identity("ncsc-1"), identity("ibd-1"), identity("tafel-1"), identity("stil-1")


def joins(table: dict[str, Any]) -> None:
    """``stil`` may read process from now on."""
    party_of(table, "stil")["mandates"] = [
        {"themes": ["process"], "actions": ["read"], "basis": "Wet", "status": "default", "ceiling": "depv"}
    ]


@pytest.fixture
def enclave() -> TrialEnclave:
    return TrialEnclave()


@pytest.fixture
def log(enclave: TrialEnclave) -> TrialLog:
    return TrialLog(enclave)


@pytest.fixture
def reader(enclave: TrialEnclave, log: TrialLog, tmp_path: Path) -> TrialReader:
    return TrialReader(enclave, LATE, tmp_path, log)


def share(
    log: TrialLog, *epochs: EpochSecrets, sender: Any = NCSC, lying: EpochSecrets | None = None
) -> None:
    """Log a share of epochs with ``stil``."""
    log.append(made(log, *epochs, sender=sender, lying=lying))


def made(log: TrialLog, *epochs: EpochSecrets, sender: Any = NCSC, lying: EpochSecrets | None = None) -> Any:
    place = log.place(sender, Kind.SHARE)
    view = log.enclave.directory().current
    member = view.member(LATE.sender_id)
    recipient = recipients_of(view, {member.kem_key_id: member}, log.compartment, log.now_ms)[
        member.kem_key_id
    ]
    pairs = [
        (lying or e, Commitments(e.epoch_id, commit(e.secret), commit_protected(e.protected or b"")))
        for e in epochs
    ]
    body = seal_share(place, pairs, member.kem_key_id, recipient)
    return log.clear(sender, Kind.SHARE, body)


async def test_the_past_comes_once_in_the_order_of_the_log(
    enclave: TrialEnclave, log: TrialLog, reader: TrialReader
) -> None:
    first = log.add_epoch(NCSC)
    log.add_signals(NCSC, first, encoded(1), encoded(2))
    others = log.add_epoch(IBD)
    log.add_signals(IBD, others, encoded(3))
    second = log.add_epoch(NCSC, "tafel")
    log.add_signals(NCSC, second, encoded(4))
    log.add_signals(NCSC, first, encoded(5))
    enclave.amend(joins)
    log.add_signals(NCSC, log.add_epoch(NCSC), encoded(6))
    await reader.read()
    assert len(reader.deliveries) == 1
    share(log, first)
    log.add_signals(NCSC, log.add_epoch(NCSC), encoded(7))
    await reader.read()
    assert reader.alarms == []
    assert [(d.index, d.number) for d in reader.deliveries] == [(8, 0), (1, 0), (1, 1), (6, 0), (11, 0)]
    # IBD's own and what went to the table alone were not shared.
    before = len(reader.deliveries)
    await reader.read()
    assert len(reader.deliveries) == before
    await reader.read(from_start=True)
    assert [(d.index, d.number) for d in reader.deliveries[before:]] == [
        (1, 0),
        (1, 1),
        (6, 0),
        (8, 0),
        (11, 0),
    ]


async def test_a_reader_that_ends_in_the_middle_of_it_goes_on_there(
    enclave: TrialEnclave, log: TrialLog, reader: TrialReader
) -> None:
    epoch = log.add_epoch(NCSC)
    for number in range(1, 13):
        log.add_signals(NCSC, epoch, encoded(number))
    enclave.amend(joins)
    share(log, epoch)
    for taken in (3, 7):
        await reader.read(stop=lambda taken=taken: len(reader.deliveries) >= taken)  # type: ignore[misc]
    await reader.read()
    indexes = [d.index for d in reader.deliveries]
    # At least once: what the application had in its hands when it ended may come again, nothing else.
    assert sorted(set(indexes)) == list(range(1, 13))
    assert len(indexes) <= 12 + 2
    assert reader.alarms == []


async def test_what_was_recalled_since_is_not_shown(
    enclave: TrialEnclave, log: TrialLog, reader: TrialReader
) -> None:
    epoch = log.add_epoch(NCSC)
    gone = encoded(1)
    envelope = log.signals(NCSC, epoch, [gone, encoded(2)])
    log.append(envelope)
    recall = Recall(envelope.object_hash, PERIOD, 1, gone.id, RecallReason.MISTAKE)
    log.append(log.clear(NCSC, Kind.RECALL, recall.encode()))
    enclave.amend(joins)
    share(log, epoch)
    await reader.read()
    assert [(d.index, d.number) for d in reader.deliveries] == [(1, 1)]
    assert reader.alarms == []
    state = ReadingState(reader.path, LATE.storage_key)
    owed = {(o.index, o.first, o.state) for o in state.owed(feed_stream(PERIOD, log.compartment), 10)}
    state.close()
    assert len({s for _, _, s in owed}) == 2


async def test_a_share_that_lies_about_the_secret_is_an_alarm_and_opens_nothing(
    enclave: TrialEnclave, log: TrialLog, reader: TrialReader
) -> None:
    epoch = log.add_epoch(NCSC)
    log.add_signals(NCSC, epoch, encoded(1))
    enclave.amend(joins)
    share(log, epoch, lying=EpochSecrets(epoch.epoch_id, b"?" * 32, epoch.protected))
    await reader.read()
    assert (reader.codes, reader.deliveries) == (["commitment"], [])
    assert reader.alarms[0].sender == "ncsc"
    keyring = Keyring(reader.path, LATE)
    assert keyring.load_epoch(epoch.epoch_id) is None
    keyring.close()


async def test_a_server_that_gives_another_past_now_is_an_alarm(
    enclave: TrialEnclave, log: TrialLog, reader: TrialReader
) -> None:
    """What was read is verified; what is fetched again to be opened has to be the same, to the byte."""
    epoch = log.add_epoch(NCSC)
    log.add_signals(NCSC, epoch, encoded(1))
    forged = log.message(log.signals(NCSC, epoch, [encoded(9)]), seq=2)
    enclave.amend(joins)
    await reader.read()
    share(log, epoch)
    stream = feed_stream(PERIOD, log.compartment)
    honest = reader.transport.streams[stream]
    changed = StoredMessage(2, forged.headers, forged.body)
    reader.transport.streams[stream] = [honest[0], changed, *honest[2:]]
    await reader.read(stop=lambda: bool(reader.alarms))
    assert (reader.codes, reader.deliveries) == (["split-view"], [])


async def test_a_body_that_was_changed_since_is_an_alarm(
    enclave: TrialEnclave, log: TrialLog, reader: TrialReader
) -> None:
    epoch = log.add_epoch(NCSC)
    log.add_signals(NCSC, epoch, encoded(1))
    enclave.amend(joins)
    await reader.read()
    share(log, epoch)
    stream = feed_stream(PERIOD, log.compartment)
    honest = reader.transport.streams[stream]
    body = bytes([honest[1].body[0] ^ 1]) + honest[1].body[1:]
    reader.transport.streams[stream] = [honest[0], StoredMessage(2, honest[1].headers, body), *honest[2:]]
    await reader.read(stop=lambda: bool(reader.alarms))
    assert (reader.codes, reader.deliveries) == (["signature"], [])


def refused(log: TrialLog, envelope: Any) -> Reason:
    reader = log.reader()
    with pytest.raises(RefusedError) as error:
        take(reader, log.message(envelope))
    return error.value.reason


def test_a_reader_asks_again_who_may_share_what(enclave: TrialEnclave, log: TrialLog) -> None:
    epoch, tafels = log.add_epoch(NCSC), log.add_epoch(NCSC, "tafel")
    enclave.amend(joins)
    # Not its own to give, or to someone who is not in that audience.
    assert refused(log, made(log, epoch, sender=IBD)) is Reason.MANDATE
    assert refused(log, made(log, tafels)) is Reason.AUDIENCE
    assert refused(log, made(log, EpochSecrets(b"?" * 16, b"1" * 32, b"2" * 32))) is Reason.EPOCH
    # Reads it all, and may not share: the table has no such mandate.
    assert refused(log, made(log, epoch, sender=TAFEL)) is Reason.MANDATE
    take(log.reader(), log.message(made(log, epoch)))


def test_a_second_machine_of_ones_own_party_is_given_what_the_first_reads(
    enclave: TrialEnclave, log: TrialLog
) -> None:
    """Another party's epochs too: reading them is the party's right, and no ``share`` mandate is needed."""
    epoch = log.add_epoch(IBD)
    place = log.place(NCSC, Kind.SHARE)
    view = enclave.directory().current
    second = view.member(identity("ncsc-2").sender_id)
    recipient = recipients_of(view, {second.kem_key_id: second}, log.compartment, log.now_ms)[
        second.kem_key_id
    ]
    committed = Commitments(epoch.epoch_id, commit(epoch.secret), commit_protected(epoch.protected or b""))
    body = seal_share(place, [(epoch, committed)], second.kem_key_id, recipient)
    take(log.reader(), log.message(log.clear(NCSC, Kind.SHARE, body)))


def shares_no_more(table: dict[str, Any]) -> None:
    for mandate in party_of(table, "ncsc")["mandates"]:
        mandate["actions"] = [a for a in mandate["actions"] if a != "share"]


def may_share_no_more(table: dict[str, Any]) -> None:
    table.setdefault("prohibitions", []).append(
        {"party": "ncsc", "action": "share", "themes": ["process"], "basis": "Wet", "status": "default"}
    )


def leaves(table: dict[str, Any]) -> None:
    party_of(table, "stil")["mandates"] = []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (shares_no_more, Reason.MANDATE),
        (may_share_no_more, Reason.PROHIBITED),
        (leaves, Reason.STALE_DIRECTORY),
    ],
    ids=["mandate", "prohibition", "reader"],
)
def test_who_shares_cannot_go_back_to_a_directory_in_which_it_might(
    enclave: TrialEnclave, log: TrialLog, change: Any, reason: Reason
) -> None:
    epoch = log.add_epoch(NCSC)
    enclave.amend(joins)
    before = enclave.size
    good = made(log, epoch)
    take(log.reader(), log.message(good))
    enclave.amend(change)
    assert good.header.directory_size == before
    assert refused(log, good) is reason
