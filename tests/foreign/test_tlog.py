# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A foreign implementation of the C2SP formats agrees: `aics-tlog` on our notes, proofs and tiles, and ours on its.

It runs in an environment of its own. It knows Ed25519 lines only: the ML-DSA ones, of a type that it does not
know, it passes over as C2SP asks.
"""

from __future__ import annotations

import json
import subprocess
import venv
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from log_samples import (
    LOG_SEED,
    ORIGIN,
    SIZES,
    WITNESSES,
    cosigned_note,
    entries_of,
    task_of,
    verify_made,
)

from seinpost_schemas.checkpoint import LogKeys
from seinpost_schemas.note import ED25519_TYPE, format_vkey

pytestmark = [pytest.mark.foreign]

PINNED = "aics-tlog==0.2.1"
CHECKER = Path(__file__).parent / "tlog" / "checker.py"


@pytest.fixture(scope="session")
def foreign_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with aics-tlog; it declares a newer Python than it needs."""
    folder = tmp_path_factory.mktemp("tlog")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    needs = f"cryptography=={version('cryptography')}"
    for more in (["--ignore-requires-python", "--no-deps", PINNED], [needs]):
        done = subprocess.run([*pip, *more], capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stderr
    return python


def run(python: Path, **task: Any) -> dict[str, Any]:
    done = subprocess.run(
        [python, CHECKER], input=json.dumps(task), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("size", SIZES)
def test_the_foreign_checker_accepts_ours(foreign_python: Path, size: int) -> None:
    found = run(foreign_python, **task_of(size, *cosigned_note(size)))
    assert (found["checkpoint"], found["cosignatures"], found["size"]) == (True, 3, size)
    assert found["root"]
    assert found["tile_root"]
    assert found["entries"]
    assert found["inclusion"]
    assert all(found["inclusion"])
    assert all(found["consistency"])


def test_the_foreign_checker_refuses_what_we_refuse(foreign_python: Path) -> None:
    note, tree, entries = cosigned_note(300)
    few, _, _ = cosigned_note(300, witnesses=2)
    assert not run(foreign_python, **task_of(300, few, tree, entries))["checkpoint"]
    other = task_of(300, note, tree, entries)
    other["log"] = format_vkey(ORIGIN, ED25519_TYPE + LogKeys(b"\x08" * 64).public.ed25519)
    assert not run(foreign_python, **other)["checkpoint"]
    wrong = task_of(300, note, tree, entries)
    wrong["inclusion"] = [[i + 1, proof] for i, proof in wrong["inclusion"]]
    assert not any(run(foreign_python, **wrong)["inclusion"])


@pytest.mark.parametrize("size", SIZES)
def test_ours_accepts_the_foreign_ones(foreign_python: Path, size: int) -> None:
    entries = entries_of(size)
    made = run(
        foreign_python,
        do="make",
        entries=[e.hex() for e in entries],
        origin=ORIGIN,
        witness=WITNESSES[0].public.name,
        log_seed=LOG_SEED[:32].hex(),
        witness_seed=(b"\x01" * 32).hex(),
    )
    verify_made(made, size)
