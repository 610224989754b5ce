# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A small enclave and honest logs in memory; what tests do to them is hostile."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# importlib mode puts no test directory on the path.
sys.path.append(str(Path(__file__).parent))

from trial.enclave import TrialEnclave
from trial.log import TrialLog
from trial.scene import Scene


@pytest.fixture
def enclave() -> TrialEnclave:
    return TrialEnclave()


@pytest.fixture
def log(enclave: TrialEnclave) -> TrialLog:
    """depv/process, still empty."""
    return TrialLog(enclave)


@pytest.fixture
def scene(log: TrialLog) -> Scene:
    """A reader in the middle of an honest log."""
    return Scene(log)
