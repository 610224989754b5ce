# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The situation report: what is in it, its marking and duration, and that its PDF says the same and runs nothing."""

from __future__ import annotations

import datetime as dt
import io
from types import SimpleNamespace
from typing import Any

import pytest
from feed_samples import HOSTILE, START_MS, delivery, full_signal, identifier, signal
from pypdf import PdfReader

from seinpost.cli._text import load_texts
from seinpost.console.called import Called
from seinpost.console.feed_view import AtTable, Entry, FeedView
from seinpost.console.history import Opinion
from seinpost.console.situation import MAX_SIGNALS, Asked, StandingOf, make_situation, parse_asked
from seinpost.console.situation_pdf import make_pdf
from seinpost.console.situation_words import title_of
from seinpost.console.standing import Standing
from seinpost.console.words import why_sentence
from seinpost.delivery import Recalled
from seinpost.receipts import PartyReceipt
from seinpost_schemas.compartment import Compartment

DAY = dt.datetime.fromtimestamp(START_MS / 1000).astimezone().date()
NEXT = DAY + dt.timedelta(days=1)
MINUTES = 24 * 60


def asked(**fields: object) -> Asked:
    return Asked(**{"first": DAY, "last": DAY, "themes": ("process", "debate"), "exercise": False, **fields})  # type: ignore[arg-type]


def standing(status: str = "audited", **fields: Any) -> Standing:
    return Standing(
        **{
            "status": status, "opinion": Opinion({}), "at_table": None, "openings": (), "replaced_by": [],
            "recall": None, **fields,
        }
    )  # fmt: skip


def audited(_entry: Entry) -> Standing:
    return standing()


def test_only_the_period_the_themes_and_the_kind_are_in_it() -> None:
    view = FeedView()
    view.add(delivery(1, signal("vandaag")))
    view.add(delivery(2, signal("morgen"), minutes=MINUTES))
    view.add(delivery(3, signal("ander thema"), place="ong/parties"))
    view.add(delivery(4, signal("oefening", exercise=True)))
    view.add(delivery(5, signal("debat", severity=5), place="ong/debate"))
    report = make_situation(view, asked(), audited)
    held = {theme: [line.entry.signal.report.title for line in lines] for theme, lines in report.themes}
    assert held == {"process": ["vandaag"], "debate": ["debat"]}
    assert [line.number for line in report.lines] == [1, 2]
    assert make_situation(view, asked(last=NEXT), audited).total == 3
    assert make_situation(view, asked(exercise=True), audited).total == 1


def test_what_was_taken_back_or_replaced_is_named_apart() -> None:
    view = FeedView()
    entries = [view.add(delivery(n, signal(f"signaal {n}", id=identifier(n)))) for n in (1, 2, 3)]
    view.note_recalled("2026q4/depv/process", 1, identifier(1))
    newer = entries[2]
    assert newer is not None
    stands = {1: standing("recalled"), 2: standing(replaced_by=[newer]), 3: standing()}
    report = make_situation(view, asked(), lambda entry: stands[entry.delivery.index])
    assert [line.entry.delivery.index for line in report.lines] == [3]
    assert [line.entry.delivery.index for line in report.withdrawn] == [1]
    assert [line.entry.delivery.index for line in report.replaced] == [2]
    assert (report.total, report.figures["withdrawn"], report.figures["replaced"]) == (1, 1, 1)


def test_what_asks_for_attention_says_why() -> None:
    view = FeedView()
    for number, severity in ((1, 5), (2, 4), (3, 2), (4, 1), (5, 4)):
        view.add(delivery(number, signal(f"signaal {number}", severity=severity)))
    late = PartyReceipt(party="om", state="none", at_ms=None, late=True)
    in_hand = AtTable("in-hand", "2041", START_MS)
    stands = {
        1: standing(), 2: standing(at_table=in_hand, opinion=Opinion({"dispute": ["bzk"]})),
        3: standing("pending", openings=(late,)), 4: standing("alarm"),
        5: standing(at_table=in_hand, suspect="gestolen"),
    }  # fmt: skip
    report = make_situation(view, asked(), lambda entry: stands[entry.delivery.index])
    found = {why: [line.entry.delivery.index for line in lines] for why, lines in report.attention.items()}
    assert found == {
        "alarm": [4],
        "suspect": [5],
        "disputed": [2],
        "waiting": [1],
        "late": [3],
        "unconfirmed": [3],
    }
    assert report.figures == {
        "serious": 3, "suspect": 1, "disputed": 1, "open": 3, "late": 1, "unconfirmed": 2, "withdrawn": 0,
        "replaced": 0,
    }  # fmt: skip


