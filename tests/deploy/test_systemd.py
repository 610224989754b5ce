# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The unit, by systemd's own tools."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[2] / "deploy" / "systemd" / "seinpost-broker.service"
PROGRAM = "/opt/seinpost/bin/seinpost-broker"


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that is there: verify looks for it."""
    path = tmp_path / UNIT.name
    text = UNIT.read_text()
    assert text.count(PROGRAM) == 1
    program = tmp_path / "seinpost-broker"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    path.write_text(text.replace(PROGRAM, str(program)))
    return path


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    tool = shutil.which("systemd-analyze")
    assert tool, "systemd-analyze is needed: apt-get install systemd"
    return subprocess.run([tool, *map(str, arguments)], capture_output=True, text=True, timeout=60)


def test_systemd_verifies_the_unit_without_a_word(unit: Path) -> None:
    done = analyze("verify", unit)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("good", "bad"),
    [("Type=notify", "Type=notifies"), ("Restart=always", "Restart=allways"), ("[Service]", "[Srvice]")],
)
def test_a_broken_unit_is_noticed(unit: Path, good: str, bad: str) -> None:
    text = unit.read_text()
    assert good in text
    unit.write_text(text.replace(good, bad))
    done = analyze("verify", unit)
    assert done.returncode != 0 or done.stderr


def test_the_unit_is_hardened(unit: Path) -> None:
    """systemd's own measure: 10 is open, 2 and below is "OK"."""
    done = analyze("security", "--offline=true", "--threshold=20", unit)
    match = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert match, done.stdout + done.stderr
    assert float(match[1]) <= 2.0
    assert done.returncode == 0


@pytest.mark.parametrize("line", ["NoNewPrivileges=yes", "CapabilityBoundingSet=", "ProtectSystem=strict"])
def test_the_measure_measures(unit: Path, line: str) -> None:
    def exposure() -> float:
        found = re.search(r": ([0-9.]+)", analyze("security", "--offline=true", unit).stdout.splitlines()[-1])
        assert found
        return float(found[1])

    before = exposure()
    unit.write_text(unit.read_text().replace(line + "\n", ""))
    assert exposure() > before


def test_the_unit_holds_no_secret_and_starts_what_the_package_installs() -> None:
    text = UNIT.read_text()
    assert re.search(rf"^ExecStart={PROGRAM} run /var/lib/seinpost/\S+$", text, re.MULTILINE)
    assert not re.search(r"(?i)seed|pass(word|phrase)", text)
