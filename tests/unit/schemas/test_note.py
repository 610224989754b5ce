# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Signed notes, and verifier keys, against C2SP's text and vectors."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from seinpost_schemas import labels
from seinpost_schemas.errors import MalformedError, SignatureError
from seinpost_schemas.note import (
    COMPOSITE_TYPE,
    COSIGNATURE_MLDSA44_TYPE,
    ED25519_TYPE,
    Note,
    NoteSignature,
    composite_type_and_key,
    find_line,
    format_vkey,
    key_id,
    note_message,
    parse_note,
    parse_vkey,
    sign_note_composite,
    sign_note_ed25519,
    verify_composite,
    verify_ed25519,
    verify_key_name,
)
from seinpost_schemas.signing import SigningKey

LINE = "— name AAAAAAE="
ONE, OTHER = SigningKey(b"\1" * 64), SigningKey(b"\2" * 64)


def vkey(name: str, key: SigningKey) -> str:
    return format_vkey(name, composite_type_and_key(key.public.raw))


def test_verifier_keys_are_those_of_the_vectors(tlog: dict[str, Any]) -> None:
    for name in ("log_vkey", "witness_vkey"):
        key_name, type_and_key = parse_vkey(tlog[name])
        assert format_vkey(key_name, type_and_key) == tlog[name]
        assert key_id(key_name, type_and_key).hex() == tlog[name].split("+")[1]
    seed = bytes.fromhex(tlog["ed25519_seed"])
    public = ed25519.Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    assert format_vkey(tlog["origin"], ED25519_TYPE + public) == tlog["log_vkey"]


def test_the_ml_dsa_key_id_is_that_of_the_vectors(tlog: dict[str, Any]) -> None:
    public = base64.b64decode(tlog["mldsa44_pk"])
    assert hashlib.sha256(public).hexdigest() == tlog["mldsa44_pk_sha256"]
    assert key_id("witness.example/w1", COSIGNATURE_MLDSA44_TYPE + public).hex() == tlog["mldsa44_keyid"]


def test_the_ed25519_line_of_the_vectors_verifies_and_is_made_again(tlog: dict[str, Any]) -> None:
    note = parse_note(tlog["checkpoint_300"].encode())
    assert note.encode().decode() == tlog["checkpoint_300"]
    public = parse_vkey(tlog["log_vkey"])[1][1:]
    verify_ed25519(note, tlog["origin"], public)
    key = ed25519.Ed25519PrivateKey.from_private_bytes(bytes.fromhex(tlog["ed25519_seed"]))
    assert sign_note_ed25519(note.text, tlog["origin"], key) == note.signatures[0]
    changed = Note(note.text.replace("300", "301"), note.signatures)
    with pytest.raises(SignatureError):
        verify_ed25519(changed, tlog["origin"], public)


def test_a_registrars_key_id_is_the_specifications() -> None:
    public = ONE.public.raw
    wanted = hashlib.sha256(b"r1\n\xff" + b"seinpost/composite/v1" + public).digest()[:4]
    assert key_id("r1", composite_type_and_key(public)) == wanted
    assert vkey("r1", ONE).split("+")[1] == wanted.hex()
    assert COMPOSITE_TYPE[0] == 0xFF


BAD_NOTES = {
    "no signature block": "text\n",
    "no empty line": f"text\n{LINE}\n",
    "no text": f"\n\n{LINE}\n",
    "no final newline": f"text\n\n{LINE}",
    "no signatures": "text\n\n",
    "junk after the signatures": f"text\n\n{LINE}\njunk\n",
    "an empty line at the end": f"text\n\n{LINE}\n\n",
    "a carriage return": f"text\r\n\n{LINE}\n",
    "a tab": f"te\txt\n\n{LINE}\n",
    "a hyphen for the dash": f"text\n\n{LINE.replace('—', '-')}\n",
    "no key name": "text\n\n—  AAAAAAE=\n",
    "two spaces": "text\n\n— name  AAAAAAE=\n",
    "a plus in the name": "text\n\n— na+me AAAAAAE=\n",
    "base64 without padding": "text\n\n— name AAAAAAE\n",
    "base64 with another alphabet": "text\n\n— name AAAAAA_=\n",
    "base64 with unused bits": "text\n\n— name AAAAAAF=\n",
    "an id without a signature": "text\n\n— name AAAAAA==\n",
    "no base64": "text\n\n— name \n",
    "33 signatures": "text\n\n" + f"{LINE}\n" * 33,
}


