# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A register with witnesses, each of a party of its own with a mandate for it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from seinpost_schemas.checkpoint import LogKeys
from seinpost_schemas.cosignature import WitnessKeys
from seinpost_schemas.entry import to_base64
from seinpost_schemas.kinds import Action
from seinpost_schemas.register import (
    Audience,
    Broker,
    Log,
    Mandate,
    Party,
    Periods,
    Register,
    Registrars,
    WitnessEntry,
)

NKEY = "U" + "A" * 55
ISSUED = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
EXPIRES = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)


def to_witness(**fields: Any) -> Mandate:
    """A mandate to witness everything, for ever, changed."""
    whole: dict[str, Any] = {
        "themes": ("all",),
        "actions": (Action.WITNESS,),
        "basis": "Voorzet",
        "status": "default",
        "ceiling": "depv",
    }
    return Mandate(**whole | fields)


def register_of(
    keys: Sequence[WitnessKeys],
    log: LogKeys,
    quorum: int = 3,
    mandates: Mapping[str, Sequence[Mandate]] | None = None,
    **fields: Any,
) -> Register:
    """The register of enclave ``proef``; ``mandates`` by a witness's name instead of one for everything."""
    names = {k.public.name.rpartition("/")[2]: k.public for k in keys}
    given = mandates or {}
    whole: dict[str, Any] = {
        "enclave": "proef",
        "version": 1,
        "issued": ISSUED,
        "expires": EXPIRES,
        "ceiling": "depv",
        "schema": 1,
        "periods": Periods(current="2026q4", next="2027q1"),
        "quorum": quorum,
        "registrars": Registrars(threshold=1, keys=("r",)),
        "log": Log(ed25519=to_base64(log.public.ed25519), mldsa44=to_base64(log.public.mldsa44)),
        "brokers": (Broker(name="broker-1", nats=NKEY),),
        "audiences": (Audience(name="all", code=1, members="readers"),),
        "parties": tuple(
            Party(
                token=name,
                oin=f"00000099{place:09d}000",
                name_nl=name,
                name_en=name,
                clearance="depv",
                mandates=tuple(given.get(name, (to_witness(),))),
            )
            for place, name in enumerate(names, 1)
        ),
        "witnesses": tuple(
            WitnessEntry(
                name=name,
                party=name,
                nats=NKEY,
                ed25519=to_base64(public.ed25519),
                mldsa44=to_base64(public.mldsa44),
            )
            for name, public in names.items()
        ),
    }
    return Register(**whole | fields)


def with_witness(register: Register, until: dt.datetime | None = None) -> Register:
    """A register with ncsc-1 as a witness too, whose party has the mandate."""
    entry = WitnessEntry(name="ncsc-1", party="ncsc", nats=NKEY, ed25519="", mldsa44="")
    parties = tuple(
        msgspec.structs.replace(p, mandates=(*p.mandates, to_witness(until=until)))
        if p.token == "ncsc"
        else p
        for p in register.parties
    )
    return msgspec.structs.replace(register, parties=parties, witnesses=(entry,))
