# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`seinpost register check | show | diff | history | explain`: reading, nothing is changed."""

from __future__ import annotations

import datetime as dt
import json
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from seinpost._certificates import read_certificates, read_crls
from seinpost._files import read_bounded
from seinpost.registrar.check import Report
from seinpost.registrar.check import check as check_register
from seinpost.registrar.check_keys import Trust, request_problems
from seinpost.registrar.diff import register_diff
from seinpost.registrar.explain import explain_party, who_can_read
from seinpost.registrar.explained import explanation_lines, reader_lines, register_lines
from seinpost.registrar.notes import read_register_file, signed_by, text_fingerprint
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.errors import InvalidError, MalformedError, SetupError
from seinpost_schemas.limits import MAX_REGISTER_BYTES
from seinpost_schemas.note import Note
from seinpost_schemas.policy import View
from seinpost_schemas.register import Register, parse_register, parse_table
from seinpost_schemas.request import MAX_REQUEST_BYTES, decode_request
from seinpost_schemas.trusted_register import TrustedRegister, enclave_id_of

from ._text import load_texts
from ._tty import clean, fail


class Keys(msgspec.Struct, frozen=True):
    """Files of requests, and of what their key statements are verified with."""

    requests: tuple[Path, ...] = ()
    ca: Path | None = None
    crls: tuple[Path, ...] = ()

    def trust(self) -> Trust | None:
        """The CAs that are trusted, ``None`` when none were given; raises ``SetupError``."""
        if self.ca is None:
            if self.crls:
                raise SetupError("--crl goes with --ca")
            return None
        lists = [crl for path in self.crls for crl in read_crls(path)]
        return Trust(tuple(read_certificates(self.ca)), tuple(lists) if self.crls else None)


def run_check(
    file: Path, previous: Path | None, enclave: str | None, keys: Keys, *, draft: bool, as_json: bool
) -> int:
    """0 when nothing keeps the version from being published, else 1."""
    before = read_note(previous)[0] if previous is not None else None
    now = dt.datetime.now(dt.UTC)
    data = read_bounded(file, MAX_REGISTER_BYTES)
    report = check_register(data, now, previous=before, enclave_id=parse_enclave(enclave), unsigned=draft)
    if keys.requests and report.version is not None:
        requests = [decode_request(read_bounded(p, MAX_REQUEST_BYTES)) for p in keys.requests]
        register = parse_table(read_register_file(data).text)
        found = request_problems(register, requests, keys.trust() or Trust(()), now)
        report = msgspec.structs.replace(report, problems=(*report.problems, *found))
    if as_json:
        print(json.dumps(msgspec.to_builtins(report)))
    else:
        _print_report(file, report)
    return 1 if report.problems else 0


def _print_report(file: Path, report: Report) -> None:
    for problem in report.problems:
        fail(f"{file}: {problem}")
    for warning in report.warnings:
        fail(f"{file}: warning: {warning}")
    if not report.problems:
        print(f"{file}: version {report.version} is in order")


def run_show(file: Path, language: str, *, as_json: bool) -> int:
    """A version in words, or as JSON; 0."""
    note, register = read_note(file)
    signed = signed_by(note, register)
    if as_json:
        table: dict[str, Any] = msgspec.to_builtins(register)
        print(json.dumps({"text_sha256": text_fingerprint(note.text), "signed_by": signed.names, **table}))
        return 0
    texts = load_texts(language)
    print_lines(register_lines(register, texts, language))
    print(
        texts("signed by {names} ({count} of {threshold}); text {fingerprint}").format(
            names=clean(", ".join(signed.names)) or "-",
            count=len(signed.names),
            threshold=signed.threshold,
            fingerprint=text_fingerprint(note.text),
        )
    )
    return 0


def run_diff(old: Path, new: Path, language: str, *, as_json: bool) -> int:
    """What changes, a sentence a line; 0."""
    texts = load_texts(language)
    before, after = read_note(old), read_note(new)
    sentences = register_diff(before[1], after[1], texts, language)
    if as_json:
        print(json.dumps({"same_text": before[0].text == after[0].text, "changes": sentences}))
    else:
        print_lines(sentences or [texts("Nothing changes.")])
    return 0


