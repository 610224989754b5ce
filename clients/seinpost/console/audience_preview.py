# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Before anything is sent: what the register lets this party publish, and who will be able to read it. Pure."""

from __future__ import annotations

from typing import NamedTuple

from seinpost_schemas.compartment import CARRIED, Classification, Compartment, Theme
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


class Choices(NamedTuple):
    """What a party's mandates leave to choose from."""

    themes: list[str]
    levels: list[str]
    """The classifications up to the highest ceiling, the lowest first."""
    audiences: list[str]
    defaults: dict[str, str]
    """By theme, the audience that its mandate says."""


def choices_of(view: View, party: Party) -> Choices:
    """The themes, classifications and audiences that a party may choose."""
    mandates = publish_mandates(party)
    defaults = {theme: m.default_audience for m in mandates for theme in m.themes}
    carried = [level.token for level in CARRIED]
    ceilings = [m.ceiling for m in mandates if m.ceiling in carried]
    top = max((carried.index(ceiling) for ceiling in ceilings), default=-1)
    if party.clearance in carried:
        top = min(top, carried.index(party.clearance))
    themes = [theme.token for theme in Theme if theme.token in defaults]
    return Choices(themes, carried[: top + 1], usable_audiences(view), defaults)


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
