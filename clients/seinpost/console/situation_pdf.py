# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The situation report as PDF/UA, set by typst in this process: nothing is written to disk.

The template gets its texts as data, never as markup: no text of a signal can become an instruction.
"""

from __future__ import annotations

from importlib.resources import files

import msgspec
import typst

from seinpost.act_words import AT_TABLE
from seinpost.texts import Texts

from .called import Called
from .hostile_text import clamp, pieces
from .situation import Line, Situation
from .situation_words import (
    ATTENTION,
    FIGURES,
    opened_line,
    opinion_lines,
    title_of,
    total_of,
    withdrawn_line,
)
from .techniques import named
from .words import (
    SEVERITIES,
    TYPES,
    classification_name,
    theme_name,
    until_date,
    until_words,
    why_sentence,
)

_TEXT_CHARACTERS = 4_000


def make_pdf(situation: Situation, called: Called, made: str, language: str, texts: Texts) -> bytes:
    """The report's bytes; ``made`` says when and by whom."""
    duration = until_words(situation.marking, language, texts)
    data = {
        "language": language,
        "title": title_of(situation.asked, language, texts),
        "made": made,
        "marking": f"{classification_name(situation.marking.level)} {_plain(duration)}".strip(),
        "page": texts("Page"),
        "exercise": texts("EXERCISE") if situation.asked.exercise else "",
        "summary": total_of(situation, texts),
        "figures": [
            {"n": n, "what": texts(FIGURES[what])}
            for what, n in situation.figures.items()
            if n or what in ("serious", "open")
        ],
        "attention_title": texts("What asks for attention"),
        "attention": [
            {
                "why": texts(ATTENTION[why]),
                "signals": [f"{line.number}. {_plain(line.entry.signal.report.title)}" for line in lines],
            }
            for why, lines in situation.attention.items()
        ],
        "no_attention": texts("Nothing at this moment."),
        "none": texts("No signals."),
        "themes": [
            {
                "name": theme_name(theme, language),
                "signals": [_signal(line, called, language, texts) for line in lines],
            }
            for theme, lines in situation.themes
        ],
        "gone_title": texts("Taken back or replaced"),
        "gone": [withdrawn_line(line, called, language, texts) for line in situation.withdrawn]
        + [_replaced(line, texts) for line in situation.replaced],
        "annex_title": texts("Annex: places in the logs"),
        "annex_head": [texts("Signal"), texts("Log"), texts("Place"), texts("Hash of its envelope")],
        "annex": [
            [
                str(line.number),
                str(line.entry.delivery.compartment),
                f"{line.entry.delivery.index} · {line.entry.delivery.number}",
                line.entry.delivery.object_hash.hex(),
            ]
            for line in situation.lines
        ],
    }
    return typst.compile(
        (files(__package__) / "templates" / "situation.typ").read_bytes(),
        format="pdf",
        sys_inputs={"data": msgspec.json.encode(data).decode()},
        pdf_standards=["ua-1"],
        ignore_system_fonts=True,
    )


def _replaced(line: Line, texts: Texts) -> str:
    newer = line.standing.replaced_by[-1].signal.report.title
    said = texts("“{old}” was replaced by “{new}”.")
    return said.format(old=_plain(line.entry.signal.report.title), new=_plain(newer))


def _signal(line: Line, called: Called, language: str, texts: Texts) -> dict[str, object]:
    entry, standing = line.entry, line.standing
    report, handling = entry.signal.report, entry.signal.handling
    text, rest = clamp(report.text, _TEXT_CHARACTERS)
    more = texts.plural("({n} more character)", "({n} more characters)", rest).format(n=rest) if rest else ""
    until = handling.classified_until
    at_table = standing.at_table
    stands = [
        why_sentence(standing.status, standing.suspect, texts),
        *opinion_lines(line, called, texts),
        texts("At the table: {status}.").format(
            status=texts(AT_TABLE[at_table.status if at_table else "new"])
        ),
        opened_line(line, called, texts),
    ]
    return {
        "number": line.number,
        "title": _plain(report.title),
        "severity": entry.severity,
        "facts": [
            f"{texts('severity')} {entry.severity or '–'}: {texts(SEVERITIES[entry.severity])}",
            texts(TYPES[handling.signal_type]),
            f"{texts('from')} {_plain(called.short(entry.delivery.sender))}",
            f"TLP:{handling.tlp.upper()}",
            classification_name(entry.ref.classification)
            + (
                f" {texts('until {until}').format(until=_plain(until_date(until, language)))}"
                if until
                else ""
            ),
        ],
        "text": f"{_plain(text, lines=True)} {more}".strip(),
        "techniques": [f"{t.split(':')[1]} {named(t).name}".strip() for t in report.techniques],
        "stands": " ".join(sentence for sentence in stands if sentence),
    }


def _plain(text: str, *, lines: bool = False) -> str:
    """What may deceive stands as its name between brackets, as on the pages."""
    return "".join(f"⟨{piece.text}⟩" if piece.mark else piece.text for piece in pieces(text, lines=lines))