class Version(msgspec.Struct, frozen=True):
    """A note of the register, what to call it in an error, and since when it is in force, if that is known."""

    name: str
    data: bytes
    since: dt.datetime | None = None


def read_versions(notes: Sequence[Path]) -> list[Version]:
    """Versions from files; raises ``SetupError``."""
    return [Version(str(path), read_bounded(path, MAX_REGISTER_BYTES)) for path in notes]


def run_history(versions: Sequence[Version], enclave: str | None, language: str, *, as_json: bool) -> int:
    """Every version with what it changed; raises at the first that does not follow."""
    texts = load_texts(language)
    trusted: TrustedRegister | None = None
    before: Register | None = None
    for version in versions:
        try:
            note = read_register_file(version.data)
            if trusted is None:
                trusted = TrustedRegister(parse_enclave(enclave) or enclave_id_of(note.text))
            register = trusted.advance(version.data)
        except InvalidError as error:
            raise type(error)(f"{version.name}: {error}") from None
        changes = register_diff(before, register, texts, language) if before is not None else []
        signed = signed_by(note, register).names
        if as_json:
            row = {
                "version": register.version,
                "issued": register.issued.isoformat(),
                "signed_by": signed,
                "changes": changes,
            } | ({} if version.since is None else {"in_force_since": version.since.isoformat()})
            print(json.dumps(row))
        else:
            heading = texts("Version {version}, issued {issued}, signed by {names}").format(
                version=register.version,
                issued=f"{register.issued:%Y-%m-%d}",
                names=", ".join(signed),
            )
            if version.since is not None:
                heading += texts(", in force since {moment}").format(
                    moment=f"{version.since:%Y-%m-%d %H:%M}Z"
                )
            print_lines([heading])
            print_lines([f"  {c}" for c in changes])
        before = register
    return 0


def run_explain(
    party: str | None,
    file: Path,
    compartment: str | None,
    at: dt.datetime | None,
    language: str,
    *,
    as_json: bool,
) -> int:
    """What a party may, or who reads a compartment; 0."""
    if (party is None) == (compartment is None):
        raise MalformedError("name a party, or a compartment with --who-can-read")
    if at is not None and at.tzinfo is None:
        raise MalformedError("a time has its offset: 2026-11-24T09:00:00Z")
    texts = load_texts(language)
    note, register = read_note(file)
    view = View(register, enclave_id_of(note.text), [])
    at_ms = int(at.timestamp() * 1000) if at is not None else time.time_ns() // 1_000_000
    lines: list[str]
    if party is not None:
        explanation = explain_party(view, party, at_ms)
        answer: Any = msgspec.to_builtins(explanation)
        lines = explanation_lines(view, explanation, texts, language)
    else:
        place = Compartment.parse(compartment or "")
        readers = who_can_read(view, place, at_ms)
        answer = {"compartment": str(place), "readers": msgspec.to_builtins(readers)}
        lines = reader_lines(view, place, readers, texts, language)
    if as_json:
        print(json.dumps(answer))
    else:
        print_lines(lines)
    return 0


def read_note(path: Path) -> tuple[Note, Register]:
    """A draft or note that keeps the rules within one version; its signatures are not asked for."""
    note = read_register_file(read_bounded(path, MAX_REGISTER_BYTES))
    try:
        return note, parse_register(note)
    except MalformedError as error:
        raise SetupError(f"{path}: {error} (see: seinpost register check)") from None


def parse_enclave(enclave: str | None) -> bytes | None:
    """An enclave_id from its 32 hexadecimal digits; raises ``MalformedError``."""
    if enclave is None:
        return None
    if not re.fullmatch(r"[0-9a-f]{32}", enclave):
        raise MalformedError("an enclave_id is written as 32 hexadecimal digits")
    return bytes.fromhex(enclave)


def print_lines(lines: Sequence[str]) -> None:
    """Lines whose parts came from a file: safe on a terminal, with their indent."""
    for line in lines:
        indent = len(line) - len(line.lstrip(" "))
        print(" " * indent + clean(line))