def test_its_marking_is_the_highest_and_its_duration_the_latest() -> None:
    view = FeedView()
    view.add(delivery(1, signal("laag", classified_until=None), place="ong/process"))
    assert make_situation(view, asked(), audited).marking == ("ong", None)
    view.add(delivery(2, signal("hoog", classified_until="2099-03-18")))
    view.add(delivery(3, signal("hoger", classified_until="2099-04-01")))
    assert make_situation(view, asked(), audited).marking == ("depv", "2099-04-01")
    view.add(delivery(4, signal("gebeurtenis", classified_until="na de uitslag")))
    assert make_situation(view, asked(), audited).marking == ("depv", None)


def test_a_report_has_a_limit_and_says_what_it_left_out() -> None:
    view = FeedView()
    for number in range(MAX_SIGNALS + 3):
        view.add(delivery(number, minutes=0))
    report = make_situation(view, asked(), audited)
    assert (report.total, report.left_out) == (MAX_SIGNALS + 3, 3)


@pytest.mark.parametrize(
    ("first", "last", "title"),
    [
        ("2026-11-27", "2026-11-27", "Situatiebeeld van 27 november 2026"),
        ("2026-11-20", "2026-11-27", "Situatiebeeld van 20 november tot en met 27 november 2026"),
        ("2026-12-30", "2027-01-02", "Situatiebeeld van 30 december 2026 tot en met 2 januari 2027"),
    ],
)
def test_its_title_says_the_days_in_words(first: str, last: str, title: str) -> None:
    days = asked(first=dt.date.fromisoformat(first), last=dt.date.fromisoformat(last))
    assert title_of(days, "nl", load_texts("nl")) == title


@pytest.mark.parametrize("fields", [{}, {"first": "gisteren"}, {"first": "2026-99-99"}, {"last": "<script>"}])
def test_what_cannot_be_a_day_is_today(fields: dict[str, str]) -> None:
    assert parse_asked(fields, [], DAY, exercise=False)[:2] == (DAY, DAY)


def test_days_the_wrong_way_round_are_turned_and_unknown_themes_are_left_out() -> None:
    found = parse_asked(
        {"first": "2026-03-02", "last": "2026-03-01", "exercise": "1"}, ["debate", "x"], DAY, exercise=False
    )
    assert found == Asked(dt.date(2026, 3, 1), dt.date(2026, 3, 2), ("debate",), True)
    assert found.query == "first=2026-03-01&last=2026-03-02&exercise=1&theme=debate"


def text_of(pdf: bytes) -> list[str]:
    return [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(pdf)).pages]


def pdf_of(view: FeedView, standing_of: StandingOf = audited) -> bytes:
    parties = [SimpleNamespace(token=t, name_nl=t, name_en=t, identities=()) for t in ("bzk", "om", "ncsc")]
    called = Called(SimpleNamespace(parties=parties), "tafel", {}, "nl", load_texts("nl"))  # type: ignore[arg-type]
    return make_pdf(make_situation(view, asked(), standing_of), called, "Gemaakt nu.", "nl", load_texts("nl"))


