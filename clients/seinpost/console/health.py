# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""How the partners and the logs are, from receipts, signals and checkpoints. Pure; takes the time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from seinpost.delivery import LogStatus
from seinpost.receipts import ReaderStatus
from seinpost_schemas.checkpoint import parse_checkpoint
from seinpost_schemas.errors import InvalidError
from seinpost_schemas.note import parse_note
from seinpost_schemas.quorum import counted
from seinpost_schemas.register import Party, Register

BEHIND_MS = 5 * 60_000
"""A reader whose receipts miss a signal that is older than this is behind: receipts come every 30 s at most."""
STALE_MS = 60_000
"""A log whose newest confirmation is older than this is not to be relied on (specification, section 9)."""


class PartnerHealth(NamedTuple):
    """One organisation: what it sent, when it was last heard, and how far it is behind with reading."""

    party: Party
    signals: int
    heard_ms: int | None
    """The newest of its signals and receipts; ``None`` when nothing of it was ever seen."""
    behind: int
    """Envelopes of signals that its receipts do not reach."""
    behind_since_ms: int | None
    """When the first of them was admitted, where that is known."""

    def is_behind(self, now_ms: int) -> bool:
        """Whether it misses something that it should have received by now."""
        return (
            self.behind > 0 and self.behind_since_ms is not None and now_ms - self.behind_since_ms > BEHIND_MS
        )


def partners_of(
    register: Register,
    own: str,
    sent: Mapping[str, int],
    last_sent_ms: Mapping[str, int],
    readers: Sequence[ReaderStatus],
    admitted_ms: Callable[[ReaderStatus], int | None],
) -> list[PartnerHealth]:
    """Every other organisation with an identity and a mandate, by name; ``admitted_ms`` tells of a missed signal."""
    found = []
    for party in register.parties:
        if party.token == own or not party.identities or not party.mandates:
            continue
        theirs = [reader for reader in readers if reader.party == party.token]
        times = [reader.at_ms for reader in theirs]
        if party.token in last_sent_ms:
            times.append(last_sent_ms[party.token])
        since = [at for reader in theirs if reader.behind and (at := admitted_ms(reader)) is not None]
        found.append(
            PartnerHealth(
                party=party,
                signals=sent.get(party.token, 0),
                heard_ms=max(times, default=None),
                behind=sum(reader.behind for reader in theirs),
                behind_since_ms=min(since, default=None),
            )
        )
    return sorted(found, key=lambda health: health.party.name_nl.casefold())


class LogHealth(NamedTuple):
    """One log: its signed size, how old its newest confirmation is, and who stands behind it."""

    name: str
    level: str
    theme: str
    period: str
    tree_size: int
    received: int
    confirmed_ms: int
    witnesses: tuple[str, ...]
    """The names of the keys that cosigned its newest checkpoint."""
    closed: bool

    def is_stale(self, now_ms: int) -> bool:
        """Whether nothing newer was confirmed in time."""
        return not self.closed and now_ms - self.confirmed_ms > STALE_MS


class LogHealths:
    """Reads the witnesses off each checkpoint once: verifying their signatures takes milliseconds."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[bytes, int, tuple[str, ...]]] = {}

    def of(self, logs: Sequence[LogStatus], register: Register) -> list[LogHealth]:
        """The logs, the running period's first."""
        found = []
        for log in logs:
            size, witnesses = self._read(f"{log.period}/{log.compartment}", log.note, register)
            found.append(
                LogHealth(
                    name=str(log.compartment),
                    level=log.compartment.classification.token,
                    theme=log.compartment.theme.token,
                    period=log.period,
                    tree_size=size,
                    received=log.received,
                    confirmed_ms=log.confirmed_ms,
                    witnesses=witnesses,
                    closed=log.closed,
                )
            )
        return sorted(found, key=lambda log: (log.closed, log.theme, log.level, log.period))

    def _read(self, name: str, note: bytes, register: Register) -> tuple[int, tuple[str, ...]]:
        if not note:
            return 0, ()
        known = self._known.get(name)
        if known is None or known[0] != note:
            try:
                parsed = parse_note(note)
                checkpoint = parse_checkpoint(parsed)
                names = tuple(sorted(counted(register, parsed, checkpoint)))
                known = (note, checkpoint.tree_size, names)
            except InvalidError:
                # The audit has refused it, and says so in an alarm; here it counts for nothing.
                known = (note, 0, ())
            self._known[name] = known
        return known[1], known[2]
