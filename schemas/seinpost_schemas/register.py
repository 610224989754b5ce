# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The register: who the parties are and what each may do (specification, section 8).

TOML that officials can read, signed as a C2SP note by a threshold of registrars. This module holds its
structs and the rules that one version must meet by itself; ``trusted_register`` holds the rules between
versions, ``policy`` answers questions from it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field

from .cert_subject import MAX_SUBJECT_CHARACTERS, parse_subject
from .compartment import CARRIED, Classification, Theme
from .cosignature import Witness, verify_threshold
from .entry import from_base64
from .errors import MalformedError
from .kinds import Action
from .limits import MAX_PARTIES, MAX_REVOCATIONS, MAX_WITNESSES
from .lookalike import verify_distinct_names
from .note import Note, composite_key, parse_vkey
from .oin import verify_oin, verify_real
from .quota import DEFAULT, Quota
from .signal import SCHEMA, SignalType, Time
from .subjects import parse_period, parse_token, witness_key_name

Oin = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{8}[0-9A-Z]{9}000$(?!\n)", description="Organisatie-identificatienummer, 20 positions"
    ),
]
Hex16 = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$(?!\n)")]
Hex32 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
NKey = Annotated[str, Meta(pattern=r"^U[A-Z2-7]{55}$(?!\n)", description="NATS user public NKEY")]
Subject = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_SUBJECT_CHARACTERS,
        description="A certificate's subject as nats-server writes it: SERIALNUMBER=…,CN=…,O=…,C=NL",
    ),
]
CertificateKeys = Annotated[
    tuple[Hex32, ...],
    Meta(
        max_length=4,
        description="SHA-256 of the SubjectPublicKeyInfo of each certificate that it connects with",
    ),
]
Status = Literal["note", "default"]


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A TOML table: unknown keys are refused."""


class Registrars(_Table, frozen=True, kw_only=True):
    """Who may sign: composite verifier keys, and how many are needed."""

    threshold: Annotated[int, Meta(ge=1)]
    keys: Annotated[tuple[str, ...], Meta(min_length=1, max_length=16)]


class Periods(_Table, frozen=True, kw_only=True):
    """The log period that runs, the one that follows, and earlier ones whose logs can still be read, in order."""

    current: str
    next: str
    retained: Annotated[tuple[str, ...], Meta(max_length=16)] = ()

    @property
    def readable(self) -> tuple[str, ...]:
        """The periods whose logs there are to read, oldest first."""
        return (*self.retained, self.current)


class Broker(_Table, frozen=True, kw_only=True):
    """One broker process's NATS user: the NKEY ``nats`` or the subject of its ``certificate``.

    ``certificate_keys`` are those of the certificates that it may come with, in a register that is ``pinned``.
    """

    name: str
    nats: NKey | None = None
    certificate: Subject | None = None
    certificate_keys: CertificateKeys = ()


class Log(_Table, frozen=True, kw_only=True):
    """The enclave's log keys in base64: Ed25519 32 bytes, ML-DSA-44 1,312 bytes."""

    ed25519: str
    mldsa44: str


class WitnessEntry(_Table, frozen=True, kw_only=True):
    """A party's witness: its NATS user (as of an identity), and its cosignature keys in base64 (32 and 1,312 bytes)."""

    name: str
    party: str
    nats: NKey | None = None
    certificate: Subject | None = None
    certificate_keys: CertificateKeys = ()
    statement: Hex32 | None = None
    ed25519: str
    mldsa44: str


class Audience(_Table, frozen=True, kw_only=True):
    """A named subset of a compartment's readers; ``members`` is "readers" or a list of parties."""

    name: str
    code: Annotated[int, Meta(ge=1, le=255)]
    members: Literal["readers"] | tuple[str, ...]
    sender: bool = False


class Identity(_Table, frozen=True, kw_only=True):
    """One machine's (or person's) keys; the key object itself is in the directory under ``keys``.

    Its NATS user is the NKEY ``nats`` or the subject of its ``certificate``, one of the two. ``statement`` is the
    SHA-256 of the key statement that the registrars verified, ``succeeds`` the name of the identity of the same party
    that vouched for it.
    """

    name: str
    sender_id: Hex16
    keys: Hex32
    nats: NKey | None = None
    certificate: Subject | None = None
    certificate_keys: CertificateKeys = ()
    statement: Hex32 | None = None
    succeeds: str | None = None


NatsUser = Broker | WitnessEntry | Identity


