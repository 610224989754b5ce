# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Changes to the text of the next version. Pure.

The text stays as people wrote it, comments included: only the lines concerned change. What comes out is
parsed again and must say exactly what was meant, or nothing is changed.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Sequence
from typing import Any

import msgspec

from seinpost_schemas.cert_subject import CertSubject
from seinpost_schemas.cosignature import verify_threshold
from seinpost_schemas.errors import MalformedError, SetupError
from seinpost_schemas.policy import View
from seinpost_schemas.register import (
    Identity,
    Party,
    Register,
    Registrars,
    Revocation,
    WitnessEntry,
    parse_table,
)
from seinpost_schemas.request import KeyRequest, statement_hash

_HEADER = re.compile(r"^\[\[?\s*([A-Za-z_.]+)\s*\]\]?\s*(#.*)?$")


def next_version(text: str, issued: dt.datetime, days: int) -> str:
    """The text as the draft of the version after it, valid for ``days``."""
    before = parse_table(text)
    expires = issued + dt.timedelta(days=days)
    for key, value in (
        ("version", str(before.version + 1)),
        ("issued", _toml(issued)),
        ("expires", _toml(expires)),
    ):
        text = _set_top(text, key, value)
    after = msgspec.structs.replace(before, version=before.version + 1, issued=issued, expires=expires)
    return _meant(text, after, "version, issued and expires")


def add_identity(
    text: str,
    request: KeyRequest,
    party: Party | None = None,
    sealed_by: CertSubject | None = None,
    known: View | None = None,
) -> str:
    """The text with the identity (or witness) of a request; ``party`` when it is not in the register yet.

    ``sealed_by`` is whose certificate sealed its key statement, once that was verified. A party's first one is put on
    record; from then on every request of the party needs one by the same. ``known`` is the directory's newest view,
    where it was asked: who revoked itself vouches for nobody. Raises ``SetupError`` without a statement that is needed,
    when the party is unknown and none is given, or has this identity already.
    """
    before = parse_table(text)
    found = before.party(request.party)
    if found is None and party is None:
        raise SetupError(
            f"the register has no party {request.party}: give --oin, --name-nl and --name-en to let it join"
        )
    if found is not None and party is not None:
        raise SetupError(f"{request.party} is in the register already: leave out --oin and its names")
    _verify_oin(request, found, party)
    names = [i.name for p in before.parties for i in p.identities] + [w.name for w in before.witnesses]
    if request.name in names:
        raise SetupError(f"the register has an identity {request.name} already: ask for another name")
    after = before
    if found is None and party is not None:
        found = party
        text += _party_block(party)
        after = msgspec.structs.replace(after, parties=(*after.parties, party))
    if found is None:  # pragma: no cover - one of the two was there
        raise SetupError("no party")
    if _verify_sealed(found, request, sealed_by):
        text = _insert_seal(text, found.token, str(sealed_by))
        found = msgspec.structs.replace(found, seal=str(sealed_by))
        after = msgspec.structs.replace(after, parties=_with(after.parties, found))
    if request.witness is not None:
        if request.succeeds is not None:
            raise SetupError(
                "a witness has no signing key that could vouch for another: leave out --succeeds"
            )
        return _add_witness(text, after, request)
    keys = request.key_object()
    succeeded = request.verify_succession(before, known)
    identity = Identity(
        name=request.name,
        sender_id=keys.sender_id.hex(),
        keys=keys.keys_hash().hex(),
        **_user(request),
        succeeds=succeeded.name if succeeded is not None else None,
    )
    grown = msgspec.structs.replace(found, identities=(*found.identities, identity))
    return _meant(
        _insert_identity(text, found.token, identity),
        msgspec.structs.replace(after, parties=_with(after.parties, grown)),
        _identity_block(identity),
    )


def _user(request: KeyRequest) -> dict[str, Any]:
    """Whom the server knows it by: its certificate when the partner asks for that, else its NKEY."""
    return {
        "nats": request.nats if request.certificate is None else None,
        "certificate": request.certificate,
        "certificate_keys": request.certificate_keys,
        "statement": statement_hash(request.statement) if request.statement is not None else None,
    }


def _with(parties: Sequence[Party], changed: Party) -> tuple[Party, ...]:
    return tuple(changed if p.token == changed.token else p for p in parties)


