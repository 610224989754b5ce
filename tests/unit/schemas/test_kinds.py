# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Kinds and actions."""

from __future__ import annotations

import re
from pathlib import Path

from seinpost_schemas.kinds import ACTIONS, INGRESS_ACTIONS, SEALED, SEALED_ACTIONS, Action, EpochUse, Kind

SPEC = (Path(__file__).parents[3] / "docs" / "spec.md").read_text("utf-8")


def test_every_kind_has_its_actions() -> None:
    assert set(ACTIONS) == set(Kind)
    assert all(ACTIONS.values())


def test_kinds_bodies_and_actions_are_the_specifications() -> None:
    table = SPEC[SPEC.index("| kind | name | body |") : SPEC.index("### 4.1")]
    rows = re.findall(r"^\| ([0-9]) \| [^|]+ \| (sealed|clear)[^|]* \| ([^|]+) \|$", table, re.MULTILINE)
    assert len(rows) == len(Kind)
    for number, body, actions in rows:
        kind = Kind(int(number))
        assert (kind in SEALED) == (body == "sealed")
        named = set(re.sub(r"\(.*\)", "", actions).replace(" ", "").split(","))
        assert {a.value for a in ACTIONS[kind]} == named


def test_every_action_of_a_kind_has_an_ingress_subject() -> None:
    assert {a for actions in ACTIONS.values() for a in actions} == set(INGRESS_ACTIONS)
    assert set(INGRESS_ACTIONS) >= SEALED_ACTIONS
    assert Action.AUDIT not in INGRESS_ACTIONS


def test_own_carries_table_acts_and_the_others_the_rest() -> None:
    assert EpochUse.OWN.value == {Kind.TABLE_ACT}
    assert EpochUse.OWN.value | EpochUse.OTHERS.value == SEALED
    assert not EpochUse.OWN.value & EpochUse.OTHERS.value
