# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Before anything is sent: what the register lets this party publish, and who will be able to read it. Pure."""

from __future__ import annotations

from typing import NamedTuple

from seinpost_schemas.compartment import Classification, Compartment, Theme
from seinpost_schemas.errors import RefusedError
from seinpost_schemas.kinds import Action, Kind
from seinpost_schemas.policy import View, may, verify_audience_use, verify_signal_type
from seinpost_schemas.register import Mandate, Party


class Readers(NamedTuple):
    """Who will be able to read a signal."""

    audience: str
    parties: list[Party]
    protected: list[Party]
    """Those of them that also read the protected section."""
    mandate: Mandate


def publish_mandates(party: Party) -> list[Mandate]:
    """The mandates under which a party may publish."""
    return [m for m in party.mandates if Action.PUBLISH in m.actions]


def usable_audiences(view: View) -> list[str]:
    """The audiences that a signal may be sent to."""
    names = []
    for audience in view.register.audiences:
        try:
            verify_audience_use(Kind.SIGNALS, audience)
        except RefusedError:
            continue
        names.append(audience.name)
    return names


def preview_readers(
    view: View, party: Party, place: tuple[str, str], signal_type: str, audience: str, at_ms: int
) -> Readers:
    """Who will read a signal at ``(classification, theme)``; raises ``RefusedError`` as publishing would."""
    compartment = Compartment(Classification.parse(place[0]), Theme.parse(place[1]))
    mandate = verify_signal_type(view, party, compartment, signal_type, at_ms)
    name = audience or mandate.default_audience
    named = view.audience(name)
    verify_audience_use(Kind.SIGNALS, named)
    members = view.audience_members(named, party, compartment, at_ms).values()
    parties = list({member.party.token: member.party for member in members}.values())
    parties.sort(key=lambda p: p.token)
    protected = [p for p in parties if may(view, p, Action.READ_PROTECTED, compartment, at_ms)]
    return Readers(name, parties, protected, mandate)
