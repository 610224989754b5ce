# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""How a signal stands now: confirmed or not, doubted or not, taken up or not, read by whom."""

from __future__ import annotations

from typing import NamedTuple

from seinpost.connection import Connection
from seinpost.delivery import Recalled
from seinpost.receipts import PartyReceipt

from .feed_view import AtTable, Entry, FeedView
from .history import Opinion, opinion_of

OPENED = ("opened", "acknowledged")


class Standing(NamedTuple):
    """What a report says of a signal beside its content."""

    status: str
    opinion: Opinion
    at_table: AtTable | None
    openings: tuple[PartyReceipt, ...]
    """Of the other organisations."""
    replaced_by: list[Entry]
    recall: Recalled | None
    suspect: str | None = None
    """Why its identity was revoked, from before it was admitted."""

    @property
    def unopened(self) -> list[str]:
        """Who has not opened it, those who are late first."""
        waiting = [o for o in self.openings if o.state not in OPENED]
        return [o.party for o in sorted(waiting, key=lambda o: (not o.late, o.party))]

    @property
    def late(self) -> list[str]:
        """Who should have opened it by now."""
        return [o.party for o in self.openings if o.late]


def standing_of(connection: Connection, view: FeedView, entry: Entry) -> Standing:
    """How a signal stands, as far as the feed was read."""
    return Standing(
        status=connection.status(entry.delivery),
        opinion=opinion_of(view.acts(entry)),
        at_table=view.at_table(entry),
        openings=tuple(
            o for o in connection.openings(entry.delivery) if o.party != connection.identity.party
        ),
        replaced_by=view.superseded_by(entry),
        recall=connection.recall_of(entry.delivery),
        suspect=connection.suspicion(entry.delivery),
    )
