# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Successors in a version that is about to come in force (specification, section 8.11).

A predecessor that was revoked, by registrars or by itself, may have been stolen: its word for a new key is nobody's.
A registrar who took it in before cannot know what the directory says since; whoever logs the version does.
"""

from __future__ import annotations

from collections.abc import Iterator

from .errors import Reason, RefusedError
from .policy import View
from .register import Identity, Register


def verify_successors(register: Register, before: View | None) -> None:
    """Raise ``RefusedError`` (``revoked``) for an identity that is new here and succeeds one that is revoked.

    ``before`` is the directory's newest view, the identities' own revocations in it; ``None`` for version 1. Identities
    that the version before it holds came in while their predecessors were in force.
    """
    for identity, predecessor in _new_successors(register, before):
        revoked = register.revocation(predecessor.sender_id) is not None or (
            before is not None and before.revocation(predecessor.sender_id) is not None
        )
        if revoked:
            raise RefusedError(
                Reason.REVOKED,
                f"{identity.name} succeeds {predecessor.name}, which is revoked: its word may be a thief's. Take "
                f"{identity.name} out, and let the party begin anew with a fingerprint that is compared",
            )


def _new_successors(register: Register, before: View | None) -> Iterator[tuple[Identity, Identity]]:
    """Each identity that the version before did not hold, with the one that it succeeds."""
    held = (
        {i.sender_id for p in before.register.parties for i in p.identities} if before is not None else set()
    )
    for party in register.parties:
        named = {i.name: i for i in party.identities}
        for identity in party.identities:
            if identity.succeeds is not None and identity.sender_id not in held:
                yield identity, named[identity.succeeds]