def _verify_sealed(party: Party, request: KeyRequest, sealed_by: CertSubject | None) -> bool:
    """Whether the certificate is to be put on record; raises ``SetupError`` for what is not sealed as it must be."""
    if (sealed_by is None) != (request.statement is None):
        raise SetupError("the key statement of this request was not verified: nothing was changed")
    if sealed_by is None:
        if party.seal is not None:
            raise SetupError(
                f"{party.token} has a certificate on record, and this request no key statement: have it made again, "
                "with seinpost keygen --certificate and --key"
            )
        return False
    if sealed_by.serial_number != party.oin:
        raise SetupError(
            f"the key statement is sealed under OIN {sealed_by.serial_number}; {party.token} has {party.oin}"
        )
    if party.seal is not None and party.seal != str(sealed_by):
        raise SetupError(
            f"the key statement is sealed by {sealed_by}; on record for {party.token} is {party.seal}. If the party "
            "has another certificate now, change seal in the draft first"
        )
    return party.seal is None


def _verify_oin(request: KeyRequest, found: Party | None, joining: Party | None) -> None:
    """The OIN that the partner read out with its fingerprint is the register's, or the one that it joins under."""
    if found is not None and request.oin not in (None, found.oin):
        raise SetupError(f"the request has OIN {request.oin}; the register has {found.oin} for {found.token}")
    if joining is not None and request.oin is None:
        raise SetupError(
            f"the request of {request.party} names no OIN: a party that joins makes it with seinpost keygen --oin"
        )
    if joining is not None and request.oin != joining.oin:
        raise SetupError(
            f"the request has OIN {request.oin}; {joining.oin} was given with --oin. Find out which is right"
        )


def set_registrars(text: str, keys: Sequence[str], threshold: int) -> str:
    """The text with these registrars (verifier keys), of whom ``threshold`` must sign."""
    before = parse_table(text)
    table = re.search(r"(?m)^\[registrars\]", text)
    rows = "".join(f"    {_toml(k)},\n" for k in keys)
    if table is not None:
        rest = re.sub(
            r"(?m)^keys\s*=\s*\[[^\]]*\]", lambda _: f"keys = [\n{rows}]", text[table.end() :], count=1
        )
        rest = re.sub(r"(?m)^threshold\s*=\s*\d+", f"threshold = {threshold}", rest, count=1)
        text = text[: table.end()] + rest
    registrars = Registrars(threshold=threshold, keys=tuple(keys))
    return _meant(
        text, msgspec.structs.replace(before, registrars=registrars), "threshold and keys of [registrars]"
    )


def add_revocations(text: str, revocations: Sequence[Revocation]) -> str:
    """The text with these revocations at its end; raises ``SetupError`` for one that is there already."""
    before = parse_table(text)
    for revocation in revocations:
        if before.revocation(revocation.sender_id) is not None:
            raise SetupError(f"{revocation.sender_id} is revoked already: nothing was changed")
    blocks = "".join(_revocation_block(r) for r in revocations)
    text = re.sub(r"(?m)^revocations = \[\]\n", "", _ended(text))
    after = msgspec.structs.replace(before, revocations=(*before.revocations, *revocations))
    return _meant(text + blocks, after, blocks)


def remove_witnesses(text: str, names: Sequence[str], why: str) -> str:
    """The text without these witnesses, ``why`` as a comment in their place, and the smallest quorum of the rest."""
    before = parse_table(text)
    left = tuple(w for w in before.witnesses if w.name not in names)
    quorum = _smallest_quorum(len(left))
    for name in names:
        text = _without_witness(text, name, f"# {' '.join(f'witness {name} revoked: {why}'.split())}\n")
    return _meant(
        _set_top(text, "quorum", str(quorum)),
        msgspec.structs.replace(before, witnesses=left, quorum=quorum),
        f"quorum = {quorum}, and no [[witnesses]] {', '.join(names)}",
    )


def _without_witness(text: str, name: str, comment: str) -> str:
    lines = _ended(text).splitlines(keepends=True)
    headers = [n for n, line in enumerate(lines) if _HEADER.match(line.rstrip("\n"))]
    wanted = re.compile(rf"name\s*=\s*[\"']{re.escape(name)}[\"']")
    for start, following in zip(headers, [*headers[1:], len(lines)], strict=True):
        if not lines[start].startswith("[[witnesses]]") or not any(map(wanted.match, lines[start:following])):
            continue
        # What stands above the next table is about that one.
        end = following
        while end > start and (not lines[end - 1].strip() or lines[end - 1].startswith("#")):
            end -= 1
        return "".join([*lines[:start], comment, *lines[end:]])
    return text


