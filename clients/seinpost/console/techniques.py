# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""DISARM techniques and tactics by name (vocabulary of the DISARM Foundation, CC BY 4.0)."""

from __future__ import annotations

import csv
import functools
from importlib.resources import files
from typing import NamedTuple


class Technique(NamedTuple):
    """A technique as a signal names it, with what the vocabulary says of it."""

    id: str
    name: str
    tactic: str


class Tactic(NamedTuple):
    """A tactic, in the order of the framework."""

    id: str
    name: str


def _rows(name: str) -> list[dict[str, str]]:
    text = (files("seinpost.demo") / "disarm" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines(keepends=True)))


@functools.cache
def tactics() -> tuple[Tactic, ...]:
    """Every tactic, in the framework's own order."""
    rows = sorted(_rows("tactics.csv"), key=lambda row: int(row["rank"]))
    return tuple(Tactic(row["disarm_id"], row["name"].strip()) for row in rows)


@functools.cache
def _vocabulary() -> dict[str, Technique]:
    names = {tactic.id: tactic.name for tactic in tactics()}
    return {
        f"disarm:{row['disarm_id']}": Technique(
            f"disarm:{row['disarm_id']}", row["name"].strip(), names.get(row["tactic_id"].strip(), "")
        )
        for row in _rows("techniques.csv")
    }


def tactic_id(name: str) -> str:
    """The id of a tactic by its name; empty for none."""
    return next((tactic.id for tactic in tactics() if tactic.name == name), "")


def named(identifier: str) -> Technique:
    """The technique with its name and tactic; empty ones for an id that the vocabulary lacks."""
    return _vocabulary().get(identifier, Technique(identifier, "", ""))


@functools.cache
def _names() -> dict[str, str]:
    return {technique.name.casefold(): technique.id for technique in vocabulary()}


def by_name(name: str) -> str:
    """The id of the technique that is called so, in any case; empty for none."""
    return _names().get(name.strip().casefold(), "")


def vocabulary() -> tuple[Technique, ...]:
    """Every technique there is, by id."""
    return tuple(_vocabulary().values())
