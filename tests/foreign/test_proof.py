# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A proof that Python makes of a live signal holds in the JavaScript implementation, which finds the same changes."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[1] / "integration"))

from harness.enclave import make_enclave
from harness.proofs import PARTIES, Made

from seinpost_schemas.signal_proof import decode_signal_proof, verify_signal_proof

pytestmark = [pytest.mark.foreign, pytest.mark.nats]
Node = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    enclave = make_enclave(tmp_path_factory.mktemp("foreign") / "e", *PARTIES, witnesses=True)
    enclave.start(witnesses=True)
    yield Made(enclave, tmp_path_factory.mktemp("files"))
    enclave.stop()


def test_the_proof_of_one_signal_holds_in_javascript(node: Node, made: Made) -> None:
    """From the enclave's id: registrars, directory, both lines of the log, quorum, entry, batch and sections."""
    for number, more in ((1, ()), (0, ("--sections", "report")), (3, ("--sections", "protected"))):
        data = made.prove(number, *more).read_bytes()
        ours = verify_signal_proof(decode_signal_proof(data))
        done = node("verify.mjs", "--proof", "-", stdin=data.decode())
        assert done.returncode == 0, done
        theirs = json.loads(done.stdout)
        assert theirs["sections"] == [s.hex() if s is not None else None for s in ours.sections]
        assert (theirs["party"], theirs["identity"]) == (ours.party, ours.identity)
        assert (theirs["index"], theirs["tree_size"]) == (ours.index, ours.tree_size)
        assert theirs["witnesses"] == len(ours.witnesses) >= 3
        assert theirs["enclave"] == made.enclave_id.hex()


def change_mldsa_line(table: dict[str, Any], who: str) -> None:
    """Flip a byte of the ML-DSA-44 signature of a line: the long ones."""
    lines = table["log"]["proof"].split("\n")
    place = next(n for n, x in enumerate(lines) if x.startswith("\u2014") and who in x and len(x) > 1_000)
    head, _, blob = lines[place].rpartition(" ")
    raw = bytearray(base64.b64decode(blob))
    raw[-5] ^= 1
    lines[place] = f"{head} {base64.b64encode(raw).decode()}"
    table["log"]["proof"] = "\n".join(lines)


def change_section(table: dict[str, Any], _: str) -> None:
    table["signal"]["sections"][1]["data"] = base64.b64encode(b"\x92\x01\x80").decode()


def change_admission(table: dict[str, Any], _: str) -> None:
    table["log"]["admitted_ms"] += 1


@pytest.mark.parametrize(
    ("change", "who", "category"),
    [
        (change_mldsa_line, "process ", "signature"),
        (change_mldsa_line, "witness/", "signature"),
        (change_section, "", "root"),
        (change_admission, "", "root"),
    ],
)
def test_a_changed_proof_fails_in_javascript(
    node: Node, made: Made, change: Callable[[dict[str, Any], str], None], who: str, category: str
) -> None:
    target = made.folder / "to-change.json"
    if not target.exists():
        made.prove(2).rename(target)
    table = json.loads(target.read_bytes())
    change(table, who)
    done = node("verify.mjs", "--proof", "-", stdin=json.dumps(table))
    assert done.returncode == 1, done
    assert json.loads(done.stdout)["error"] == category
