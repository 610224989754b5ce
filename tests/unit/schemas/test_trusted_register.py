# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""From one register version to the next: who must sign, and which version may follow."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from seinpost_schemas.errors import BindingError, MalformedError, SignatureError
from seinpost_schemas.trusted_register import TrustedRegister, enclave_id_of


@pytest.fixture
def trusted(enclave: Any) -> TrustedRegister:
    """A trust state that has accepted version 1."""
    state = TrustedRegister(enclave_id_of(enclave.text()))
    state.advance(enclave.sign(enclave.text(), 0, 1))
    return state


def refused(state: TrustedRegister, note: bytes, error: type[Exception], match: str) -> None:
    before = state.register
    with pytest.raises(error, match=match):
        state.advance(note)
    assert state.register is before


def test_the_enclave_id_is_the_labelled_hash_of_the_first_text(enclave: Any) -> None:
    text = enclave.text()
    assert text.endswith("\n")
    wanted = hashlib.sha256(b"seinpost/enclave/v1" + text.encode()).digest()[:16]
    assert enclave_id_of(text) == wanted


def test_version_1_of_the_trusted_enclave_is_accepted(enclave: Any, trusted: TrustedRegister) -> None:
    assert trusted.register is not None
    assert trusted.register.version == 1
    assert trusted.enclave_id == enclave_id_of(enclave.text())


def test_version_1_of_another_text_is_refused(enclave: Any) -> None:
    state = TrustedRegister(enclave_id_of(enclave.text()))
    text = enclave.text().replace("Election table", "The election table")
    refused(state, enclave.sign(text, 0, 1), BindingError, "not version 1")


def test_a_later_version_cannot_be_the_first(enclave: Any) -> None:
    text = enclave.text(version=2)
    state = TrustedRegister(enclave_id_of(text))
    refused(state, enclave.sign(text, 0, 1), BindingError, "not version 1")


@pytest.mark.parametrize("signers", [(), (0,), (2,)])
def test_version_1_needs_its_own_threshold(enclave: Any, signers: tuple[int, ...]) -> None:
    from seinpost_schemas.note import Note, sign_note_ed25519

    state = TrustedRegister(enclave_id_of(enclave.text()))
    if signers:
        refused(
            state, enclave.sign(enclave.text(), *signers), SignatureError, "1 valid signatures of its own"
        )
        refused(state, enclave.sign(enclave.text(), *signers, *signers), SignatureError, "1 valid")
        return
    from cryptography.hazmat.primitives.asymmetric import ed25519

    key = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))
    stranger = Note(enclave.text(), (sign_note_ed25519(enclave.text(), "registrar-1", key),))
    refused(state, stranger.encode(), SignatureError, "0 valid")


def test_the_next_version_is_accepted(enclave: Any, trusted: TrustedRegister) -> None:
    register = trusted.advance(enclave.sign(enclave.text(version=2), 0, 2))
    assert register.version == 2
    assert trusted.register is register


@pytest.mark.parametrize("version", [1, 3, 10])
def test_a_version_that_is_not_one_higher_is_refused(
    enclave: Any, trusted: TrustedRegister, version: int
) -> None:
    text = enclave.text(version=version).replace("Election table", "The election table")
    refused(trusted, enclave.sign(text, 0, 1, 2), BindingError, "versions rise by one")


def test_an_older_version_cannot_come_back(enclave: Any, trusted: TrustedRegister) -> None:
    trusted.advance(enclave.sign(enclave.text(version=2), 0, 1))
    refused(trusted, enclave.sign(enclave.text(), 0, 1), BindingError, "versions rise by one")


def test_another_enclaves_version_is_refused(enclave: Any, trusted: TrustedRegister) -> None:
    text = enclave.text(version=2).replace('enclave = "test"', 'enclave = "other"')
    refused(trusted, enclave.sign(text, 0, 1, 2), BindingError, "another enclave")


def test_the_same_text_again_changes_nothing(enclave: Any, trusted: TrustedRegister) -> None:
    before = trusted.register
    assert trusted.advance(enclave.sign(enclave.text(), 1, 2)) is before


def test_the_next_version_needs_the_previous_registrars(enclave: Any, trusted: TrustedRegister) -> None:
    # Registrar 3 alone takes the register over: its own threshold holds, the previous one does not.
    text = enclave.text(version=2, threshold=1, registrars=(2,))
    refused(trusted, enclave.sign(text, 2), SignatureError, "the previous version's")
    assert trusted.advance(enclave.sign(text, 1, 2)).registrars.threshold == 1


def test_the_next_version_needs_its_own_registrars(enclave: Any) -> None:
    first = enclave.text(registrars=(0, 1))
    state = TrustedRegister(enclave_id_of(first))
    state.advance(enclave.sign(first, 0, 1))
    text = enclave.text(version=2, threshold=3, registrars=(0, 1, 2))
    refused(state, enclave.sign(text, 0, 1), SignatureError, "its own")
    assert state.advance(enclave.sign(text, 0, 1, 2)).version == 2


def test_a_removed_registrar_no_longer_counts(enclave: Any, trusted: TrustedRegister) -> None:
    trusted.advance(enclave.sign(enclave.text(version=2, registrars=(0, 1)), 0, 1))
    text = enclave.text(version=3, registrars=(0, 1))
    refused(trusted, enclave.sign(text, 0, 2), SignatureError, "1 valid")


def test_a_known_key_with_a_wrong_signature_refuses_the_note(enclave: Any, trusted: TrustedRegister) -> None:
    text = enclave.text(version=2)
    note = enclave.sign(text, 0, 1, 2)
    other = enclave.sign(text.replace("Election table", "The election table"), 2).split(b"\n\n")[-1]
    spoiled = b"\n\n".join(note.split(b"\n\n")[:-1]) + b"\n\n"
    lines = note.split(b"\n\n")[-1].splitlines(keepends=True)
    refused(trusted, spoiled + b"".join(lines[:2]) + other, SignatureError, "does not verify")


def test_a_register_that_breaks_a_rule_is_refused_however_signed(
    enclave: Any, trusted: TrustedRegister
) -> None:
    text = enclave.text(version=2).replace("code = 2", "code = 1")
    refused(trusted, enclave.sign(text, 0, 1, 2), MalformedError, "audience code")
    refused(trusted, b"no note", MalformedError, "a note is text")


@pytest.mark.parametrize("length", [0, 15, 17, 32])
def test_an_enclave_id_has_16_bytes(length: int) -> None:
    with pytest.raises(MalformedError):
        TrustedRegister(bytes(length))


def test_a_production_register_stays_one(enclave: Any) -> None:
    def text(version: int, production: str) -> str:
        real = enclave.text(version=version).replace("00000099", "00000001")
        return real.replace("schema = 1", f"schema = 1\nproduction = {production}")

    state = TrustedRegister(enclave_id_of(text(1, "true")))
    assert state.advance(enclave.sign(text(1, "true"), 0, 1)).production
    refused(state, enclave.sign(text(2, "false"), 0, 1), BindingError, "stays one")
    assert state.advance(enclave.sign(text(2, "true"), 0, 1)).version == 2
