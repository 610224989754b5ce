# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A proof of one signal, made live and checked with nothing but the file; and every way to change it."""

from __future__ import annotations

import asyncio
import base64
import copy
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from harness.enclave import make_enclave, run
from harness.proofs import PARTIES, SECRET, Made

import seinpost
from seinpost._audit import AuditState
from seinpost._reading_state import ReadingState
from seinpost_schemas.errors import InvalidError, MalformedError, RefusedError, SeinpostError
from seinpost_schemas.signal_proof import SignalProof, decode_signal_proof, verify_signal_proof

pytestmark = pytest.mark.nats


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    enclave = make_enclave(tmp_path_factory.mktemp("proof") / "e", *PARTIES, witnesses=True)
    enclave.start(witnesses=True)
    yield Made(enclave, tmp_path_factory.mktemp("files"))
    enclave.stop()


@pytest.fixture(scope="module")
def proof(made: Made) -> SignalProof:
    return decode_signal_proof(made.prove(2).read_bytes())


def test_a_proof_holds_and_says_what_it_proves(made: Made) -> None:
    file = made.prove(1)
    assert file.stat().st_mode & 0o077 == 0
    done = run("proof", "verify", file, "--enclave", made.enclave_id.hex(), "--json")
    assert done.status == 0, done
    row = done.rows[0]
    assert (row["verdict"], row["signal"], row["party"]) == ("holds", made.ids[1], "ncsc")
    assert row["compartment"] == "depv/process"
    # Whoever answers a moment after the quorum is in the next checkpoint.
    assert len(row["witnesses"]) in (3, 4)
    assert row["sections"]["report"]["title"] == "Signaal 1"
    assert row["sections"]["indicators"]["indicators"][0]["value"] == "n1.example"
    assert "protected" not in row["sections"]
    shown = run("proof", "verify", file)
    assert "signed by    ncsc (ncsc-1)" in shown.stdout
    assert "compare it with the one that is published" in shown.stdout


def test_withheld_sections_stay_hidden_and_their_number_too(made: Made) -> None:
    data = json.loads(made.prove(0, "--sections", "handling").read_bytes())
    other = json.loads(made.prove(5, "--sections", "handling").read_bytes())
    shape = [sorted(s) for s in data["signal"]["sections"]]
    assert shape == [["data", "salt"], ["digest"], ["digest"], ["digest"]]
    # The last signal has no indicators and no source: its proof looks the same.
    assert [sorted(s) for s in other["signal"]["sections"]] == shape
    text = json.dumps(data)
    for hidden in (SECRET, "Signaal 0", "n0.example"):
        assert hidden not in text
        assert base64.b64encode(hidden.encode()).decode()[:-4] not in text


def test_the_protected_section_is_disclosed_only_when_named(made: Made) -> None:
    done = run("proof", "verify", made.prove(3, "--sections", "protected"), "--config", made.config, "--json")
    assert done.rows[0]["sections"] == {"protected": {"source_description": SECRET}}


def test_what_cannot_be_proven_is_said(made: Made, tmp_path: Path) -> None:
    target = tmp_path / "p.json"
    common = ("--config", made.config, "--out", target)
    done = run("proof", made.ids[5], *common, "--sections", "protected")
    assert (done.status, target.exists()) == (1, False)
    assert "no section protected" in done.error
    done = run("proof", made.ids[5], *common, "--sections", "titel")
    assert "choose from handling" in done.error
    done = run("proof", "01931c3a-5f00-7000-8000-000000000001", *common)
    assert "was read with this identity" in done.error
    target.write_text("mine")
    done = run("proof", made.ids[5], *common)
    assert (done.status, target.read_text()) == (4, "mine")


async def test_a_pending_signal_is_not_proven(made: Made, tmp_path: Path) -> None:
    """Below its index only: what a quorum has not seen is no proof of anything."""
    async with seinpost.connect(made.config) as table:
        proof = await table.prove(made.ids[0])
        nothing = msgspec.msgpack.encode(AuditState(0, 0, 0, b""))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ReadingState, "load_audit", lambda *_: nothing)
            with pytest.raises(SeinpostError, match="pending"):
                await table.prove(made.ids[0])
    assert isinstance(proof, SignalProof)


