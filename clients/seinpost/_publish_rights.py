# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What this identity may publish, asked of the register and remembered until the answer could be another.

A flood asks the same for each signal; going through the mandates each time took a third of publishing. Pure.
"""

from __future__ import annotations

import msgspec

from seinpost_schemas.compartment import Classification, Compartment, Theme
from seinpost_schemas.kinds import Action, Kind
from seinpost_schemas.policy import (
    View,
    verify_audience_use,
    verify_ceiling,
    verify_mandate,
    verify_not_expired,
    verify_signal_type,
)

_MAX_REMEMBERED = 256
"""Themes × classifications × types × audiences are fewer; whoever makes up names gains no memory by it."""


class _Answer(msgspec.Struct, frozen=True):
    compartment: Compartment
    audience: str
    since_ms: int
    until_ms: float


class PublishRights:
    """The rights of one identity, by its 16-byte sender_id. Only what is allowed is remembered."""

    def __init__(self, sender_id: bytes) -> None:
        self._sender_id = sender_id
        self._of: View | None = None
        self._known: dict[tuple[str, str, str, str | None], _Answer] = {}

    def verify(
        self, view: View, theme: str, classification: str, signal_type: str, audience: str | None, now_ms: int
    ) -> tuple[Compartment, str]:
        """The compartment and the audience (the mandate's own by default) that such a signal goes to now.

        Raises ``RefusedError`` or ``MalformedError``. Order: classification and ceiling, mandate, type, audience.
        """
        if view is not self._of:
            self._of, self._known = view, {}
        asked = (theme, classification, signal_type, audience)
        # A signal made by hand may hold anything as its type; that is not remembered, and refused further on.
        memorable = type(signal_type) is str
        answer = self._known.get(asked) if memorable else None
        if answer is None or not answer.since_ms <= now_ms < answer.until_ms:
            answer = self._ask(view, theme, classification, signal_type, audience, now_ms)
            if memorable:
                if len(self._known) >= _MAX_REMEMBERED:
                    self._known.clear()
                self._known[asked] = answer
        return answer.compartment, answer.audience

    def _ask(
        self, view: View, theme: str, classification: str, signal_type: str, audience: str | None, now_ms: int
    ) -> _Answer:
        compartment = Compartment(Classification.parse(classification), Theme.parse(theme))
        party = view.member(self._sender_id).party
        verify_ceiling(view.register, party, compartment)
        verify_not_expired(view.register, now_ms)
        verify_mandate(view, party, Action.PUBLISH, compartment, now_ms)
        mandate = verify_signal_type(view, party, compartment, signal_type, now_ms)
        audience = audience or mandate.default_audience
        verify_audience_use(Kind.SIGNALS, view.audience(audience))
        view.audience_members(view.audience(audience), party, compartment, now_ms)
        # Nothing of this depends on the time but when mandates begin and end, and when the register does.
        expires_ms = view.register.expires.timestamp() * 1000
        changes_ms = view.next_change_ms(now_ms)
        until_ms = expires_ms if changes_ms is None else min(expires_ms, changes_ms)
        return _Answer(compartment, audience, now_ms, until_ms)
