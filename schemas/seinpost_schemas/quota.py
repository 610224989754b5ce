# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""How much of servers and brokers one party may take, as the register says (specification, section 8.3)."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from .limits import PARTY_BYTES_PER_SECOND, PARTY_CONNECTIONS, PARTY_WAITING_BYTES

BURST_SECONDS = 8
"""For so long's worth of its rate a party may send at once after a calm time."""


class Quota(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A party's share; what a register does not say is as here."""

    bytes: Annotated[int, Meta(ge=1 << 20, le=1 << 40)] = PARTY_WAITING_BYTES
    """What may wait for admission before the server takes no more; at least one envelope."""
    messages: Annotated[int, Meta(ge=1, le=1 << 32)] | None = None
    """How many envelopes may; ``None``: as many as the bytes hold."""
    bytes_per_second: Annotated[int, Meta(ge=64 * 1024, le=1 << 40)] = PARTY_BYTES_PER_SECOND
    """What brokers take of it in the long run; what is beyond that waits."""
    connections: Annotated[int, Meta(ge=1, le=4096)] = PARTY_CONNECTIONS
    """At one time, of all its identities."""

    @property
    def burst_bytes(self) -> int:
        """What brokers take at once after a calm time."""
        return self.bytes_per_second * BURST_SECONDS


DEFAULT = Quota()
