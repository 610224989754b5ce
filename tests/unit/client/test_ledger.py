# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What a log says of signals beside their content: receipts, recalls, answers to ended epochs; and lies about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from trial.enclave import PROCESS, TrialEnclave, identity
from trial.log import TrialLog
from trial.reader import TrialReader
from trial.samples import act, encoded, id_of

from seinpost._reading_state import ReadingState
from seinpost.delivery import Recalled
from seinpost_schemas.clear_bodies import Recall, RecallReason, Receipt, ReceiptState, Run
from seinpost_schemas.entry import parse_feed_headers
from seinpost_schemas.header import object_hash
from seinpost_schemas.kinds import Kind
from seinpost_schemas.merkle import EMPTY_ROOT
from seinpost_schemas.subjects import feed_stream
from seinpost_schemas.uuid7 import format_id

NCSC, IBD, TAFEL = identity("ncsc-1"), identity("ibd-1"), identity("tafel-1")
STREAM = feed_stream("2026q4", PROCESS)


@pytest.fixture
def reader(enclave: TrialEnclave, log: TrialLog, tmp_path: Path) -> TrialReader:
    return TrialReader(enclave, TAFEL, tmp_path / "tafel", log)


def state_of(reader: TrialReader) -> ReadingState:
    return ReadingState(reader.path, reader.identity.storage_key)


def raw_id(number: int) -> bytes:
    return id_of(number)


def hash_at(log: TrialLog, index: int) -> bytes:
    return object_hash(parse_feed_headers(dict(log.messages[index].headers))[0].header_bytes)


def recall_of(log: TrialLog, index: int, number: int, **change: Any) -> bytes:
    fields: dict[str, Any] = {
        "object_hash": hash_at(log, index),
        "period": "2026q4",
        "leaf_index": index,
        "signal_id": raw_id(number),
        "reason": RecallReason.MISTAKE,
    }
    return Recall(**(fields | change)).encode()


def receipt(*runs: Run, size: int = 0, root: bytes = EMPTY_ROOT) -> bytes:
    return Receipt("2026q4", size, root, runs).encode()


def opened(first: int, last: int, first_signal: int = 0, last_signal: int = 0) -> Run:
    return Run("2026q4", first, last, first_signal, last_signal, ReceiptState.OPENED)


# -- recalls ------------------------------------------------------------------------------------------


async def test_a_recall_is_told_stored_and_owed_an_answer(log: TrialLog, reader: TrialReader) -> None:
    log.add_signals(NCSC, log.add_epoch(NCSC), encoded(1), encoded(2))
    log.append(log.clear(NCSC, Kind.RECALL, recall_of(log, 1, 2)))
    await reader.read()
    assert reader.recalled == [
        Recalled(
            signal=format_id(id_of(2)),
            sender="ncsc",
            compartment=PROCESS,
            period="2026q4",
            index=1,
            reason="mistake",
            admitted_ms=log.now_ms,
        )
    ]
    assert reader.alarms == []
    state = state_of(reader)
    assert [(r.index, r.signal_id) for r in state.recalls(STREAM)] == [(1, raw_id(2))]
    owed = [(o.index, o.first, o.last, o.state) for o in state.owed(STREAM, 10)]
    assert owed == [(1, 0, 1, ReceiptState.DELIVERED), (1, 1, 1, ReceiptState.WITHDRAWN)]
    state.close()


@pytest.mark.parametrize(
    ("sender", "change", "code"),
    [
        (IBD, {}, "mandate"),
        (NCSC, {"object_hash": bytes(32)}, "binding"),
        (NCSC, {"leaf_index": 0}, "binding"),
        (NCSC, {"leaf_index": 9}, "binding"),
        (NCSC, {"leaf_index": 1 << 63}, "binding"),
        (NCSC, {"leaf_index": (1 << 64) - 1}, "binding"),
        (NCSC, {"signal_id": raw_id(3)}, "binding"),
        (NCSC, {"period": "2026q3"}, "binding"),
    ],
)
async def test_a_recall_that_is_not_the_originators_or_names_nothing_is_an_alarm(
    log: TrialLog, reader: TrialReader, sender: Any, change: dict[str, Any], code: str
) -> None:
    secrets = log.add_epoch(NCSC)
    log.add_signals(NCSC, secrets, encoded(1))
    log.add_signals(NCSC, secrets, encoded(3))
    log.append(log.clear(sender, Kind.RECALL, recall_of(log, 1, 1, **change)))
    await reader.read()
    assert reader.codes == [code]
    assert reader.recalled == []
    assert len(reader.deliveries) == 2


