# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Whether the keys that a version brings in are sealed as they must be, a sentence for each that is not. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

import msgspec
from cryptography import x509

from seinpost_schemas.errors import InvalidError
from seinpost_schemas.register import Identity, Party, Register, WitnessEntry
from seinpost_schemas.request import KeyRequest, statement_hash

from .key_statement import verify_statement


class Trust(msgspec.Struct, frozen=True):
    """The CAs that a registrar trusts; ``crls``, if not ``None``, their lists of revoked certificates."""

    roots: tuple[x509.Certificate, ...]
    crls: tuple[x509.CertificateRevocationList, ...] | None = None


def unsealed_keys(register: Register, previous: Register | None) -> list[str]:
    """Identities and witnesses that join a party with a certificate on record, without a key statement.

    Of a later version it can only be said against the one before it: what was there before need not be sealed.
    """
    if previous is None and register.version > 1:
        return []
    before = set() if previous is None else {i.sender_id for p in previous.parties for i in p.identities}
    witnessed = set() if previous is None else {w.ed25519 for w in previous.witnesses}
    joined: list[tuple[Party | None, Identity | WitnessEntry]] = [
        (p, i) for p in register.parties for i in p.identities if i.sender_id not in before
    ]
    joined += [(register.party(w.party), w) for w in register.witnesses if w.ed25519 not in witnessed]
    return [
        f"{user.name} of {party.token} has no key statement, and {party.token} has a certificate on record"
        for party, user in joined
        if party is not None and party.seal is not None and user.statement is None
    ]


def request_problems(
    register: Register, requests: Sequence[KeyRequest], trust: Trust, now: dt.datetime
) -> list[str]:
    """What does not hold of requests that were taken in: their keys, connections and key statements."""
    return [problem for request in requests for problem in _of_request(register, request, trust, now)]


def _of_request(register: Register, request: KeyRequest, trust: Trust, now: dt.datetime) -> Iterator[str]:
    named = f"{request.name} of {request.party}"
    party = register.party(request.party)
    user = _named(register, party, request)
    if party is None or user is None:
        yield f"the request of {named} is not in this version, or with other keys"
        return
    nkey = request.nats if request.certificate is None else None
    asked = (nkey, request.certificate, request.certificate_keys)
    if (user.nats, user.certificate, user.certificate_keys) != asked:
        yield f"{named} would connect otherwise than its request says"
    if request.statement is None:
        if user.statement is not None:
            yield f"{named} has a key statement in this version, and none in its request"
        return
    if user.statement != statement_hash(request.statement):
        yield f"{named} has another key statement in this version than in its request"
    try:
        sealed = verify_statement(request, trust.roots, now, trust.crls)
    except InvalidError as error:
        yield f"{named}: {error}"
        return
    if sealed.statement.oin != party.oin or str(sealed.subject) != party.seal:
        yield f"the keys of {named} are sealed by {sealed.subject}; on record for {party.token} is {party.seal}"


def _named(register: Register, party: Party | None, request: KeyRequest) -> Identity | WitnessEntry | None:
    if request.witness is not None:
        wanted = (request.name, request.party, request.witness.ed25519, request.witness.mldsa44)
        entries = register.witnesses
        return next((w for w in entries if (w.name, w.party, w.ed25519, w.mldsa44) == wanted), None)
    keys = request.key_object().keys_hash().hex()
    identities = party.identities if party is not None else ()
    return next((i for i in identities if (i.name, i.keys) == (request.name, keys)), None)
