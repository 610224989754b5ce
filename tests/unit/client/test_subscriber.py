# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The reader as the library runs it: every signal once, in order, across restarts, in bounded memory."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from trial.enclave import DEBATE, OPEN, PROCESS, T0, TrialEnclave, identity, party_of
from trial.log import TrialLog
from trial.reader import TrialReader
from trial.samples import act, encoded, id_of, signal

from seinpost import _auditing, subscriber
from seinpost.delivery import Delivery
from seinpost_schemas.clear_bodies import Receipt, ReceiptState, Run
from seinpost_schemas.errors import RefusedError, SetupError
from seinpost_schemas.kinds import Kind
from seinpost_schemas.signal import Act
from seinpost_schemas.uuid7 import format_id

NCSC, IBD, TAFEL = identity("ncsc-1"), identity("ibd-1"), identity("tafel-1")


@pytest.fixture
def reader(enclave: TrialEnclave, log: TrialLog, tmp_path: Path) -> TrialReader:
    """The table, on depv/process."""
    return TrialReader(enclave, TAFEL, tmp_path / "tafel", log)


def fill(log: TrialLog, first: int, last: int) -> None:
    """An epoch of ncsc and an envelope of one signal for each number."""
    secrets = log.add_epoch(NCSC)
    for number in range(first, last + 1):
        log.add_signals(NCSC, secrets, encoded(number))


# -- what is delivered ----------------------------------------------------------------------------


async def test_signals_come_opened_in_order_with_where_they_are_from(
    log: TrialLog, reader: TrialReader
) -> None:
    secrets = log.add_epoch(NCSC)
    message = log.add_signals(NCSC, secrets, encoded(1), encoded(2, protected="een bron"))
    log.add_signals(IBD, log.add_epoch(IBD), encoded(3))
    one, two, three = await reader.read()
    assert [d.signal for d in (one, two, three)] == [signal(1), signal(2, protected="een bron"), signal(3)]
    assert (one.sender, one.identity, str(one.compartment)) == ("ncsc", "ncsc-1", "depv/process")
    assert [(d.index, d.number) for d in (one, two, three)] == [(1, 0), (1, 1), (3, 0)]
    assert (one.kind, one.admitted_ms, one.created_ms) == (Kind.SIGNALS, T0, T0)
    assert one.object_hash == two.object_hash != three.object_hash
    assert len({one.leaf, two.leaf, three.leaf}) == 3
    assert len(message.body) > 0
    assert reader.alarms == []


