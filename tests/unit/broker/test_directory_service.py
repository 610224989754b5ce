# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Statements on their way into the directory: logged once, in order, by several brokers, or refused."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from trial.enclave import ENCLAVE, LOG_KEYS, T0, TrialEnclave, identity

from seinpost.kem import KemPrivateKey
from seinpost_broker.adapters.enclave_dir import EnclaveDir, directory_of
from seinpost_broker.ports import StoredMessage
from seinpost_broker.service.directory import DirectoryService
from seinpost_schemas.checkpoint import Checkpoint
from seinpost_schemas.compartment import all_compartments
from seinpost_schemas.directory import DirectoryType
from seinpost_schemas.errors import BindingError, Reason, RefusedError, SignatureError
from seinpost_schemas.limits import DAY_MS, MAX_PREKEYS_A_DAY
from seinpost_schemas.merkle import EMPTY_ROOT
from seinpost_schemas.statements import OwnRevocation, PrekeyStatement
from seinpost_schemas.subjects import log_origin

from .test_admission_log import Clock, Store

TAFEL = identity("tafel-1")


@pytest.fixture
def enclave() -> TrialEnclave:
    return TrialEnclave()


@pytest.fixture
def store(enclave: TrialEnclave) -> Store:
    store = Store()
    store.messages += [StoredMessage(m.seq, dict(m.headers), m.body) for m in enclave.messages]
    return store


@pytest.fixture
def clock() -> Clock:
    clock = Clock()
    clock.ms = T0
    return clock


def broker(enclave: TrialEnclave, store: Store, clock: Clock) -> DirectoryService:
    return DirectoryService(enclave.enclave_id, store=store, clock=clock)  # type: ignore[arg-type]


def prekey(enclave: TrialEnclave, number: int, *, byte: int = 0) -> bytes:
    key = KemPrivateKey(bytes([byte or number]) * 96)
    return PrekeyStatement(enclave.enclave_id, TAFEL.sender_id, number, key.public).sign(TAFEL.signing)


def end(enclave: TrialEnclave) -> bytes:
    return OwnRevocation(enclave.enclave_id, TAFEL.sender_id, T0).sign(TAFEL.signing)


async def test_a_statement_is_logged_once_however_often_it_comes(
    enclave: TrialEnclave, store: Store, clock: Clock
) -> None:
    one, other = broker(enclave, store, clock), broker(enclave, store, clock)
    data = prekey(enclave, 1)
    await one.state(data)
    await one.state(data)
    await other.state(data)
    assert len(store.messages) == enclave.size + 1
    assert one.directory.newest_prekey(TAFEL.sender_id) == other.directory.newest_prekey(TAFEL.sender_id)


async def test_two_brokers_at_once_log_both_in_order(
    enclave: TrialEnclave, store: Store, clock: Clock
) -> None:
    one, other = broker(enclave, store, clock), broker(enclave, store, clock)
    await asyncio.gather(one.load(), other.load())
    done = await asyncio.gather(
        one.state(prekey(enclave, 1)), other.state(prekey(enclave, 2)), return_exceptions=True
    )
    await asyncio.gather(one.load(), other.load())
    assert one.directory.root() == other.directory.root()
    # The lower number may have come second: then it is refused, and nothing is logged of it.
    assert all(e is None or isinstance(e, RefusedError) for e in done)
    newest = one.directory.newest_prekey(TAFEL.sender_id)
    assert newest is not None
    assert newest.number == 2


