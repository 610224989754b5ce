# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Everything that is wrong with a register, a sentence each. Pure."""

from __future__ import annotations

import datetime as dt

import msgspec

from seinpost_schemas.errors import InvalidError, MalformedError
from seinpost_schemas.limits import EXPIRY_WARNING_DAYS
from seinpost_schemas.note import Note
from seinpost_schemas.quorum import shortages
from seinpost_schemas.register import Register, parse_table, register_problems
from seinpost_schemas.trusted_register import enclave_id_of

from .check_keys import unsealed_keys
from .notes import read_register_file, signed_by


class Report(msgspec.Struct, frozen=True):
    """``problems`` keep a version from being published; ``warnings`` do not."""

    version: int | None
    problems: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def check(
    data: bytes,
    now: dt.datetime,
    *,
    previous: Note | None = None,
    enclave_id: bytes | None = None,
    unsigned: bool = False,
) -> Report:
    """What is wrong with a draft or note; with ``unsigned``, its signatures are not asked for.

    ``previous`` is the version before it, already trusted; ``enclave_id`` (16 bytes) that of version 1.
    """
    try:
        note = read_register_file(data)
    except MalformedError as error:
        return Report(None, (str(error),))
    problems = register_problems(note.text)
    try:
        register = parse_table(note.text)
    except MalformedError:
        return Report(None, tuple(problems))
    before = parse_table(previous.text) if previous is not None else None
    problems += _order(note, register, previous, before, enclave_id)
    problems += _dates(register, now)
    standstills = _standstills(register, now)
    problems += standstills.pop(True, [])
    problems += unsealed_keys(register, before)
    if not unsigned:
        problems += _signatures(note, register, before)
    return Report(register.version, tuple(problems), (*_warnings(register, now), *standstills.get(False, [])))


def _order(
    note: Note, register: Register, previous: Note | None, before: Register | None, enclave_id: bytes | None
) -> list[str]:
    if before is None or previous is None:
        if enclave_id is not None and enclave_id_of(note.text) != enclave_id:
            return ["this is not version 1 of the enclave that was named: its text gives another enclave_id"]
        return []
    problems = []
    if register.enclave != before.enclave:
        problems.append(f"it is of enclave {register.enclave}; the version before it is of {before.enclave}")
    if register.version <= before.version and note.text != previous.text:
        problems.append(
            f"older: it is version {register.version}, and version {before.version} is in force already"
        )
    elif register.version > before.version + 1:
        problems.append(
            f"version {register.version} cannot follow version {before.version}: versions rise by one"
        )
    return problems


def _dates(register: Register, now: dt.datetime) -> list[str]:
    if register.expires <= now:
        return [f"expired on {register.expires:%Y-%m-%d}: nothing can be published under it"]
    return []


def _warnings(register: Register, now: dt.datetime) -> list[str]:
    left = register.expires - now
    found = []
    if dt.timedelta(0) < left <= dt.timedelta(days=EXPIRY_WARNING_DAYS):
        found = [f"expires on {register.expires:%Y-%m-%d}, in {left.days} days: have the next version signed"]
    for witness in register.witnesses:
        party = register.party(witness.party)
        if party is not None and party.identities and not register.in_force(party):
            found.append(
                f"every identity of {party.token} is revoked, and its witness {witness.name} still cosigns: "
                "revoke it too, or write down why not"
            )
    return found


def _standstills(register: Register, now: dt.datetime) -> dict[bool, list[str]]:
    """Moments at which too few witnesses may cosign, a sentence each: ``True`` for now, ``False`` for later."""
    now_ms = int(now.timestamp() * 1000)
    found: dict[bool, list[str]] = {}
    for shortage in shortages(register, now_ms):
        found.setdefault(shortage.at_ms <= now_ms, []).append(shortage.sentence(register.quorum))
    return found


def _signatures(note: Note, register: Register, before: Register | None) -> list[str]:
    if not note.signatures:
        return [f"unsigned: {register.registrars.threshold} registrars must sign it"]
    problems = []
    for whose, of in (("its own", register), ("the previous version's", before)):
        if of is None:
            continue
        try:
            signed = signed_by(note, of)
        except InvalidError as error:
            problems.append(str(error))
            continue
        if not signed.enough:
            problems.append(
                f"under-signed: {len(signed.names)} of {whose} registrars signed, {signed.threshold} must"
            )
    return list(dict.fromkeys(problems))
