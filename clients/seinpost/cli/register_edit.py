# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`seinpost register new | add | rotate`: changes to the text of a draft."""

from __future__ import annotations

import datetime as dt
import hmac
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from seinpost._certificates import read_certificate
from seinpost._files import read_bounded, write_whole
from seinpost.registrar.check_keys import Trust
from seinpost.registrar.draft import add_identity, next_version, set_registrars
from seinpost.registrar.fingerprint import grouped
from seinpost.registrar.key_statement import verify_statement
from seinpost.registrar.notes import read_register_file
from seinpost_schemas.cert_subject import CertSubject, certificate_key_of, subject_of
from seinpost_schemas.errors import SetupError
from seinpost_schemas.limits import MAX_REGISTER_BYTES
from seinpost_schemas.note import parse_vkey
from seinpost_schemas.policy import View
from seinpost_schemas.register import Party, parse_table
from seinpost_schemas.request import MAX_REQUEST_BYTES, KeyRequest, decode_request

from ._tty import clean


class Joining(msgspec.Struct, frozen=True):
    """What the register says of a party that joins; all ``None`` for one that is in it."""

    oin: str | None
    name_nl: str | None
    name_en: str | None
    clearance: str

    def party(self, token: str) -> Party | None:
        """The new party, or ``None``; raises ``SetupError`` when something is missing."""
        given = (self.oin, self.name_nl, self.name_en)
        if given == (None, None, None):
            return None
        if self.oin is None or self.name_nl is None or self.name_en is None:
            raise SetupError("a party that joins needs all of --oin, --name-nl and --name-en")
        return Party(
            token=token,
            oin=self.oin,
            name_nl=self.name_nl,
            name_en=self.name_en,
            clearance=self.clearance,
        )


def run_new(draft: Path, of: Path, days: int, *, as_json: bool) -> int:
    """Write the draft of the version after ``of``; 0."""
    text = read_draft(of, signed=True)
    if not 1 <= days <= 3650:
        raise SetupError("--days is from 1 to 3650")
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    text = next_version(text, now, days)
    write_whole(draft, text.encode(), new=True)
    version = parse_table(text).version
    say_done(as_json, {"draft": str(draft), "version": version}, f"{draft}: draft of version {version}")
    return 0


def run_add(
    request: Path,
    draft: Path,
    fingerprint: str | None,
    joining: Joining,
    trust: Trust | None,
    *,
    endorsed: bool,
    as_json: bool,
    known: View | None = None,
) -> int:
    """Take a request into a draft; 0. ``endorsed``: on the word of the identity that it succeeds.

    ``known`` is the directory's newest view, where it was asked: it knows who revoked itself.
    """
    text = read_draft(draft)
    wanted = decode_request(read_bounded(request, MAX_REQUEST_BYTES))
    sealed_by = _sealed_by(wanted, trust)
    text = add_identity(text, wanted, joining.party(wanted.party), sealed_by, known)
    shown = wanted.fingerprint().hex()
    succeeded = parse_table(text).party(wanted.party)
    before = (
        next((i.succeeds for i in succeeded.identities if i.name == wanted.name), None) if succeeded else None
    )
    if endorsed and before is None:
        raise SetupError("no identity of this party vouches for this request: compare its fingerprint")
    if not endorsed or fingerprint is not None:
        _verify_fingerprint(wanted, shown, fingerprint)
    write_whole(draft, text.encode())
    say_done(
        as_json,
        {"party": wanted.party, "identity": wanted.name, "fingerprint": shown},
        f"{draft}: {wanted.name} of {wanted.party} taken in"
        + (f", vouched for by {before}, which it succeeds{_asked(known)}" if before is not None else "")
        + (f", sealed by {sealed_by}" if sealed_by is not None else "")
        + f"; give {request} to whoever publishes",
    )
    return 0


def _asked(known: View | None) -> str:
    """Whether it is known that the identity before did not revoke itself; the broker asks again at publication."""
    return (
        ""
        if known is not None
        else " (whether that has revoked itself is known at publication: see --config)"
    )


def _sealed_by(request: KeyRequest, trust: Trust | None) -> CertSubject | None:
    """Whose certificate sealed a request; a key statement is never left unread."""
    if request.statement is None:
        return None
    if trust is None:
        raise SetupError(
            "this request has a key statement: give the CAs that you trust with --ca; nothing was taken in"
        )
    return verify_statement(request, trust.roots, dt.datetime.now(dt.UTC), trust.crls).subject


def run_certificate(file: Path, *, as_json: bool) -> int:
    """What the register holds of a certificate; 0."""
    found = read_certificate(file)
    subject, key = str(subject_of(found)), certificate_key_of(found)
    lines = f"certificate = {json.dumps(subject, ensure_ascii=False)}\ncertificate_keys = [{json.dumps(key)}]"
    print(json.dumps({"certificate": subject, "certificate_keys": [key]}) if as_json else lines)
    return 0


def _verify_fingerprint(request: KeyRequest, shown: str, given: str | None) -> None:
    """Nothing is taken in whose fingerprint was not compared."""
    if given is None:
        machine = f" on {clean(request.machine)}" if request.machine else ""
        oin = f", OIN {request.oin}" if request.oin else ""
        what = "witness " if request.witness else ""
        if request.certificate:
            machine += f", connecting with the certificate of {clean(request.certificate)}"
        print(f"{what}{request.name} of {request.party}{oin}{machine}", file=sys.stderr)
        print(f"  fingerprint {grouped(shown)}", file=sys.stderr)
        if not sys.stdin.isatty():
            raise SetupError(
                "compare the fingerprint with the partner by another way, then give it with --fingerprint"
            )
        print("Type the fingerprint that the partner reads out: ", end="", file=sys.stderr, flush=True)
        given = sys.stdin.readline()
    if not hmac.compare_digest("".join(given.split()).lower().encode(), shown.encode()):
        raise SetupError(
            "the fingerprint is not that of this request: nothing was taken in. Ask the partner again"
        )


def run_rotate(
    draft: Path, add: Sequence[Path], remove: Sequence[str], threshold: int | None, *, as_json: bool
) -> int:
    """Change a draft's registrars; 0."""
    text = read_draft(draft)
    registrars = parse_table(text).registrars
    names = [parse_vkey(k)[0] for k in registrars.keys]
    for name in remove:
        if name not in names:
            raise SetupError(f"no registrar is called {name[:40]!r}: there are {', '.join(names)}")
    keys = [k for k, n in zip(registrars.keys, names, strict=True) if n not in remove]
    for path in add:
        vkey = read_bounded(path, 16_384).decode("utf-8", errors="replace").strip()
        parse_vkey(vkey)
        keys.append(vkey)
    wanted = registrars.threshold if threshold is None else threshold
    write_whole(draft, set_registrars(text, keys, wanted).encode())
    left = [parse_vkey(k)[0] for k in keys]
    say_done(
        as_json,
        {"registrars": left, "threshold": wanted},
        f"{draft}: {wanted} of {', '.join(left)} must sign",
    )
    return 0


def read_draft(path: Path, *, signed: bool = False) -> str:
    """The text of a draft; raises ``SetupError`` for one with signatures, unless those are of no matter."""
    note = read_register_file(read_bounded(path, MAX_REGISTER_BYTES))
    if note.signatures and not signed:
        raise SetupError(f"{path} is signed and must not change: begin a draft with seinpost register new")
    return note.text


def say_done(as_json: bool, row: dict[str, object], line: str) -> None:
    """What a command did, for people or for programs."""
    print(json.dumps(row) if as_json else clean(line))
