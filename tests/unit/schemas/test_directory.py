# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The directory: what was known at which size, and nothing half taken."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from seinpost_schemas.directory import (
    DirectoryEntry,
    DirectoryType,
    TrustedDirectory,
    decode_directory_entry,
    directory_object_hash,
    log_keys_of,
)
from seinpost_schemas.errors import BindingError, MalformedError, SetupError, SignatureError
from seinpost_schemas.merkle import leaf_hash, root_hash
from seinpost_schemas.trusted_register import enclave_id_of


def entry(kind: int, data: bytes, admitted_ms: int = 1_000) -> bytes:
    return DirectoryEntry(kind, admitted_ms, directory_object_hash(data)).encode()


class Log:
    """A directory and what went into it."""

    def __init__(self, enclave_id: bytes) -> None:
        self.directory = TrustedDirectory(enclave_id)
        self.entries: list[bytes] = []

    def add(self, kind: int, data: bytes, admitted_ms: int = 1_000) -> None:
        self.directory.advance(entry(kind, data, admitted_ms), data)
        self.entries.append(entry(kind, data, admitted_ms))

    def unchanged_by(
        self, entry_bytes: bytes, data: bytes, error: type[Exception], message: str | None = None
    ) -> None:
        d = self.directory
        before = (d.size, d.root(), d.view_at(1 << 60))
        with pytest.raises(error, match=message):
            d.advance(entry_bytes, data)
        assert (d.size, d.root(), d.view_at(1 << 60)) == before


@pytest.fixture
def log(enclave: Any) -> Log:
    """Both parties' keys, then version 1."""
    log = Log(enclave_id_of(enclave.text()))
    for party in ("ncsc", "tafel"):
        log.add(DirectoryType.KEYS, enclave.keys[party].encode())
    log.add(DirectoryType.REGISTER, enclave.sign(enclave.text(), 0, 1))
    return log


def test_an_entry_is_its_label_type_time_and_hash() -> None:
    data = DirectoryEntry(2, 1_000, b"h" * 32).encode()
    assert data == b"seinpost/directory-entry/v1" + b"\2" + (1_000).to_bytes(8, "big") + b"h" * 32
    assert len(data) == 68
    assert decode_directory_entry(data) == DirectoryEntry(2, 1_000, b"h" * 32)
    for bad in (b"", data[:-1], data + b"\0", b"x" + data[1:]):
        with pytest.raises(MalformedError):
            decode_directory_entry(bad)


def test_an_objects_hash_is_labelled() -> None:
    wanted = hashlib.sha256(b"seinpost/directory-object/v1object").digest()
    assert directory_object_hash(b"object") == wanted


def test_a_directory_knows_its_members_and_root(enclave: Any, log: Log) -> None:
    assert log.directory.size == 3
    assert log.directory.root() == root_hash([leaf_hash(e) for e in log.entries])
    assert {m.party.token for m in log.directory.current.members} == {"ncsc", "tafel"}
    assert log.directory.enclave_id == log.directory.current.enclave_id == enclave_id_of(enclave.text())


def test_a_size_says_what_was_known(enclave: Any, log: Log) -> None:
    first = log.directory.current
    log.add(DirectoryType.REGISTER, enclave.sign(enclave.text(version=2), 0, 1))
    assert [log.directory.view_at(size) for size in (0, 1, 2)] == [None] * 3
    assert log.directory.view_at(3) is first
    assert log.directory.view_at(4) is log.directory.current is not first
    assert log.directory.view_at(1 << 40) is log.directory.current


def test_without_a_register_nothing_is_known(enclave: Any) -> None:
    with pytest.raises(SetupError, match="no register"):
        _ = TrustedDirectory(bytes(16)).current


