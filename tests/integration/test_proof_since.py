# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Live: whoever makes or checks a proof is told what was said of its signal since it was logged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.enclave import make_enclave, run
from harness.proofs import PARTIES, Made
from harness.registrar import Desk

pytestmark = pytest.mark.nats


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    enclave = make_enclave(tmp_path / "e", *PARTIES, witnesses=True)
    enclave.start(witnesses=True)
    yield Made(enclave, tmp_path)
    enclave.stop()


def test_a_proof_of_a_recalled_or_suspect_signal_comes_with_a_warning(made: Made, tmp_path: Path) -> None:
    before = made.prove(0)
    plain = run("proof", made.ids[1], "--config", made.config, "--out", tmp_path / "plain.json", "--json")
    assert (plain.stderr, {"revoked", "recalled"} & set(plain.rows[0])) == ("", set())

    done = run("recall", made.ids[1], "--reason", "mistake", "--config", made.enclave.config("ncsc"))
    assert done.status == 0, done
    recalled = run(
        "proof", made.ids[1], "--config", made.config, "--out", tmp_path / "recalled.json", "--json"
    )
    assert (recalled.status, recalled.rows[0]["recalled"]["reason"]) == (0, "mistake")
    assert "warning: ncsc took this signal back on 20" in recalled.error
    assert "(mistake)" in recalled.error
    # A proof holds what was logged: nobody who checks it sees that.
    verified = run("proof", "verify", tmp_path / "recalled.json")
    assert verified.status == 0
    assert "or that the signal was taken back" in verified.stdout

    desk = Desk(made.enclave, tmp_path)
    assert desk.publish(desk.revoke("ncsc-1")).status == 0
    suspect = run("proof", made.ids[2], "--config", made.config, "--out", tmp_path / "suspect.json", "--json")
    said = {"reason": "laptop gestolen", "suspect_from": "2026-11-01T00:00:00Z"}
    assert (suspect.status, suspect.rows[0]["revoked"]) == (0, said)
    assert "warning: ncsc-1 of ncsc was revoked (laptop gestolen), suspect from 2026-11-01" in suspect.error
    # Its own directory holds the revocation; that of a proof from before it does not, and says until when.
    checked = run("proof", "verify", tmp_path / "suspect.json", "--json")
    assert (checked.status, checked.rows[0]["verdict"], checked.rows[0]["revoked"]) == (0, "holds", said)
    assert "SUSPECT: ncsc-1 of ncsc was revoked" in run("proof", "verify", tmp_path / "suspect.json").stdout
    old = run("proof", "verify", before, "--json").rows[0]
    assert "revoked" not in old
    assert old["revocations_until"] < checked.rows[0]["revocations_until"]
    assert "a key was revoked after 20" in run("proof", "verify", before).stdout