async def test_an_epoch_cannot_be_recalled(log: TrialLog, reader: TrialReader) -> None:
    log.add_signals(NCSC, log.add_epoch(NCSC), encoded(1))
    log.append(log.clear(NCSC, Kind.RECALL, recall_of(log, 0, 1)))
    await reader.read()
    assert reader.codes == ["binding"]


async def test_a_recall_is_held_against_what_was_read_before_a_restart(
    log: TrialLog, reader: TrialReader
) -> None:
    log.add_signals(NCSC, log.add_epoch(NCSC), encoded(1))
    await reader.read()
    log.append(log.clear(IBD, Kind.RECALL, recall_of(log, 1, 1)))
    log.append(log.clear(NCSC, Kind.RECALL, recall_of(log, 1, 1)))
    await reader.read()
    assert reader.codes == ["mandate"]
    assert [r.signal for r in reader.recalled] == [format_id(id_of(1))]


async def test_a_signal_of_a_machine_that_was_revoked_is_recalled_by_another_of_its_party(
    enclave: TrialEnclave, log: TrialLog, reader: TrialReader
) -> None:
    """Whose it was is asked, not what that machine may do now: the broker admits it, and readers withdraw it."""
    log.add_signals(NCSC, log.add_epoch(NCSC), encoded(1))
    revoked = {
        "sender_id": NCSC.sender_id.hex(),
        "reason": "gestolen",
        "suspect_from": enclave.table["issued"],
    }
    enclave.amend(lambda table: table.update(revocations=[revoked]))
    log.append(log.clear(identity("ncsc-2"), Kind.RECALL, recall_of(log, 1, 1)))
    await reader.read()
    assert reader.codes == []
    assert [r.signal for r in reader.recalled] == [format_id(id_of(1))]


# -- receipts -----------------------------------------------------------------------------------------


async def test_receipts_are_found_by_signal(log: TrialLog, reader: TrialReader) -> None:
    secrets = log.add_epoch(NCSC)
    log.add_signals(NCSC, secrets, encoded(1), encoded(2))
    log.add_signals(NCSC, secrets, encoded(3))
    log.append(log.clear(IBD, Kind.RECEIPT, receipt(opened(1, 2, 1, 0))))
    await reader.read()
    state = state_of(reader)
    found = {
        place: [(r.party, r.state) for r in state.receipts(STREAM, *place)]
        for place in [(1, 0), (1, 1), (2, 0), (2, 1), (3, 0)]
    }
    state.close()
    yes = [("ibd", ReceiptState.OPENED)]
    assert found == {(1, 0): [], (1, 1): yes, (2, 0): yes, (2, 1): [], (3, 0): []}


@pytest.mark.parametrize(
    "body",
    [
        receipt(opened(1, 2)),
        receipt(opened(2, 2)),
        receipt(opened(1, 1), size=3, root=bytes(32)),
        receipt(opened(1, (1 << 64) - 1)),
        receipt(opened(1, 1), size=(1 << 64) - 1),
    ],
)
async def test_a_receipt_for_what_comes_after_it_is_an_alarm(
    log: TrialLog, reader: TrialReader, body: bytes
) -> None:
    log.add_signals(NCSC, log.add_epoch(NCSC), encoded(1))
    log.append(log.clear(IBD, Kind.RECEIPT, body))
    await reader.read()
    assert reader.codes == ["binding"]


async def test_a_receipt_that_says_one_thing_4096_times_is_an_alarm_and_nothing_is_kept_of_it(
    log: TrialLog, reader: TrialReader
) -> None:
    log.add_signals(NCSC, log.add_epoch(NCSC), encoded(1))
    log.append(log.clear(IBD, Kind.RECEIPT, receipt(*[opened(0, 1)] * 4_096)))
    await reader.read()
    assert reader.codes == ["malformed"]
    state = state_of(reader)
    assert state.receipts(STREAM, 1, 0) == []
    state.close()


