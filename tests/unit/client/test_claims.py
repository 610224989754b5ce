# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A sender holds brokers to what they admitted: proofs that hold are kept, others are alarms, none is one too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from trial.witnessed import register_of

from seinpost._claims import Claims
from seinpost._sending_state import SendingState, Sent
from seinpost.delivery import Alarm
from seinpost_schemas.checkpoint import Checkpoint, LogKeys
from seinpost_schemas.cosignature import WitnessKeys
from seinpost_schemas.entry import Entry, to_base64
from seinpost_schemas.inclusion import Inclusion, Inclusions, decode_inclusions
from seinpost_schemas.limits import FRESH_MS
from seinpost_schemas.merkle import leaf_hash
from seinpost_schemas.merkle_tree import MerkleTree
from seinpost_schemas.note import Note, parse_note

ORIGIN = "proef/2026q4/depv/process"
LOG, OTHER_LOG = LogKeys(b"\x07" * 64), LogKeys(b"\x08" * 64)
KEYS = [WitnessKeys(f"proef/witness/w{n}", bytes([n]) * 64) for n in range(1, 5)]
T0 = 1_790_000_000
NOW_MS = T0 * 1000
INDEX = 3
HASH = b"\x0a" * 32
SIGNAL = bytes.fromhex("01931c3a5f0070008000000000000001")


def sent(**change: Any) -> Sent:
    fields: dict[str, Any] = {
        "object_hash": HASH,
        "compartment": "depv/process",
        "period": "2026q4",
        "index": INDEX,
        "admitted_ms": NOW_MS,
        "answered_ms": NOW_MS,
        "audience": "all",
        "directory_size": 9,
        "header": b"\x01" * 184,
        "signature_hash": b"\x02" * 32,
    }
    return Sent(**(fields | change))


def tree() -> MerkleTree:
    made = MerkleTree()
    entry = Entry(NOW_MS, 9, sent().header, sent().signature_hash)
    for index in range(7):
        made.append(leaf_hash(entry.encode() if index == INDEX else bytes([index])))
    return made


def answer(
    size: int = 7,
    keys: LogKeys = LOG,
    witnesses: list[WitnessKeys] = KEYS,
    origin: str = ORIGIN,
    **change: Any,
) -> Inclusions:
    checkpoint = Checkpoint(origin, size, tree().root(size))
    made = parse_note(keys.sign(checkpoint, T0))
    lines = [line for w in witnesses for line in w.cosign(checkpoint, T0)]
    fields: dict[str, Any] = {
        "object": HASH.hex(),
        "index": INDEX,
        "admitted_ms": NOW_MS,
        "directory_size": 9,
        "proof": tuple(to_base64(h) for h in tree().inclusion_proof(INDEX, size)),
    }
    outer = {k: change.pop(k) for k in ("period", "compartment") if k in change}
    return Inclusions(
        **{"sender": "0" * 32, "compartment": "depv/process", "period": "2026q4"} | outer,
        note=Note(made.text, (*made.signatures, *lines)).encode().decode(),
        items=(Inclusion(**(fields | change)),),
    )


class Scene:
    def __init__(self, path: Path) -> None:
        self.state = SendingState(path)
        self.alarms: list[Alarm] = []
        self.proven: list[bytes] = []
        register = register_of(KEYS, LOG)
        self.claims = Claims(self.state, lambda: register, self.alarms.append, self.proven.extend)
        self.state.reserve("depv/process", 10)
        self.state.store_sent(sent(), [(SIGNAL, NOW_MS + 5)])


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    made.state.close()


def test_a_proof_that_holds_is_kept_with_its_checkpoint(scene: Scene) -> None:
    given = answer()
    scene.claims.take(decode_inclusions(given.encode()))
    assert scene.alarms == []
    assert scene.proven == [HASH]
    proof = scene.state.proof(HASH)
    assert proof is not None
    proof.verify(_leaf(), 7, tree().root(7))
    assert proof.note == given.note.encode()
    found = scene.state.find_signal(SIGNAL)
    assert found is not None
    assert (found.proven, found.number, found.sent) == (True, 0, sent())


def _leaf() -> bytes:
    return leaf_hash(Entry(NOW_MS, 9, sent().header, sent().signature_hash).encode())


@pytest.mark.parametrize(
    ("lie", "code"),
    [
        (lambda: answer(keys=OTHER_LOG), "signature"),
        (lambda: answer(witnesses=KEYS[:2]), "quorum"),
        (lambda: answer(origin="proef/2026q4/depv/debate"), "binding"),
        (lambda: answer(index=2), "binding"),
        (lambda: answer(admitted_ms=NOW_MS + 1), "binding"),
        (lambda: answer(directory_size=8), "proof"),
        (lambda: answer(proof=()), "proof"),
        (lambda: answer(proof=(to_base64(bytes(32)),) * 3), "proof"),
        (lambda: answer(proof=("AAAA",)), "malformed"),
        (lambda: answer(period="2026q3"), "binding"),
        (lambda: answer(compartment="depv/nergens"), "malformed"),
    ],
)
def test_a_proof_that_does_not_hold_is_an_alarm_and_proves_nothing(scene: Scene, lie: Any, code: str) -> None:
    scene.claims.take(lie())
    assert [a.code for a in scene.alarms] == [code]
    assert scene.proven == []
    assert scene.state.proof(HASH) is None


def test_what_others_sent_and_what_is_proven_already_changes_nothing(scene: Scene) -> None:
    scene.claims.take(answer(object="ff" * 32))
    assert (scene.alarms, scene.proven) == ([], [])
    scene.claims.take(answer())
    scene.claims.take(answer())
    assert scene.proven == [HASH]


def test_no_proof_within_a_minute_is_an_alarm_once(scene: Scene) -> None:
    scene.claims.look_at_clock(NOW_MS + FRESH_MS)
    assert scene.alarms == []
    scene.claims.look_at_clock(NOW_MS + FRESH_MS + 1)
    assert [(a.code, a.compartment, a.index) for a in scene.alarms] == [("unproven", "depv/process", INDEX)]
    scene.claims.look_at_clock(NOW_MS + 2 * FRESH_MS)
    assert len(scene.alarms) == 1


def test_what_is_proven_is_never_late(scene: Scene) -> None:
    scene.claims.take(answer())
    scene.claims.look_at_clock(NOW_MS + 10 * FRESH_MS)
    assert scene.alarms == []


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", answer().encode()[:-1], b"[" * 100_000])
def test_anything_else_is_malformed(data: bytes) -> None:
    from seinpost_schemas.errors import MalformedError

    with pytest.raises(MalformedError):
        decode_inclusions(data)


def test_an_unknown_field_is_malformed() -> None:
    from seinpost_schemas.errors import MalformedError

    table = msgspec.to_builtins(answer()) | {"extra": 1}
    with pytest.raises(MalformedError):
        decode_inclusions(msgspec.json.encode(table))
