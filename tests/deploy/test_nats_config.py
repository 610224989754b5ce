# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The rendered NATS configuration: as the code renders it, and as nats-server reads it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "deploy" / "nats" / "nats-server.conf"
SERVER = Path(sys.executable).parent / "nats-server"
BROKER = [sys.executable, "-m", "seinpost_broker"]


def accepts(config: Path) -> bool:
    done = subprocess.run([SERVER, "-t", "-c", config], capture_output=True, text=True, timeout=60)
    return done.returncode == 0


def test_the_sample_is_what_the_code_renders() -> None:
    command = [sys.executable, ROOT / "tools" / "render_sample.py", "--check"]
    assert subprocess.run(command, timeout=60).returncode == 0


def test_nats_server_accepts_the_sample(tmp_path: Path) -> None:
    assert accepts(SAMPLE)
    text = SAMPLE.read_text()
    for good, bad in (("accounts {", "acounts {"), ("nkey: U", "nkey: X"), ("account: HUB", "account: HUP")):
        assert good in text
        (tmp_path / "bad.conf").write_text(text.replace(good, bad))
        assert not accepts(tmp_path / "bad.conf"), bad


@pytest.mark.parametrize("option", ["--witnesses", "--no-witnesses"])
def test_nats_server_accepts_what_init_and_render_write(tmp_path: Path, option: str) -> None:
    enclave = tmp_path / "e"
    done = subprocess.run(
        [*BROKER, "init", enclave, "--party", "ncsc", "--party", "tafel", option],
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    config = enclave / "nats" / "nats.conf"
    assert accepts(config)
    first = config.read_text()
    config.unlink()
    assert subprocess.run([*BROKER, "render", enclave], capture_output=True, timeout=60).returncode == 0
    assert config.read_text() == first
    assert ("seinpost.witness.ncsc" in first) == (option == "--witnesses")


def test_jetstream_is_in_one_account_and_each_party_has_its_own() -> None:
    text = SAMPLE.read_text()
    accounts = re.findall(r"^  (\w+) \{$", text, re.MULTILINE)
    assert accounts[0] == "HUB"
    assert len(accounts) == len(set(accounts)) == 16
    assert text.count("jetstream: enabled") == 1
    hub, *parties = re.split(r"^  (?=\w+ \{$)", text[text.index("accounts {") :], flags=re.MULTILINE)[1:]
    assert "jetstream: enabled" in hub
    for party in parties:
        assert "jetstream" not in party
        # What a party may say, it imports, or tells the other parties; there is no other way out of its account.
        allowed = set(re.findall(r'^          "([^"]+)"$', party, re.MULTILINE))
        imported = set(re.findall(r'account: HUB, subject: "([^"]+)"', party))
        told = set(re.findall(r'\{stream: "([^"]+)", accounts:', party))
        assert allowed == imported | told
        assert all(s.startswith("seinpost.gossip.") for s in told)


def test_it_listens_on_this_machine_only_and_holds_no_secret() -> None:
    text = SAMPLE.read_text()
    assert 'listen: "127.0.0.1:' in text
    assert not re.search(r"\bS[UAO][A-Z2-7]{50,}", text)
    assert "password" not in text
    assert set(re.findall(r"nkey: (.)", text)) == {"U"}
