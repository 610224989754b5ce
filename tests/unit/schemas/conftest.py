# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A small enclave to test with, and the C2SP vectors."""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import mlkem, x25519

from seinpost_schemas.checkpoint import LogKeys
from seinpost_schemas.compartment import Classification, Compartment, Theme
from seinpost_schemas.entry import to_base64
from seinpost_schemas.header import Header
from seinpost_schemas.keys import KeyObject
from seinpost_schemas.kinds import Kind
from seinpost_schemas.note import Note, composite_type_and_key, format_vkey, sign_note_composite
from seinpost_schemas.signing import SigningKey

# importlib mode puts no test directory on the path.
sys.path.append(str(Path(__file__).parents[1] / "client"))

TEXT = """\
enclave = "test"
version = {version}
issued = 2026-01-01T00:00:00Z
expires = 2027-01-01T00:00:00Z
ceiling = "depv"
schema = 1
quorum = 0

[periods]
current = "2026q4"
next = "2027q1"

[registrars]
threshold = {threshold}
keys = [{keys}]

[log]
ed25519 = "{ed25519}"
mldsa44 = "{mldsa44}"

[[brokers]]
name = "broker-1"
nats = "{broker_nats}"

[[audiences]]
name = "all"
code = 1
members = "readers"

[[audiences]]
name = "tafel"
code = 2
members = ["tafel"]
sender = true

[[audiences]]
name = "own"
code = 3
members = []
sender = true

[[parties]]
token = "ncsc"
oin = "00000099000000001000"
name_nl = "Nationaal Cyber Security Centrum"
name_en = "National Cyber Security Centre"
clearance = "depv"

[[parties.identities]]
name = "ncsc-desk"
sender_id = "{ncsc_sender}"
keys = "{ncsc_keys}"
nats = "{ncsc_nats}"

[[parties.mandates]]
themes = ["process"]
actions = ["publish", "read"]
basis = "default"
status = "default"
ceiling = "depv"
from = 2026-02-01T00:00:00Z
until = 2026-12-01T00:00:00Z

[[parties]]
token = "tafel"
oin = "00000099000000002000"
name_nl = "Verkiezingstafel"
name_en = "Election table"
clearance = "depv"

[[parties.identities]]
name = "tafel-desk"
sender_id = "{tafel_sender}"
keys = "{tafel_keys}"
nats = "{tafel_nats}"

[[parties.mandates]]
themes = ["all"]
actions = ["read", "read-protected"]
basis = "default"
status = "note"
ceiling = "depv"

[[prohibitions]]
party = "ncsc"
action = "publish"
signal_types = ["assessment"]
basis = "Kamerstuk 36 552"
status = "note"
"""


def kem_public(n: int) -> bytes:
    """An HPKE public key from a number."""
    seed = bytes([n]) * 64
    x25519_key = x25519.X25519PrivateKey.from_private_bytes(seed[:32])
    mlkem_key = mlkem.MLKEM768PrivateKey.from_seed_bytes(seed)
    return mlkem_key.public_key().public_bytes_raw() + x25519_key.public_key().public_bytes_raw()


class Enclave:
    """Keys and texts of a register with two parties and three registrars."""

    def __init__(self) -> None:
        self.registrars = [SigningKey(bytes([n]) * 64) for n in (1, 2, 3)]
        self.names = ["registrar-1", "registrar-2", "registrar-3"]
        self.log = LogKeys(bytes([4]) * 64)
        self.signing = {party: SigningKey(bytes([n]) * 64) for party, n in (("ncsc", 5), ("tafel", 6))}
        self.keys = {
            party: KeyObject(key.public.raw, kem_public(n))
            for n, (party, key) in enumerate(self.signing.items())
        }

    def vkeys(self, *which: int) -> list[str]:
        return [
            format_vkey(self.names[i], composite_type_and_key(self.registrars[i].public.raw)) for i in which
        ]

    def text(self, version: int = 1, threshold: int = 2, registrars: tuple[int, ...] = (0, 1, 2)) -> str:
        fields: dict[str, Any] = {
            "version": version,
            "threshold": threshold,
            "keys": ", ".join(f'"{k}"' for k in self.vkeys(*registrars)),
            "ed25519": to_base64(self.log.public.ed25519),
            "mldsa44": to_base64(self.log.public.mldsa44),
            "broker_nats": "U" + "A" * 55,
            "ncsc_nats": "U" + "B" * 55,
            "tafel_nats": "U" + "C" * 55,
        }
        for party, keys in self.keys.items():
            fields[f"{party}_sender"] = keys.sender_id.hex()
            fields[f"{party}_keys"] = keys.keys_hash().hex()
        return TEXT.format(**fields)

    def sign(self, text: str, *which: int) -> bytes:
        lines = tuple(sign_note_composite(text, self.names[i], self.registrars[i]) for i in which)
        return Note(text, lines).encode()

    def note(self, text: str) -> Note:
        return Note(text, ())


@pytest.fixture(scope="session")
def enclave() -> Enclave:
    return Enclave()


@pytest.fixture(scope="session")
def tlog() -> dict[str, Any]:
    """C2SP vectors: a log of 300 records, its keys, checkpoint and cosignatures."""
    vectors: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "tlog.json").read_text("utf-8"))
    assert len(vectors) > 10
    return vectors


@pytest.fixture(scope="session")
def at_ms() -> int:
    """A time at which every mandate of the test register holds."""
    return int(dt.datetime(2026, 6, 1, tzinfo=dt.UTC).timestamp() * 1000)


@pytest.fixture(scope="session")
def header() -> Header:
    """A header of kind 2 that decodes."""
    return Header(
        kind=Kind.SIGNALS,
        compartment=Compartment(Classification.DEPV, Theme.PROCESS),
        enclave_id=b"E" * 16,
        sender_id=b"S" * 16,
        epoch_id=b"I" * 16,
        seq=7,
        prev_hash=b"p" * 32,
        directory_size=12,
        created_ms=1_790_000_000_000,
        count=3,
        batch_root=b"r" * 32,
        body_len=400,
        body_hash=b"b" * 32,
    )
