# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The channel's configuration: TLS 1.3 or nothing, and every wrong file is one sentence."""

from __future__ import annotations

import datetime as dt
import ssl
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from seinpost._channel import load_channel
from seinpost.config import load_config
from seinpost_broker.adapters.trial_pki_files import OTHER, TrialPkiFiles
from seinpost_broker.core.trial_pki import Purpose, issue_organisation
from seinpost_schemas.errors import SetupError

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = TrialPkiFiles(tmp_path_factory.mktemp("pki") / "pki")
    files.found(NOW)
    for name in ("ncsc", "other"):
        files.issue(
            name,
            OTHER,
            lambda ca: issue_organisation(ca, "NCSC", "00000099000000005000", Purpose.AUTHENTICATION, NOW),
        )
    return files.path


def configured(folder: Path, tls: dict[str, Any] | None, server: str = "tls://localhost:4222") -> Path:
    table: dict[str, Any] = {
        "enclave": "0f" * 16,
        "party": "ncsc",
        "identity": "ncsc-1.key",
        "server": server,
        "state": "state",
    }
    if tls is not None:
        table["tls"] = tls
    path = folder / "ncsc.toml"
    path.write_text(tomli_w.dumps(table))
    return path


def whole(pki: Path, **change: Any) -> dict[str, Any]:
    tls = {"ca": str(pki / "ca.pem"), "certificate": str(pki / "ncsc.crt"), "key": str(pki / "ncsc.key")}
    return {k: v for k, v in (tls | change).items() if v is not None}


def test_it_is_tls_1_3_and_verifies_the_server(tmp_path: Path, pki: Path) -> None:
    channel = load_channel(load_config(configured(tmp_path, whole(pki, server_name="nats.example"))))
    assert channel is not None
    assert channel.context.minimum_version is ssl.TLSVersion.TLSv1_3
    assert (channel.context.verify_mode, channel.context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert (channel.server_name, channel.is_user) == ("nats.example", False)


def test_paths_are_relative_to_the_file(tmp_path: Path, pki: Path) -> None:
    (tmp_path / "tls").symlink_to(pki)
    tls = {"ca": "tls/ca.pem", "certificate": "tls/ncsc.crt", "key": "tls/ncsc.key", "user": "certificate"}
    channel = load_channel(load_config(configured(tmp_path, tls)))
    assert channel is not None
    assert channel.is_user


def test_without_tls_there_is_no_channel(tmp_path: Path) -> None:
    assert load_channel(load_config(configured(tmp_path, None, "nats://127.0.0.1:4222"))) is None


@pytest.mark.parametrize("server", ["nats://localhost:4222", "localhost:4222"])
def test_a_plain_address_with_tls_is_refused(tmp_path: Path, pki: Path, server: str) -> None:
    with pytest.raises(SetupError, match="go together"):
        load_channel(load_config(configured(tmp_path, whole(pki), server)))


def test_a_tls_address_without_its_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="go together"):
        load_channel(load_config(configured(tmp_path, None)))


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a CA file that is not there": ({"ca": "nowhere.pem"}, "cannot use the CA file"),
    "a CA file that is none": ({"ca": __file__}, "cannot use the CA file"),
    "a certificate without its key": ({"key": None}, "go together"),
    "a key without its certificate": ({"certificate": None}, "go together"),
    "another's key": ({"key": "other.key"}, "cannot use .*: key values mismatch"),
    "a key that is not there": ({"key": "nowhere.key"}, "cannot use .*: no such file"),
    "a key for a certificate": ({"certificate": "ncsc.key"}, "cannot use"),
    "a user without certificate": (
        {"certificate": None, "key": None, "user": "certificate"},
        "needs certificate and key",
    ),
}


@pytest.mark.parametrize(("change", "says"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_file_is_one_sentence(tmp_path: Path, pki: Path, change: dict[str, Any], says: str) -> None:
    change = {k: str(pki / v) if k in ("key", "certificate") and v else v for k, v in change.items()}
    with pytest.raises(SetupError, match=says) as caught:
        load_channel(load_config(configured(tmp_path, whole(pki, **change))))
    assert "\n" not in str(caught.value)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path, pki: Path) -> None:
    key = tmp_path / "open.key"
    key.write_bytes((pki / "ncsc.key").read_bytes())
    key.chmod(0o644)
    with pytest.raises(SetupError, match="chmod 600"):
        load_channel(load_config(configured(tmp_path, whole(pki, key=str(key)))))


@pytest.mark.parametrize("change", [{"user": "password"}, {"verify": False}, {"ca": None}])
def test_an_unknown_setting_is_refused(tmp_path: Path, pki: Path, change: dict[str, Any]) -> None:
    with pytest.raises(SetupError):
        load_config(configured(tmp_path, whole(pki, **change)))
