# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What of a delivery is kept in memory: where it stands, when, in which sets, and which values it holds. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from seinpost.delivery import Delivery
from seinpost.receipts import OPEN_WITHIN_MS
from seinpost_schemas.kinds import Kind
from seinpost_schemas.signal import FEEDBACK, TABLE_STATUS, Act, Signal

from .postings import ValueKeys

SIGNAL, ASSIGN, OTHER_ACT = 0, 4, 5
_STATUS_FIRST, _FEEDBACK_FIRST = 1, 10
ACT_SET = "act"
"""Rows that are acts and no signals; each is in ``by:<party>`` too."""
_AUDIENCE = "audience:"


class Spot(msgspec.Struct, frozen=True):
    """Where a row stands: its log (period and compartment), place in it, and place in its envelope."""

    log: str
    leaf_index: int
    number: int


class RowFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One row, before it is laid down in columns."""

    spot: Spot
    admitted_ms: int
    due_ms: int = 0
    """When its readers should have opened it; 0 for acts."""
    code: int = SIGNAL
    """What it is: a signal, or which act."""
    sets: tuple[str, ...]
    """Names of the sets that it is in; of each kind there are few."""
    keys: frozenset[int]
    about: tuple[int, ...] = ()
    """Keys of the ids that an act is about."""
    sender: str
    theme: str = ""
    techniques: tuple[str, ...] = ()
    election: str | None = None


def status_code(status: str | None) -> int:
    """The code of a table act that gives a status; ``OTHER_ACT`` for one that is not known."""
    return _STATUS_FIRST + TABLE_STATUS.index(status) if status in TABLE_STATUS else OTHER_ACT


def feedback_code(act: str) -> int:
    """The code of feedback."""
    return _FEEDBACK_FIRST + FEEDBACK.index(act) if act in FEEDBACK else OTHER_ACT


def facts_of(delivery: Delivery, audience: Sequence[str], keys: ValueKeys) -> RowFacts:
    """What is kept of a signal or an act; ``audience`` are the parties, beside its sender's, that it is for."""
    signal = delivery.signal
    return (
        _act_facts(delivery, signal, keys)
        if isinstance(signal, Act)
        else _signal_facts(delivery, signal, audience, keys)
    )


def log_of(period: str, compartment: object) -> str:
    """The name of a log here."""
    return f"{period}/{compartment}"


def spot_of(delivery: Delivery) -> Spot:
    """Where a delivery stands."""
    return Spot(log_of(delivery.period, delivery.compartment), delivery.index, delivery.number)


def audience_set(audience: Sequence[str]) -> str:
    """The name of the set of rows that are for exactly these parties."""
    return _AUDIENCE + ",".join(sorted(audience))


def audience_named(name: str) -> tuple[str, ...] | None:
    """The parties of such a set; ``None`` for any other."""
    if not name.startswith(_AUDIENCE):
        return None
    parties = name.removeprefix(_AUDIENCE)
    return tuple(parties.split(",")) if parties else ()


def indicator_keys(keys: ValueKeys, kind: str, value: str) -> tuple[int, int]:
    """The keys of an indicator: of a kind with its value, and of the value alone."""
    folded = value.strip().casefold()
    return keys.key("indicator", kind, folded), keys.key("value", folded)


def _act_facts(delivery: Delivery, act: Act, keys: ValueKeys) -> RowFacts:
    report = act.report
    if delivery.kind != Kind.TABLE_ACT:
        code = feedback_code(report.act)
    elif report.act == "assign":
        code = ASSIGN
    else:
        code = status_code(report.status) if report.act == "status" else OTHER_ACT
    about = tuple(keys.key("id", one) for one in dict.fromkeys(act.handling.refers_to))
    return RowFacts(
        spot=spot_of(delivery),
        admitted_ms=delivery.admitted_ms,
        code=code,
        sets=(ACT_SET, f"by:{delivery.sender}"),
        keys=frozenset(keys.key("about", one) for one in act.handling.refers_to),
        about=about,
        sender=delivery.sender,
    )


def _signal_facts(delivery: Delivery, signal: Signal, audience: Sequence[str], keys: ValueKeys) -> RowFacts:
    handling, compartment = signal.handling, delivery.compartment
    techniques = tuple(dict.fromkeys(signal.report.techniques))
    found = {key for i in signal.indicators for key in indicator_keys(keys, i.type, i.value)}
    found.update(keys.key("technique", one) for one in techniques)
    found.update(keys.key("supersedes", one) for one in handling.supersedes)
    if signal.id is not None:
        found.add(keys.key("id", signal.id))
    if handling.election is not None:
        found.add(keys.key("election", handling.election))
    return RowFacts(
        spot=spot_of(delivery),
        admitted_ms=delivery.admitted_ms,
        due_ms=delivery.created_ms + OPEN_WITHIN_MS[handling.urgency or "normal"],
        sets=(
            "exercise" if handling.exercise else "real",
            f"theme:{compartment.theme.token}",
            f"level:{compartment.classification.token}",
            f"sender:{delivery.sender}",
            f"severity:{handling.severity or 0}",
            audience_set(audience),
        ),
        keys=frozenset(found),
        sender=delivery.sender,
        theme=compartment.theme.token,
        techniques=techniques,
        election=handling.election,
    )
