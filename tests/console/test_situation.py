# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The situation report: what is in it, its marking and duration, and that its PDF says the same and runs nothing."""

from __future__ import annotations

import datetime as dt
import io

import pytest
from feed_samples import HOSTILE, START_MS, delivery, full_signal, identifier, signal
from pypdf import PdfReader

from seinpost.cli._text import load_texts
from seinpost.console.feed_view import FeedView
from seinpost.console.situation import MAX_SIGNALS, Asked, make_situation, parse_asked
from seinpost.console.situation_pdf import make_pdf

DAY = dt.datetime.fromtimestamp(START_MS / 1000).astimezone().date()
NEXT = DAY + dt.timedelta(days=1)
MINUTES = 24 * 60


def asked(**fields: object) -> Asked:
    return Asked(**{"first": DAY, "last": DAY, "themes": ("process", "debate"), "exercise": False, **fields})  # type: ignore[arg-type]


def test_only_the_period_the_themes_and_the_kind_are_in_it() -> None:
    view = FeedView()
    view.add(delivery(1, signal("vandaag", id=identifier(1))))
    view.add(delivery(2, signal("morgen"), minutes=MINUTES))
    view.add(delivery(3, signal("ander thema"), place="ong/parties"))
    view.add(delivery(4, signal("oefening", exercise=True)))
    view.add(delivery(5, signal("debat", severity=5), place="ong/debate"))
    report = make_situation(view, asked())
    held = {theme: [e.signal.report.title for e in entries] for theme, entries in report.themes}
    assert held == {"process": ["vandaag"], "debate": ["debat"]}
    assert make_situation(view, asked(last=NEXT)).total == 3
    assert make_situation(view, asked(exercise=True)).total == 1
    view.note_recalled("2026q4/depv/process", 1, identifier(1))
    assert make_situation(view, asked(last=NEXT)).total == 2


def test_its_marking_is_the_highest_and_its_duration_the_latest() -> None:
    view = FeedView()
    view.add(delivery(1, signal("laag", classified_until=None), place="ong/process"))
    assert (make_situation(view, asked()).marking, make_situation(view, asked()).until) == (
        "ong",
        None,
    )
    view.add(delivery(2, signal("hoog", classified_until="2099-03-18")))
    view.add(delivery(3, signal("hoger", classified_until="2099-04-01")))
    assert (make_situation(view, asked()).marking, make_situation(view, asked()).until) == (
        "depv",
        "2099-04-01",
    )
    view.add(delivery(4, signal("gebeurtenis", classified_until="na de uitslag")))
    assert make_situation(view, asked()).until is None


def test_a_report_has_a_limit_and_says_what_it_left_out() -> None:
    view = FeedView()
    for number in range(MAX_SIGNALS + 3):
        view.add(delivery(number, minutes=0))
    report = make_situation(view, asked())
    assert (report.total, report.left_out) == (MAX_SIGNALS + 3, 3)


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


def test_the_pdf_is_accessible_and_marked_on_every_page() -> None:
    view = FeedView()
    view.add(delivery(1, full_signal()))
    for number in range(2, 40):
        view.add(delivery(number))
    pdf = make_pdf(make_situation(view, asked()), lambda _: "audited", "Gemaakt nu.", "nl", load_texts("nl"))
    pages = text_of(pdf)
    assert len(pages) > 1
    for number, page in enumerate(pages, 1):
        assert page.count("Departementaal VERTROUWELIJK tot 2099-03-18") >= 2
        assert f"Pagina {number} / {len(pages)}" in page
    whole = " ".join(pages)
    for words in (
        "Nagemaakte stempas in omloop",
        "Bevestigd door getuigen. depv/process · 1 · 0",
        "T0097.202 News Outlet",
    ):
        assert words in whole
    assert "stembureaulid" not in whole
    reader = PdfReader(io.BytesIO(pdf))
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert reader.trailer["/Root"]["/Lang"] == "nl"
    assert b"pdfuaid:part" in pdf


@pytest.mark.parametrize(
    "text", [*HOSTILE, '#read("/etc/passwd")', '$ x $ *vet* = Kop @ref <label> \\ #include "x"']
)
def test_hostile_text_is_text_in_the_pdf(text: str) -> None:
    view = FeedView()
    view.add(delivery(1, signal(text[:200], text=text)))
    pdf = make_pdf(make_situation(view, asked()), lambda _: "pending", "Gemaakt nu.", "nl", load_texts("nl"))
    whole = "".join("".join(text_of(pdf)).split())
    assert "root:" not in whole
    if text.isascii():
        assert whole.count("".join(text.split())) >= 2
    if "\u202e" in text:
        assert "⟨RLO⟩" in whole
        assert "\u202e" not in whole
