# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Whose cosignatures count: mandates' dates, ceilings and themes, by the time that each cosignature carries."""

from __future__ import annotations

import ast
import datetime as dt
from pathlib import Path
from typing import Any

import msgspec
import pytest
from trial.witnessed import EXPIRES, register_of, to_witness

import seinpost
import seinpost_broker
import seinpost_schemas
from seinpost_schemas.checkpoint import Checkpoint, LogKeys
from seinpost_schemas.cosignature import WitnessKeys
from seinpost_schemas.errors import QuorumError, SignatureError
from seinpost_schemas.kinds import Action
from seinpost_schemas.note import Note, parse_note
from seinpost_schemas.quorum import counted, may_witness, shortages, verify_witnessed, witnesses_at
from seinpost_schemas.register import Prohibition, Register

LOG = LogKeys(b"\x07" * 64)
KEYS = [WitnessKeys(f"proef/witness/w{n}", bytes([n]) * 64) for n in range(1, 5)]
PROCESS = "proef/2026q4/depv/process"
OPEN = "proef/2026q4/ong/debate"
LOGS = ("proef/directory", "proef/admission", PROCESS, OPEN)
END = dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)
END_S = int(END.timestamp())


def note_of(*timestamps: int | None, origin: str = PROCESS) -> tuple[Note, Checkpoint]:
    """A note with cosignatures of the first witnesses at these times (none for ``None``)."""
    checkpoint = Checkpoint(origin, 5, b"r" * 32)
    made = parse_note(LOG.sign(checkpoint, END_S))
    lines = [
        line
        for keys, timestamp in zip(KEYS, timestamps, strict=False)
        if timestamp is not None
        for line in keys.cosign(checkpoint, timestamp)
    ]
    return Note(made.text, (*made.signatures, *lines)), checkpoint


def test_all_count_whose_mandate_covers_everything() -> None:
    register = register_of(KEYS, LOG)
    for origin in LOGS:
        note, checkpoint = note_of(40, 30, 20, 10, origin=origin)
        assert list(counted(register, note, checkpoint).values()) == [40, 30, 20, 10]
        assert verify_witnessed(register, note, checkpoint) == 20


@pytest.mark.parametrize("origin", LOGS)
def test_a_cosignature_made_after_the_mandate_ended_does_not_count(origin: str) -> None:
    register = register_of(KEYS, LOG, mandates={"w2": [to_witness(until=END)]})
    before, checkpoint = note_of(*[END_S - 1] * 3, origin=origin)
    assert verify_witnessed(register, before, checkpoint) == END_S - 1
    after, _ = note_of(END_S, END_S, END_S, origin=origin)
    with pytest.raises(QuorumError, match="2 witnesses that may cosign"):
        verify_witnessed(register, after, checkpoint)
    assert sorted(counted(register, after, checkpoint)) == ["proef/witness/w1", "proef/witness/w3"]
    # A fourth makes up for it; and what it said before its end counts for ever.
    assert verify_witnessed(register, note_of(*[END_S] * 4, origin=origin)[0], checkpoint) == END_S


def test_a_cosignature_made_before_the_mandate_began_does_not_count() -> None:
    register = register_of(KEYS, LOG, mandates={"w1": [to_witness(starts=END)]})
    note, checkpoint = note_of(END_S - 1, END_S, END_S)
    with pytest.raises(QuorumError):
        verify_witnessed(register, note, checkpoint)
    assert verify_witnessed(register, note_of(*[END_S] * 3)[0], checkpoint) == END_S


def test_a_witness_that_backdates_makes_the_checkpoint_old() -> None:
    register = register_of(KEYS, LOG, mandates={"w1": [to_witness(until=END)]})
    note, checkpoint = note_of(END_S - 1, END_S + 900, END_S + 900)
    assert verify_witnessed(register, note, checkpoint) == END_S - 1


@pytest.mark.parametrize(
    ("change", "logs"),
    [
        ({"ceiling": "ong"}, {"proef/directory", "proef/admission", OPEN}),
        ({"themes": ("process",)}, {"proef/directory", "proef/admission", PROCESS}),
        ({"actions": (Action.READ,)}, set()),
        ({}, set(LOGS)),
    ],
)
def test_a_witness_counts_for_the_logs_of_its_mandate(change: dict[str, Any], logs: set[str]) -> None:
    register = register_of(KEYS, LOG, mandates={"w1": [to_witness(**change)]})
    witness = register.witnesses[0]
    assert {o for o in LOGS if may_witness(register, witness, o, END_S * 1000)} == logs
    for origin in LOGS:
        note, checkpoint = note_of(5, origin=origin)
        assert bool(counted(register, note, checkpoint)) is (origin in logs)


