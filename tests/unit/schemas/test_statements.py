# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What an identity says in the directory itself: its layout, and what is refused."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from seinpost_schemas.errors import BindingError, MalformedError, SignatureError
from seinpost_schemas.keys import kem_key_id_of
from seinpost_schemas.statements import (
    OWN_REVOCATION_BYTES,
    PREKEY_BYTES,
    OwnRevocation,
    PrekeyStatement,
    decode_own_revocation,
    decode_prekey,
    is_prekey,
    is_statement,
    verify_own_revocation,
    verify_prekey,
)

from .conftest import kem_public

E = b"E" * 16
KEM = kem_public(40)


@pytest.fixture
def prekey(enclave: Any) -> bytes:
    key = enclave.signing["tafel"]
    return PrekeyStatement(E, key.public.sender_id, 7, KEM).sign(key)


@pytest.fixture
def revocation(enclave: Any) -> bytes:
    key = enclave.signing["tafel"]
    return OwnRevocation(E, key.public.sender_id, 1_790_000_000_000).sign(key)


def test_a_prekey_statement_is_laid_out_as_specified(enclave: Any, prekey: bytes) -> None:
    public = enclave.signing["tafel"].public
    signed = b"seinpost/prekey/v1" + E + public.sender_id + struct.pack(">Q", 7) + KEM
    assert prekey[:-3_373] == signed
    assert len(prekey) == PREKEY_BYTES == 4_647
    public.verify(prekey[-3_373:], signed, b"seinpost/prekey/v1")
    statement = verify_prekey(prekey, E, public)
    assert statement == PrekeyStatement(E, public.sender_id, 7, KEM)
    assert statement.kem_key_id == kem_key_id_of(KEM)


def test_an_own_revocation_is_laid_out_as_specified(enclave: Any, revocation: bytes) -> None:
    public = enclave.signing["tafel"].public
    signed = b"seinpost/own-revocation/v1" + E + public.sender_id + struct.pack(">Q", 1_790_000_000_000)
    assert revocation[:-3_373] == signed
    assert len(revocation) == OWN_REVOCATION_BYTES == 3_439
    assert verify_own_revocation(revocation, E, public).suspect_from_ms == 1_790_000_000_000


def test_which_of_the_two_it_is_shows_at_the_front(prekey: bytes, revocation: bytes) -> None:
    assert (is_prekey(prekey), is_prekey(revocation)) == (True, False)
    assert is_statement(prekey)
    assert is_statement(revocation)
    assert not is_statement(b"\0\0\1\0seinpost/prekey/v1")


def test_no_byte_of_a_statement_can_be_changed(enclave: Any, prekey: bytes, revocation: bytes) -> None:
    public = enclave.signing["tafel"].public
    errors = (MalformedError, BindingError, SignatureError)
    for data, verify in ((prekey, verify_prekey), (revocation, verify_own_revocation)):
        for at in (*range(0, 70, 3), 100, 1_273, 1_274, len(data) - 65, len(data) - 64, len(data) - 1):
            changed = bytearray(data)
            changed[at] ^= 1
            with pytest.raises(errors):
                verify(bytes(changed), E, public)


def test_lengths_are_exact_and_labels_are_not_taken_for_each_other(prekey: bytes, revocation: bytes) -> None:
    for data, decode in ((prekey, decode_prekey), (revocation, decode_own_revocation)):
        for bad in (b"", data[:-1], data + b"\0", b"x" + data[1:]):
            with pytest.raises(MalformedError):
                decode(bad)
    with pytest.raises(MalformedError):
        decode_prekey(b"seinpost/own-revocation/v1".ljust(PREKEY_BYTES, b"\0"))


def test_prekeys_are_numbered_from_one_and_moments_have_an_end(enclave: Any) -> None:
    key = enclave.signing["tafel"]
    with pytest.raises(MalformedError, match="from 1"):
        decode_prekey(PrekeyStatement(E, key.public.sender_id, 0, KEM).sign(key))
    with pytest.raises(MalformedError, match="calendar"):
        decode_own_revocation(OwnRevocation(E, key.public.sender_id, (1 << 64) - 1).sign(key))


def test_a_statement_for_another_enclave_or_of_another_identity_is_refused(
    enclave: Any, prekey: bytes, revocation: bytes
) -> None:
    tafel, ncsc = enclave.signing["tafel"].public, enclave.signing["ncsc"]
    for data, verify in ((prekey, verify_prekey), (revocation, verify_own_revocation)):
        with pytest.raises(BindingError, match="another enclave"):
            verify(data, b"F" * 16, tafel)
        with pytest.raises(BindingError, match="another's"):
            verify(data, E, ncsc.public)
    # Said of the table, signed by someone else.
    with pytest.raises(SignatureError):
        verify_prekey(PrekeyStatement(E, tafel.sender_id, 7, KEM).sign(ncsc), E, tafel)


@pytest.mark.parametrize("kem", [b"\xff" * 1_216, KEM[:1_184] + bytes(32)])
def test_a_key_that_cannot_be_sealed_to_is_refused(enclave: Any, kem: bytes) -> None:
    key = enclave.signing["tafel"]
    with pytest.raises(MalformedError, match="not a key"):
        verify_prekey(PrekeyStatement(E, key.public.sender_id, 1, kem).sign(key), E, key.public)
