# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`seinpost register key | sign`: what registrars do, offline."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from seinpost._files import read_bounded, write_whole
from seinpost.registrar.diff import register_diff
from seinpost.registrar.fingerprint import key_fingerprint
from seinpost.registrar.key import load_registrar_key, make_registrar_key
from seinpost.registrar.notes import read_register_file, sign, signed_by, text_fingerprint
from seinpost_schemas.errors import SetupError
from seinpost_schemas.limits import MAX_REGISTER_BYTES
from seinpost_schemas.register import Register, parse_register

from ._passphrase import find_passphrase
from ._text import load_texts
from ._tty import clean
from .register import read_note


def run_key(file: Path, name: str, passphrase_file: Path | None, *, as_json: bool) -> int:
    """Make a registrar's key and its public half; 0."""
    public = file.with_name(file.name + ".vkey")
    for path in (file, public):
        # Before anyone thinks of a passphrase; what comes meanwhile is not overwritten either.
        if path.exists():
            raise SetupError(f"{path} exists already: choose another name, nothing was changed")
    key = make_registrar_key(file, public, name, find_passphrase(passphrase_file, None, confirm=True))
    if as_json:
        print(json.dumps({"name": name, "vkey": key.vkey, "fingerprint": key_fingerprint(key.vkey.encode())}))
    else:
        print(f"{file}: the key of registrar {name}; keep it off any network")
        print(f"{public}: for the draft (seinpost register rotate); its fingerprint:")
        print(f"  {key_fingerprint(key.vkey.encode())}")
    return 0


def run_sign(
    file: Path,
    key_file: Path,
    previous: Path | None,
    passphrase_file: Path | None,
    language: str,
    *,
    as_json: bool,
) -> int:
    """Add one signature; 0."""
    texts = load_texts(language)
    note = read_register_file(read_bounded(file, MAX_REGISTER_BYTES))
    before = read_note(previous)[1] if previous is not None else None
    target = file
    if not note.signatures:
        target = file.with_suffix(".note")
        if target == file:
            raise SetupError(f"{file} has no signatures but is called a note: name the draft otherwise")
        if target.exists():
            begun = read_register_file(read_bounded(target, MAX_REGISTER_BYTES))
            if begun.text != note.text:
                raise SetupError(f"{target} holds signatures under another text: nothing was signed")
            note = begun
    register = parse_register(note)
    if before is not None and not as_json:
        for sentence in register_diff(before, register, texts, language):
            print(clean(sentence), file=sys.stderr)
    key = load_registrar_key(key_file, lambda: find_passphrase(passphrase_file, None))
    signed = sign(note, key.name, key.signing, before)
    write_whole(target, signed.encode())
    own = signed_by(signed, register)
    row: dict[str, object] = {
        "note": str(target),
        "text_sha256": text_fingerprint(note.text),
        "signed_by": own.names,
        "threshold": own.threshold,
    }
    lacking = _lacking(
        own.threshold - len(own.names), before, signed_by(signed, before).names if before else ()
    )
    if as_json:
        print(json.dumps(row | {"enough": not lacking}))
    else:
        print(f"{target}: signed by {clean(', '.join(own.names)) or '-'}; {lacking or 'that is enough'}")
        print(f"  text {text_fingerprint(note.text)}")
    return 0


def _lacking(own: int, before: Register | None, signed_before: tuple[str, ...]) -> str:
    parts = []
    if own > 0:
        parts.append(f"{own} more of its own registrars must sign")
    if before is not None and len(signed_before) < before.registrars.threshold:
        count = before.registrars.threshold - len(signed_before)
        parts.append(f"{count} more of the previous version's registrars must sign")
    return " and ".join(parts)
