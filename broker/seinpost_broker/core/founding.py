# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The register that `seinpost-broker init` ships: the parties, mandates and prohibitions of the domain.

Every mandate and prohibition carries its basis and whether it follows from the ministry's decision note
(``note``) or is a sensible start that a ministry would confirm (``default``). No ``report`` mandate is
shipped: registrars add it with its date and Staatsblad reference. Nor is a ``release`` mandate: the Kiesraad's
stands in the text as a comment, to be taken over for each national election with that election's dates.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import tomli_w

from seinpost_schemas.entry import to_base64
from seinpost_schemas.keys import KeyObject

ALL = ("process", "debate", "parties", "international")
NOTE = (
    "Beslisnota bij de Kamerbrief over buitenlandse beïnvloeding van verkiezingen en de rol van de Kiesraad"
)
DEFAULT = "Voorzet van het register, te bevestigen door het ministerie"
PROTECTED_READERS = frozenset({"tafel", "aivd", "mivd", "nctv", "politie", "om"})
WITNESSES = frozenset({"ncsc", "ibd", "ap", "toezicht"})


class Founder(msgspec.Struct, frozen=True):
    """A party of the shipped register: names, and the themes it publishes on and reads."""

    token: str
    name_nl: str
    name_en: str
    publishes: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    clearance: str = "depv"
    default_audience: str = "all"
    basis: str = DEFAULT
    status: str = "default"


PARTIES = (
    Founder(
        "bzk",
        "Ministerie van Binnenlandse Zaken en Koninkrijksrelaties",
        "Ministry of the Interior and Kingdom Relations",
        ALL,
        ALL,
        basis=NOTE + ": verantwoordelijk minister",
        status="note",
    ),
    Founder("nctv", "NCTV", "National Coordinator for Counterterrorism and Security", ALL, ALL),
    Founder("politie", "Politie", "Police", ("process", "parties"), ("process", "parties")),
    Founder(
        "om",
        "Openbaar Ministerie",
        "Public Prosecution Service",
        ("process", "parties"),
        ("process", "parties"),
    ),
    Founder(
        "ncsc",
        "Nationaal Cyber Security Centrum",
        "National Cyber Security Centre",
        ("process", "parties", "international"),
        ("process", "parties", "international"),
    ),
    Founder(
        "ibd",
        "VNG en Informatiebeveiligingsdienst",
        "Association of Municipalities and its Information Security Service",
        ("process",),
        ("process", "parties"),
    ),
    Founder(
        "kiesraad",
        "Kiesraad",
        "Electoral Council",
        ("process",),
        ("process",),
        default_audience="tafel",
        basis=NOTE + ": signalen die de Kiesraad ontvangt mogen met de verkiezingstafel worden gedeeld",
        status="note",
    ),
    Founder("cvdm", "Commissariaat voor de Media", "Media Authority", ("debate",), ("debate",)),
    Founder(
        "acm",
        "Autoriteit Consument en Markt",
        "Authority for Consumers and Markets",
        ("debate",),
        ("debate", "international"),
    ),
    Founder(
        "ap",
        "Autoriteit Persoonsgegevens",
        "Data Protection Authority",
        ("debate", "parties"),
        ("debate", "parties"),
    ),
    Founder("aivd", "AIVD-liaison", "AIVD liaison", ALL, ALL),
    Founder("mivd", "MIVD", "Defence Intelligence and Security Service", ALL, ALL),
    Founder(
        "ec",
        "Europese Commissie",
        "European Commission",
        ("international",),
        ("international",),
        clearance="ong",
    ),
    Founder(
        "tafel",
        "Verkiezingstafel",
        "Election coordination table",
        (),
        ALL,
        basis=NOTE + ": signalen worden met de verkiezingstafel gedeeld",
        status="note",
    ),
    Founder("toezicht", "Toezichthouder voor audit", "Overseer for audit"),
)

PROHIBITIONS: tuple[dict[str, Any], ...] = (
    {
        "party": "kiesraad",
        "action": "publish",
        "themes": [],
        "signal_types": ["assessment"],
        "basis": NOTE + ": de Kiesraad maakt geen zelfstandige analyse van beïnvloeding",
        "status": "note",
    },
    {
        "party": "kiesraad",
        "action": "publish",
        "themes": ["debate"],
        "signal_types": [],
        "basis": NOTE
        + ": geen rol in het toezicht op informatie tijdens de campagne (onze lezing, te bevestigen)",
        "status": "default",
    },
)

DRAFTS = {
    "kiesraad": f"""
# Voorstel, niet van kracht: registerhouders nemen dit per landelijke verkiezing over, met de data daarvan.
# [[parties.mandates]]
# themes = ["process"]
# actions = ["release"]
# ceiling = "ong"
# from = JJJJ-MM-DDT00:00:00Z
# until = JJJJ-MM-DDT00:00:00Z
# basis = "{NOTE}: bij landelijke verkiezingen mogen signalen openbaar worden gedeeld; verkiezing XXJJJJ"
# status = "note"
""",
}
"""Mandates that the domain foresees and that no one has dated yet, by party: comments, which give nothing."""

AUDIENCES: tuple[dict[str, Any], ...] = (
    {"name": "all", "code": 1, "members": "readers", "sender": False},
    {"name": "tafel", "code": 2, "members": ["tafel"], "sender": True},
    {"name": "own", "code": 3, "members": [], "sender": True},
)


