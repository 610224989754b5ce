# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Every published vector through the entry points of this implementation.

The vectors come from a second implementation (``reference.py``), so a success here says that two
implementations agree, and a refusal that it is the intended check that refuses.
"""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from seinpost.epochs import EpochSecrets, open_epoch
from seinpost.kem import KemPrivateKey
from seinpost.sealing import open_envelope
from seinpost_schemas.batch import OpenedBatch
from seinpost_schemas.clear_bodies import decode_end_of_epoch, decode_recall, decode_receipt, decode_share
from seinpost_schemas.envelope import Envelope, decode_envelope, verify_envelope
from seinpost_schemas.epoch_body import decode_epoch_body
from seinpost_schemas.errors import BindingError, InvalidError, UpdateNeededError
from seinpost_schemas.header import batch_context, decode_header, object_hash, verify_enclave
from seinpost_schemas.kinds import SEALED, Kind
from seinpost_schemas.sections import decode_act, decode_signal, is_act
from seinpost_schemas.signing import VerifyingKey
from seinpost_schemas.statements import is_prekey, verify_own_revocation, verify_prekey
from seinpost_schemas.uuid7 import format_id

Vector = dict[str, Any]
CATEGORIES = {
    "success", "malformed", "too-large", "signature", "binding", "bad-slot", "commitment", "decryption", "root",
    "update-needed",
}  # fmt: skip
"""Specification, section 11."""
U64_FIELDS = {
    "seq", "directory_size", "created_ms", "last_seq", "tree_size", "first_leaf", "last_leaf", "leaf_index",
}  # fmt: skip


@functools.cache
def load(name: str) -> list[Vector]:
    return json.loads(files("seinpost_schemas").joinpath("vectors", name).read_bytes())["vectors"]


def each(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vector", [pytest.param(v, id=v["name"]) for v in load(name)])


def outcome(error: InvalidError | UpdateNeededError | None) -> str:
    if error is None:
        return "success"
    return "update-needed" if isinstance(error, UpdateNeededError) else error.code


def verified(data: bytes, key: VerifyingKey, enclave_id: bytes) -> Envelope:
    envelope = verify_envelope(decode_envelope(data), key)
    if envelope.header.sender_id != key.sender_id:
        raise BindingError("another sender")
    verify_enclave(envelope.header, enclave_id)
    return envelope


def run_opening(vector: Vector) -> tuple[EpochSecrets, OpenedBatch]:
    """The procedure of vectors/README.md."""
    key = VerifyingKey(bytes.fromhex(vector["sender_public_key"]))
    enclave_id = bytes.fromhex(vector["enclave_id"])
    epoch = verified(bytes.fromhex(vector["epoch_envelope"]), key, enclave_id)
    if epoch.header.kind != Kind.EPOCH:
        raise BindingError("not an epoch")
    reader = KemPrivateKey(bytes.fromhex(vector["kem_seed"]))
    secrets = open_epoch(epoch, reader, read_protected=vector["read_protected"])
    assert secrets is not None, "every vector's reader has a slot"

    envelope = verified(bytes.fromhex(vector["envelope"]), key, enclave_id)
    kind = envelope.header.kind
    if kind > max(Kind):
        raise UpdateNeededError("a newer kind")
    if kind in SEALED and envelope.header.compartment != epoch.header.compartment:
        raise BindingError("another compartment than the epoch's")
    opened = open_envelope(envelope, key, secrets)
    for signal in opened.signals:
        decode_act(signal) if is_act(kind) else decode_signal(signal)
    return secrets, opened


@each("opening.json")
def test_opening(vector: Vector) -> None:
    try:
        secrets, opened = run_opening(vector)
    except (InvalidError, UpdateNeededError) as refused:
        error: InvalidError | UpdateNeededError | None = refused
    else:
        error = None
    assert outcome(error) == vector["expect"], str(error)
    if error is not None:
        return
    assert secrets.epoch_id.hex() == vector["epoch_id"]
    assert secrets.secret.hex() == vector["secret"]
    assert (secrets.protected.hex() if secrets.protected else None) == vector["protected_secret"]
    shown = [
        {"id": format_id(s.id), "sections": [None if b is None else b.hex() for b in s.sections]}
        for s in opened.signals
    ]
    assert shown == vector["signals"]
    assert [leaf.hex() for leaf in opened.leaves] == vector["leaves"]


@each("headers.json")
def test_header(vector: Vector) -> None:
    data = bytes.fromhex(vector["header"])
    try:
        header = decode_header(data)
    except InvalidError as refused:
        error: InvalidError | UpdateNeededError | None = refused
    else:
        error = None
    assert outcome(error) == vector["expect"], str(error)
    if error is not None:
        return
    assert header.encode() == data
    shown = {
        "kind": header.kind,
        "classification": header.compartment.classification.code,
        "theme": header.compartment.theme.code,
        "enclave_id": header.enclave_id.hex(),
        "sender_id": header.sender_id.hex(),
        "epoch_id": header.epoch_id.hex(),
        "seq": str(header.seq),
        "prev_hash": header.prev_hash.hex(),
        "directory_size": str(header.directory_size),
        "created_ms": str(header.created_ms),
        "count": header.count,
        "batch_root": header.batch_root.hex(),
        "body_len": header.body_len,
        "body_hash": header.body_hash.hex(),
        "object_hash": object_hash(data).hex(),
    }
    if header.kind in SEALED:
        shown["batch_context"] = batch_context(data).hex()
    assert shown == vector["fields"]


DECODERS = {
    Kind.EPOCH: decode_epoch_body,
    Kind.END_OF_EPOCH: decode_end_of_epoch,
    Kind.RECEIPT: decode_receipt,
    Kind.RECALL: decode_recall,
    Kind.SHARE: decode_share,
}


def show(value: Any, name: str = "") -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        return [show(item) for item in value]
    if isinstance(value, int):
        return str(value) if name in U64_FIELDS else int(value)
    if isinstance(value, str):
        return value
    return {field: show(getattr(value, field), field) for field in value.__struct_fields__}


@each("bodies.json")
def test_body(vector: Vector) -> None:
    data = bytes.fromhex(vector["body"])
    try:
        body = DECODERS[vector["kind"]](data)
    except InvalidError as refused:
        error: InvalidError | UpdateNeededError | None = refused
    else:
        error = None
    assert outcome(error) == vector["expect"], str(error)
    if error is not None:
        return
    assert body.encode() == data
    assert show(body) == vector["fields"]


def run_statement(vector: Vector) -> Vector:
    data, enclave_id = bytes.fromhex(vector["statement"]), bytes.fromhex(vector["enclave_id"])
    key = VerifyingKey(bytes.fromhex(vector["sender_public_key"]))
    if is_prekey(data):
        prekey = verify_prekey(data, enclave_id, key)
        return {"type": 3, "number": str(prekey.number), "kem_key_id": prekey.kem_key_id.hex()}
    end = verify_own_revocation(data, enclave_id, key)
    return {"type": 4, "suspect_from_ms": str(end.suspect_from_ms)}


@each("statements.json")
def test_statement(vector: Vector) -> None:
    shown: Vector | None = None
    try:
        shown = run_statement(vector)
    except InvalidError as refused:
        error: InvalidError | UpdateNeededError | None = refused
    else:
        error = None
    assert outcome(error) == vector["expect"], str(error)
    assert shown == vector.get("fields")


FILES = ["opening.json", "headers.json", "bodies.json", "statements.json"]


@pytest.mark.parametrize("name", FILES)
def test_a_file_has_vectors_and_each_its_own_name(name: str) -> None:
    names = [v["name"] for v in load(name)]
    assert len(names) >= 30
    assert len(set(names)) == len(names)


def test_every_category_occurs() -> None:
    found = {v["expect"] for name in FILES for v in load(name)}
    assert found == CATEGORIES
    assert {v["expect"] for v in load("opening.json")} == CATEGORIES


def test_the_files_are_what_the_generator_writes() -> None:
    generator = Path(__file__).with_name("generate.py")
    result = subprocess.run(
        [sys.executable, generator, "--check"], capture_output=True, text=True, timeout=170
    )
    assert result.returncode == 0, result.stderr
