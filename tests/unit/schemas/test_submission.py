# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A version on its way to the directory: what must be appended, and what must not."""

from __future__ import annotations

from typing import Any

import pytest

from seinpost_schemas.directory import DirectoryEntry, DirectoryType, TrustedDirectory, directory_object_hash
from seinpost_schemas.errors import BindingError, MalformedError, Reason, RefusedError, SignatureError
from seinpost_schemas.limits import MAX_BODY_BYTES
from seinpost_schemas.policy import days_to_expiry, suspicion
from seinpost_schemas.register import parse_register
from seinpost_schemas.submission import Submission, decode_submission
from seinpost_schemas.trusted_register import enclave_id_of

AT_MS = 1_790_000_000_000
LATE_MS = 1_800_000_000_000


def log(directory: TrustedDirectory, type_: DirectoryType, data: bytes) -> None:
    directory.advance(DirectoryEntry(type_, 0, directory_object_hash(data)).encode(), data)


@pytest.fixture
def first(enclave: Any) -> TrustedDirectory:
    """Version 1 in force, with the keys of NCSC logged and those of the table not."""
    directory = TrustedDirectory(enclave_id_of(enclave.text()))
    log(directory, DirectoryType.KEYS, enclave.keys["ncsc"].encode())
    log(directory, DirectoryType.REGISTER, enclave.sign(enclave.text(), 0, 1))
    return directory


def second(enclave: Any, *keys: bytes, signers: tuple[int, ...] = (0, 2)) -> Submission:
    return Submission(enclave.sign(enclave.text(version=2), *signers), keys)


def test_the_keys_that_are_new_come_before_the_note(enclave: Any, first: TrustedDirectory) -> None:
    tafel = enclave.keys["tafel"].encode()
    submission = second(enclave, tafel, enclave.keys["ncsc"].encode())
    missing = first.missing_for(submission, AT_MS)
    assert missing == [(DirectoryType.KEYS, tafel), (DirectoryType.REGISTER, submission.note)]
    for type_, data in missing:
        assert first.missing_for(submission, AT_MS)[0] == (type_, data)
        log(first, type_, data)
    assert first.missing_for(submission, AT_MS) == []
    assert first.current.register.version == 2
    assert len(first.current.members) == 2


def test_what_must_not_come_in_force_is_refused_and_changes_nothing(
    enclave: Any, first: TrustedDirectory
) -> None:
    tafel = enclave.keys["tafel"].encode()
    stranger = enclave.keys["tafel"].__class__(enclave.keys["ncsc"].signing, enclave.keys["tafel"].kem)
    with pytest.raises(MalformedError, match="tafel-desk are missing"):
        first.missing_for(second(enclave), AT_MS)
    with pytest.raises(MalformedError, match="does not name"):
        first.missing_for(second(enclave, tafel, stranger.encode()), AT_MS)
    with pytest.raises(SignatureError):
        first.missing_for(second(enclave, tafel, signers=(0,)), AT_MS)
    third = Submission(enclave.sign(enclave.text(version=3), 0, 1), (tafel,))
    with pytest.raises(BindingError):
        first.missing_for(third, AT_MS)
    with pytest.raises(RefusedError) as refused:
        first.missing_for(second(enclave, tafel), LATE_MS)
    assert refused.value.reason is Reason.REGISTER_EXPIRED
    # Signed, and yet it would stop every broker that had it in its log: it must not get there.
    text = enclave.text(version=2).replace(enclave.keys["tafel"].sender_id.hex(), "ab" * 16)
    with pytest.raises(MalformedError, match="not that of its keys"):
        first.missing_for(Submission(enclave.sign(text, 0, 1), (tafel,)), AT_MS)
    assert first.current.register.version == 1
    assert first.missing_for(second(enclave, tafel), AT_MS)


def test_a_submission_is_bounded_and_exact(enclave: Any) -> None:
    submission = second(enclave, enclave.keys["tafel"].encode())
    assert decode_submission(submission.encode()) == submission
    for data in (b"", b"\0\0\0\1", b"\xff" * 9, bytes(MAX_BODY_BYTES + 1), submission.encode()[:-1]):
        with pytest.raises(MalformedError):
            decode_submission(data)
    with pytest.raises(MalformedError):
        decode_submission(Submission(b"x", (bytes(3),)).encode())


@pytest.mark.parametrize(
    ("days", "warned"), [(15, None), (14.01, None), (13.99, 13), (1.5, 1), (0.5, 0), (-3, 0)]
)
def test_expiry_is_near_from_14_days_before(enclave: Any, days: float, warned: int | None) -> None:
    register = parse_register(enclave.note(enclave.text()))
    assert days_to_expiry(register, int(register.expires.timestamp() * 1000 - days * 86_400_000)) == warned


def test_what_was_published_from_the_suspicion_on_is_suspect(enclave: Any) -> None:
    keys = enclave.keys["tafel"]
    by_time = f'[[revocations]]\nsender_id = "{keys.sender_id.hex()}"\nreason = "weg"\n'
    by_time += "suspect_from = 2026-03-01T00:00:00Z\n"
    register = parse_register(enclave.note(enclave.text() + by_time))
    moment = 1_772_323_200_000
    found = [suspicion(register, keys.sender_id, "2026q4/depv/process", 5, moment + d) for d in (-1, 0, 1)]
    assert [bool(f) for f in found] == [False, True, True]
    assert suspicion(register, enclave.keys["ncsc"].sender_id, "2026q4/depv/process", 5, moment) is None
    placed = by_time.replace(
        "suspect_from = 2026-03-01T00:00:00Z", 'suspect_log = "2026q4/depv/process"\nsuspect_index = 5'
    )
    register = parse_register(enclave.note(enclave.text() + placed))
    for log_name, index, suspect in (
        ("2026q4/depv/process", 4, False),
        ("2026q4/depv/process", 5, True),
        ("2026q3/depv/process", 5, False),
        ("2026q4/ong/process", 9, False),
    ):
        assert bool(suspicion(register, keys.sender_id, log_name, index, moment)) is suspect
