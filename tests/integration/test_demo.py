# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The demonstration, as `make demo DEMO_ARGS=--headless` runs it."""

from __future__ import annotations

import datetime as dt
import json
import re

import pytest
from harness.enclave import run

from seinpost.demo.register_change import BEGINS, PARTY, REVOKED, change
from seinpost_schemas.errors import SetupError

DEMO_SECONDS = 180.0
DRAFT = """version = 2

[[parties]]
token = "cvdm"
clearance = "depv"

[[parties.mandates]]
themes = ["debate"]
actions = ["publish"]

[[parties.mandates]]
themes = ["debate"]
actions = ["read"]

[[parties.identities]]
name = "cvdm-1"

[[parties]]
token = "acm"

[[parties.mandates]]
actions = ["publish"]
"""


def test_everything_is_audited_and_the_register_changes_meanwhile() -> None:
    done = run("demo", "--headless", seconds=DEMO_SECONDS)
    assert done.status == 0, done
    summary = json.loads(done.stdout)
    assert summary["admitted"] == summary["verified"] == summary["audited"] == 87
    assert (summary["published"], summary["refused"], summary["alarms"], summary["register"]) == (92, 5, 0, 2)
    said = done.stderr
    before = said.index(f"{PARTY} has no mandate to publish on {BEGINS}")
    loses, gains = (said.index(f"({PARTY}) {word}") for word in ("verliest", "mag"))
    assert before < min(loses, gains)
    assert f"{PARTY} has no mandate to publish on {REVOKED}" in said[max(loses, gains) :]
    begun = re.search(
        r"it is \d\d:\d\d:\d\d UTC: the new mandate begins\nadmitted: cvdm on ong/parties", said
    )
    assert begun, said


def test_the_change_is_of_one_party_and_leaves_the_rest() -> None:
    begins = dt.datetime(2026, 11, 24, 9, tzinfo=dt.UTC)
    changed = change(DRAFT, begins)
    own, other = changed.split('token = "acm"')
    assert 'themes = ["parties"]' in own
    assert "from = 2026-11-24T09:00:00Z" in own
    assert own.count('"publish"') == 1
    assert 'actions = ["read"]' in own
    assert 'name = "cvdm-1"' in own
    assert other == DRAFT.split('token = "acm"')[1]


@pytest.mark.parametrize("draft", ["", DRAFT.replace('"publish"', '"share"', 1)])
def test_a_register_that_does_not_fit_is_said(draft: str) -> None:
    with pytest.raises(SetupError, match="cvdm one mandate to publish"):
        change(draft, dt.datetime(2026, 11, 24, tzinfo=dt.UTC))