class Mandate(_Table, frozen=True, kw_only=True):
    """A party's right to act on themes, with its ground and its dates (``until`` exclusive)."""

    themes: Annotated[tuple[str, ...], Meta(min_length=1)]
    actions: Annotated[tuple[Action, ...], Meta(min_length=1)]
    basis: Annotated[str, Meta(min_length=1, max_length=500)]
    status: Status
    ceiling: str
    signal_types: tuple[SignalType, ...] = ()
    default_audience: str = "all"
    starts: Time | None = field(default=None, name="from")
    until: Time | None = None


class Party(_Table, frozen=True, kw_only=True):
    """An organisation in the register; ``seal`` is the subject of the certificate with which it seals its keys."""

    token: str
    oin: Oin
    name_nl: str
    name_en: str
    clearance: str
    seal: Subject | None = None
    identities: Annotated[tuple[Identity, ...], Meta(max_length=64)] = ()
    mandates: Annotated[tuple[Mandate, ...], Meta(max_length=64)] = ()
    quota: Quota = DEFAULT


class Prohibition(_Table, frozen=True, kw_only=True):
    """What a party must not do whatever its mandates say; empty lists mean "every"."""

    party: str
    action: Action
    basis: Annotated[str, Meta(min_length=1, max_length=500)]
    status: Status
    themes: tuple[str, ...] = ()
    signal_types: tuple[SignalType, ...] = ()


class Revocation(_Table, frozen=True, kw_only=True):
    """An identity that no longer counts; suspect from a moment, or from a place in one log.

    ``suspect_log`` is a log's origin without the enclave's name (``2026q4/depv/process``), ``suspect_index``
    the first entry of it that is not trusted. What it published from there is flagged, not dropped.
    """

    sender_id: Hex16
    reason: Annotated[str, Meta(min_length=1, max_length=500)]
    suspect_from: Time | None = None
    suspect_log: str | None = None
    suspect_index: Annotated[int, Meta(ge=0)] | None = None


class Register(_Table, frozen=True, kw_only=True):
    """One version of the register, valid by itself."""

    enclave: str
    version: Annotated[int, Meta(ge=1)]
    issued: Time
    expires: Time
    ceiling: str
    schema: Annotated[int, Meta(ge=1)]
    periods: Periods
    quorum: Annotated[int, Meta(ge=0)]
    registrars: Registrars
    log: Log
    brokers: Annotated[tuple[Broker, ...], Meta(min_length=1, max_length=16)]
    audiences: Annotated[tuple[Audience, ...], Meta(min_length=1, max_length=64)]
    parties: Annotated[tuple[Party, ...], Meta(min_length=1, max_length=MAX_PARTIES)]
    prohibitions: tuple[Prohibition, ...] = ()
    witnesses: Annotated[tuple[WitnessEntry, ...], Meta(max_length=MAX_WITNESSES)] = ()
    revocations: Annotated[tuple[Revocation, ...], Meta(max_length=MAX_REVOCATIONS)] = ()
    production: bool = False
    """Whether parties are who their OINs say: no test OINs then, and no way back."""
    pinned: bool = False
    """Whether the server takes those certificates only whose keys are on record here."""

    @property
    def cosigners(self) -> tuple[Witness, ...]:
        """The witnesses under their key names, in the register's order."""
        return tuple(
            Witness(
                witness_key_name(self.enclave, w.name),
                from_base64(w.ed25519, 32),
                from_base64(w.mldsa44, 1312),
            )
            for w in self.witnesses
        )

    def party(self, token: str) -> Party | None:
        """The party with this token."""
        return next((p for p in self.parties if p.token == token), None)

    def revocation(self, sender_id: str) -> Revocation | None:
        """The revocation of an identity, by its sender_id in hexadecimal."""
        return next((r for r in self.revocations if r.sender_id == sender_id), None)

    def in_force(self, party: Party) -> tuple[Identity, ...]:
        """A party's identities that are not revoked."""
        revoked = {r.sender_id for r in self.revocations}
        return tuple(i for i in party.identities if i.sender_id not in revoked)

    @property
    def ceiling_level(self) -> Classification:
        """The enclave's ceiling."""
        return Classification.parse(self.ceiling)


def parse_register(note: Note) -> Register:
    """The register in a note's text, held to the rules within one version.

    Raises ``MalformedError``. Not a verification of its signatures.
    """
    register = parse_table(note.text)
    for check in _checks(register):
        check()
    return register


def register_problems(text: str) -> list[str]:
    """Every rule within one version that a text breaks, a sentence each; for people who write one."""
    try:
        register = parse_table(text)
    except MalformedError as error:
        return [str(error)]
    problems = []
    for check in _checks(register):
        try:
            check()
        except MalformedError as error:
            problems.append(str(error))
    return list(dict.fromkeys(problems))