def test_a_key_that_is_logged_later_is_usable_from_the_next_version(enclave: Any) -> None:
    log = Log(enclave_id_of(enclave.text()))
    log.add(DirectoryType.KEYS, enclave.keys["ncsc"].encode())
    log.add(DirectoryType.REGISTER, enclave.sign(enclave.text(), 0, 1))
    log.add(DirectoryType.KEYS, enclave.keys["tafel"].encode())
    assert {m.party.token for m in log.directory.current.members} == {"ncsc"}
    log.add(DirectoryType.REGISTER, enclave.sign(enclave.text(version=2), 0, 1))
    assert {m.party.token for m in log.directory.current.members} == {"ncsc", "tafel"}


def test_the_same_register_again_is_logged_and_changes_no_view(enclave: Any, log: Log) -> None:
    view = log.directory.current
    log.add(DirectoryType.REGISTER, enclave.sign(enclave.text(), 1, 2))
    assert (log.directory.size, log.directory.current) == (4, view)


@pytest.mark.parametrize("kind", [0, 6, 99])
def test_types_of_a_later_version_are_logged_and_ignored(log: Log, kind: int) -> None:
    view = log.directory.current
    log.add(kind, b"whatever it is")
    assert (log.directory.size, log.directory.current) == (4, view)


def test_what_is_refused_leaves_the_directory_as_it_was(enclave: Any, log: Log) -> None:
    keys = enclave.keys["ncsc"].encode()
    log.unchanged_by(entry(DirectoryType.KEYS, keys), keys[:-1], SignatureError)
    log.unchanged_by(entry(DirectoryType.KEYS, keys[:-1]), keys[:-1], MalformedError)
    log.unchanged_by(entry(DirectoryType.KEYS, keys, 999), keys, MalformedError)
    log.unchanged_by(entry(DirectoryType.KEYS, keys)[:-1], keys, MalformedError)
    skipping = enclave.sign(enclave.text(version=3), 0, 1)
    log.unchanged_by(entry(DirectoryType.REGISTER, skipping), skipping, BindingError)
    unsigned = enclave.sign(enclave.text(version=2), 0)
    log.unchanged_by(entry(DirectoryType.REGISTER, unsigned), unsigned, SignatureError)


def test_times_may_stand_still_but_not_go_back(enclave: Any, log: Log) -> None:
    log.add(99, b"one", 2_000)
    log.add(99, b"two", 2_000)
    log.unchanged_by(entry(99, b"three", 1_999), b"three", MalformedError)


def test_a_sender_id_that_is_not_its_keys_is_refused(enclave: Any) -> None:
    text = enclave.text().replace(enclave.keys["ncsc"].sender_id.hex(), "00" * 16)
    log = Log(enclave_id_of(text))
    log.add(DirectoryType.KEYS, enclave.keys["ncsc"].encode())
    note = enclave.sign(text, 0, 1)
    log.unchanged_by(entry(DirectoryType.REGISTER, note), note, MalformedError)


def test_a_refused_register_is_refused_again_and_stands_in_no_ones_way(enclave: Any, log: Log) -> None:
    sender_id = enclave.keys["ncsc"].sender_id.hex()
    bad = enclave.sign(enclave.text(version=2).replace(sender_id, "00" * 16), 0, 1)
    for _ in range(2):
        log.unchanged_by(entry(DirectoryType.REGISTER, bad), bad, MalformedError)
    log.add(DirectoryType.REGISTER, enclave.sign(enclave.text(version=2), 0, 1))
    assert log.directory.current.register.version == 2


def test_a_key_object_with_a_broken_kem_key_is_refused(enclave: Any, log: Log) -> None:
    from seinpost_schemas.keys import KeyObject

    broken = KeyObject(enclave.keys["ncsc"].signing, b"\xff" * 1_216).encode()
    log.unchanged_by(entry(DirectoryType.KEYS, broken), broken, MalformedError)


def test_the_logs_keys_are_the_registers(enclave: Any, log: Log) -> None:
    public = enclave.log.public
    assert log_keys_of(log.directory.current.register) == (public.ed25519, public.mldsa44)
