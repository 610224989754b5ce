# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""An enclave whose witnesses are processes of their own, as in use: `seinpost witness`, one per party."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .enclave import Enclave, Running, make_enclave, start

WITNESSES = ("ncsc", "ibd", "ap", "toezicht")


class Witnessed:
    """An enclave with its witnesses as processes."""

    def __init__(self, enclave: Enclave) -> None:
        self.enclave = enclave
        self.running: dict[str, Running] = {}

    def start_witness(self, party: str, *more: str, patch: str = "") -> str:
        """Start a party's witness and wait until it answers; what it said by then."""
        running = start("witness", self.enclave.config(f"{party}-witness"), *more, patch=patch)
        running.outlive_tests()
        self.running[party] = running
        return running.wait_for("stdout", "witnessing")

    def kill_witness(self, party: str) -> None:
        """kill -9 a party's witness."""
        self.running.pop(party).end()

    def stop(self) -> None:
        """End everything."""
        for party in list(self.running):
            self.kill_witness(party)
        self.enclave.stop()


def witnessed_enclave(path: Path, *parties: str) -> Iterator[Witnessed]:
    """A new enclave with the four witnesses and these parties, at work until the iterator is closed."""
    made = Witnessed(make_enclave(path, *WITNESSES, *parties, witnesses=True))
    made.enclave.start()
    for party in WITNESSES:
        made.start_witness(party)
    yield made
    made.stop()
