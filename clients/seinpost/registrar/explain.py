# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What a register lets a party do, and who reads a compartment: asked of the very functions that admit. Pure."""

from __future__ import annotations

import datetime as dt

import msgspec

from seinpost_schemas.compartment import Compartment, all_compartments
from seinpost_schemas.errors import RefusedError
from seinpost_schemas.kinds import Action
from seinpost_schemas.policy import View, may, verify_mandate
from seinpost_schemas.quota import Quota
from seinpost_schemas.register import Mandate, Party, Prohibition


class Answer(msgspec.Struct, frozen=True):
    """Whether a party may do one action in one compartment at the time asked; ``reason`` when it may not."""

    compartment: str
    action: Action
    allowed: bool
    basis: str | None
    status: str | None = None
    until: dt.datetime | None = None
    reason: str | None = None
    message: str | None = None


class Reader(msgspec.Struct, frozen=True):
    """A party that reads a compartment, the mandate for it, and its identities that get a slot."""

    party: str
    protected: bool
    basis: str
    until: dt.datetime | None
    identities: tuple[str, ...]


class Explanation(msgspec.Struct, frozen=True):
    """Everything about a party: answers by compartment and action, what is yet to begin, what is prohibited."""

    party: str
    clearance: str
    answers: tuple[Answer, ...]
    later: tuple[Mandate, ...]
    prohibitions: tuple[Prohibition, ...]
    quota: Quota


def explain_party(view: View, token: str, at_ms: int) -> Explanation:
    """What a party may do at ``at_ms`` (Unix milliseconds); raises ``RefusedError`` for an unknown one."""
    party = view.party(token)
    answers = tuple(
        _answer(view, party, action, compartment, at_ms)
        for action in Action
        for compartment in all_compartments(view.register.ceiling_level)
    )
    later = tuple(m for m in party.mandates if m.starts is not None and m.starts.timestamp() * 1000 > at_ms)
    prohibitions = tuple(p for p in view.register.prohibitions if p.party == token)
    return Explanation(token, party.clearance, answers, later, prohibitions, party.quota)


def _answer(view: View, party: Party, action: Action, compartment: Compartment, at_ms: int) -> Answer:
    try:
        mandate = verify_mandate(view, party, action, compartment, at_ms)
    except RefusedError as error:
        return Answer(
            str(compartment), action, False, error.basis, reason=str(error.reason), message=error.message
        )
    return Answer(str(compartment), action, True, mandate.basis, mandate.status, mandate.until)


def who_can_read(view: View, compartment: Compartment, at_ms: int) -> list[Reader]:
    """The parties with a read mandate in a compartment at ``at_ms``; nobody above the ceiling."""
    readers = []
    for party in view.register.parties:
        if not may(view, party, Action.READ, compartment, at_ms):
            continue
        mandate = verify_mandate(view, party, Action.READ, compartment, at_ms)
        readers.append(
            Reader(
                party.token,
                may(view, party, Action.READ_PROTECTED, compartment, at_ms),
                mandate.basis,
                mandate.until,
                tuple(i.name for i in view.in_force(party)),
            )
        )
    return readers
