# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The sentences of the situation report, the same on the page and on paper. Pure."""

from __future__ import annotations

from seinpost.act_words import FEEDBACK_SAID
from seinpost.texts import Texts

from .called import Called
from .situation import Asked, Line, Situation
from .words import RECALL_REASONS, long_date, moment

ATTENTION = {
    "alarm": "An alarm stands over it; check with the sender before acting on it:",
    "suspect": "Signed with a key that was revoked since; may be forged:",
    "disputed": "Disputed by other organisations:",
    "waiting": "Serious, and nobody has it in hand:",
    "late": "Not opened in time by everyone it was meant for:",
    "unconfirmed": "Not yet confirmed by witnesses:",
}
FIGURES = {
    "serious": "serious or critical",
    "suspect": "of a revoked key",
    "open": "not in hand yet",
    "disputed": "disputed",
    "late": "opened too late by someone",
    "unconfirmed": "not yet confirmed",
    "withdrawn": "taken back",
    "replaced": "replaced",
}
BY_VALUE = (ATTENTION, FIGURES)
"""Looked up by a code: their values are in the catalogue too."""


def title_of(asked: Asked, language: str, texts: Texts) -> str:
    """What the report is called."""
    first, last = long_date(asked.first, language), long_date(asked.last, language)
    if asked.first == asked.last:
        return texts("Situation report of {day}").format(day=first)
    if asked.first.year == asked.last.year:
        first = first.rpartition(" ")[0]
    return texts("Situation report of {first} to {last}").format(first=first, last=last)


def total_of(situation: Situation, texts: Texts) -> str:
    """How many signals there are, and how many of them do not fit."""
    said = texts("One signal.") if situation.total == 1 else texts("{n} signals.").format(n=situation.total)
    if not situation.left_out:
        return said
    left = texts.plural(" {n} more is left out.", " {n} more are left out.", situation.left_out)
    return said + left.format(n=situation.left_out)


def opinion_lines(line: Line, called: Called, texts: Texts) -> list[str]:
    """What the parties said of a signal, a sentence each."""
    return [
        f"{called.several(parties)} {texts(FEEDBACK_SAID[answer])}."
        for answer, parties in line.standing.opinion.by_answer.items()
        if answer in FEEDBACK_SAID
    ]


def opened_line(line: Line, called: Called, texts: Texts) -> str:
    """Who has not opened it."""
    standing = line.standing
    if not standing.openings:
        return ""
    if not standing.unopened:
        return texts("Opened by everyone it was meant for.")
    late = standing.late
    said = texts("Not opened by {parties}.").format(parties=called.several(standing.unopened))
    return said + (" " + texts("Too late: {parties}.").format(parties=called.several(late)) if late else "")


def withdrawn_line(line: Line, called: Called, language: str, texts: Texts) -> str:
    """Who took a signal back, when and why."""
    recall, sender = line.standing.recall, called.short(line.entry.delivery.sender)
    place = f"{line.entry.delivery.compartment} · {line.entry.delivery.index} · {line.entry.delivery.number}"
    if recall is None:
        return texts("{party} took back signal {place}.").format(party=sender, place=place)
    said = texts("{party} took back signal {place} on {moment}: {reason}.")
    reason = texts(RECALL_REASONS[recall.reason]) if recall.reason in RECALL_REASONS else recall.reason
    return said.format(party=sender, place=place, moment=moment(recall.admitted_ms, language), reason=reason)
