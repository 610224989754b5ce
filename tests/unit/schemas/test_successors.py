# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A version that takes in the successor of an identity which does not count any more is not brought in force."""

from __future__ import annotations

from typing import Any

import pytest

from seinpost_schemas.directory import DirectoryType
from seinpost_schemas.errors import Reason, RefusedError
from seinpost_schemas.keys import KeyObject
from seinpost_schemas.signing import SigningKey
from seinpost_schemas.statements import OwnRevocation
from seinpost_schemas.submission import Submission
from seinpost_schemas.trusted_register import enclave_id_of

from .conftest import kem_public
from .test_directory import Log

AT_MS = 1_790_000_000_000
NEW = KeyObject(SigningKey(bytes([9]) * 64).public.raw, kem_public(90))
REVOKED = '\n[[revocations]]\nsender_id = "{}"\nreason = "gestolen"\nsuspect_from = 2026-03-01T00:00:00Z\n'


@pytest.fixture
def log(enclave: Any) -> Log:
    log = Log(enclave_id_of(enclave.text()))
    for party in ("ncsc", "tafel"):
        log.add(DirectoryType.KEYS, enclave.keys[party].encode())
    log.add(DirectoryType.REGISTER, enclave.sign(enclave.text(), 0, 1))
    return log


def rolled(enclave: Any, version: int = 2, extra: str = "", *, succeeds: bool = True) -> str:
    """The text in which the NCSC has a second identity, which succeeds the first."""
    line = 'succeeds = "ncsc-desk"\n' if succeeds else ""
    identity = (
        f'[[parties.identities]]\nname = "ncsc-2"\nsender_id = "{NEW.sender_id.hex()}"\n'
        f'keys = "{NEW.keys_hash().hex()}"\nnats = "U{"D" * 55}"\n{line}\n'
    )
    text: str = enclave.text(version)
    first = text.index('name = "ncsc-desk"')
    end = text.index("[[parties.mandates]]", first)
    return text[:end] + identity + text[end:] + extra


def hand_in(enclave: Any, text: str) -> Submission:
    return Submission(enclave.sign(text, 0, 1), (NEW.encode(),))


def revoke_itself(enclave: Any, log: Log, party: str) -> None:
    key = enclave.signing[party]
    statement = OwnRevocation(log.directory.enclave_id, key.public.sender_id, 5_000)
    log.add(DirectoryType.REVOCATION, statement.sign(key))


def refused(log: Log, submission: Submission) -> str:
    with pytest.raises(RefusedError) as error:
        log.directory.missing_for(submission, AT_MS)
    assert error.value.reason is Reason.REVOKED
    return error.value.message


def test_a_successor_comes_in_while_the_one_before_it_is_in_force(enclave: Any, log: Log) -> None:
    types = [t for t, _ in log.directory.missing_for(hand_in(enclave, rolled(enclave)), AT_MS)]
    assert types == [DirectoryType.KEYS, DirectoryType.REGISTER]
    # That another identity has ended itself is of no matter.
    revoke_itself(enclave, log, "tafel")
    log.directory.missing_for(hand_in(enclave, rolled(enclave)), AT_MS)


def test_who_revoked_itself_has_no_successor(enclave: Any, log: Log) -> None:
    submission = hand_in(enclave, rolled(enclave))
    revoke_itself(enclave, log, "ncsc")
    assert "ncsc-2 succeeds ncsc-desk, which is revoked" in refused(log, submission)
    # It comes in as anyone does who is new.
    log.directory.missing_for(hand_in(enclave, rolled(enclave, succeeds=False)), AT_MS)


def test_nor_has_who_the_registrars_revoke_or_revoked(enclave: Any, log: Log) -> None:
    revocation = REVOKED.format(enclave.keys["ncsc"].sender_id.hex())
    refused(log, hand_in(enclave, rolled(enclave, extra=revocation)))
    log.add(DirectoryType.REGISTER, enclave.sign(enclave.text(2) + revocation, 0, 1))
    refused(log, hand_in(enclave, rolled(enclave, 3, revocation)))
    # A version that forgets the revocation does not make the stolen key good again.
    refused(log, hand_in(enclave, rolled(enclave, 3)))


def test_a_predecessor_may_end_once_its_successor_is_in(enclave: Any, log: Log) -> None:
    log.add(DirectoryType.KEYS, NEW.encode())
    log.add(DirectoryType.REGISTER, enclave.sign(rolled(enclave), 0, 1))
    revoke_itself(enclave, log, "ncsc")
    log.directory.missing_for(hand_in(enclave, rolled(enclave, 3)), AT_MS)
    revocation = REVOKED.format(enclave.keys["ncsc"].sender_id.hex())
    log.directory.missing_for(hand_in(enclave, rolled(enclave, 3, revocation)), AT_MS)


def test_a_directory_that_holds_such_a_version_is_still_read(enclave: Any, log: Log) -> None:
    """The registrars signed it, and its log cannot be changed: to stand still would end the enclave."""
    revoke_itself(enclave, log, "ncsc")
    log.add(DirectoryType.KEYS, NEW.encode())
    log.add(DirectoryType.REGISTER, enclave.sign(rolled(enclave), 0, 1))
    assert log.directory.current.member(NEW.sender_id).identity.succeeds == "ncsc-desk"
