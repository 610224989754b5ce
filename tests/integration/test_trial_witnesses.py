# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The witnesses that a broker runs for trials: they go when it goes, however it went."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from harness.enclave import Enclave, make_enclave
from harness.witnessed import WITNESSES

pytestmark = pytest.mark.nats


def _wait(enclave: Enclave, *, running: bool, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while bool(enclave.witness_pids()) is not running:
        assert time.monotonic() < deadline, f"witnesses {'did not start' if running else 'are still running'}"
        time.sleep(0.05)


def test_a_killed_broker_leaves_no_witness_behind(tmp_path: Path) -> None:
    enclave = make_enclave(tmp_path / "e", *WITNESSES, witnesses=True)
    try:
        enclave.start(witnesses=True)
        _wait(enclave, running=True)
        enclave.kill_broker()
        _wait(enclave, running=False)
    finally:
        enclave.stop()
