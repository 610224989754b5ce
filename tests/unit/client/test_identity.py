# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Identity files: nobody else reads them, no passphrase but the right one opens them, no byte can be changed."""

from __future__ import annotations

import base64
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seinpost.identity import (
    Identity,
    generate_identity,
    load_identity,
    read_passphrase_file,
    store_identity,
)
from seinpost_schemas.errors import MalformedError, SetupError

PASSPHRASE = "correct horse battery"


@pytest.fixture(scope="module")
def made() -> tuple[Identity, bytes]:
    return generate_identity("ncsc", "ncsc-1")


@pytest.fixture(scope="module")
def stored(made: tuple[Identity, bytes], tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A file's text, made once: Argon2id takes its time."""
    path = tmp_path_factory.mktemp("identity") / "ncsc-1.key"
    store_identity(path, *made, PASSPHRASE)
    return path.read_bytes()


@pytest.fixture
def path(tmp_path: Path, stored: bytes) -> Path:
    """The file, at mode 0600, to do something to."""
    path = tmp_path / "ncsc-1.key"
    path.write_bytes(stored)
    path.chmod(0o600)
    return path


def refused(path: Path, says: str, passphrase: str = PASSPHRASE) -> str:
    with pytest.raises(SetupError, match=says) as error:
        load_identity(path, passphrase)
    assert str(path) in str(error.value)
    assert passphrase not in str(error.value)
    return str(error.value)


def change(path: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    table = json.loads(path.read_bytes())
    edit(table)
    path.write_text(json.dumps(table))


# -- the way there and back -----------------------------------------------------------------------


def test_what_was_stored_is_loaded(path: Path, made: tuple[Identity, bytes]) -> None:
    identity, _ = made
    again = load_identity(path, PASSPHRASE)
    assert (again.party, again.name, again.sender_id) == ("ncsc", "ncsc-1", identity.sender_id)
    assert again.keys == identity.keys
    assert (again.nats_seed, again.storage_key) == (identity.nats_seed, identity.storage_key)
    assert again.kem.key_id == identity.kem.key_id


def test_two_identities_share_nothing(made: tuple[Identity, bytes]) -> None:
    identity, secret = made
    other, other_secret = generate_identity("ncsc", "ncsc-1")
    assert other.sender_id != identity.sender_id
    parts = [secret[:64], secret[64:160], secret[160:192], secret[192:]]
    assert (
        len({*parts, other_secret[:64], other_secret[64:160], other_secret[160:192], other_secret[192:]}) == 8
    )


def test_the_file_shows_no_secret(stored: bytes, made: tuple[Identity, bytes]) -> None:
    identity, secret = made
    raw = base64.b64decode(json.loads(stored)["sealed"])
    for at in range(0, len(secret) - 16, 16):
        piece = secret[at : at + 16]
        for form in (piece, piece.hex().encode(), base64.b64encode(piece)[:20]):
            assert form not in stored
            assert form not in raw
    assert identity.nats_seed.encode() not in stored


def test_two_files_of_one_identity_and_passphrase_differ(
    tmp_path: Path, stored: bytes, made: tuple[Identity, bytes]
) -> None:
    store_identity(tmp_path / "again.key", *made, PASSPHRASE)
    first, second = json.loads(stored), json.loads((tmp_path / "again.key").read_bytes())
    assert first["kdf"]["salt"] != second["kdf"]["salt"]
    assert first["sealed"] != second["sealed"]


def test_a_repr_shows_no_secret(made: tuple[Identity, bytes]) -> None:
    identity, secret = made
    shown = repr(identity) + repr(identity.signing) + repr(identity.kem)
    assert shown.startswith("Identity(ncsc/ncsc-1")
    for at in range(0, len(secret) - 8, 8):
        assert secret[at : at + 8].hex() not in shown


# -- who may read the file ------------------------------------------------------------------------


def test_a_new_file_is_its_owners_alone_whatever_the_umask(
    tmp_path: Path, made: tuple[Identity, bytes]
) -> None:
    before = os.umask(0)
    try:
        store_identity(tmp_path / "new" / "ncsc-1.key", *made, PASSPHRASE)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new" / "ncsc-1.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o601, 0o602, 0o604, 0o610, 0o620, 0o640, 0o644, 0o660, 0o666, 0o777])
def test_a_file_that_others_can_touch_is_not_used(path: Path, mode: int) -> None:
    path.chmod(mode)
    assert f"chmod 600 {path}" in refused(path, "can be read by others")


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_file_that_is_the_owners_alone_is_used(path: Path, mode: int) -> None:
    path.chmod(mode)
    assert load_identity(path, PASSPHRASE).name == "ncsc-1"


def test_an_existing_file_is_never_overwritten(
    path: Path, made: tuple[Identity, bytes], stored: bytes
) -> None:
    with pytest.raises(SetupError, match="exists already"):
        store_identity(path, *made, PASSPHRASE)
    assert path.read_bytes() == stored


def test_nor_is_one_written_through_a_link(tmp_path: Path, made: tuple[Identity, bytes]) -> None:
    (tmp_path / "link.key").symlink_to(tmp_path / "target.key")
    with pytest.raises(SetupError, match="exists already"):
        store_identity(tmp_path / "link.key", *made, PASSPHRASE)
    assert not (tmp_path / "target.key").exists()


# -- the passphrase -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong", ["", "correct horse batterY", PASSPHRASE + " ", PASSPHRASE + "\n", "é" * 12]
)
def test_a_wrong_passphrase_is_said_and_nothing_else(path: Path, wrong: str) -> None:
    with pytest.raises(SetupError, match="wrong passphrase") as error:
        load_identity(path, wrong)
    assert "\n" not in str(error.value)