def test_the_pdf_is_accessible_and_marked_on_every_page() -> None:
    view = FeedView()
    view.add(delivery(1, full_signal()))
    for number in range(2, 40):
        view.add(delivery(number))
    pdf = pdf_of(view)
    pages = text_of(pdf)
    assert len(pages) > 1
    for number, page in enumerate(pages, 1):
        assert page.count("Departementaal VERTROUWELIJK tot 18 maart 2099") >= 2
        assert f"Pagina {number} / {len(pages)}" in page
    whole = " ".join(pages)
    for words in (
        "Nagemaakte stempas in omloop",
        "Bevestigd door getuigen. Aan tafel: nieuw.",
        "T0097.202 News Outlet",
    ):
        assert words in whole
    assert "stembureaulid" not in whole
    reader = PdfReader(io.BytesIO(pdf))
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert reader.trailer["/Root"]["/Lang"] == "nl"
    assert b"pdfuaid:part" in pdf


def test_the_pdf_says_who_doubts_who_reads_and_what_is_gone_and_keeps_hashes_for_the_end() -> None:
    view = FeedView()
    entries = [view.add(delivery(n, signal(f"signaal {n}", severity=4))) for n in (1, 2, 3)]
    assert entries[1] is not None
    openings = (
        PartyReceipt(party="om", state="none", at_ms=None, late=True),
        PartyReceipt(party="bzk", state="opened", at_ms=START_MS, late=False),
    )
    recall = Recalled(
        signal="", sender="ncsc", compartment=Compartment.parse("depv/process"), period="2026q4", index=3,
        reason="mistake", admitted_ms=START_MS,
    )  # fmt: skip
    stands = {
        1: standing(replaced_by=[entries[1]]),
        2: standing(
            opinion=Opinion({"dispute": ["bzk"]}), openings=openings, at_table=AtTable("in-hand", "1", 0)
        ),
        3: standing("recalled", recall=recall),
    }
    whole = " ".join(text_of(pdf_of(view, lambda entry: stands[entry.delivery.index])))
    for words in (
        "BZK betwist het.", "Aan tafel: in behandeling.", "Niet geopend door OM.", "Te laat: OM.",
        "NCSC trok signaal depv/process · 3 · 0 in op", "het was een vergissing",
        "“signaal 1” is vervangen door “signaal 2”",
    ):  # fmt: skip
        assert words in whole, words
    assert "signaal 3:" not in whole
    hash_ = (2).to_bytes(32, "big").hex()
    assert whole.index("Wat vraagt aandacht") < whole.index("BZK betwist het.") < whole.index("Bijlage")
    assert whole.replace(" ", "").index(hash_) > whole.replace(" ", "").index("Bijlage")


@pytest.mark.parametrize("status", ["audited", "pending"])
def test_the_pdf_does_not_call_confirmed_what_a_revoked_key_signed(status: str) -> None:
    view = FeedView()
    view.add(delivery(1))
    whole = " ".join(text_of(pdf_of(view, lambda _: standing(status, suspect="gestolen"))))
    assert (
        "Sleutel ingetrokken: mogelijk vervalst. Of de afzender het heeft gemaakt, kan niemand zeggen"
        in whole
    )
    assert "1 met een ingetrokken sleutel" in whole
    assert "evestigd door getuigen. Aan tafel" not in whole


def test_an_alarm_about_its_log_is_said_beside_a_revoked_key_and_a_recall_instead_of_it() -> None:
    texts = load_texts("nl")
    assert "Alarm over dit logboek" in why_sentence("alarm", "gestolen", texts)
    assert "mogelijk vervalst" in why_sentence("alarm", "gestolen", texts)
    assert why_sentence("recalled", "gestolen", texts) == "Door de afzender ingetrokken."


@pytest.mark.parametrize(
    "text", [*HOSTILE, '#read("/etc/passwd")', '$ x $ *vet* = Kop @ref <label> \\ #include "x"']
)
def test_hostile_text_is_text_in_the_pdf(text: str) -> None:
    view = FeedView()
    view.add(delivery(1, signal(text[:200], text=text)))
    whole = "".join("".join(text_of(pdf_of(view, lambda _: standing("pending")))).split())
    assert "root:" not in whole
    if text.isascii():
        assert whole.count("".join(text.split())) >= 2
    if "\u202e" in text:
        assert "⟨RLO⟩" in whole
        assert "\u202e" not in whole
