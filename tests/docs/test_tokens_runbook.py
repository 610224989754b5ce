# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The tokens' runbook, on a token in software: its commands as they stand, and its configuration."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests" / "integration"))

from harness.runbook import blocks, opened  # noqa: E402
from harness.softhsm import PIN, available  # noqa: E402

TEXT = (ROOT / "docs" / "runbooks" / "tokens.md").read_text()


@available
def test_every_command_of_the_tokens_runbook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm2.conf").write_text(f"directories.tokendir = {tmp_path / 'tokens'}\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm2.conf"))
    (initialise,) = re.findall(r"^    (softhsm2-util .*)$", TEXT, re.MULTILINE)
    subprocess.run(shlex.split(initialise), check=True, capture_output=True)
    (tmp_path / "pin.txt").write_text(PIN + "\n")
    (tmp_path / "pin.txt").chmod(0o600)
    (keygen,) = re.findall(r"^    (seinpost .*)$", TEXT, re.MULTILINE)
    with opened(tmp_path) as folder:
        assert "identity ncsc-3 of ncsc" in folder.run(keygen)
    assert '"seinpost-identity/2"' in (tmp_path / "ncsc-3.key").read_text()
    (table,) = (b for b in blocks(TEXT) if b[0] == "[token]")
    token = tomllib.loads("\n".join(table))["token"]
    assert token["module"] in keygen
    assert token["pin_file"] in keygen
