# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The situation report as PDF/UA, set by typst in this process: nothing is written to disk.

The template gets its texts as data, never as markup: no text of a signal can become an instruction.
"""

from __future__ import annotations

from importlib.resources import files

import msgspec
import typst

from .feed_view import Entry
from .hostile_text import clamp, pieces
from .situation import Situation, StatusOf
from .techniques import named
from .words import PROOF_SHORT, SEVERITIES, TYPES, Texts, classification_name, theme_name

_TEXT_CHARACTERS = 4_000


def make_pdf(situation: Situation, status_of: StatusOf, made: str, language: str, texts: Texts) -> bytes:
    """The report's bytes; ``made`` says when and by whom."""
    asked = situation.asked
    until = situation.until or texts("see each signal")
    duration = f" {texts('until')} {until}" if situation.marking != "ong" or situation.until else ""
    data = {
        "language": language,
        "title": texts("Situation report {first} to {last}").format(first=asked.first, last=asked.last),
        "made": made,
        "marking": classification_name(situation.marking) + _plain(duration),
        "page": texts("Page"),
        "exercise": texts("EXERCISE") if asked.exercise else "",
        "summary": texts("{n} signals.").format(n=situation.total)
        + (texts(" {n} more are left out.").format(n=situation.left_out) if situation.left_out else ""),
        "none": texts("No signals."),
        "themes": [
            {
                "name": theme_name(theme, language),
                "signals": [_signal(entry, status_of(entry), texts) for entry in entries],
            }
            for theme, entries in situation.themes
        ],
    }
    return typst.compile(
        (files(__package__) / "templates" / "situation.typ").read_bytes(),
        format="pdf",
        sys_inputs={"data": msgspec.json.encode(data).decode()},
        pdf_standards=["ua-1"],
        ignore_system_fonts=True,
    )


def _signal(entry: Entry, status: str, texts: Texts) -> dict[str, object]:
    report, handling, delivery = entry.signal.report, entry.signal.handling, entry.delivery
    text, rest = clamp(report.text, _TEXT_CHARACTERS)
    more = texts("({n} more characters)").format(n=rest) if rest else ""
    return {
        "title": _plain(report.title),
        "facts": [
            f"{texts('severity')} {entry.severity or '–'}: {texts(SEVERITIES[entry.severity])}",
            texts(TYPES[handling.signal_type]),
            f"{texts('from')} {_plain(delivery.sender)}",
            f"TLP:{handling.tlp.upper()}",
            classification_name(entry.ref.classification)
            + (f" {texts('until')} {_plain(handling.classified_until)}" if handling.classified_until else ""),
        ],
        "text": f"{_plain(text, lines=True)} {more}".strip(),
        "techniques": [f"{t.split(':')[1]} {named(t).name}".strip() for t in report.techniques],
        "proof": f"{texts(PROOF_SHORT[status])} {delivery.compartment} · {delivery.index} · {delivery.number}",
        "hash": delivery.object_hash.hex(),
    }


def _plain(text: str, *, lines: bool = False) -> str:
    """What may deceive stands as its name between brackets, as on the pages."""
    return "".join(f"⟨{piece.text}⟩" if piece.mark else piece.text for piece in pieces(text, lines=lines))
