# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What Python seals now, the JavaScript implementation opens: live, not from stored vectors."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from seinpost.demo.incidents import load_publications
from seinpost.epochs import Recipient, make_epoch
from seinpost.kem import KemPrivateKey
from seinpost.sealing import open_envelope, seal_envelope
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.header import ZERO_16, ZERO_32, Header
from seinpost_schemas.kinds import Kind
from seinpost_schemas.sections import encode_signal
from seinpost_schemas.signing import SigningKey
from seinpost_schemas.uuid7 import make_id

pytestmark = pytest.mark.foreign
Node = Callable[..., subprocess.CompletedProcess[str]]


def sealed_vector(*, read_protected: bool) -> tuple[dict[str, object], list[list[str | None]]]:
    """Real incidents sealed with fresh keys, in the form of a vector, and the sections a reader must find."""
    sender, kem_seed = SigningKey(os.urandom(64)), os.urandom(96)
    reader = KemPrivateKey(kem_seed)
    enclave_id = os.urandom(16)
    place = Header(
        kind=Kind.SIGNALS,
        compartment=Compartment.parse("depv/debate"),
        enclave_id=enclave_id,
        sender_id=sender.public.sender_id,
        epoch_id=ZERO_16,
        seq=1,
        prev_hash=ZERO_32,
        directory_size=3,
        created_ms=1_795_000_000_000,
        count=0,
        batch_root=ZERO_32,
        body_len=0,
        body_hash=ZERO_32,
    )
    epoch, secrets = make_epoch(place, 1, {reader.key_id: Recipient(reader.public, read_protected)}, sender)
    publications, _ = load_publications(dt.datetime(2026, 11, 1, tzinfo=dt.UTC))
    signals = [encode_signal(p.signal, make_id(1, os.urandom(10))) for p in publications]
    place = msgspec.structs.replace(place, seq=2, prev_hash=epoch.object_hash)
    envelope = seal_envelope(signals, place, secrets, sender)
    assert len(open_envelope(envelope, sender.public, secrets).signals) == len(signals)
    expected = [
        [s.hex() if s is not None and (j < 3 or read_protected) else None for j, s in enumerate(e.sections)]
        for e in signals
    ]
    vector: dict[str, object] = {
        "name": "live",
        "enclave_id": enclave_id.hex(),
        "sender_public_key": sender.public.raw.hex(),
        "kem_seed": kem_seed.hex(),
        "read_protected": read_protected,
        "epoch_envelope": epoch.encode().hex(),
        "envelope": envelope.encode().hex(),
    }
    return vector, expected


def run_javascript(node: Node, vector: dict[str, object]) -> dict[str, Any]:
    done = node("verify.mjs", "--envelope", "-", stdin=json.dumps(vector))
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("read_protected", [True, False])
def test_javascript_opens_real_incidents_that_python_sealed(node: Node, read_protected: bool) -> None:
    vector, expected = sealed_vector(read_protected=read_protected)
    opened = run_javascript(node, vector)
    assert "error" not in opened, opened
    assert [s["sections"] for s in opened["signals"]] == expected


def test_javascript_refuses_a_changed_byte_of_what_python_sealed(node: Node) -> None:
    vector, _ = sealed_vector(read_protected=True)
    envelope = str(vector["envelope"])
    vector["envelope"] = envelope[:-2] + ("00" if envelope[-2:] != "00" else "01")
    assert run_javascript(node, vector)["error"] == "signature"
