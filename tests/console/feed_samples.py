# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Deliveries and signals for the console's tests."""

from __future__ import annotations

import datetime as dt
from typing import Any

from seinpost.delivery import Delivery
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.signal import (
    Act,
    ActHandling,
    ActReport,
    Handling,
    Indicator,
    Protected,
    Report,
    Signal,
)
from seinpost_schemas.uuid7 import format_id, make_id

START_MS = 1_790_000_000_000
UNTIL = dt.datetime(2099, 12, 31, tzinfo=dt.UTC)
HANDLING = {"schema", "signal_type", "valid_until", "tlp", "classified_until", "severity", "exercise", "supersedes",
            "refers_to", "election", "personal_data", "urgency"}  # fmt: skip

HOSTILE = (
    "<script>document.title='taken'</script>",
    "<img src=x onerror=\"document.title='taken'\">",
    "\"><svg onload=document.title='taken'>",
    "javascript:document.title='taken'",
    "{{ 7*7 }} {% raw %} ${7*7}",
    "</title><script>document.title='taken'</script>",
    "veilig\u202egpj.exe en on\u200bzichtbaar",
    "pаypal in het Cyrillisch",
    "a" * 199,
    "z" + "\u0301" * 150,
)
"""Texts that try to become something else on a page."""


def signal(title: str = "Een signaal", **fields: Any) -> Signal:
    """A signal; fields of its handling and report by name."""
    handling = {k: v for k, v in fields.items() if k in HANDLING}
    sections = {k: fields.pop(k) for k in ("id", "indicators", "protected") if k in fields}
    report = {k: v for k, v in fields.items() if k not in HANDLING}
    return Signal(
        handling=Handling(
            **{"schema": 1, "signal_type": "incident", "valid_until": UNTIL, "tlp": "amber",
               "classified_until": "2099-03-18", **handling}
        ),
        report=Report(**{"title": title, "text": f"{title}: wat er gezien is.", **report}),
        **sections,
    )  # fmt: skip


def identifier(number: int) -> str:
    """A signal's id."""
    return format_id(make_id(START_MS + number, number.to_bytes(10, "big")))


def delivery(
    number: int,
    made: Signal | None = None,
    *,
    place: str = "depv/process",
    sender: str = "ncsc",
    minutes: int | None = None,
) -> Delivery:
    """A delivery at place ``number`` of its log, that many minutes after the start."""
    return Delivery(
        signal=made or signal(f"Signaal {number}", id=identifier(number)),
        sender=sender,
        identity=f"{sender}-1",
        sender_id=bytes(16),
        compartment=Compartment.parse(place),
        index=number,
        number=0,
        kind=2,
        admitted_ms=START_MS + (number if minutes is None else minutes) * 60_000,
        created_ms=START_MS,
        object_hash=number.to_bytes(32, "big"),
        leaf=bytes(32),
        epoch_id=bytes(16),
        audience="all",
        period="2026q4",
    )


def act(number: int, about: str, what: str = "dispute") -> Delivery:
    """A party's feedback."""
    made = Act(
        handling=ActHandling(schema=1, refers_to=(about,)), report=ActReport(act=what, text="Het klopt niet.")
    )
    return Delivery(
        signal=made, sender="tafel", identity="tafel-1", sender_id=bytes(16),
        compartment=Compartment.parse("depv/process"), index=number, number=0, kind=6,
        admitted_ms=START_MS, created_ms=START_MS, object_hash=bytes(32), leaf=bytes(32),
        epoch_id=bytes(16), audience="all", period="2026q4",
    )  # fmt: skip


def full_signal() -> Signal:
    """One with something in every section."""
    return signal(
        "Nagemaakte stempas in omloop",
        text="Op sociale media gaat een nagemaakte stempas rond.\nDe kiezer wordt naar een andere datum gelokt.",
        severity=5,
        election="TK2025",
        language="nl",
        techniques=("disarm:T0097.202", "disarm:T0049"),
        source_reliability="B",
        information_credibility=2,
        channels=("telegram",),
        narrative="De uitslag staat al vast.",
        action_requested="Laat weten of u dit ook ziet.",
        indicators=(
            Indicator(type="domain-name", value="stembureau-info.example", role="source"),
            Indicator(type="url", value="https://stembureau-info.example/stempas.png"),
        ),
        protected=Protected(source_description="Melding van een stembureaulid", contact="piket@ncsc.example"),
    )
