# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Checkpoints against C2SP's vectors, and the two lines that our verifier demands."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import mldsa

from seinpost_schemas.checkpoint import (
    Checkpoint,
    LogKeys,
    cosignature_message,
    parse_checkpoint,
    verify_checkpoint,
)
from seinpost_schemas.errors import BindingError, MalformedError, SignatureError
from seinpost_schemas.note import COSIGNATURE_MLDSA44_TYPE, Note, NoteSignature, find_line, parse_note

KEYS, OTHERS = LogKeys(bytes(range(64))), LogKeys(bytes(range(1, 65)))
CHECKPOINT = Checkpoint("test/2026q4/depv/process", 12, b"\7" * 32)
TIMESTAMP = 1_790_000_000


def lines(checkpoint: Checkpoint, keys: LogKeys, timestamp: int = TIMESTAMP) -> tuple[NoteSignature, ...]:
    return parse_note(keys.sign(checkpoint, timestamp)).signatures


def test_text_and_root_are_those_of_the_vectors(tlog: dict[str, Any]) -> None:
    note = parse_note(tlog["checkpoint_300"].encode())
    checkpoint = parse_checkpoint(note)
    assert checkpoint == Checkpoint(tlog["origin"], 300, base64.b64decode(tlog["roots"]["300"]))
    assert checkpoint.text() == note.text


def test_the_cosigned_message_is_that_of_the_vectors(tlog: dict[str, Any]) -> None:
    checkpoint = parse_checkpoint(parse_note(tlog["checkpoint_300"].encode()))
    line = parse_note(f"x\n\n{tlog['mldsa44_sig_line']}\n".encode()).signatures[0]
    timestamp = int.from_bytes(line.signature[:8])
    message = cosignature_message("witness.example/w1", timestamp, checkpoint)
    assert message.hex() == tlog["mldsa44_message_hex"]
    assert hashlib.sha256(message).hexdigest() == tlog["mldsa44_message_sha256"]


def test_the_ml_dsa_44_line_of_the_vectors_verifies(tlog: dict[str, Any]) -> None:
    checkpoint = parse_checkpoint(parse_note(tlog["checkpoint_300"].encode()))
    note = parse_note(f"{checkpoint.text()}\n{tlog['mldsa44_sig_line']}\n".encode())
    public = base64.b64decode(tlog["mldsa44_pk"])
    line = find_line(note, "witness.example/w1", COSIGNATURE_MLDSA44_TYPE + public)
    assert len(line.signature) == 8 + 2_420
    message = cosignature_message(line.name, int.from_bytes(line.signature[:8]), checkpoint)
    mldsa.MLDSA44PublicKey.from_public_bytes(public).verify(line.signature[8:], message)


def test_log_keys_are_made_from_the_vectors_seeds(tlog: dict[str, Any]) -> None:
    keys = LogKeys(bytes.fromhex(tlog["ed25519_seed"]) + bytes.fromhex(tlog["mldsa44_seed"]))
    assert keys.public.mldsa44 == base64.b64decode(tlog["mldsa44_pk"])
    checkpoint = parse_checkpoint(parse_note(tlog["checkpoint_300"].encode()))
    signed = parse_note(keys.sign(checkpoint, TIMESTAMP))
    assert signed.signatures[0] == parse_note(tlog["checkpoint_300"].encode()).signatures[0]


def test_a_signed_checkpoint_verifies_with_its_time() -> None:
    assert verify_checkpoint(KEYS.sign(CHECKPOINT, TIMESTAMP), CHECKPOINT.origin, KEYS.public) == (
        CHECKPOINT,
        TIMESTAMP,
    )


@pytest.mark.parametrize("kept", [0, 1], ids=["Ed25519 alone", "ML-DSA-44 alone"])
def test_both_lines_are_demanded(kept: int) -> None:
    note = Note(CHECKPOINT.text(), (lines(CHECKPOINT, KEYS)[kept],))
    with pytest.raises(SignatureError, match="carries no signature"):
        verify_checkpoint(note.encode(), CHECKPOINT.origin, KEYS.public)


@pytest.mark.parametrize("foreign", [0, 1], ids=["Ed25519", "ML-DSA-44"])
def test_a_line_of_another_checkpoint_is_refused(foreign: int) -> None:
    for other in (
        msgspec.structs.replace(CHECKPOINT, tree_size=13),
        msgspec.structs.replace(CHECKPOINT, root_hash=b"\x08" * 32),
    ):
        mixed = list(lines(CHECKPOINT, KEYS))
        mixed[foreign] = lines(other, KEYS)[foreign]
        with pytest.raises(SignatureError, match="does not verify"):
            verify_checkpoint(Note(CHECKPOINT.text(), tuple(mixed)).encode(), CHECKPOINT.origin, KEYS.public)