def changes() -> list[tuple[str, Callable[[dict[str, Any]], None]]]:
    """Every field of a proof, changed by name."""

    def flip(text: str) -> str:
        raw = bytearray(base64.b64decode(text))
        raw[random.Random(text).randrange(len(raw))] ^= 1
        return base64.b64encode(raw).decode()

    def at(*path: Any) -> Callable[[dict[str, Any]], None]:
        def change(table: dict[str, Any]) -> None:
            place = table
            for step in path[:-1]:
                place = place[step]
            value = place[path[-1]]
            place[path[-1]] = value + 1 if isinstance(value, int) else flip(value)

        return change

    def swap_sections(table: dict[str, Any]) -> None:
        parts = table["signal"]["sections"]
        parts[1], parts[2] = parts[2], parts[1]

    def other_enclave(table: dict[str, Any]) -> None:
        table["enclave"] = "ff" * 16

    def other_id(table: dict[str, Any]) -> None:
        table["signal"]["id"] = "01931c3a-5f00-7000-8000-000000000001"

    def other_period(table: dict[str, Any]) -> None:
        table["log"]["period"] = "2020q1"

    def without_witnesses(part: str, key: str) -> Callable[[dict[str, Any]], None]:
        def change(table: dict[str, Any]) -> None:
            lines = table[part][key].splitlines(keepends=True)
            kept = [x for x in lines if "/witness/" not in x]
            table[part][key] = "".join(kept)

        return change

    def shorter_directory(table: dict[str, Any]) -> None:
        table["directory"]["entries"].pop()

    def drop_path(table: dict[str, Any]) -> None:
        table["batch"]["path"].pop()

    return [
        ("header", at("log", "header")),
        ("signature", at("log", "signature")),
        ("admitted", at("log", "admitted_ms")),
        ("directory size", at("log", "directory_size")),
        ("period", other_period),
        ("number", at("batch", "number")),
        ("path", at("batch", "path", 0)),
        ("path length", drop_path),
        ("salt", at("signal", "sections", 1, "salt")),
        ("data", at("signal", "sections", 1, "data")),
        ("digest", at("signal", "sections", 3, "digest")),
        ("swapped sections", swap_sections),
        ("id", other_id),
        ("enclave", other_enclave),
        ("directory entry", at("directory", "entries", 0, "entry")),
        ("directory object", at("directory", "entries", 0, "object")),
        ("directory length", shorter_directory),
        ("log witnesses", without_witnesses("log", "proof")),
        ("directory witnesses", without_witnesses("directory", "note")),
    ]


@pytest.mark.parametrize(("what", "change"), changes(), ids=[name for name, _ in changes()])
def test_every_part_of_a_proof_carries_weight(
    proof: SignalProof, what: str, change: Callable[[dict[str, Any]], None]
) -> None:
    table = json.loads(proof.encode())
    verify_signal_proof(decode_signal_proof(json.dumps(table).encode()))
    changed = copy.deepcopy(table)
    change(changed)
    assert changed != table, what
    with pytest.raises((InvalidError, RefusedError)):
        verify_signal_proof(decode_signal_proof(json.dumps(changed).encode()))


def test_a_flipped_byte_anywhere_is_noticed(made: Made, tmp_path: Path) -> None:
    """In the whole file but its white space: a sample of positions, and none that passes unnoticed."""
    data = made.prove(4).read_bytes()
    draw = random.Random(7)
    before = verify_signal_proof(decode_signal_proof(data))
    for _ in range(150):
        place = draw.randrange(len(data))
        changed = bytearray(data)
        changed[place] ^= 1 << draw.randrange(7)
        try:
            after = verify_signal_proof(decode_signal_proof(bytes(changed)))
        except (InvalidError, RefusedError):
            continue
        # Only what says nothing may change: white space, or a cosignature beyond the quorum's.
        assert (after.sections, after.party, after.index) == (before.sections, before.party, before.index)


def test_a_proof_of_another_enclave_is_refused(made: Made, proof: SignalProof) -> None:
    with pytest.raises(InvalidError, match="another enclave"):
        verify_signal_proof(proof, bytes(16))
    assert verify_signal_proof(proof, made.enclave_id).enclave_id == made.enclave_id


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff\xfe", b"null", b"[" * 200_000, b'{"format":"x"}'])
def test_anything_else_is_no_proof(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(MalformedError):
        decode_signal_proof(data)
    file = tmp_path / "x.json"
    file.write_bytes(data)
    done = run("proof", "verify", file)
    assert done.status == 1
    assert "the proof does not hold" in done.error


async def test_a_proof_can_be_made_while_the_same_identity_watches(made: Made) -> None:
    async with seinpost.connect(made.config) as table:
        deliveries = table.signals(from_start=True)
        first = await anext(deliveries)
        assert first.signal.id is not None
        target = made.folder / "while-watching.json"
        done = await asyncio.to_thread(
            run, "proof", first.signal.id, "--config", made.config, "--out", target
        )
        assert done.status == 0, done
        rest = [await anext(deliveries) for _ in range(5)]
        await deliveries.aclose()
        assert len({d.signal.id for d in [first, *rest]}) == 6
        assert table.alarms == []
