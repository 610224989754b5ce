# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What nobody foresaw about one entry is an alarm about that entry; what is about network or disk is not."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from trial.enclave import PROCESS, TrialEnclave, identity
from trial.log import TrialLog
from trial.reader import TrialReader
from trial.samples import encoded

from seinpost import _opening
from seinpost._auditing import Auditing
from seinpost._heard_receipts import HeardReceipts
from seinpost._reading_state import ReadingState
from seinpost._trusted_feed import TrustedFeed
from seinpost._unforeseen import one_entry
from seinpost_schemas.clear_bodies import Receipt, ReceiptState, Run
from seinpost_schemas.errors import RefusedError, SetupError, UnavailableError, UnforeseenError
from seinpost_schemas.kinds import Kind
from seinpost_schemas.merkle import EMPTY_ROOT
from seinpost_schemas.subjects import feed_stream

NCSC, IBD, TAFEL = identity("ncsc-1"), identity("ibd-1"), identity("tafel-1")
STREAM = feed_stream("2026q4", PROCESS)
SECRET = "the words of a signal"
BUGS = [OverflowError(SECRET), RuntimeError(SECRET), KeyError(SECRET), RecursionError(SECRET)]
NOT_THE_ENTRYS = [
    sqlite3.OperationalError("database or disk is full"),
    sqlite3.OperationalError("database is locked"),
    sqlite3.DatabaseError("database disk image is malformed"),
    OSError(28, "No space left on device"),
    ConnectionResetError(),
    TimeoutError(),
    UnavailableError("the server does not answer"),
    SetupError("another identity's file"),
    MemoryError(),
]


@pytest.fixture
def reader(enclave: TrialEnclave, log: TrialLog, tmp_path: Path) -> TrialReader:
    return TrialReader(enclave, TAFEL, tmp_path / "tafel", log)


def three(log: TrialLog) -> None:
    """An epoch and three envelopes with a signal each; the second, at index 2, is what goes wrong."""
    secrets = log.add_epoch(NCSC)
    for number in (1, 2, 3):
        log.add_signals(NCSC, secrets, encoded(number))


def failing(
    method: Callable[..., Any], error: BaseException, when: Callable[..., bool]
) -> Callable[..., Any]:
    def call(*given: Any, **named: Any) -> Any:
        if when(*given):
            raise error
        return method(*given, **named)

    return call


