# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A register as it is passed from registrar to registrar: a draft without signatures, or a note with some. Pure."""

from __future__ import annotations

import hashlib
import unicodedata

import msgspec

from seinpost_schemas.errors import MalformedError, SetupError, SignatureError
from seinpost_schemas.limits import MAX_REGISTER_BYTES
from seinpost_schemas.note import (
    Note,
    composite_type_and_key,
    key_id,
    parse_note,
    parse_vkey,
    sign_note_composite,
    verify_composite,
)
from seinpost_schemas.register import Register, parse_register
from seinpost_schemas.signing import SigningKey

_DASH = "— "


def read_register_file(data: bytes) -> Note:
    """A draft (no signatures) or a note; raises ``MalformedError``."""
    if len(data) > MAX_REGISTER_BYTES:
        raise MalformedError(
            f"too large: a register of {len(data)} bytes is over the limit of {MAX_REGISTER_BYTES}"
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedError("a register is UTF-8 text") from None
    tail = text.rpartition("\n\n")[2]
    if tail.startswith(_DASH):
        return parse_note(data)
    if any(c != "\n" and unicodedata.category(c) == "Cc" for c in text):
        raise MalformedError(
            "a register has no control characters but newlines (no tabs, no carriage returns)"
        )
    return Note(text if text.endswith("\n") else text + "\n", ())


def text_fingerprint(text: str) -> str:
    """The SHA-256 of the text that is signed, in hexadecimal; what registrars read to each other."""
    return hashlib.sha256(text.encode()).hexdigest()


def sign(note: Note, name: str, key: SigningKey, previous: Register | None = None) -> Note:
    """The note with one more signature; raises ``MalformedError`` for a text that breaks a rule.

    Raises ``SetupError`` when the key is neither a registrar's of this text nor of ``previous``, so that
    nobody thinks to have signed for something.
    """
    register = parse_register(note)
    id_ = key_id(name, composite_type_and_key(key.public.raw))
    known = list(register.registrars.keys) + list(previous.registrars.keys if previous else ())
    if not any(parse_vkey(k) == (name, composite_type_and_key(key.public.raw)) for k in known):
        whose = (
            "this version or the one before"
            if previous
            else "this version (give --previous for the one before)"
        )
        raise SetupError(f"the key of {name} is not a registrar's in {whose}: nothing was signed")
    if any((s.name, s.key_id) == (name, id_) for s in note.signatures):
        raise SetupError(f"{name} has signed this text already: nothing was changed")
    return Note(note.text, (*note.signatures, sign_note_composite(note.text, name, key)))


class Signed(msgspec.Struct, frozen=True):
    """Who signed of one version's registrars, and how many must."""

    names: tuple[str, ...]
    threshold: int

    @property
    def enough(self) -> bool:
        """Whether the threshold is reached."""
        return len(self.names) >= self.threshold


def signed_by(note: Note, registrars_of: Register) -> Signed:
    """Whose valid signatures of these registrars the note carries; raises ``SignatureError`` for a bad one."""
    try:
        names = verify_composite(note, registrars_of.registrars.keys)
    except SignatureError as error:
        raise SignatureError(
            f"a signature on it does not verify, so the whole note is refused: {error}"
        ) from None
    return Signed(tuple(sorted(names)), registrars_of.registrars.threshold)