def test_the_time_of_a_cosignature_is_signed() -> None:
    ed25519_line, mldsa_line = lines(CHECKPOINT, KEYS)
    later = (TIMESTAMP + 1).to_bytes(8) + mldsa_line.signature[8:]
    note = Note(CHECKPOINT.text(), (ed25519_line, msgspec.structs.replace(mldsa_line, signature=later)))
    with pytest.raises(SignatureError):
        verify_checkpoint(note.encode(), CHECKPOINT.origin, KEYS.public)


def test_another_logs_checkpoint_is_refused() -> None:
    with pytest.raises(BindingError):
        verify_checkpoint(KEYS.sign(CHECKPOINT, TIMESTAMP), "test/2026q4/ong/process", KEYS.public)
    with pytest.raises(SignatureError):
        verify_checkpoint(OTHERS.sign(CHECKPOINT, TIMESTAMP), CHECKPOINT.origin, KEYS.public)


def test_further_lines_are_ignored() -> None:
    note = Note(CHECKPOINT.text(), (*lines(CHECKPOINT, OTHERS), *lines(CHECKPOINT, KEYS)))
    verify_checkpoint(note.encode(), CHECKPOINT.origin, KEYS.public)


def test_a_cut_cosignature_is_malformed() -> None:
    ed25519_line, mldsa_line = lines(CHECKPOINT, KEYS)
    cut = msgspec.structs.replace(mldsa_line, signature=mldsa_line.signature[:-1])
    with pytest.raises(MalformedError):
        verify_checkpoint(
            Note(CHECKPOINT.text(), (ed25519_line, cut)).encode(), CHECKPOINT.origin, KEYS.public
        )


@pytest.mark.parametrize("timestamp", [0, -1, 1 << 63])
def test_a_time_out_of_range_is_malformed(timestamp: int) -> None:
    with pytest.raises(MalformedError):
        KEYS.sign(CHECKPOINT, timestamp)


def test_a_name_over_255_bytes_is_malformed() -> None:
    for name, origin in (("n" * 256, "o"), ("n", "o" * 256)):
        with pytest.raises(MalformedError):
            cosignature_message(name, 1, msgspec.structs.replace(CHECKPOINT, origin=origin))


BAD_TEXTS = {
    "a negative size": "o\n-5\n{root}\n",
    "a size with a sign": "o\n+1\n{root}\n",
    "a size with an underscore": "o\n1_0\n{root}\n",
    "a size with a leading zero": "o\n01\n{root}\n",
    "a size with a space": "o\n1 \n{root}\n",
    "a size in other digits": "o\n١\n{root}\n",
    "a size of 2^63": f"o\n{1 << 63}\n{{root}}\n",
    "a size of 20 digits": "o\n" + "1" * 20 + "\n{root}\n",
    "no size": "o\n\n{root}\n",
    "no origin": "\n1\n{root}\n",
    "an extension line": "o\n1\n{root}\nmore\n",
    "two lines": "o\n1\n",
    "a root of one byte": "o\n1\nBw==\n",
    "a root of 31 bytes": "o\n1\n" + base64.b64encode(bytes(31)).decode() + "\n",
    "a root of 33 bytes": "o\n1\n" + base64.b64encode(bytes(33)).decode() + "\n",
    "a root with unused bits": "o\n1\n" + "A" * 42 + "B=\n",
}


@pytest.mark.parametrize("text", BAD_TEXTS.values(), ids=BAD_TEXTS.keys())
def test_any_other_form_of_a_checkpoint_is_malformed(text: str) -> None:
    root = base64.b64encode(bytes(32)).decode()
    for size in (1, (1 << 63) - 1):
        assert parse_checkpoint(Note(f"o\n{size}\n{root}\n", ())).tree_size == size
    with pytest.raises(MalformedError):
        parse_checkpoint(Note(text.format(root=root), ()))


@pytest.mark.parametrize("length", [0, 32, 63, 65])
def test_a_seed_of_another_length_is_malformed(length: int) -> None:
    with pytest.raises(MalformedError):
        LogKeys(bytes(length))
