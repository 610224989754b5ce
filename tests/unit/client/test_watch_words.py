# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What `seinpost watch` says in the terminal is Dutch where it is asked to be, and leaves out what there is not."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from seinpost.cli._text import load_texts
from seinpost.cli.watch import Table, alarm_line
from seinpost.delivery import Alarm, Delivery
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.signal import Act, ActHandling, ActReport

DUTCH, ENGLISH = load_texts("nl"), load_texts("en")
ID = "01931c3a-5f00-7000-8000-000000000001"


def shown(language: str, report: ActReport) -> str:
    out = io.StringIO()
    act = Act(handling=ActHandling(schema=1, refers_to=(ID,)), report=report)
    delivery = Delivery(
        signal=act, sender="ncsc", identity="ncsc-1", sender_id=bytes(16), index=3, number=0, kind=6,
        compartment=Compartment.parse("depv/process"), admitted_ms=0, created_ms=0, object_hash=bytes(32),
        leaf=bytes(32), epoch_id=bytes(16), audience="all", period="2026q4",
    )  # fmt: skip
    table = Table(as_json=False, texts=load_texts(language), console=Console(file=out, width=400))
    table.show(delivery)
    return out.getvalue().splitlines()[-1]


@pytest.mark.parametrize(
    ("report", "dutch", "english"),
    [
        (ActReport(act="dispute"), "betwist het", "disputes it"),
        (
            ActReport(act="corroborate"),
            "bevestigt het uit eigen bron",
            "confirms it from a source of its own",
        ),
        (ActReport(act="false-positive"), "noemt het vals alarm", "calls it a false alarm"),
        (ActReport(act="action-taken"), "ondernam actie", "took action"),
        (ActReport(act="question"), "stelt een vraag", "asks a question"),
        (
            ActReport(act="status", status="in-hand"),
            "Aan onze tafel: in behandeling",
            "At our table: in hand",
        ),
        (ActReport(act="assign", assignee="2041"), "Gegeven aan 2041", "Given to 2041"),
        (ActReport(act="assign"), "Aan niemand meer gegeven", "Given to nobody any more"),
        (ActReport(act="something-newer"), "something-newer", "something-newer"),
    ],
)
def test_an_act_is_said_in_words(report: ActReport, dutch: str, english: str) -> None:
    assert shown("nl", report).endswith(f"  {dutch}  (signaal {ID})")
    assert shown("en", report).endswith(f"  {english}  (signal {ID})")


def test_an_alarm_says_what_it_means_and_what_to_do() -> None:
    alarm = Alarm(code="gap", message="entry 6 is missing", compartment="depv/debate", index=7, sender="om")
    assert alarm_line(alarm, DUTCH) == (
        "ALARM gap in depv/debate, regel 7 (om): Er ontbreekt een regel, of een bericht van een afzender. Er kan "
        "iets zijn weggehaald. Bel de beheerder van de broker, en vraag de afzender telefonisch wat er is gestuurd. "
        "[entry 6 is missing]"
    )
    assert alarm_line(alarm, ENGLISH).startswith(
        "ALARM gap in depv/debate, entry 7 (om): An entry, or a message of a sender, is missing."
    )


def test_an_alarm_without_an_entry_or_a_sender_names_neither() -> None:
    stale = Alarm(code="stale-checkpoint", message="nothing newer", compartment="depv/debate")
    assert alarm_line(stale, DUTCH).startswith(
        "ALARM stale-checkpoint in depv/debate: Er is ruim een minuut niets"
    )
    stale = Alarm(
        code="stale-checkpoint", message="nothing newer", compartment="directory", evidence_file="e/x"
    )
    said = alarm_line(stale, DUTCH)
    assert said.startswith("ALARM stale-checkpoint in het adresboek: Er is ruim")
    assert said.endswith("[nothing newer]; bewijs: e/x")


def test_an_alarm_of_a_code_without_a_sentence_of_its_own_is_dutch_too() -> None:
    said = alarm_line(Alarm(code="malformed", message="x", compartment="ong/debate", index=0), DUTCH)
    assert said.startswith("ALARM malformed in ong/debate, regel 0: Iets in de feed is niet zoals het hoort.")
