# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Reading a log that another broker appended to, which knew more of the directory."""

from __future__ import annotations

from typing import Any

import pytest
from trial.enclave import T0, TrialEnclave, identity, party_of
from trial.log import TrialLog

from seinpost_broker.ports import StoredMessage
from seinpost_broker.service.sequencer import Sequencer
from seinpost_schemas.directory import TrustedDirectory
from seinpost_schemas.errors import UnavailableError

NEW = identity("ncsc-2")


def without_it(table: dict[str, Any]) -> None:
    ncsc = party_of(table, "ncsc")
    ncsc["identities"] = [i for i in ncsc["identities"] if i["name"] != NEW.name]


def with_it(table: dict[str, Any]) -> None:
    party_of(table, "ncsc")["identities"].append(
        {
            "name": NEW.name,
            "sender_id": NEW.sender_id.hex(),
            "keys": NEW.keys.keys_hash().hex(),
            "nats": NEW.nats_public,
        }
    )


class Store:
    """One feed's stream."""

    def __init__(self, log: TrialLog) -> None:
        self.messages = [StoredMessage(m.seq, m.headers, m.body) for m in log.messages]

    async def last_seq(self, _stream: str) -> int:
        return len(self.messages)

    async def read(self, _stream: str, first_seq: int, *, headers_only: bool = False) -> Any:
        for message in self.messages[first_seq - 1 :]:
            yield message

    async def read_one(self, _stream: str, seq: int) -> StoredMessage:
        return self.messages[seq - 1]


class Clock:
    def now_ms(self) -> int:
        return T0


def behind() -> tuple[TrialEnclave, TrustedDirectory, TrialLog]:
    """A directory from before an identity joined, and a log that holds an epoch of it."""
    enclave = TrialEnclave(without_it)
    directory = enclave.directory()
    enclave.amend(with_it)
    log = TrialLog(enclave)
    log.add_epoch(NEW)
    return enclave, directory, log


async def test_the_directory_is_read_first() -> None:
    enclave, directory, log = behind()
    sequencer = Sequencer(
        log.compartment,
        "2026q4",
        directory=directory,
        store=Store(log),
        answers=None,
        clock=Clock(),  # type: ignore[arg-type]
    )

    async def read() -> None:
        enclave.feed(directory)

    sequencer.read_directory = read
    await sequencer.load()
    assert sequencer.log.size == 1
    assert directory.size == enclave.size


async def test_while_it_does_not_come_nothing_is_taken_in() -> None:
    """Folding the entry into an older view would give other rights than every reader computes."""
    _, directory, log = behind()
    sequencer = Sequencer(
        log.compartment,
        "2026q4",
        directory=directory,
        store=Store(log),
        answers=None,
        clock=Clock(),  # type: ignore[arg-type]
    )
    with pytest.raises(UnavailableError):
        await sequencer.load()
    assert sequencer.log.size == 0
