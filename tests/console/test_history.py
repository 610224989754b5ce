# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What happened with a signal, and what the parties make of it."""

from __future__ import annotations

import msgspec
import pytest
from feed_samples import START_MS, act, delivery, identifier, signal

from seinpost.console.feed_view import Entry, FeedView
from seinpost.console.history import happenings, opinion_of
from seinpost.delivery import Delivery, Recalled
from seinpost.receipts import PartyReceipt
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.signal import Act, ActReport


def entry_of(view: FeedView, number: int = 1) -> Entry:
    made = view.add(delivery(number, signal("een", id=identifier(number))))
    assert made is not None
    return made


def said(what: str, party: str, minutes: int, **fields: str) -> tuple[Delivery, Act]:
    made = act(9, identifier(1), what)
    assert isinstance(made.signal, Act)
    report = ActReport(act=what, **fields)
    body = msgspec.structs.replace(made.signal, report=report)
    return msgspec.structs.replace(
        made, sender=party, admitted_ms=START_MS + minutes * 60_000, signal=body
    ), body


def receipt(party: str, state: str, minutes: int) -> PartyReceipt:
    return PartyReceipt(party=party, state=state, at_ms=START_MS + minutes * 60_000, late=False)  # type: ignore[arg-type]


RECALL = Recalled(
    signal=identifier(1), sender="ncsc", compartment=Compartment.parse("depv/process"), period="2026q4", index=1,
    reason="mistake", admitted_ms=START_MS + 99 * 60_000,
)  # fmt: skip


def test_everything_that_happened_stands_in_order() -> None:
    entry = entry_of(FeedView())
    found = happenings(
        entry,
        own="tafel",
        acts=[said("dispute", "bzk", 6, text="Het klopt niet.", official="B-1")],
        table_acts=[
            said("status", "tafel", 7, status="in-hand", official="2041"),
            said("assign", "tafel", 8, assignee="2042", official="2041"),
        ],
        openings=[receipt("bzk", "opened", 3), receipt("om", "acknowledged", 5)],
        superseded_by=[],
        recall=None,
    )
    assert [(h.what, h.party, h.official, h.code) for h in found] == [
        ("sent", "ncsc", None, ""),
        ("first-opened", "bzk", None, ""),
        ("acknowledged", "om", None, ""),
        ("all-opened", "om", None, ""),
        ("feedback", "bzk", "B-1", "dispute"),
        ("status", "tafel", "2041", "in-hand"),
        ("assign", "tafel", "2041", "2042"),
    ]
    assert found[4].text == "Het klopt niet."


def test_a_newer_signal_and_a_recall_are_part_of_it_and_what_others_wrote_is_not_any_more() -> None:
    view = FeedView()
    entry = entry_of(view)
    newer = entry_of(view, 5)
    found = happenings(
        entry, own="tafel", acts=[said("question", "om", 6, text="Gaat dit over het stadhuis?")], table_acts=[],
        openings=[], superseded_by=[newer], recall=RECALL,
    )  # fmt: skip
    assert [h.what for h in found] == ["sent", "superseded", "feedback", "recalled"]
    assert found[1].path == newer.ref.path
    assert found[2].text == ""
    assert found[3].code == "mistake"


@pytest.mark.parametrize(
    ("answers", "disputed", "confirmed"),
    [
        ([("dispute", "bzk"), ("corroborate", "om")], ["bzk"], ["om"]),
        ([("dispute", "bzk"), ("corroborate", "bzk")], [], ["bzk"]),
        ([("false-positive", "om"), ("dispute", "bzk"), ("question", "bzk")], ["bzk", "om"], []),
        ([("praise", "bzk")], [], []),
    ],
)
def test_the_last_verdict_of_each_party_counts(
    answers: list[tuple[str, str]], disputed: list[str], confirmed: list[str]
) -> None:
    opinion = opinion_of([said(what, party, n) for n, (what, party) in enumerate(answers)])
    assert (opinion.disputed_by, opinion.confirmed_by) == (disputed, confirmed)