def parse_table(text: str) -> Register:
    """TOML text as a register, fields and types only; raises ``MalformedError``."""
    try:
        return msgspec.convert(tomllib.loads(text), Register, strict=True)
    except msgspec.ValidationError as error:
        raise MalformedError(f"the register: {error}") from None
    except (ValueError, RecursionError) as error:
        # TOMLDecodeError is a ValueError; a number of thousands of digits is a plain one.
        raise MalformedError(f"the register is not TOML: {error}") from None


def _checks(register: Register) -> Iterator[Callable[[], object]]:
    """The rules within one version, in the order in which they are told."""
    yield lambda: parse_token(register.enclave, "enclave")
    yield lambda: parse_period(register.periods.current)
    yield lambda: parse_period(register.periods.next)
    for period in register.periods.retained:
        yield lambda period=period: parse_period(period)  # type: ignore[misc]
    yield lambda: _verify_dates(register)
    yield lambda: _carried(register.ceiling)
    yield lambda: _verify_registrars(register)
    for values, what in _names(register):
        yield partial(_each_once, values, what)
    for broker in register.brokers:
        yield partial(parse_token, broker.name, "broker")
    for user, oin in _users(register):
        yield partial(_verify_user, user, oin, register)
    yield lambda: _verify_subjects(register)
    yield lambda: _verify_witnesses(register)
    yield lambda: _verify_log(register)
    for party in register.parties:
        yield partial(_verify_party, party, register)
    yield lambda: verify_distinct_names(_shown_names(register))
    for audience in register.audiences:
        yield partial(_verify_audience, audience, register)
    for prohibition in register.prohibitions:
        yield partial(_known_party, register, prohibition.party)
        yield partial(_themes, prohibition.themes)
    yield lambda: _each_once([r.sender_id for r in register.revocations], "revoked identity")
    for revocation in register.revocations:
        yield partial(_verify_revocation, revocation)


def _verify_dates(register: Register) -> None:
    periods = [*register.periods.retained, register.periods.current, register.periods.next]
    if len(set(periods)) != len(periods):
        raise MalformedError("the next period is another than the current one, and earlier ones than both")
    if register.schema > SCHEMA:
        raise MalformedError(
            f"the register needs section schema {register.schema}; this Seinpost reads {SCHEMA}"
        )
    if register.expires <= register.issued:
        raise MalformedError("the register expires before it is issued")


def _verify_registrars(register: Register) -> None:
    if register.registrars.threshold > len(set(register.registrars.keys)):
        raise MalformedError("the registrars' threshold is above their number")
    names = [parse_vkey(k) for k in register.registrars.keys]
    for name, key in names:
        composite_key(name, key)
    _each_once([n for n, _ in names], "registrar")
    _each_once([k for _, k in names], "registrar key")


def _names(register: Register) -> Iterator[tuple[list[str] | list[int], str]]:
    identities = [i for p in register.parties for i in p.identities]
    users: list[NatsUser] = [*identities, *register.witnesses, *register.brokers]
    yield [p.token for p in register.parties], "party"
    yield [p.oin for p in register.parties], "OIN"
    yield [a.name for a in register.audiences], "audience"
    yield [a.code for a in register.audiences], "audience code"
    yield [b.name for b in register.brokers], "broker"
    yield [i.name for i in identities] + [w.name for w in register.witnesses], "identity"
    yield [i.sender_id for i in identities], "sender_id"
    yield [u.nats for u in users if u.nats is not None], "NATS key"


def _users(register: Register) -> Iterator[tuple[NatsUser, str | None]]:
    """Every NATS user, with the OIN that its certificate must show; a broker's may show any."""
    yield from ((b, None) for b in register.brokers)
    yield from ((i, p.oin) for p in register.parties for i in p.identities)
    for witness in register.witnesses:
        party = register.party(witness.party)
        yield witness, party.oin if party is not None else None


def _verify_user(user: NatsUser, oin: str | None, register: Register) -> None:
    if (user.nats is None) == (user.certificate is None):
        raise MalformedError(f"{user.name[:40]} has one NATS user: nats or certificate")
    _each_once(list(user.certificate_keys), f"certificate key of {user.name[:40]}")
    if register.pinned and not user.certificate_keys:
        raise MalformedError(
            f"{user.name[:40]} has no certificate_keys, and the register is pinned: it could not connect"
        )
    if user.certificate is None:
        return
    shown = parse_subject(user.certificate).serial_number
    # nats-server leaves most of a subject out; the OIN keeps two organisations apart whatever their names.
    if oin is not None and shown != oin:
        raise MalformedError(
            f"{user.name[:40]}: the SERIALNUMBER of its certificate is not {oin}, the OIN of its party"
        )


