# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A reader whose KEM keys change: what was sealed to each is read, and what can no longer be opened is said."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from seinpost._keyring import HeldPrekey, Keyring

from .trial.enclave import TrialEnclave, identity
from .trial.log import TrialLog
from .trial.reader import TrialReader
from .trial.samples import encoded

NCSC, TAFEL = identity("ncsc-1"), identity("tafel-1")


@pytest.fixture
def enclave() -> TrialEnclave:
    return TrialEnclave()


@pytest.fixture
def log(enclave: TrialEnclave) -> TrialLog:
    return TrialLog(enclave)


@pytest.fixture
def reader(enclave: TrialEnclave, log: TrialLog, tmp_path: Path) -> TrialReader:
    return TrialReader(enclave, TAFEL, tmp_path, log)


def keep(reader: TrialReader, number: int) -> bytes:
    """Put the private half of a trial enclave's prekey into the reader's keyring; its id."""
    seed = hashlib.shake_256(f"tafel-1 prekey {number}".encode()).digest(96)
    keyring = Keyring(reader.path, TAFEL)
    from seinpost.kem import KemPrivateKey

    key = KemPrivateKey(seed)
    keyring.keep_prekey(HeldPrekey(key.key_id, number, b"statement", 0), seed)
    keyring.close()
    return key.key_id


def destroy(reader: TrialReader, key_id: bytes) -> None:
    keyring = Keyring(reader.path, TAFEL)
    keyring.destroy([key_id])
    keyring.close()


async def test_each_epoch_opens_with_the_key_that_it_was_sealed_to(
    enclave: TrialEnclave, log: TrialLog, reader: TrialReader
) -> None:
    log.add_signals(NCSC, log.add_epoch(NCSC), encoded(1))
    for number in (1, 2):
        enclave.state_prekey("tafel-1", number)
        keep(reader, number)
        log.add_signals(NCSC, log.add_epoch(NCSC), encoded(number + 1))
    await reader.read()
    assert (len(reader.deliveries), reader.alarms) == (3, [])


async def test_what_is_sealed_to_a_key_that_is_gone_is_an_alarm_and_the_feed_goes_on(
    enclave: TrialEnclave, log: TrialLog, reader: TrialReader
) -> None:
    enclave.state_prekey("tafel-1", 1)
    log.add_signals(NCSC, log.add_epoch(NCSC), encoded(1))
    enclave.state_prekey("tafel-1", 2)
    keep(reader, 2)
    log.add_signals(NCSC, log.add_epoch(NCSC), encoded(2))
    await reader.read()
    assert reader.codes == ["bad-slot"]
    assert "not here" in reader.alarms[0].message
    assert (reader.alarms[0].sender, reader.alarms[0].index) == ("ncsc", 0)
    assert len(reader.deliveries) == 1


async def test_what_was_opened_once_is_read_again_without_the_key(
    enclave: TrialEnclave, log: TrialLog, reader: TrialReader
) -> None:
    enclave.state_prekey("tafel-1", 1)
    key_id = keep(reader, 1)
    log.add_signals(NCSC, log.add_epoch(NCSC), encoded(1))
    await reader.read()
    destroy(reader, key_id)
    await reader.read(from_start=True)
    assert (len(reader.deliveries), reader.alarms) == (2, [])


async def test_a_key_that_was_stated_after_an_epoch_does_not_confuse_it(
    enclave: TrialEnclave, log: TrialLog, reader: TrialReader
) -> None:
    """Sealed to the old key, logged after the new one was: read with the old one."""
    secrets = log.add_epoch(NCSC)
    enclave.state_prekey("tafel-1", 1)
    keep(reader, 1)
    log.add_signals(NCSC, secrets, encoded(1))
    await reader.read()
    assert (len(reader.deliveries), reader.alarms) == (1, [])