@pytest.mark.parametrize("text", BAD_NOTES.values(), ids=BAD_NOTES.keys())
def test_any_other_form_of_a_note_is_malformed(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_note(text.encode())


def test_a_note_is_utf_8() -> None:
    with pytest.raises(MalformedError, match="UTF-8"):
        parse_note(b"te\xffxt\n\n" + f"{LINE}\n".encode())


def test_a_note_over_its_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(MalformedError, match="over the limit"):
        parse_note(b"\xff" * (512 * 1024 + 1))


def test_a_note_is_split_at_its_last_empty_line() -> None:
    note = parse_note(f"one\n\ntwo\n\n{LINE}\n{LINE}\n".encode())
    assert note == Note("one\n\ntwo\n", (NoteSignature("name", bytes(4), b"\1"),) * 2)


@pytest.mark.parametrize("name", ["", " ", "a b", "a+b", "a\u2003b", "a\nb", "a\x7fb"])
def test_a_key_name_has_no_space_plus_or_control_character(name: str) -> None:
    with pytest.raises(MalformedError):
        verify_key_name(name)


@pytest.mark.parametrize(
    "text", ["", "name", "name+00000000", "name+00000000+AQ==", "+00000000+AQ==", "na me+00000000+AQ=="]
)
def test_a_verifier_key_of_another_form_is_malformed(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_vkey(text)


def test_the_id_in_a_verifier_key_is_lower_case_and_that_of_the_key() -> None:
    good = format_vkey("name", b"\1" * 33)
    name, id_hex, key = good.split("+", 2)
    for bad in (id_hex.upper(), "0" * 8, id_hex + "00"):
        with pytest.raises(MalformedError, match="id"):
            parse_vkey(f"{name}+{bad}+{key}")
    with pytest.raises(MalformedError):
        parse_vkey(good.replace("name", "other"))


def test_registrars_are_counted_by_name_and_key_once() -> None:
    text = "register\n"
    first, second = (sign_note_composite(text, n, k) for n, k in (("r1", ONE), ("r2", OTHER)))
    keys = [vkey("r1", ONE), vkey("r2", OTHER)]
    assert verify_composite(Note(text, (first, second)), keys) == {"r1", "r2"}
    assert verify_composite(Note(text, (first, first)), keys) == {"r1"}
    assert verify_composite(Note(text, (first, second)), keys[:1]) == {"r1"}
    assert verify_composite(Note(text, ()), keys) == frozenset()


def test_one_key_under_two_names_counts_once() -> None:
    text = "register\n"
    lines = tuple(sign_note_composite(text, name, ONE) for name in ("r1", "r2"))
    assert len(verify_composite(Note(text, lines), [vkey("r1", ONE), vkey("r2", ONE)])) == 1


def test_a_known_key_whose_signature_fails_refuses_the_whole_note() -> None:
    text = "register\n"
    good, bad = sign_note_composite(text, "r1", ONE), sign_note_composite("other\n", "r2", OTHER)
    keys = [vkey("r1", ONE), vkey("r2", OTHER)]
    with pytest.raises(SignatureError):
        verify_composite(Note(text, (good, bad)), keys)
    assert verify_composite(Note(text, (good, bad)), keys[:1]) == {"r1"}  # an unknown key is ignored


def test_the_same_key_under_an_unknown_name_does_not_count() -> None:
    text = "register\n"
    line = sign_note_composite(text, "r9", ONE)
    assert verify_composite(Note(text, (line,)), [vkey("r1", ONE)]) == frozenset()


def test_a_registrar_signs_with_a_label_and_a_context() -> None:
    text = "register\n"
    assert note_message(text) == b"seinpost/register-note/v1register\n"
    for message, context in (
        (text.encode(), labels.REGISTER_NOTE),
        (note_message(text), labels.kind_context(2)),
    ):
        public = composite_type_and_key(ONE.public.raw)
        line = NoteSignature("r1", key_id("r1", public), ONE.sign(message, context))
        with pytest.raises(SignatureError):
            verify_composite(Note(text, (line,)), [vkey("r1", ONE)])


def test_a_plain_ed25519_key_is_no_registrars_key() -> None:
    with pytest.raises(MalformedError, match="composite"):
        verify_composite(Note("t\n", ()), [format_vkey("r1", ED25519_TYPE + bytes(32))])


def test_a_line_that_is_not_there_is_a_signature_error() -> None:
    with pytest.raises(SignatureError, match="carries no signature"):
        find_line(Note("t\n", ()), "name", b"\1" * 33)