async def test_a_directory_that_is_not_confirmed_any_more_is_an_alarm_once(
    log: TrialLog, reader: TrialReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could hide a revocation from who only reads; nothing is sealed on it either."""
    monkeypatch.setattr(subscriber, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(_auditing, "_AUDIT_SECONDS", 0.01)
    log.add_signals(NCSC, log.add_epoch(NCSC), encoded(1))
    await reader.read()
    assert reader.alarms == []
    monkeypatch.setattr(_auditing, "FRESH_MS", 300)
    until = time.monotonic() + 1
    await reader.read(stop=lambda: time.monotonic() > until)
    assert [(a.code, a.compartment) for a in reader.alarms] == [("stale-checkpoint", "directory")]


async def test_every_compartment_that_the_party_reads_is_read(enclave: TrialEnclave, tmp_path: Path) -> None:
    logs = [TrialLog(enclave, c) for c in (PROCESS, DEBATE, OPEN)]
    senders = [NCSC, identity("cvdm-1"), NCSC]
    for number, (log, sender) in enumerate(zip(logs, senders, strict=True)):
        log.add_signals(sender, log.add_epoch(sender), encoded(number))
    reader = TrialReader(enclave, TAFEL, tmp_path, *logs)
    await reader.read()
    assert {str(d.compartment) for d in reader.deliveries} == {"depv/process", "depv/debate", "ong/process"}
    other = TrialReader(enclave, identity("cvdm-1"), tmp_path / "cvdm", logs[1])
    await other.read()
    assert [str(d.compartment) for d in other.deliveries] == ["depv/debate"]
    assert not {s for s in other.transport.pulled if "debate" not in s}


async def test_a_party_without_a_read_mandate_reads_nothing(enclave: TrialEnclave, tmp_path: Path) -> None:
    reader = TrialReader(enclave, identity("stil-1"), tmp_path)
    with pytest.raises(RefusedError, match="no mandate to read anything"):
        await reader.read()
    assert reader.transport.pulled == {}


async def test_who_is_not_in_the_audience_verifies_everything_and_opens_nothing(
    enclave: TrialEnclave, log: TrialLog, tmp_path: Path
) -> None:
    log.add_signals(NCSC, log.add_epoch(NCSC, "tafel"), encoded(1))
    log.add_signals(NCSC, log.add_epoch(NCSC), encoded(2))
    log.append(log.signals(NCSC, log.add_epoch(NCSC, "tafel"), [encoded(3)]))
    reader = TrialReader(enclave, IBD, tmp_path, log)
    await reader.read()
    assert reader.titles == ["Signaal 2"]
    assert reader.alarms == []
    assert reader.transport.pulled["FEED_2026q4_depv_process"] == 6


async def test_acts_are_delivered_as_acts(log: TrialLog, reader: TrialReader) -> None:
    reply = log.add_epoch(TAFEL, "tafel")
    log.append(log.signals(TAFEL, reply, [act(6)], Kind.FEEDBACK))
    (delivery,) = await reader.read()
    assert isinstance(delivery.signal, Act)
    assert delivery.signal.handling.refers_to == (format_id(id_of(6)),)
    assert delivery.kind == Kind.FEEDBACK


async def test_clear_kinds_are_verified_and_are_no_signals(log: TrialLog, reader: TrialReader) -> None:
    fill(log, 1, 1)
    receipt = Receipt("2026q4", 0, bytes(32), (Run("2026q4", 1, 1, 0, 0, ReceiptState.OPENED),)).encode()
    log.append(log.clear(TAFEL, Kind.RECEIPT, receipt))
    log.append(log.end(NCSC, log_epoch_of(log)))
    assert [d.index for d in await reader.read()] == [1]
    assert reader.alarms == []


def log_epoch_of(log: TrialLog) -> bytes:
    """The one epoch in use."""
    (epoch_id,) = log._carried
    return epoch_id


async def test_a_kind_of_a_later_version_asks_for_an_update_and_the_feed_goes_on(
    log: TrialLog, reader: TrialReader
) -> None:
    log.append(log.clear(NCSC, 10, b"of a later version"))
    fill(log, 1, 1)
    await reader.read()
    assert reader.codes == ["update-needed"]
    assert reader.titles == ["Signaal 1"]


# -- once -----------------------------------------------------------------------------------------


async def test_the_same_signal_again_is_dropped_without_a_word(log: TrialLog, reader: TrialReader) -> None:
    """What a client seals anew after a refusal, under another epoch, with the same id."""
    fill(log, 1, 2)
    fill(log, 2, 3)
    await reader.read()
    assert reader.titles == ["Signaal 1", "Signaal 2", "Signaal 3"]
    assert reader.alarms == []


async def test_the_same_signal_from_the_partys_other_identity_is_the_same(
    log: TrialLog, reader: TrialReader
) -> None:
    fill(log, 1, 1)
    other = identity("ncsc-2")
    log.add_signals(other, log.add_epoch(other), encoded(1))
    await reader.read()
    assert len(reader.deliveries) == 1


async def test_another_partys_signal_with_the_same_id_is_its_own(log: TrialLog, reader: TrialReader) -> None:
    fill(log, 1, 1)
    log.add_signals(IBD, log.add_epoch(IBD), encoded(1, "Van de IBD"))
    await reader.read()
    assert reader.titles == ["Signaal 1", "Van de IBD"]
    assert reader.alarms == []


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize(
    "other",
    [
        encoded(1, "Een ander"),
        encoded(1, tlp="red"),
        encoded(1, protected="een bron erbij"),
    ],
    ids=["another report", "another TLP", "a protected section added"],
)
async def test_one_id_with_two_contents_is_an_alarm(
    log: TrialLog, reader: TrialReader, other: Any, *, restart: bool
) -> None:
    fill(log, 1, 1)
    if restart:
        await reader.read()
    log.add_signals(NCSC, log.add_epoch(NCSC), other, encoded(2))
    await reader.read()
    assert reader.codes == ["id-reused"]
    assert (reader.alarms[0].sender, reader.alarms[0].index) == ("ncsc", 3)
    # What else was in that envelope comes all the same.
    assert reader.titles == ["Signaal 1", "Signaal 2"]


# -- across restarts ------------------------------------------------------------------------------


async def test_a_reader_that_restarts_goes_on_where_it_was(log: TrialLog, reader: TrialReader) -> None:
    fill(log, 1, 3)
    assert len(await reader.read()) == 3
    assert await reader.read() == []
    log.add_signals(NCSC, log.add_epoch(NCSC), encoded(4))
    assert [d.index for d in await reader.read()] == [5]
    assert reader.alarms == []


async def test_secrets_outlive_the_process(log: TrialLog, reader: TrialReader) -> None:
    secrets = log.add_epoch(NCSC)
    await reader.read()
    log.add_signals(NCSC, secrets, encoded(1))
    await reader.read()
    assert reader.titles == ["Signaal 1"]


async def test_what_the_application_had_not_taken_comes_again(log: TrialLog, reader: TrialReader) -> None:
    """At least once: an envelope counts as read when the last of its signals was taken."""
    log.add_signals(NCSC, log.add_epoch(NCSC), *(encoded(n) for n in range(1, 6)))

    async def crash_at_three(_delivery: Delivery) -> None:
        if len(reader.deliveries) == 3:
            raise ConnectionResetError("the application died")

    reader.application = crash_at_three
    with pytest.raises(ConnectionResetError):
        await reader.read()
    reader.application = None
    assert [d.number for d in await reader.read()] == [0, 1, 2, 3, 4]
    assert reader.alarms == []


async def test_from_the_start_everything_comes_again_and_is_no_reuse(
    log: TrialLog, reader: TrialReader
) -> None:
    fill(log, 1, 3)
    first = await reader.read()
    assert await reader.read(from_start=True) == first
    assert await reader.read() == []
    assert reader.alarms == []


async def test_a_log_that_changed_while_the_reader_was_away_is_noticed(
    log: TrialLog, reader: TrialReader
) -> None:
    fill(log, 1, 2)
    await reader.read()
    forked = log.signals(NCSC, log.add_epoch(NCSC), seq=2)
    log.messages[3] = log.message(forked, seq=4)
    await reader.read()
    assert reader.codes == ["reordering"]


async def test_a_state_that_was_tampered_with_stops_the_reader_with_a_sentence(
    log: TrialLog, reader: TrialReader
) -> None:
    fill(log, 1, 2)
    await reader.read()
    with sqlite3.connect(reader.path / "reading.db") as db:
        db.execute("UPDATE feed SET state=zeroblob(100)")
    db.close()
    with pytest.raises(SetupError, match="was changed"):
        await reader.read()


async def test_a_lost_state_directory_costs_nothing_but_a_second_look(
    enclave: TrialEnclave, log: TrialLog, reader: TrialReader, tmp_path: Path
) -> None:
    fill(log, 1, 3)
    first = await reader.read()
    anew = TrialReader(enclave, TAFEL, tmp_path / "anew", log)
    assert await anew.read() == first


# -- the directory --------------------------------------------------------------------------------


async def test_an_entry_waits_for_the_directory_that_it_names(
    enclave: TrialEnclave, log: TrialLog, reader: TrialReader
) -> None:
    fill(log, 1, 1)
    late = enclave.messages[:]

    def more(table: dict[str, Any]) -> None:
        party_of(table, "stil")["name_en"] = "quiet"

    enclave.amend(more)
    log.add_signals(NCSC, log.add_epoch(NCSC), encoded(2))
    reader.transport.streams["DIRECTORY"] = late

    def directory_comes_when_the_first_has_come() -> bool:
        if reader.titles and len(late) < enclave.size:
            late.append(enclave.messages[-1])
        return len(reader.titles) == 2

    await reader.read(stop=directory_comes_when_the_first_has_come)
    assert reader.titles == ["Signaal 1", "Signaal 2"]
    assert reader.alarms == []


async def test_a_directory_that_does_not_come_is_said_once_and_waited_for(
    enclave: TrialEnclave, log: TrialLog, reader: TrialReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seinpost._directory._FIRST_SECONDS", 0.05)
    fill(log, 1, 1)
    secrets = log.add_epoch(IBD)
    log.append(log.signals(IBD, secrets, [encoded(2)]), directory_size=enclave.size + 1)
    waited = [0]

    def waits_on() -> bool:
        waited[0] += 1
        return waited[0] > 100

    await reader.read(stop=waits_on)
    assert reader.titles == ["Signaal 1"]
    assert reader.codes == ["directory-missing"]


# -- bounded memory -------------------------------------------------------------------------------


async def test_a_slow_application_stops_the_pulling(log: TrialLog, reader: TrialReader) -> None:
    """What waits in memory is a handful of envelopes, however long the log."""
    fill(log, 1, 100)
    pulled: list[int] = []

    async def think_long(_delivery: Delivery) -> None:
        if len(reader.deliveries) == 1:
            # The reading tasks get many turns meanwhile.
            for _ in range(50):
                await asyncio.sleep(0.002)
            pulled.append(reader.transport.pulled["FEED_2026q4_depv_process"])

    reader.application = think_long
    await reader.read()
    assert len(reader.deliveries) == 100
    assert 2 <= pulled[0] <= 16


async def test_who_is_let_in_no_more_is_told_and_reads_no_longer(log: TrialLog, reader: TrialReader) -> None:
    """Else it would hear of logs that stand still, for ever: a revoked identity cannot read of its revocation."""
    log.add_signals(NCSC, log.add_epoch(NCSC), encoded(1))
    await reader.read()
    reader.transport.refused.set()
    with pytest.raises(RefusedError, match="revoked"):
        await reader.read(stop=lambda: False)
    assert reader.titles == ["Signaal 1"]
