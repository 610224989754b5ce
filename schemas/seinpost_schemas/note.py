# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Signed notes (C2SP signed-note v1.0.0).

Text, UTF-8, ending in a newline, no control characters but newline; an empty line; signature lines
"— <key name> <base64(key id 4 ‖ signature)>". Split at the last empty line. An unknown (name, id) is
ignored; a known key whose signature fails refuses the whole note.

Key types used here: 0x01 Ed25519, and 0xff with the identifier "seinpost/composite/v1" for registrars.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519

from . import labels
from .entry import from_base64, to_base64
from .errors import MalformedError, SignatureError
from .limits import MAX_NOTE_SIGNATURES, MAX_REGISTER_BYTES
from .signing import SigningKey, VerifyingKey

ED25519_TYPE = b"\x01"
COSIGNATURE_MLDSA44_TYPE = b"\x06"
COMPOSITE_TYPE = b"\xff" + b"seinpost/composite/v1"
_DASH = "— "
_MAX_SIGNATURE_BYTES = 5_000


class NoteSignature(msgspec.Struct, frozen=True):
    """One signature line: key name, 4-byte key id, the bytes after the id."""

    name: str
    key_id: bytes
    signature: bytes

    def line(self) -> str:
        """The line without its newline."""
        return f"{_DASH}{self.name} {to_base64(self.key_id + self.signature)}"


class Note(msgspec.Struct, frozen=True):
    """A note taken apart; ``text`` includes its final newline. Nothing is verified yet."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def encode(self) -> bytes:
        """The note's bytes."""
        return "".join([self.text, "\n", *(s.line() + "\n" for s in self.signatures)]).encode()


def key_id(name: str, type_and_key: bytes) -> bytes:
    """SHA-256(name ‖ 0x0A ‖ type ‖ public key), first 4 bytes."""
    return hashlib.sha256(name.encode() + b"\n" + type_and_key).digest()[:4]


def format_vkey(name: str, type_and_key: bytes) -> str:
    """``name+hex(key id)+base64(type ‖ public key)``."""
    verify_key_name(name)
    return f"{name}+{key_id(name, type_and_key).hex()}+{to_base64(type_and_key)}"


def parse_vkey(vkey: str) -> tuple[str, bytes]:
    """(name, type ‖ public key) of a verifier key; raises ``MalformedError``."""
    name, plus, rest = vkey.partition("+")
    id_hex, second_plus, encoded = rest.partition("+")
    if not plus or not second_plus:
        raise MalformedError("a verifier key is written name+id+key")
    verify_key_name(name)
    type_and_key = from_base64(encoded, _MAX_SIGNATURE_BYTES)
    if key_id(name, type_and_key).hex() != id_hex:
        raise MalformedError(f"the id in the verifier key of {name} is not that of its key")
    return name, type_and_key


def verify_key_name(name: str) -> None:
    """Raise ``MalformedError`` for an empty name or one with a space, a plus or a control character."""
    if not name or any(c == "+" or c.isspace() or unicodedata.category(c) == "Cc" for c in name):
        raise MalformedError("a key name is not empty and has no space and no plus")


def parse_note(data: bytes) -> Note:
    """Note bytes, taken apart; raises ``MalformedError``."""
    if len(data) > MAX_REGISTER_BYTES:
        raise MalformedError(f"a note of {len(data)} bytes is over the limit of {MAX_REGISTER_BYTES}")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedError("a note is UTF-8 text") from None
    if any(c != "\n" and unicodedata.category(c) == "Cc" for c in whole):
        raise MalformedError("a note has no control characters but newlines")
    text, separator, tail = whole.rpartition("\n\n")
    if not separator or not text or not tail.endswith("\n"):
        raise MalformedError("a note is text, an empty line and signature lines")
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_NOTE_SIGNATURES:
        raise MalformedError(f"a note of {len(lines)} signatures is over the limit of {MAX_NOTE_SIGNATURES}")
    return Note(text + "\n", tuple(parse_signature_line(line) for line in lines))


def parse_signature_line(line: str) -> NoteSignature:
    """One signature line without its newline; raises ``MalformedError``."""
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space:
        raise MalformedError("a signature line is written '— name base64'")
    verify_key_name(name)
    blob = from_base64(encoded, _MAX_SIGNATURE_BYTES)
    if len(blob) < 5:
        raise MalformedError("a signature line holds a key id and a signature")
    return NoteSignature(name, blob[:4], blob[4:])


def note_message(text: str) -> bytes:
    """What a registrar's composite key signs: the label and the note's text."""
    return labels.REGISTER_NOTE + text.encode()


def composite_type_and_key(public: bytes) -> bytes:
    """type ‖ key of a composite public key."""
    return COMPOSITE_TYPE + public


def composite_key(name: str, type_and_key: bytes) -> bytes:
    """The public key after a composite type; raises ``MalformedError`` for a key of another type."""
    if not type_and_key.startswith(COMPOSITE_TYPE):
        raise MalformedError(f"the registrar key {name} is not a composite key")
    return type_and_key.removeprefix(COMPOSITE_TYPE)


def sign_note_composite(text: str, name: str, key: SigningKey) -> NoteSignature:
    """A registrar's signature line."""
    signature = key.sign(note_message(text), labels.REGISTER_NOTE)
    return NoteSignature(name, key_id(name, composite_type_and_key(key.public.raw)), signature)


def verify_composite(note: Note, vkeys: Sequence[str]) -> frozenset[str]:
    """The names among composite ``vkeys`` whose signature is on the note and verifies.

    Raises ``SignatureError`` when a known key's signature fails; counts a key once.
    """
    known: dict[tuple[str, bytes], bytes] = {}
    for vkey in vkeys:
        name, type_and_key = parse_vkey(vkey)
        known[name, key_id(name, type_and_key)] = composite_key(name, type_and_key)
    signed: dict[bytes, str] = {}
    for line in note.signatures:
        public = known.get((line.name, line.key_id))
        if public is not None:
            VerifyingKey(public).verify(line.signature, note_message(note.text), labels.REGISTER_NOTE)
            signed.setdefault(public, line.name)
    return frozenset(signed.values())


def sign_note_ed25519(text: str, name: str, key: ed25519.Ed25519PrivateKey) -> NoteSignature:
    """A plain Ed25519 line (type 0x01)."""
    public = key.public_key().public_bytes_raw()
    return NoteSignature(name, key_id(name, ED25519_TYPE + public), key.sign(text.encode()))


def verify_ed25519(note: Note, name: str, public: bytes) -> None:
    """Raise ``SignatureError`` unless the note carries a valid 0x01 line of this 32-byte key."""
    line = find_line(note, name, ED25519_TYPE + public)
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(public).verify(line.signature, note.text.encode())
    except InvalidSignature:
        raise SignatureError(f"the Ed25519 line of {name} does not verify") from None


def find_line(note: Note, name: str, type_and_key: bytes) -> NoteSignature:
    """The note's line of one key; raises ``SignatureError`` when it is not there."""
    wanted = key_id(name, type_and_key)
    for line in note.signatures:
        if line.name == name and line.key_id == wanted:
            return line
    raise SignatureError(f"the note carries no signature of {name}")