def _verify_subjects(register: Register) -> None:
    texts = (u.certificate for u, _ in _users(register))
    # To nats-server the order of equal attributes is nothing.
    _each_once([str(sorted(parse_subject(t).attributes)) for t in texts if t is not None], "certificate")


def _shown_names(register: Register) -> list[tuple[str, str]]:
    """Every name that people tell parties or registrars apart by, with whose it is."""
    parties = [(f"party {p.token}", n) for p in register.parties for n in (p.name_nl, p.name_en)]
    return parties + [
        (f"registrar {place}", k.partition("+")[0]) for place, k in enumerate(register.registrars.keys, 1)
    ]


def _verify_log(register: Register) -> None:
    if (
        len(from_base64(register.log.ed25519, 32)) != 32
        or len(from_base64(register.log.mldsa44, 1312)) != 1312
    ):
        raise MalformedError("the log keys are 32 and 1,312 bytes")


def _verify_audience(audience: Audience, register: Register) -> None:
    parse_token(audience.name, "audience")
    if audience.members != "readers":
        for member in audience.members:
            _known_party(register, member)


def _verify_revocation(revocation: Revocation) -> None:
    placed = (revocation.suspect_log is not None, revocation.suspect_index is not None)
    if placed not in ((True, True), (False, False)) or placed[0] == (revocation.suspect_from is not None):
        raise MalformedError(
            f"the revocation of {revocation.sender_id} names either a time (suspect_from) or a place "
            "(suspect_log and suspect_index) from which it is suspect"
        )


def _verify_witnesses(register: Register) -> None:
    verify_threshold(len(register.witnesses), register.quorum)
    _each_once([w.party for w in register.witnesses], "witness of a party")
    for witness in register.witnesses:
        parse_token(witness.name, "witness")
        party = _known_party(register, witness.party)
        if not any(Action.WITNESS in m.actions for m in party.mandates):
            raise MalformedError(f"{party.token} has no mandate to witness")
    for cosigner in register.cosigners:
        if (len(cosigner.ed25519), len(cosigner.mldsa44)) != (32, 1312):
            raise MalformedError("a witness's keys are 32 and 1,312 bytes")
    _each_once([c.ed25519 for c in register.cosigners], "witness key")
    _each_once([c.mldsa44 for c in register.cosigners], "witness key")


def _verify_party(party: Party, register: Register) -> None:
    parse_token(party.token, "party")
    try:
        verify_oin(party.oin)
        if register.production:
            verify_real(party.oin)
    except MalformedError as error:
        raise MalformedError(f"{party.token}: {error}") from None
    _carried(party.clearance)
    _verify_seal(party, register)
    before: set[str] = set()
    for identity in party.identities:
        parse_token(identity.name, "identity")
        # One that stands before it: so there is no circle.
        if identity.succeeds is not None and identity.succeeds not in before:
            raise MalformedError(
                f"{identity.name} succeeds {identity.succeeds[:40]!r}, which is no identity of {party.token} before it"
            )
        before.add(identity.name)
    for mandate in party.mandates:
        _themes(mandate.themes)
        _carried(mandate.ceiling)
        if mandate.default_audience not in {a.name for a in register.audiences}:
            raise MalformedError(f"{party.token}: no audience is called {mandate.default_audience[:40]!r}")
        if mandate.starts and mandate.until and mandate.until <= mandate.starts:
            raise MalformedError(f"{party.token}: a mandate ends before it starts")


def _verify_seal(party: Party, register: Register) -> None:
    """A party's certificate shows its OIN, and what it sealed belongs to a party that has one."""
    if party.seal is not None:
        if parse_subject(party.seal).serial_number != party.oin:
            raise MalformedError(
                f"{party.token}: the SERIALNUMBER of the certificate in seal is not its OIN {party.oin}"
            )
        return
    users: list[NatsUser] = [*party.identities, *(w for w in register.witnesses if w.party == party.token)]
    if any(not isinstance(u, Broker) and u.statement is not None for u in users):
        raise MalformedError(f"{party.token} has a key statement, and no certificate in seal that made it")


def _known_party(register: Register, token: str) -> Party:
    party = register.party(token)
    if party is None:
        raise MalformedError(f"the register names a party {token[:40]!r} that it does not hold")
    return party


def _carried(token: str) -> Classification:
    level = Classification.parse(token)
    if level not in CARRIED:
        raise MalformedError(f"a ceiling or clearance of {token} is above what Seinpost carries")
    return level


def _themes(tokens: tuple[str, ...]) -> None:
    for token in tokens:
        if token != "all":  # noqa: S105 - a theme token
            Theme.parse(token)


def _each_once(values: list[str] | list[int] | list[bytes], what: str) -> None:
    if len(set(values)) != len(values):
        raise MalformedError(f"the register names a {what} twice")