def test_a_short_passphrase_protects_nothing_and_is_refused(
    tmp_path: Path, made: tuple[Identity, bytes]
) -> None:
    with pytest.raises(SetupError, match="at least 12"):
        store_identity(tmp_path / "a.key", *made, "eleven char")
    assert not (tmp_path / "a.key").exists()


def passphrase_file(folder: Path, data: bytes, mode: int = 0o600) -> Path:
    path = folder / "ncsc.pass"
    path.write_bytes(data)
    path.chmod(mode)
    return path


def test_a_passphrase_file_gives_its_first_line(tmp_path: Path) -> None:
    assert read_passphrase_file(passphrase_file(tmp_path, b"first line \nsecond\n")) == "first line "
    assert read_passphrase_file(passphrase_file(tmp_path, b"no newline")) == "no newline"


@pytest.mark.parametrize(
    ("data", "mode", "says"),
    [
        (b"", 0o600, "is empty"),
        (b"\nsecond\n", 0o600, "is empty"),
        (b"\xff\xfe\n", 0o600, "not UTF-8"),
        (b"secret\n", 0o644, "chmod 600"),
        (b"secret\n", 0o620, "chmod 600"),
    ],
)
def test_a_passphrase_file_that_will_not_do(tmp_path: Path, data: bytes, mode: int, says: str) -> None:
    with pytest.raises(SetupError, match=says) as error:
        read_passphrase_file(passphrase_file(tmp_path, data, mode))
    assert "secret" not in str(error.value).replace(str(tmp_path), "")


def test_a_passphrase_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="cannot read the passphrase file"):
        read_passphrase_file(tmp_path / "missing.pass")


# -- a changed file -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "edit",
    [
        lambda t: t.update(party="aivd"),
        lambda t: t.update(name="ncsc-2"),
        lambda t: t["kdf"].update(iterations=2),
        lambda t: t["kdf"].update(memory_kib=8192),
        lambda t: t["kdf"].update(lanes=2),
        lambda t: t["kdf"].update(salt=base64.b64encode(bytes(16)).decode()),
    ],
    ids=["party", "name", "iterations", "memory", "lanes", "salt"],
)
def test_a_file_cannot_be_relabelled_nor_its_parameters_changed(
    path: Path, edit: Callable[[dict[str, Any]], None]
) -> None:
    change(path, edit)
    refused(path, "wrong passphrase|was changed")


@pytest.mark.parametrize("at", [0, 24, 56, 100, -1])
def test_no_byte_of_the_sealed_part_can_be_changed(path: Path, at: int) -> None:
    def flip(table: dict[str, Any]) -> None:
        raw = bytearray(base64.b64decode(table["sealed"]))
        raw[at] ^= 1
        table["sealed"] = base64.b64encode(bytes(raw)).decode()

    change(path, flip)
    refused(path, "was changed")


def test_a_sealed_part_cannot_be_cut(path: Path) -> None:
    change(path, lambda t: t.update(sealed=base64.b64encode(base64.b64decode(t["sealed"])[:-16]).decode()))
    refused(path, "was changed")


NOT_IDENTITY_FILES: dict[str, Callable[[dict[str, Any]], None]] = {
    "another format": lambda t: t.update(format="seinpost-identity/2"),
    "an unknown key": lambda t: t.update(comment="?"),
    "an unknown parameter": lambda t: t["kdf"].update(secret="?"),
    "no format": lambda t: t.pop("format"),
    "no party": lambda t: t.pop("party"),
    "no salt": lambda t: t["kdf"].pop("salt"),
    "no sealed part": lambda t: t.pop("sealed"),
    "not base64": lambda t: t.update(sealed="!"),
    "a salt of another form": lambda t: t["kdf"].update(salt="AAAAAAAAAAAAAAAAAAAAAA"),
    "a salt too short": lambda t: t["kdf"].update(salt=""),
    "no iterations": lambda t: t["kdf"].update(iterations=0),
    "iterations for ever": lambda t: t["kdf"].update(iterations=1 << 31),
    "all of the memory": lambda t: t["kdf"].update(memory_kib=1 << 30),
    "too little memory": lambda t: t["kdf"].update(memory_kib=8),
    "a thousand lanes": lambda t: t["kdf"].update(lanes=1_000),
    "a number for a name": lambda t: t.update(name=7),
}


@pytest.mark.parametrize("edit", NOT_IDENTITY_FILES.values(), ids=NOT_IDENTITY_FILES.keys())
def test_another_form_is_not_an_identity_file(path: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    change(path, edit)
    refused(path, "is not an identity file")


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"null", b"\xff", b"{" * 100_000, b"x" * 200_000])
def test_junk_is_not_an_identity_file(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    refused(path, "is not an identity file")


def test_a_file_that_is_not_there_and_a_directory(tmp_path: Path) -> None:
    refused(tmp_path / "missing.key", "cannot read the identity")
    (tmp_path / "folder.key").mkdir(mode=0o700)
    refused(tmp_path / "folder.key", "cannot read the identity")


@pytest.mark.parametrize("name", ["", "A", "a.b", "a*", "a>b", "a b", "../a", "a\n", "x" * 33])
def test_a_name_that_cannot_stand_in_a_subject_is_refused(name: str) -> None:
    with pytest.raises(MalformedError):
        generate_identity("ncsc", name)
    with pytest.raises(MalformedError):
        generate_identity(name, "ncsc-1")


@pytest.mark.parametrize("length", [0, 223, 225])
def test_a_secret_of_another_length_is_no_identity(length: int) -> None:
    with pytest.raises(MalformedError, match="another length"):
        Identity("ncsc", "ncsc-1", bytes(length))