# -- by itself --------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", BUGS, ids=repr)
def test_what_nobody_foresaw_has_a_name_and_tells_its_type_alone(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(UnforeseenError) as told, one_entry():
        raise error
    assert type(error).__name__ in str(told.value)
    assert [r.getMessage() for r in caplog.records] == [
        f"one log entry was passed over: {type(error).__name__}"
    ]
    assert SECRET not in str(told.value) + caplog.text
    assert told.value.__cause__ is None
    assert told.value.__suppress_context__


@pytest.mark.parametrize(
    "error",
    [*NOT_THE_ENTRYS, RefusedError("mandate", "no"), asyncio.CancelledError(), KeyboardInterrupt()],  # type: ignore[arg-type]
    ids=repr,
)
def test_what_is_about_network_disk_or_the_task_goes_on_as_it_is(error: BaseException) -> None:
    with pytest.raises(type(error)) as told, one_entry():
        raise error
    assert told.value is error


# -- in a reader ------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", BUGS, ids=repr)
@pytest.mark.parametrize("place", ["accept", "open", "deliver", "skip"])
async def test_an_entry_that_breaks_the_reader_is_an_alarm_and_the_rest_is_read(
    log: TrialLog, reader: TrialReader, monkeypatch: pytest.MonkeyPatch, place: str, error: Exception
) -> None:
    three(log)
    accept = failing(TrustedFeed.accept, error, lambda _, seq, *__: seq == 3)
    if place in ("accept", "skip"):
        monkeypatch.setattr(TrustedFeed, "accept", accept)
    if place == "skip":
        skip = failing(TrustedFeed.skip, error, lambda _, seq, headers: seq == 3 and headers)
        monkeypatch.setattr(TrustedFeed, "skip", skip)
    elif place == "open":
        opens = failing(_opening.open_verified, error, lambda envelope, _: envelope.header.seq == 3)
        monkeypatch.setattr(_opening, "open_verified", opens)
    elif place == "deliver":
        decode = failing(_opening.Opening._deliver, error, lambda _, s, *__: s.accepted.index == 2)
        monkeypatch.setattr(_opening.Opening, "_deliver", decode)
    await reader.read()
    assert reader.codes[0] == "unforeseen"
    assert reader.alarms[0].index == 2
    assert SECRET not in reader.alarms[0].message
    assert "Signaal 1" in reader.titles
    # A header that is not looked at leaves its sender's chain with a hole, which is said; others go on.
    assert ("Signaal 3" in reader.titles) == (place != "skip")
    await reader.read()
    assert reader.codes.count("unforeseen") == 1


@pytest.mark.parametrize("error", [*NOT_THE_ENTRYS[:3], NOT_THE_ENTRYS[-1]], ids=repr)
async def test_a_disk_that_fails_ends_the_reading_and_loses_no_entry(
    log: TrialLog, reader: TrialReader, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    three(log)
    with monkeypatch.context() as broken:
        asked = iter(range(9))
        digests = failing(ReadingState.seen_digests, error, lambda *_: next(asked) > 0)
        broken.setattr(ReadingState, "seen_digests", digests)
        with pytest.raises(type(error)):
            await reader.read()
    assert reader.codes == []
    await reader.read()
    assert (reader.codes, sorted(set(reader.titles))) == ([], ["Signaal 1", "Signaal 2", "Signaal 3"])


def receipt() -> bytes:
    return Receipt("2026q4", 0, EMPTY_ROOT, (Run("2026q4", 1, 1, 0, 0, ReceiptState.OPENED),)).encode()


async def test_what_cannot_be_stored_of_an_entry_is_left_out_and_its_place_is_not(
    log: TrialLog, reader: TrialReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = log.add_epoch(NCSC)
    log.add_signals(NCSC, secrets, encoded(1))
    log.append(log.clear(IBD, Kind.RECEIPT, receipt()))
    log.add_signals(NCSC, secrets, encoded(2))
    with monkeypatch.context() as broken:
        hear = failing(HeardReceipts.hear, OverflowError(SECRET), lambda _, runs: len(runs) > 0)
        broken.setattr(HeardReceipts, "hear", hear)
        await reader.read()
    assert [(a.code, a.index) for a in reader.alarms] == [("unforeseen", 2)]
    assert reader.titles == ["Signaal 1", "Signaal 2"]
    state = ReadingState(reader.path, reader.identity.storage_key)
    assert (state.position(STREAM), len(state.leaves(STREAM, 9))) == (5, 4)
    assert state.receipts(STREAM, 1, 0) == []
    state.close()


async def test_a_disk_that_is_full_at_the_commit_moves_no_position(
    log: TrialLog, reader: TrialReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    three(log)
    full = sqlite3.OperationalError("database or disk is full")

    def fail(*_: Sequence[Any]) -> int:
        raise full

    with monkeypatch.context() as broken:
        broken.setattr(ReadingState, "_see", fail)
        with pytest.raises(sqlite3.OperationalError):
            await reader.read()
    state = ReadingState(reader.path, reader.identity.storage_key)
    assert state.position(STREAM) == 1
    state.close()


@pytest.mark.parametrize("seq", [(1 << 32) + 1, 1 << 63, 1 << 70])
async def test_a_place_that_no_log_has_is_not_gone_to(log: TrialLog, reader: TrialReader, seq: int) -> None:
    three(log)
    log.messages.insert(2, msgspec.structs.replace(log.messages[2], seq=seq))
    await reader.read()
    assert reader.codes == ["malformed"]
    assert reader.titles == ["Signaal 1", "Signaal 2", "Signaal 3"]


async def test_what_another_party_says_ends_no_reading(
    log: TrialLog, reader: TrialReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OverflowError(SECRET)

    monkeypatch.setattr(Auditing, "_hear", fail)
    alarms: list[Any] = []
    auditing = Auditing.__new__(Auditing)
    auditing._on_alarm = alarms.append
    auditing.heard("2026q4/depv/process", b"note")
    assert [(a.code, a.compartment, a.evidence) for a in alarms] == [
        ("unforeseen", "2026q4/depv/process", b"note")
    ]
