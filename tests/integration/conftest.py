# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Enclaves with a real nats-server: one for the whole session, and makers of private ones."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# importlib mode puts no test directory on the path.
sys.path.append(str(Path(__file__).parent))

from harness.enclave import Enclave, Running, make_enclave

from seinpost.identity import Identity


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    """Commands end with their test, whatever came of it."""
    yield
    Running.end_all()


@pytest.fixture(scope="session")
def enclave(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Enclave]:
    """The whole shipped register, served by `seinpost-broker run`."""
    made = make_enclave(tmp_path_factory.mktemp("enclave") / "e")
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def identities(enclave: Enclave) -> dict[str, Identity]:
    """Every party's unlocked identity: its raw credentials."""
    return enclave.identities()


@pytest.fixture(scope="module")
def new_enclave(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Enclave]]:
    """Makes private enclaves, not yet running, with identities for the named parties; ends what runs."""
    made: list[Enclave] = []

    def make(*parties: str) -> Enclave:
        made.append(make_enclave(tmp_path_factory.mktemp("private") / "e", *parties))
        return made[-1]

    yield make
    for enclave in made:
        enclave.stop()