async def test_what_must_not_be_in_the_log_does_not_get_there(
    enclave: TrialEnclave, store: Store, clock: Clock
) -> None:
    service = broker(enclave, store, clock)
    await service.state(prekey(enclave, 5))
    size = len(store.messages)
    for data, error in (
        (prekey(enclave, 5, byte=9), RefusedError),
        (prekey(enclave, 4), RefusedError),
        (prekey(enclave, 6, byte=5), RefusedError),
        (prekey(enclave, 7)[:-1] + b"\0", SignatureError),
        (
            PrekeyStatement(b"x" * 16, TAFEL.sender_id, 8, KemPrivateKey(b"8" * 96).public).sign(
                TAFEL.signing
            ),
            BindingError,
        ),
        (OwnRevocation(enclave.enclave_id, b"?" * 16, T0).sign(TAFEL.signing), RefusedError),
    ):
        with pytest.raises(error):
            await service.state(data)
    assert len(store.messages) == size


async def test_nine_in_a_day_are_too_many_and_the_day_after_is_another(
    enclave: TrialEnclave, store: Store, clock: Clock
) -> None:
    service = broker(enclave, store, clock)
    for number in range(1, 9):
        await service.state(prekey(enclave, number))
    with pytest.raises(RefusedError) as refused:
        await service.state(prekey(enclave, 9))
    assert refused.value.reason is Reason.QUOTA
    clock.ms += 86_400_000
    await service.state(prekey(enclave, 9))


async def test_a_directory_whose_times_are_ahead_lets_nobody_state_without_end(
    enclave: TrialEnclave, store: Store, clock: Clock
) -> None:
    """A broker's clock was a week fast once; by the directory's times nothing that comes since is of today."""
    clock.ms = T0 + 7 * DAY_MS
    await broker(enclave, store, clock).state(prekey(enclave, 1))
    clock.ms = T0
    service = broker(enclave, store, clock)
    for number in range(2, 2 + MAX_PREKEYS_A_DAY):
        await service.state(prekey(enclave, number))
    with pytest.raises(RefusedError) as refused:
        await service.state(prekey(enclave, 100))
    assert refused.value.reason is Reason.QUOTA
    clock.ms = T0 + DAY_MS
    await service.state(prekey(enclave, 100))


async def test_an_identity_that_ends_itself_changes_rights_and_is_kept_by_the_broker(
    enclave: TrialEnclave, store: Store, clock: Clock
) -> None:
    service = broker(enclave, store, clock)
    await service.load()
    service.rights_changed.clear()
    await service.state(prekey(enclave, 1))
    assert not service.rights_changed.is_set()
    data = end(enclave)
    await service.state(data)
    assert service.rights_changed.is_set()
    # What it keeps beside its founding says so too: a start gives no rights back.
    assert service.objects[-1] == (DirectoryType.REVOCATION, data)
    with pytest.raises(RefusedError) as refused:
        await service.state(prekey(enclave, 2))
    assert refused.value.reason is Reason.REVOKED


async def test_what_a_broker_keeps_holds_after_a_period_is_dropped(tmp_path: Path, clock: Clock) -> None:
    """Without the closings of a period's logs, the version that drops it does not verify: the next start would fail."""
    enclave = TrialEnclave()
    folder = EnclaveDir(tmp_path)
    for number, message in enumerate(enclave.messages[:-1]):
        folder.write(f"keys/{number:03}.keys", message.body)
    folder.write("register.note", enclave.messages[-1].body)
    enclave.amend(lambda t: t.update(periods={"current": "2027q1", "next": "2027q2", "retained": ["2026q4"]}))
    for compartment in all_compartments(enclave.directory().current.register.ceiling_level):
        checkpoint = Checkpoint(log_origin(ENCLAVE, "2026q4", compartment), 0, EMPTY_ROOT)
        enclave.close_log(LOG_KEYS.sign(checkpoint, T0 // 1000))
    enclave.amend(lambda t: t.update(periods={"current": "2027q1", "next": "2027q2", "retained": []}))
    store = Store()
    store.messages += [StoredMessage(m.seq, dict(m.headers), m.body) for m in enclave.messages]
    service = broker(enclave, store, clock)
    await service.load()
    folder.store_known(service.objects)
    _, known = folder.load_known()
    assert known == service.objects
    assert directory_of(enclave.enclave_id, known).current.register.periods.retained == ()
