# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What a register's text says, worked out a second time: from the TOML alone, with none of the project's policy.

Plain loops over plain dictionaries, written from section 8.6 of the specification, so that a mistake in the
policy cannot hide in what is expected of it.
"""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

THEMES = ("process", "debate", "parties", "international")
LEVELS = ("ong", "depv", "stgc", "stgg", "stgzg")
CARRIED = LEVELS[:2]
ACTIONS = (
    "publish", "read", "read-protected", "witness", "feedback", "release", "report", "share", "audit",
)  # fmt: skip
SENT = ("publish", "read", "feedback", "release", "share")
"""The actions of section 9's ingress subjects that some kind of envelope has."""
Place = tuple[str, str]
PLACES: tuple[Place, ...] = tuple(itertools.product(CARRIED, THEMES))


class Rules:
    """One register version, at a time."""

    def __init__(self, table: dict[str, Any], at: dt.datetime) -> None:
        self.table = table
        self.at = at
        self.parties: dict[str, dict[str, Any]] = {p["token"]: p for p in table["parties"]}
        self.revoked = {r["sender_id"] for r in table.get("revocations", [])}

    def names(self, party: str) -> list[str]:
        """A party's identities that are not revoked."""
        rows = self.parties[party].get("identities", [])
        return [i["name"] for i in rows if i["sender_id"] not in self.revoked]

    def owner(self, name: str) -> str:
        """The party that an identity belongs to."""
        return next(
            t for t, p in self.parties.items() if name in [i["name"] for i in p.get("identities", [])]
        )

    def prohibited(self, party: str, action: str, theme: str) -> bool:
        """Whether a prohibition without signal types stands in the way."""
        return any(
            row["party"] == party
            and row["action"] == action
            and not row.get("signal_types")
            and (not row.get("themes") or theme in row["themes"] or "all" in row["themes"])
            for row in self.table.get("prohibitions", [])
        )

    def may(self, party: str, action: str, place: Place) -> bool:
        """Rules 1 to 3."""
        level, theme = place
        rank = LEVELS.index(level)
        if rank > 1 or rank > LEVELS.index(self.table["ceiling"]):
            return False
        if rank > LEVELS.index(self.parties[party]["clearance"]) or self.prohibited(party, action, theme):
            return False
        for row in self.parties[party].get("mandates", []):
            actions = set(row["actions"]) | ({"feedback"} if "read" in row["actions"] else set())
            if (
                action in actions
                and (theme in row["themes"] or "all" in row["themes"])
                and rank <= LEVELS.index(row["ceiling"])
                and ("from" not in row or row["from"] <= self.at)
                and ("until" not in row or self.at < row["until"])
            ):
                return True
        return False

    def carried(self) -> list[Place]:
        """The places at or below the ceiling."""
        return [p for p in PLACES if LEVELS.index(p[0]) <= LEVELS.index(self.table["ceiling"])]

    def ingress(self, party: str) -> set[str]:
        """The ingress subjects of a party, without that of register versions."""
        return {
            f"seinpost.in.{place[0]}.{place[1]}.{action}.{party}"
            for place in PLACES
            for action in SENT
            if self.may(party, action, place)
        }

    def feeds(self, party: str) -> set[Place]:
        """The places whose feed a party may pull."""
        return {p for p in PLACES if self.may(party, "read", p) or self.may(party, "audit", p)}

    def audience(self, name: str, sender: str, place: Place) -> set[str]:
        """Rule 4: the identities that an epoch of this audience has slots for."""
        row = next(a for a in self.table["audiences"] if a["name"] == name)
        named = set(self.parties) if row["members"] == "readers" else set(row["members"])
        if row.get("sender"):
            named.add(sender)
        return {n for p in named if self.may(p, "read", place) for n in self.names(p)}

    def reasons(self, party: str, action: str, place: Place) -> set[str]:
        """With which reason an envelope of a party without the right may be refused."""
        if LEVELS.index(place[0]) > LEVELS.index(self.parties[party]["clearance"]):
            return {"classification"}
        return {"prohibited"} if self.prohibited(party, action, place[1]) else {"mandate", "ceiling"}
