# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The reference implementations of the C2SP formats in Go agree: theirs on ours, and ours on theirs.

``golang.org/x/mod/sumdb/{note,tlog}`` and ``filippo.io/torchwood``, pinned in go/go.sum. Where there is no Go or no
way to its modules, this part is not checked, and the run says so.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
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
    tree_of,
    verify_made,
)

from seinpost_schemas.checkpoint import LogKeys
from seinpost_schemas.merkle import leaf_hash
from seinpost_schemas.note import ED25519_TYPE, format_vkey
from seinpost_schemas.tlog_proof import TlogProof, decode_tlog_proof

pytestmark = [pytest.mark.foreign]

SOURCE = Path(__file__).parent / "go"
UNCHECKED = "this part was not checked: the Go reference implementations"
_BUILD_SECONDS = 240


@pytest.fixture(scope="session")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checker, built here; its modules are those of go.sum."""
    go = shutil.which("go") or shutil.which("/usr/local/go/bin/go")
    if go is None:
        pytest.skip(f"{UNCHECKED} need a Go toolchain, and there is none")
    folder = tmp_path_factory.mktemp("go")
    environment = {
        **os.environ,
        "GOFLAGS": "-mod=readonly -modcacherw -buildvcs=false",
        "GOCACHE": str(folder / "cache"),
        "GOPATH": os.environ.get("GOPATH", str(folder / "path")),
    }
    for command in (["mod", "download"], ["build", "-o", str(folder / "checker"), "."]):
        done = subprocess.run(
            [go, *command],
            cwd=SOURCE,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_BUILD_SECONDS,
        )
        if done.returncode and command[0] == "mod" and "SECURITY ERROR" not in done.stderr:
            pytest.skip(f"{UNCHECKED} could not be fetched: {(done.stderr.strip() or 'no reason')[-200:]}")
        assert done.returncode == 0, done.stderr
    return folder / "checker"


def run(checker: Path, **task: Any) -> dict[str, Any]:
    done = subprocess.run([checker], input=json.dumps(task), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def ours(size: int, witnesses: int = 3) -> dict[str, Any]:
    note, tree, entries = cosigned_note(size, witnesses)
    last = size - 1
    proof = TlogProof(last, tuple(tree.inclusion_proof(last)), note)
    return {
        **task_of(size, note, tree, entries),
        "origin": ORIGIN,
        "proof": proof.encode().hex(),
        "proof_entry": last,
    }


@pytest.mark.parametrize("size", SIZES)
def test_the_go_implementations_accept_ours(checker: Path, size: int) -> None:
    found = run(checker, **ours(size))
    assert (found["checkpoint"], found["size"], found["root"]) == (True, size, True)
    assert (found["tile_root"], found["entries"], found["tlog_proof"]) == (True, True, True)
    assert found["inclusion"]
    assert all(found["inclusion"])
    assert all(found["consistency"])
    assert bool(found["consistency"]) == (size > 23)


def test_the_go_implementations_refuse_what_we_refuse(checker: Path) -> None:
    few = run(checker, **ours(300, witnesses=2))
    assert (few["checkpoint"], few["tlog_proof"]) == (False, False)
    other = ours(300)
    other["log"] = format_vkey(ORIGIN, ED25519_TYPE + LogKeys(b"\x08" * 64).public.ed25519)
    assert not run(checker, **other)["checkpoint"]
    wrong = ours(300)
    wrong["inclusion"] = [[i + 1, proof] for i, proof in wrong["inclusion"]]
    wrong["consistency"] = [[old + 1, root, proof] for old, root, proof in wrong["consistency"][1:]]
    wrong["proof_entry"] = 0
    path = "tile/0/001.p/44"
    wrong["tiles"][path] = "00" + wrong["tiles"][path][2:]
    found = run(checker, **wrong)
    assert found["checkpoint"]
    assert not any(found["inclusion"])
    assert not any(found["consistency"])
    assert (found["tile_root"], found["tlog_proof"]) == (False, False)


@pytest.mark.parametrize("size", SIZES)
def test_ours_accepts_what_go_makes(checker: Path, size: int) -> None:
    entries = entries_of(size)
    made = run(
        checker,
        do="make",
        entries=[e.hex() for e in entries],
        origin=ORIGIN,
        witness=WITNESSES[0].public.name,
        log_seed=LOG_SEED[:32].hex(),
        witness_seed=(b"\x01" * 32).hex(),
    )
    verify_made(made, size)
    root = tree_of(entries).root()
    decode_tlog_proof(bytes.fromhex(made["proof"])).verify(leaf_hash(entries[0]), size, root)
