# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The end of a log as its reader audits it: every way of closing it wrong has its name. No network, no clock."""

from __future__ import annotations

from typing import Any

import pytest
from trial.witnessed import register_of

from seinpost._audit import CLOSING_MS, TAIL_MS, AuditState, LogAudit
from seinpost._moment import Moment
from seinpost_schemas import merkle
from seinpost_schemas.checkpoint import Checkpoint, LogKeys
from seinpost_schemas.cosignature import WitnessKeys
from seinpost_schemas.directory import Closing
from seinpost_schemas.limits import FRESH_MS
from seinpost_schemas.merkle_tree import MerkleTree
from seinpost_schemas.note import Note, parse_note
from seinpost_schemas.register import Register

ORIGIN = "proef/2026q4/depv/process"
LOG = LogKeys(b"\x07" * 64)
KEYS = [WitnessKeys(f"proef/witness/w{n}", bytes([n]) * 64) for n in range(1, 5)]
T0 = 1_790_000_000


def register(quorum: int = 3) -> Register:
    return register_of(KEYS, LOG, quorum)


def tree_of(salt: bytes = b"") -> MerkleTree:
    tree = MerkleTree()
    for number in range(20):
        tree.append(merkle.leaf_hash(salt + number.to_bytes(4, "big")))
    return tree


TREE, OTHER = tree_of(), tree_of(b"other")


def note(size: int, timestamp: int = T0, tree: MerkleTree = TREE) -> bytes:
    checkpoint = Checkpoint(ORIGIN, size, tree.root(size))
    made = parse_note(LOG.sign(checkpoint, timestamp))
    lines = [line for w in KEYS for line in w.cosign(checkpoint, timestamp)]
    return Note(made.text, (*made.signatures, *lines)).encode()


def closing(size: int, tree: MerkleTree = TREE) -> Closing:
    return Closing(Checkpoint(ORIGIN, size, tree.root(size)), note(size, T0 + 50, tree), 7)


def reader(size: int, state: AuditState | None = None) -> LogAudit:
    audit = LogAudit(ORIGIN, 0, state)
    for at in range(size + 1):
        assert audit.grew(at, TREE.root(at)) is None
    return audit


def at(ms: int) -> Moment:
    return Moment(ms, T0 * 1000 + ms)


def codes(alarms: list[Any]) -> list[str]:
    return [a.code for a in alarms]


def test_a_closing_audits_all_of_the_log_and_nothing_newer_is_missed_after_it() -> None:
    audit = reader(9)
    audit.take(note(4), register(), at(10))
    assert not audit.is_over
    assert audit.close(closing(9), register(), 20) == []
    assert (audit.audited_size, audit.is_over, audit.note) == (9, True, audit.note)
    assert b"\n9\n" in audit.note
    audit.ended(20)
    assert audit.overdue(20 + 10 * FRESH_MS) == []
    assert audit.close(closing(9), register(), 30) == []


def test_without_a_quorum_a_closing_ends_a_log_and_audits_nothing() -> None:
    audit = reader(9)
    assert audit.close(closing(9), register(0), 20) == []
    assert (audit.audited_size, audit.is_over) == (0, True)


def test_a_log_is_over_when_all_of_it_has_come() -> None:
    audit = reader(7)
    assert audit.close(closing(9), register(), 20) == []
    assert not audit.is_over
    assert audit.overdue(20 + TAIL_MS) == []
    assert codes(audit.overdue(21 + TAIL_MS)) == ["withheld-tail"]
    for at in (8, 9):
        assert audit.grew(at, TREE.root(at)) is None
    assert (audit.audited_size, audit.is_over) == (9, True)


def test_the_tail_that_comes_is_held_against_the_closing() -> None:
    audit = reader(7)
    audit.close(closing(9), register(), 20)
    audit.grew(8, TREE.root(8))
    alarm = audit.grew(9, OTHER.root(9))
    assert alarm is not None
    assert alarm.code == "split-view"
    assert audit.audited_size == 0


def test_a_log_closed_before_what_was_received() -> None:
    audit = reader(9)
    audit.take(note(4), register(), at(10))
    alarms = audit.close(closing(6), register(), 20)
    assert codes(alarms) == ["cut-at-closing"]
    assert alarms[0].evidence is not None
    assert audit.audited_size == 6


def test_a_log_closed_before_what_a_quorum_signed_though_less_was_received() -> None:
    audit = reader(5)
    audit.take(note(8), register(), at(10))
    assert codes(audit.close(closing(6), register(), 20)) == ["cut-at-closing"]


def test_a_log_closed_with_another_root_and_the_two_notes_that_prove_it() -> None:
    audit = reader(9)
    audit.take(note(9), register(), at(10))
    (alarm,) = audit.close(closing(9, OTHER), register(), 20)
    assert alarm.code == "split-view"
    assert alarm.against is not None


def test_a_period_that_is_over_and_a_log_that_is_not_closed() -> None:
    audit = reader(9)
    audit.take(note(9), register(), at(10))
    audit.ended(1_000)
    # Noticed again and again: the first time counts.
    audit.ended(5_000)
    audit._rose_ms = 1_000 + CLOSING_MS
    assert audit.overdue(1_000 + CLOSING_MS) == []
    assert codes(audit.overdue(1_001 + CLOSING_MS)) == ["missing-closing"]
    assert audit.overdue(1_002 + CLOSING_MS) == []


@pytest.mark.parametrize("heard", [False, True])
def test_a_checkpoint_beyond_the_closing(heard: bool) -> None:
    audit = reader(9)
    audit.close(closing(9), register(), 20)
    take = audit.hear if heard else audit.take
    assert codes(take(note(12, T0 + 99), register(), at(30))) == ["after-closing"]
    assert audit.audited_size == 9


def test_an_older_checkpoint_after_the_closing_is_nothing_new() -> None:
    audit = reader(9)
    audit.take(note(4), register(), at(10))
    audit.close(closing(9), register(), 20)
    # Cosigned later than what was seen last, and published just before the log was closed.
    assert audit.take(note(6, T0 + 20), register(), at(30)) == []


def test_entries_after_the_closing_are_said_once() -> None:
    audit = reader(9)
    audit.close(closing(9), register(), 20)
    assert codes(audit.goes_on()) == ["after-closing"]
    assert audit.goes_on() == []


def test_after_a_restart_a_closed_log_is_audited_at_once() -> None:
    before = reader(9)
    before.close(closing(9), register(), 20)
    audit = LogAudit(ORIGIN, 0, before.state)
    assert audit.grew(9, TREE.root(9)) is None
    assert audit.close(closing(9), register(), 5) == []
    assert (audit.audited_size, audit.is_over) == (9, True)
