# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What happened with one signal, in order: sent, opened, answered, acted on, replaced, taken back. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from seinpost.delivery import Delivery, Recalled
from seinpost.receipts import PartyReceipt
from seinpost_schemas.signal import FEEDBACK, Act

from .feed_view import Entry

What = Literal[
    "sent",
    "first-opened",
    "all-opened",
    "acknowledged",
    "feedback",
    "status",
    "assign",
    "superseded",
    "recalled",
]


class Happening(NamedTuple):
    """One line of a signal's history."""

    at_ms: int
    what: What
    party: str
    official: str | None = None
    code: str = ""
    """The answer given, the status set, the number it was assigned to, or why it was recalled."""
    text: str = ""
    path: str = ""
    """The address of the signal that replaced it."""


def happenings(
    entry: Entry,
    *,
    own: str,
    acts: Sequence[tuple[Delivery, Act]],
    table_acts: Sequence[tuple[Delivery, Act]],
    openings: Sequence[PartyReceipt],
    superseded_by: Sequence[Entry],
    recall: Recalled | None,
) -> list[Happening]:
    """The history, the oldest first; once it was recalled, without what others wrote about it."""
    found = [Happening(entry.delivery.admitted_ms, "sent", entry.delivery.sender)]
    # In the order in which things of one moment follow from each other.
    found += _opened(openings)
    found += [_answered(delivery, act, withheld=recall is not None) for delivery, act in acts]
    found += [_table_act(delivery, act, own) for delivery, act in table_acts]
    found += [
        Happening(e.delivery.admitted_ms, "superseded", e.delivery.sender, path=e.ref.path)
        for e in superseded_by
    ]
    if recall is not None:
        found.append(Happening(recall.admitted_ms, "recalled", recall.sender, code=recall.reason))
    return sorted(found, key=lambda happening: happening.at_ms)


def _answered(delivery: Delivery, act: Act, *, withheld: bool) -> Happening:
    report = act.report
    text = "" if withheld else report.text or ""
    return Happening(delivery.admitted_ms, "feedback", delivery.sender, report.official, report.act, text)


def _table_act(delivery: Delivery, act: Act, own: str) -> Happening:
    report = act.report
    if report.act == "assign":
        return Happening(delivery.admitted_ms, "assign", own, report.official, report.assignee or "")
    return Happening(delivery.admitted_ms, "status", own, report.official, report.status or "")


def _opened(openings: Sequence[PartyReceipt]) -> list[Happening]:
    """The milestones of the receipts: the first who opened it, the last of all, and each who acknowledged."""
    opened = sorted(
        (o.at_ms, o.party) for o in openings if o.state in ("opened", "acknowledged") and o.at_ms is not None
    )
    found = [Happening(opened[0][0], "first-opened", opened[0][1])] if opened else []
    found += [
        Happening(o.at_ms, "acknowledged", o.party)
        for o in openings
        if o.state == "acknowledged" and o.at_ms is not None
    ]
    if len(opened) == len(openings) > 1:
        found.append(Happening(opened[-1][0], "all-opened", opened[-1][1]))
    return found


class Opinion(NamedTuple):
    """What the parties said of a signal: the last answer of each, by what it was."""

    by_answer: dict[str, list[str]]

    @property
    def disputed_by(self) -> list[str]:
        """Who disputes it, or calls it a false positive."""
        return sorted({*self.by_answer.get("dispute", []), *self.by_answer.get("false-positive", [])})

    @property
    def confirmed_by(self) -> list[str]:
        """Who confirms it from a source of their own."""
        return self.by_answer.get("corroborate", [])


def opinion_of(acts: Sequence[tuple[Delivery, Act]]) -> Opinion:
    """A party that disputes and later corroborates has changed its mind; a question or an action changes nothing."""
    verdicts: dict[str, str] = {}
    others: dict[str, set[str]] = {}
    for delivery, act in acts:
        if act.report.act in ("corroborate", "dispute", "false-positive"):
            verdicts[delivery.sender] = act.report.act
        elif act.report.act in FEEDBACK:
            others.setdefault(act.report.act, set()).add(delivery.sender)
    for party, verdict in verdicts.items():
        others.setdefault(verdict, set()).add(party)
    return Opinion({answer: sorted(parties) for answer, parties in others.items()})