def test_a_party_that_is_not_cleared_or_prohibited_witnesses_nothing_there() -> None:
    register = register_of(KEYS, LOG)
    first = msgspec.structs.replace(register.parties[0], clearance="ong")
    lower = msgspec.structs.replace(register, parties=(first, *register.parties[1:]))
    assert not may_witness(lower, lower.witnesses[0], PROCESS, 0)
    assert may_witness(lower, lower.witnesses[0], OPEN, 0)
    prohibition = Prohibition(party="w1", action=Action.WITNESS, basis="Besluit", status="note")
    prohibited = msgspec.structs.replace(register, prohibitions=(prohibition,))
    assert [w.name for w in witnesses_at(prohibited, PROCESS, 0)] == ["w2", "w3", "w4"]


@pytest.mark.parametrize(
    "origin", ["other/directory", "proef/2026q4/stgc/process", "proef/x", "proef", "", PROCESS + "/x"]
)
def test_nobody_witnesses_what_is_no_log_of_the_enclave(origin: str) -> None:
    register = register_of(KEYS, LOG)
    assert witnesses_at(register, origin, 0) == []


def test_a_bad_line_refuses_the_note_also_of_one_that_would_not_count() -> None:
    register = register_of(KEYS, LOG, mandates={"w1": [to_witness(until=END)]})
    note, checkpoint = note_of(END_S + 9, END_S + 9, END_S + 9, END_S + 9)
    other, _ = note_of(END_S + 8)
    bad = msgspec.structs.replace(note.signatures[2], signature=other.signatures[2].signature[:-1] + b"!")
    broken = Note(note.text, (*note.signatures[:2], bad, *note.signatures[3:]))
    with pytest.raises(SignatureError):
        verify_witnessed(register, broken, checkpoint)


def test_quorum_0_says_nothing() -> None:
    register = register_of(KEYS, LOG, quorum=0)
    with pytest.raises(QuorumError):
        verify_witnessed(register, *note_of(1, 1, 1, 1))
    assert shortages(register, 0) == []


def ending(count: int, until: dt.datetime = END) -> Register:
    return register_of(KEYS, LOG, mandates={f"w{n + 1}": [to_witness(until=until)] for n in range(count)})


def test_a_standstill_is_foreseen() -> None:
    now_ms = END_S * 1000 - 1
    assert shortages(ending(1), now_ms) == []
    (found,) = shortages(ending(2), now_ms)
    assert (found.at_ms, found.left, len(found.logs)) == (END_S * 1000, 2, 9)
    assert "directory" in found.logs
    (now,) = shortages(ending(2), END_S * 1000)
    assert now.at_ms == END_S * 1000
    # What ends when nothing can be published any more anyway is no news.
    assert shortages(ending(4, EXPIRES), now_ms) == []


def test_a_standstill_of_one_log_names_that_log() -> None:
    only = {"w1": [to_witness(themes=("process", "debate", "parties"))], "w2": [to_witness(ceiling="ong")]}
    (found,) = shortages(register_of(KEYS, LOG, mandates=only), 0)
    assert (found.left, found.logs) == (2, ("depv/international",))


def test_nothing_but_quorum_counts_cosignatures() -> None:
    """A checkpoint that counts without a look at the mandates would let a witness in whose time is over."""
    packages = (seinpost, seinpost_broker, seinpost_schemas)
    sources = [p for package in packages for p in Path(package.__path__[0]).rglob("*.py")]
    assert len(sources) > 100
    found = set()
    for source in sources:
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").endswith("cosignature"):
                found |= {
                    (source.name, a.name) for a in node.names if a.name in ("cosigned", "verify_quorum")
                }
    # Who signed two histories is guilty whatever it may; an export has no line that is nobody's.
    assert found == {
        ("quorum.py", "cosigned"),
        ("split_view.py", "cosigned"),
        ("_export_checkpoints.py", "cosigned"),
    }
