# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""DISARM incidents as signals, each from the party and into the theme that suits it."""

from __future__ import annotations

import csv
import datetime as dt
import html
import re
from collections import defaultdict
from importlib.resources import files
from typing import Literal

import msgspec

from seinpost_schemas.limits import MAX_TEXT_CHARACTERS, MAX_TITLE_CHARACTERS, MAX_VALUE_CHARACTERS
from seinpost_schemas.signal import Handling, Indicator, Protected, Report, Signal

_ELECTION = re.compile(r"\b(election|vot(e|er|ing)|ballot|poll(s|ing)?|referendum|brexit)", re.IGNORECASE)
_PARTY = re.compile(
    r"\b(candidate|party|politic(al|ian)|minister|president|parliament|macron|clinton)", re.IGNORECASE
)
_ABROAD = re.compile(r"\b(nato|european union|eu|embassy|diploma)", re.IGNORECASE)
_HOME = re.compile(r"\b(netherlands|dutch|mh17|europe|eu|nato)\b", re.IGNORECASE)
_MANY_TECHNIQUES = 4
_URGENCY: dict[int, Literal["low", "normal", "high", "immediate"]] = {
    5: "immediate", 4: "high", 3: "normal", 2: "low", 1: "low",
}  # fmt: skip
_TECHNIQUE = re.compile(r"T[0-9]{4}(\.[0-9]{3})?")
_TAG = re.compile(r"<[^>]{0,200}>")
_SENDERS = {
    "process": ("ncsc", "ibd", "kiesraad"),
    "debate": ("cvdm", "aivd"),
    "parties": ("ncsc", "aivd"),
    "international": ("ncsc", "aivd"),
}
_CLASSIFICATION = {"ncsc": "depv", "aivd": "depv", "ibd": "ong", "kiesraad": "ong", "cvdm": "ong"}


class Publication(msgspec.Struct, frozen=True):
    """A signal and where it goes."""

    party: str
    theme: str
    classification: str
    signal: Signal


def _rows(name: str) -> list[dict[str, str]]:
    text = (files(__package__) / "disarm" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines(keepends=True)))


def load_publications(now: dt.datetime) -> tuple[list[Publication], list[str]]:
    """Every incident as a publication, and the technique ids that the vocabulary lacks (dropped)."""
    vocabulary = {row["disarm_id"] for row in _rows("techniques.csv")}
    observed: dict[str, list[str]] = defaultdict(list)
    for row in _rows("incident_techniques.csv"):
        observed[row["incident_id"]] += [m.group() for m in _TECHNIQUE.finditer(row["technique_ids"])]
    unknown = sorted({t for ids in observed.values() for t in ids if t not in vocabulary})
    turns: dict[str, int] = defaultdict(int)
    publications = []
    for row in _rows("incidents.csv"):
        theme = _theme(row)
        senders = _SENDERS[theme]
        party = senders[turns[theme] % len(senders)]
        turns[theme] += 1
        techniques = tuple(
            dict.fromkeys(f"disarm:{t}" for t in observed[row["disarm_id"]] if t in vocabulary)
        )
        signal = _signal(row, techniques, now)
        publications.append(Publication(party, theme, _CLASSIFICATION[party], signal))
    return publications, unknown


def _theme(row: dict[str, str]) -> str:
    text = f"{row['name']} {row['summary']}"
    if _ELECTION.search(text):
        return "process"
    if _PARTY.search(text):
        return "parties"
    if _ABROAD.search(text):
        return "international"
    return "debate"


def _severity(row: dict[str, str], techniques: tuple[str, ...]) -> int:
    """1 to 5, by rule: more for a campaign, an election, something close to home, and many techniques at once."""
    text = f"{row['name']} {row['summary']}"
    weighs = (
        row["objecttype"] in ("campaign", "apt"),
        _ELECTION.search(text) is not None,
        _HOME.search(text) is not None,
        len(techniques) >= _MANY_TECHNIQUES,
    )
    return min(5, 1 + sum(weighs) + (weighs[1] and weighs[2]) + bool(techniques))


def _plain(text: str) -> str:
    return html.unescape(_TAG.sub(" ", text)).strip()


def _signal(row: dict[str, str], techniques: tuple[str, ...], now: dt.datetime) -> Signal:
    name = _plain(row["name"]) or row["disarm_id"]
    year = row["year_started"].strip()
    urls = dict.fromkeys(re.findall(r"https?://[^\s,;\"<>]+", row["urls"]))
    return Signal(
        handling=Handling(
            schema=1,
            signal_type="incident",
            valid_until=now + dt.timedelta(days=90),
            tlp="amber",
            classified_until=f"{now + dt.timedelta(days=365):%Y-%m-%d}",
            severity=(severity := _severity(row, techniques)),
            urgency=_URGENCY[severity],
            election="TK2025" if _ELECTION.search(f"{row['name']} {row['summary']}") else None,
            exercise=True,
        ),
        report=Report(
            title=name[:MAX_TITLE_CHARACTERS],
            text=(_plain(row["summary"]) or name)[:MAX_TEXT_CHARACTERS],
            language="en",
            observed_from=dt.datetime(int(year), 1, 1, tzinfo=dt.UTC) if year.isdigit() else None,
            techniques=techniques,
            regions=(row["found_in_country"].strip()[:500],) if row["found_in_country"].strip() else (),
            attribution=row["attributions_seen"].strip()[:500] or None,
            # A public report with its sources named; probably true where others have attributed it too.
            source_reliability="B" if urls else "F",
            information_credibility=2 if row["attributions_seen"].strip() else 3,
        ),
        indicators=tuple(Indicator(type="url", value=u[:MAX_VALUE_CHARACTERS], role="source") for u in urls),
        protected=Protected(source_description=f"DISARM Foundation, incident {row['disarm_id']} (CC BY 4.0)"),
    )


def refusals(now: dt.datetime) -> list[Publication]:
    """Three publications that must be refused, each by another rule."""
    base = load_publications(now)[0][0].signal
    assessment = msgspec.structs.replace(
        base, handling=msgspec.structs.replace(base.handling, signal_type="assessment")
    )
    return [
        Publication("kiesraad", "process", "ong", assessment),
        Publication("kiesraad", "debate", "ong", base),
        Publication("aivd", "process", "stgc", base),
    ]