def _meant(text: str, register: Register, what: str) -> str:
    try:
        held = parse_table(text) == register
    except MalformedError:
        held = False
    if not held:
        raise SetupError(
            "this text is written in a way that cannot be changed here; nothing was changed. Write it in by hand: "
            + " ".join(what.split())
        )
    return text


def _ended(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"


def _toml(value: object) -> str:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    # A JSON string without its escapes of surrogates is a TOML basic string.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _set_top(text: str, key: str, value: str) -> str:
    """The text with another value for a key before the first table; unchanged when it is not on a line there."""
    head = re.search(r"(?m)^\[", text)
    end = head.start() if head else len(text)
    pattern = rf"(?m)^({key}\s*=\s*)[^#\n]*?(\s*(?:#.*)?)$"
    return re.sub(pattern, rf"\g<1>{value}\g<2>", text[:end], count=1) + text[end:]


def _insert_identity(text: str, token: str, identity: Identity) -> str:
    lines = _ended(text).splitlines(keepends=True)
    headers = [(n, m[1]) for n, line in enumerate(lines) if (m := _HEADER.match(line.rstrip("\n")))]
    wanted = re.compile(rf"token\s*=\s*[\"']{re.escape(token)}[\"']")
    for place, (start, name) in enumerate(headers):
        following = headers[place + 1 :]
        own_end = following[0][0] if following else len(lines)
        if name != "parties" or not any(wanted.match(x) for x in lines[start:own_end]):
            continue
        end = next((n for n, other in following if not other.startswith("parties.")), len(lines))
        while end > own_end and (not lines[end - 1].strip() or lines[end - 1].startswith("#")):
            end -= 1
        body = [
            x
            for n, x in enumerate(lines[:end])
            if not (start < n < own_end and re.match(r"identities\s*=\s*\[\s*\]\s*$", x))
        ]
        if end == own_end and body[-1].strip():
            body[-1] = _ended(body[-1])
        return "".join(
            [
                *body,
                _identity_block(identity),
                "\n" if end < len(lines) and lines[end].strip() else "",
                *lines[end:],
            ]
        )
    return text


def _insert_seal(text: str, token: str, seal: str) -> str:
    """The text with a party's certificate on record, on the line below its token."""
    line = rf"(?m)^(token\s*=\s*[\"']{re.escape(token)}[\"']\s*(?:#.*)?)$"
    return re.sub(line, lambda m: f"{m[1]}\nseal = {_toml(seal)}", text, count=1)


def _identity_block(identity: Identity) -> str:
    return "\n[[parties.identities]]\n" + _rows(identity)


def _party_block(party: Party) -> str:
    fields = {k: getattr(party, k) for k in ("token", "oin", "name_nl", "name_en", "clearance")}
    return "\n[[parties]]\n" + "".join(f"{k} = {_toml(v)}\n" for k, v in fields.items())


def _add_witness(text: str, after: Register, request: KeyRequest) -> str:
    if request.witness is None:  # pragma: no cover - the caller looked
        raise SetupError("this request is not a witness's")
    entry = WitnessEntry(
        name=request.name,
        party=request.party,
        **_user(request),
        ed25519=request.witness.ed25519,
        mldsa44=request.witness.mldsa44,
    )
    quorum = _smallest_quorum(len(after.witnesses) + 1)
    block = "\n[[witnesses]]\n" + _rows(entry)
    text = re.sub(r"(?m)^witnesses = \[\]\n", "", _set_top(_ended(text), "quorum", str(quorum)))
    grown = msgspec.structs.replace(after, witnesses=(*after.witnesses, entry), quorum=quorum)
    return _meant(text + block, grown, f"quorum = {quorum} and {block}")


def _smallest_quorum(witnesses: int) -> int:
    """The smallest k above (n + f) / 2; 0 of 0, which is no witnessing."""
    for quorum in range(1, witnesses + 1):
        try:
            verify_threshold(witnesses, quorum)
        except MalformedError:
            continue
        return quorum
    return witnesses


def _revocation_block(revocation: Revocation) -> str:
    return "\n[[revocations]]\n" + _rows(revocation)


def _rows(table: msgspec.Struct) -> str:
    """The fields of a table of plain values, a line each; those that are absent are left out."""
    fields = {k: getattr(table, k) for k in table.__struct_fields__}
    return "".join(f"{k} = {_toml(v)}\n" for k, v in fields.items() if v is not None and v != ())