async def test_a_reader_who_says_that_it_read_another_log_is_an_alarm(
    log: TrialLog, reader: TrialReader
) -> None:
    log.add_signals(NCSC, log.add_epoch(NCSC), encoded(1))
    log.append(log.clear(IBD, Kind.RECEIPT, receipt(opened(1, 1), size=2, root=b"\x01" * 32)))
    await reader.read()
    assert [(a.code, a.sender) for a in reader.alarms] == [("disputed-root", "ibd")]


async def test_a_lost_state_is_noticed_by_what_this_reader_said_itself(
    log: TrialLog, reader: TrialReader
) -> None:
    log.add_signals(NCSC, log.add_epoch(NCSC), encoded(1))
    state = state_of(reader)
    state.claim(STREAM, 2)
    state.close()
    log.append(log.clear(TAFEL, Kind.RECEIPT, receipt(opened(1, 1), size=2, root=b"\x02" * 32)))
    await reader.read()
    assert reader.codes == []
    (reader.path / "reading.db").unlink()
    await reader.read()
    assert reader.codes == ["state-lost"]
    # Said once: it knows again.
    await reader.read(from_start=True)
    assert reader.codes == ["state-lost"]


async def test_a_state_that_is_put_back_is_noticed_without_a_receipt_in_the_log(
    log: TrialLog, reader: TrialReader
) -> None:
    """Receipts are off: the mark beside the database is all there is. What was delivered since comes again."""
    secrets = log.add_epoch(NCSC)
    log.add_signals(NCSC, secrets, encoded(1))
    await reader.read()
    before = (reader.path / "reading.db").read_bytes()
    log.add_signals(NCSC, secrets, encoded(2))
    await reader.read()
    assert reader.alarms == []
    (reader.path / "reading.db").write_bytes(before)
    await reader.read()
    assert [(a.code, a.compartment) for a in reader.alarms] == [("state-lost", str(PROCESS))]
    assert "read 3 entries, and its state knows of 2" in reader.alarms[0].message
    assert reader.titles == ["Signaal 1", "Signaal 2", "Signaal 2"]
    # Said once: it is where it was.
    await reader.read()
    await reader.read(from_start=True)
    assert reader.codes == ["state-lost"]


async def test_a_state_that_is_put_back_is_said_once_though_receipts_tell_of_it_too(
    log: TrialLog, reader: TrialReader
) -> None:
    log.add_signals(NCSC, log.add_epoch(NCSC), encoded(1))
    await reader.read()
    before = (reader.path / "reading.db").read_bytes()
    state = state_of(reader)
    state.claim(STREAM, 2)
    state.close()
    log.append(log.clear(TAFEL, Kind.RECEIPT, receipt(opened(1, 1), size=2, root=b"\x02" * 32)))
    await reader.read()
    (reader.path / "reading.db").write_bytes(before)
    await reader.read()
    assert reader.codes == ["state-lost"]


# -- answers to epochs --------------------------------------------------------------------------------


async def test_feedback_to_an_epoch_that_ended_is_verified_after_a_restart(
    log: TrialLog, reader: TrialReader
) -> None:
    secrets = log.add_epoch(NCSC)
    log.add_signals(NCSC, secrets, encoded(1))
    log.append(log.end(NCSC, secrets.epoch_id))
    await reader.read()
    envelope, reply = log.epoch(TAFEL, "all", secrets.epoch_id, "ncsc")
    log.append(envelope)
    log.append(log.signals(TAFEL, reply, [act(5)], Kind.FEEDBACK))
    await reader.read()
    assert reader.alarms == []
    assert reader.deliveries[-1].kind == Kind.FEEDBACK
    assert (reader.deliveries[-1].audience, reader.deliveries[-1].epoch_id) == ("all", reply.epoch_id)


async def test_delivered_is_owed_once_however_often_the_feed_is_read(
    log: TrialLog, reader: TrialReader
) -> None:
    log.add_signals(NCSC, log.add_epoch(NCSC), encoded(1))
    await reader.read()
    state = state_of(reader)
    owed = state.owed(STREAM, 10)
    state.said(STREAM, owed)
    state.close()
    await reader.read(from_start=True)
    state = state_of(reader)
    assert len(owed) == 1
    assert state.owed(STREAM, 10) == []
    state.close()
