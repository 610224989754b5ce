# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A client's configuration: every key missing, wrong or unknown is one sentence that names the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tomli_w

from seinpost.config import load_config
from seinpost_schemas.errors import SetupError

GOOD: dict[str, Any] = {
    "enclave": "0f" * 16,
    "party": "ncsc",
    "identity": "identities/ncsc-1.key",
    "server": "nats://127.0.0.1:4222",
    "state": "state/ncsc-1",
    "passphrase_file": "identities/ncsc.pass",
}
REQUIRED = sorted(GOOD.keys() - {"passphrase_file"})


def write(folder: Path, table: dict[str, Any]) -> Path:
    path = folder / "ncsc.toml"
    path.write_text(tomli_w.dumps(table), encoding="utf-8")
    return path


def refused(path: Path, says: str) -> None:
    with pytest.raises(SetupError, match=says) as error:
        load_config(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, GOOD))
    assert config.enclave_id == b"\x0f" * 16
    assert (config.party, config.server) == ("ncsc", "nats://127.0.0.1:4222")
    assert config.identity == tmp_path / "identities" / "ncsc-1.key"
    assert config.state == tmp_path / "state" / "ncsc-1"
    assert config.passphrase_file == tmp_path / "identities" / "ncsc.pass"


def test_a_path_as_text_and_an_absolute_one(tmp_path: Path) -> None:
    table = GOOD | {"identity": str(tmp_path / "elsewhere.key")}
    assert load_config(str(write(tmp_path, table))).identity == tmp_path / "elsewhere.key"


def test_a_passphrase_file_is_not_needed(tmp_path: Path) -> None:
    table = {k: v for k, v in GOOD.items() if k != "passphrase_file"}
    assert load_config(write(tmp_path, table)).passphrase_file is None


@pytest.mark.parametrize("key", REQUIRED)
def test_a_missing_key_is_named(tmp_path: Path, key: str) -> None:
    refused(write(tmp_path, {k: v for k, v in GOOD.items() if k != key}), key)


TEXT_KEYS = ("enclave", "party", "server")
PATH_KEYS = ("identity", "state", "passphrase_file")
OTHER_TYPES = [7, 1.5, True, ["nats"], {"a": "b"}]


@pytest.mark.parametrize("value", OTHER_TYPES, ids=str)
@pytest.mark.parametrize("key", TEXT_KEYS)
def test_a_key_of_another_type_is_named(tmp_path: Path, key: str, value: Any) -> None:
    refused(write(tmp_path, GOOD | {key: value}), key)


@pytest.mark.parametrize("value", OTHER_TYPES, ids=str)
@pytest.mark.parametrize("key", PATH_KEYS)
def test_a_path_of_another_type_is_named(tmp_path: Path, key: str, value: Any) -> None:
    refused(write(tmp_path, GOOD | {key: value}), key)


@pytest.mark.parametrize(
    "enclave",
    [
        "",
        "0f" * 15,
        "0f" * 17,
        "0F" * 16,
        "zz" * 16,
        " " + "0f" * 16,
        pytest.param("0f" * 16 + "\n"),
    ],
)
def test_an_enclave_is_32_hexadecimal_digits(tmp_path: Path, enclave: str) -> None:
    refused(write(tmp_path, GOOD | {"enclave": enclave}), "enclave")


def test_an_unknown_key_is_refused(tmp_path: Path) -> None:
    refused(write(tmp_path, GOOD | {"pasphrase_file": "typo"}), "pasphrase_file")


@pytest.mark.parametrize(
    "text", ["party = ncsc", "party = 'a'\nparty = 'b'", "[[[", "\0", "= 1", "party = 'a"]
)
def test_what_is_not_toml_is_said_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.toml"
    path.write_text(text)
    refused(path, "the configuration")


def test_what_is_not_utf_8_is_said(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes("party = 'É'".encode("latin-1"))
    refused(path, "the configuration")


def test_an_empty_file_and_none_and_a_directory(tmp_path: Path) -> None:
    (tmp_path / "empty.toml").touch()
    refused(tmp_path / "empty.toml", "enclave")
    refused(tmp_path / "missing.toml", "No such file")
    refused(tmp_path, "Is a directory")