class FoundingIdentity(msgspec.Struct, frozen=True):
    """An identity to enter: its public keys, and its NATS user: a key, or the subject of a certificate."""

    name: str
    party: str
    keys: KeyObject
    nats: str | None = None
    certificate: str | None = None
    certificate_keys: tuple[str, ...] = ()


class FoundingWitness(msgspec.Struct, frozen=True):
    """A witness to enter: its NATS user as of an identity, and its cosignature keys in base64."""

    name: str
    party: str
    nats: str | None
    ed25519: str
    mldsa44: str
    certificate: str | None = None
    certificate_keys: tuple[str, ...] = ()


class FoundingKeys(msgspec.Struct, frozen=True, kw_only=True):
    """The keys of a new enclave's own side."""

    registrars: Sequence[str]
    threshold: int
    log_ed25519: bytes
    log_mldsa44: bytes
    brokers: Mapping[str, str]
    broker_certificates: tuple[str, ...] = ()
    """With any, certificates are pinned, and these are the brokers'."""


def oin_of(place: int) -> str:
    """A test OIN: prefix 00000099, nine digits, three zeros."""
    return f"00000099{place:09d}000"


def _mandates(founder: Founder) -> list[dict[str, Any]]:
    common = {
        "basis": founder.basis,
        "status": founder.status,
        "ceiling": founder.clearance,
        "default_audience": founder.default_audience,
    }
    mandates: list[dict[str, Any]] = []
    if founder.publishes:
        mandates.append({"themes": _themes(founder.publishes), "actions": ["publish", "share"], **common})
    if founder.reads:
        actions = ["read", "feedback"]
        if founder.token in PROTECTED_READERS:
            actions.insert(1, "read-protected")
        mandates.append({"themes": _themes(founder.reads), "actions": actions, **common})
    roles = (["audit"] if founder.token == "toezicht" else []) + (  # noqa: S105 - a party's token
        ["witness"] if founder.token in WITNESSES else []
    )
    if roles:
        mandates.append({"themes": ["all"], "actions": roles, **common})
    return mandates


def quorum_of(witnesses: int) -> int:
    """The smallest k above (n + f) / 2 with f = (n − 1) // 3; 3 of 4."""
    faulty = max(0, (witnesses - 1) // 3)
    return (witnesses + faulty) // 2 + 1 if witnesses else 0


def _themes(themes: tuple[str, ...]) -> list[str]:
    return ["all"] if themes == ALL else list(themes)


def founding_text(
    enclave: str,
    issued: dt.datetime,
    identities: Sequence[FoundingIdentity],
    keys: FoundingKeys,
    parties: Sequence[Founder] = PARTIES,
    witnesses: Sequence[FoundingWitness] = (),
) -> str:
    """The TOML text of register version 1 of a new enclave, valid for a year."""
    register = {
        "enclave": enclave,
        "version": 1,
        "issued": issued,
        "expires": issued + dt.timedelta(days=365),
        "ceiling": "depv",
        "schema": 1,
        # Without witnesses the broker's own checkpoint stands in for their freshness.
        "quorum": quorum_of(len(witnesses)),
        "periods": {"current": period_of(issued), "next": period_of(_next_quarter(issued))},
        "audiences": list(AUDIENCES),
        "prohibitions": list(PROHIBITIONS),
        "parties": [
            {
                "token": f.token,
                "oin": oin_of(place),
                "name_nl": f.name_nl,
                "name_en": f.name_en,
                "clearance": f.clearance,
                "mandates": _mandates(f),
                "identities": [
                    {
                        "name": i.name,
                        "sender_id": i.keys.sender_id.hex(),
                        "keys": i.keys.keys_hash().hex(),
                        **_user(i),
                    }
                    for i in identities
                    if i.party == f.token
                ],
            }
            for place, f in enumerate(parties, 1)
        ],
        **({"pinned": True} if keys.broker_certificates else {}),
        "brokers": [
            {"name": name, "nats": nats} | _keys(keys.broker_certificates)
            for name, nats in keys.brokers.items()
        ],
        "witnesses": [
            {k: v for k, v in msgspec.to_builtins(w).items() if v is not None and v != []} for w in witnesses
        ],
        "registrars": {"threshold": keys.threshold, "keys": list(keys.registrars)},
        "log": {"ed25519": to_base64(keys.log_ed25519), "mldsa44": to_base64(keys.log_mldsa44)},
    }
    text = tomli_w.dumps(register)
    for token, draft in DRAFTS.items():
        before, found, after = text.partition(f'token = "{token}"\n')
        own, following, rest = after.partition("[[parties]]\n")
        if found:
            text = before + found + own.rstrip("\n") + "\n" + draft + "\n" + following + rest
    return text


def _user(identity: FoundingIdentity) -> dict[str, object]:
    if identity.certificate is not None:
        return {"certificate": identity.certificate} | _keys(identity.certificate_keys)
    return {"nats": identity.nats or ""} | _keys(identity.certificate_keys)


def _keys(certificate_keys: tuple[str, ...]) -> dict[str, object]:
    return {"certificate_keys": list(certificate_keys)} if certificate_keys else {}


def _next_quarter(day: dt.datetime) -> dt.datetime:
    """The first day of the quarter after a date's."""
    months = (day.month - 1) // 3 * 3 + 3
    return day.replace(year=day.year + months // 12, month=months % 12 + 1, day=1)


def period_of(day: dt.datetime) -> str:
    """The quarter of a date: ``2026q4``."""
    return f"{day.year}q{(day.month - 1) // 3 + 1}"
