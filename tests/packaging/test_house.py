# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The house's arrows are enforced: a planted violation of each contract is caught. And its public names."""

from __future__ import annotations

import inspect
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import seinpost

ROOT = Path(__file__).parents[2]
FOLDERS = ("schemas", "clients", "broker")
PLANTED = {
    "client and broker stand beside each other on the contract": (
        "clients/seinpost/config.py", "import seinpost_broker.ports"
    ),
    "the broker's rooms": ("broker/seinpost_broker/core/layout.py", "import seinpost_broker.ports"),
    "the contract and the broker's core are pure": ("schemas/seinpost_schemas/merkle.py", "import os"),
    "the client's sealing and verifying are pure": ("clients/seinpost/sealing.py", "import asyncio"),
    "the console's model is pure": ("clients/seinpost/console/feed_view.py", "import sqlite3"),
    "only the transport speaks NATS": ("clients/seinpost/config.py", "import nats"),
}  # fmt: skip


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(str(tree / folder) for folder in FOLDERS)
    command = [Path(sys.executable).parent / "lint-imports", "--no-cache"]
    return subprocess.run(
        command, cwd=tree, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=120
    )


def test_the_house_as_it_stands_keeps_its_contracts(copy: Path) -> None:
    done = lint(copy)
    assert done.returncode == 0, done.stdout
    assert f"{len(PLANTED)} kept, 0 broken" in done.stdout


@pytest.mark.parametrize("contract", PLANTED)
def test_a_planted_violation_is_caught(copy: Path, contract: str) -> None:
    name, line = PLANTED[contract]
    path = copy / name
    path.write_text(path.read_text() + f"\n{line}\n")
    done = lint(copy)
    assert done.returncode != 0
    assert f"{contract} BROKEN" in done.stdout


PUBLIC = [
    "Act", "Alarm", "Answer", "Audited", "Connection", "Delivery", "EpochSecrets", "Evidence",
    "ExternalReference", "Foreign", "Handling", "Identity", "Indicator", "InvalidError", "MalformedError",
    "PersonalDatum", "Protected", "Reason", "Recalled", "Recipient", "RefusedError", "Report", "SeinpostError",
    "SetupError", "Signal", "UnavailableError", "UpdateNeededError", "connect", "format_signal",
    "generate_identity", "load_identity", "make_epoch", "open_envelope", "open_epoch", "parse_signal",
    "seal_envelope", "store_identity",
]  # fmt: skip


def test_the_public_names_are_these_and_each_says_what_it_is() -> None:
    assert sorted(seinpost.__all__) == PUBLIC
    for name in PUBLIC:
        assert inspect.getdoc(getattr(seinpost, name)), name
    assert set(PUBLIC) <= set(dir(seinpost))
    with pytest.raises(AttributeError, match="nothing"):
        seinpost.nothing  # noqa: B018


@pytest.mark.parametrize("folder", [*FOLDERS, "tests", "tools"])
def test_no_file_is_a_drawer_for_everything(folder: str) -> None:
    names = {p.stem for p in (ROOT / folder).rglob("*.py")}
    assert not names & {"utils", "util", "helpers", "helper", "common", "misc", "manager"}


def test_every_source_file_names_its_licence() -> None:
    for folder in (*FOLDERS, "tests", "tools"):
        for path in (ROOT / folder).rglob("*.py"):
            if "node_modules" not in path.parts:
                assert "SPDX-License-Identifier: EUPL-1.2" in path.read_text()[:200], path
