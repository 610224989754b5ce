# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What a partner reads out covers everything in its request."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.memory import ISSUED, Keys, keys_of

from seinpost.cli.register_edit import Joining, run_add
from seinpost_broker.core import founding
from seinpost_schemas.entry import to_base64
from seinpost_schemas.errors import MalformedError, SetupError
from seinpost_schemas.note import composite_type_and_key, format_vkey
from seinpost_schemas.request import KeyRequest, decode_request

JOINING = Joining("00000099000000099000", "RvIG", "RvIG", "ong")


def made(**fields: Any) -> dict[str, Any]:
    keys = Keys("rvig-1")
    return {
        "party": "rvig",
        "name": "rvig-1",
        "keys": to_base64(keys.keys.encode()),
        "nats": keys.nats,
        "oin": JOINING.oin,
        "machine": "loket Den Haag",
        "witness": {"ed25519": to_base64(bytes(32)), "mldsa44": to_base64(bytes(1312))},
        "certificate": f"SERIALNUMBER={JOINING.oin},CN=rvig-1,O=RvIG,C=NL",
        "certificate_keys": ["ab" * 32],
    } | fields


def changes() -> Iterator[tuple[str, Any]]:
    other = Keys("another")
    witness = made()["witness"]
    yield "party", "ncsc"
    yield "name", "rvig-2"
    yield "keys", to_base64(other.keys.encode())
    yield "keys", to_base64(Keys("rvig-1").keys.encode()[:2000] + other.keys.encode()[2000:])
    yield "nats", other.nats
    yield "oin", "00000099000000098000"
    yield "oin", None
    yield "machine", "loket Rotterdam"
    yield "machine", None
    yield "witness", witness | {"ed25519": to_base64(b"\1" * 32)}
    yield "witness", witness | {"mldsa44": to_base64(b"\1" * 1312)}
    yield "witness", None
    yield "certificate", f"SERIALNUMBER={JOINING.oin},CN=rvig-2,O=RvIG,C=NL"
    yield "certificate", None
    yield "certificate_keys", ["cd" * 32]
    yield "certificate_keys", None
    yield "statement", "e30.e30.BB"
    yield "succeeds", {"keys": made()["keys"], "signature": to_base64(bytes(3373))}


CHANGES = [pytest.param(f, v, id=f"{f}-{n}") for n, (f, v) in enumerate(changes())]


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    keys = founding.FoundingKeys(
        registrars=[format_vkey("r-1", composite_type_and_key(keys_of("r-1").signing.public.raw))],
        threshold=1,
        log_ed25519=bytes(32),
        log_mldsa44=bytes(1312),
        brokers={"broker-1": keys_of("broker").nats},
    )
    path = tmp_path / "r.toml"
    path.write_text(founding.founding_text("proef", ISSUED, [], keys))
    return path


def handed_in(draft: Path, fields: dict[str, Any]) -> Path:
    path = draft.with_name("request.json")
    path.write_text(json.dumps({k: v for k, v in fields.items() if v is not None}))
    return path


def test_every_field_can_be_swapped_by_whoever_carries_a_request() -> None:
    assert {p.values[0] for p in CHANGES} == set(KeyRequest.__struct_fields__)


@pytest.mark.parametrize(("field", "value"), CHANGES)
def test_a_request_with_any_one_field_changed_is_not_taken_in(draft: Path, field: str, value: object) -> None:
    honest = decode_request(handed_in(draft, made()).read_bytes()).fingerprint()
    swapped = handed_in(draft, made(**{field: value}))
    # What the swapped request itself says does not stop it: its OIN and party are given to match.
    oin, known = (value, False) if field == "oin" and value else (JOINING.oin, field == "party")
    joining = Joining(None, None, None, "ong") if known else Joining(str(oin), "RvIG", "RvIG", "ong")
    before = draft.read_bytes()
    # A party in the register is asked for its OIN first, and one that joins must name its own.
    said = {
        "party": "the register has",
        "oin": "not that of this|names no OIN",
        "statement": "the CAs that you trust",
        "succeeds": "a witness has no signing key",
    }.get(field, "not that of this")
    with pytest.raises(SetupError, match=said):
        run_add(swapped, draft, honest.hex(), joining, None, endorsed=False, as_json=True)
    assert draft.read_bytes() == before
    assert decode_request(swapped.read_bytes()).fingerprint() != honest


def test_an_honest_request_is_taken_in(draft: Path) -> None:
    """The control of the test above: only what was changed stops it."""
    request = handed_in(draft, made())
    fingerprint = decode_request(request.read_bytes()).fingerprint()
    assert run_add(request, draft, fingerprint.hex(), JOINING, None, endorsed=False, as_json=True) == 0
    assert "rvig-1" in draft.read_text()


def test_the_fingerprint_is_that_of_the_specification() -> None:
    """MessagePack by hand: a map of seven short texts but two, and one map of two texts."""

    def text(value: str) -> bytes:
        data = value.encode()
        if len(data) < 32:
            return bytes([0xA0 | len(data)]) + data
        if len(data) < 256:
            return b"\xd9" + bytes([len(data)]) + data
        return b"\xda" + len(data).to_bytes(2, "big") + data

    fields = made(statement="e30.e30.AA", succeeds={"keys": "AAAA", "signature": "BBBB"})
    ed25519, mldsa44 = fields["witness"].values()
    packed = b"\x8b"
    for key in ("party", "name", "keys", "nats", "oin", "machine"):
        packed += text(key) + text(fields[key])
    packed += text("witness") + b"\x82" + text("ed25519") + text(ed25519) + text("mldsa44") + text(mldsa44)
    packed += text("certificate") + text(fields["certificate"])
    packed += text("certificate_keys") + b"\x91" + text(fields["certificate_keys"][0])
    packed += text("statement") + text(fields["statement"])
    packed += text("succeeds") + b"\x82" + text("keys") + text("AAAA") + text("signature") + text("BBBB")
    request = decode_request(json.dumps(fields).encode())
    assert request.fingerprint() == hashlib.sha256(b"seinpost/request/v1" + packed).digest()
    assert decode_request(json.dumps(fields, indent=4).encode()).fingerprint() == request.fingerprint()
    short = b"\x84" + b"".join(text(k) + text(fields[k]) for k in ("party", "name", "keys", "nats"))
    bare = {k: fields[k] for k in ("party", "name", "keys", "nats")}
    assert (
        decode_request(json.dumps(bare).encode()).fingerprint()
        == hashlib.sha256(b"seinpost/request/v1" + short).digest()
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"oin": "12345678000000099000"},
        {"oin": "0000009900000009900"},
        {"machine": "x" * 101},
        {"more": "x"},
        {"witness": {"ed25519": to_base64(bytes(31)), "mldsa44": to_base64(bytes(1312))}},
        {"witness": {"ed25519": to_base64(bytes(32)), "mldsa44": to_base64(bytes(1311))}},
        {"witness": made()["witness"] | {"more": "x"}},
    ],
)
def test_a_request_with_anything_else_in_it_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        decode_request(json.dumps(made(**fields)).encode())
