# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""When a broker looks at the register again: no mandate begins or ends unseen."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from trial.enclave import TrialEnclave, mandate, party_of

from seinpost_broker.register_follower import patience_seconds
from seinpost_schemas.policy import View

BEGINS = dt.datetime(2026, 12, 1, 9, tzinfo=dt.UTC)
BEGINS_MS = int(BEGINS.timestamp() * 1000)


def begins(table: dict[str, Any]) -> None:
    party_of(table, "stil")["mandates"] = [mandate("parties", "publish", **{"from": BEGINS})]


@pytest.fixture
def view() -> View:
    return TrialEnclave(begins).directory().current


@pytest.mark.parametrize(
    ("rendered_ms", "now_ms", "seconds"),
    [
        # Rendered before, and some time to go.
        (BEGINS_MS - 60_000, BEGINS_MS - 60_000, 20.0),
        (BEGINS_MS - 9_000, BEGINS_MS - 9_000, 9.0),
        # It began while the server was reloading: at once, not when there is reason to look again.
        (BEGINS_MS - 2_000, BEGINS_MS, 0.0),
        (BEGINS_MS - 2_000, BEGINS_MS + 5_000, 0.0),
        # Rendered with it: nothing is due any more.
        (BEGINS_MS, BEGINS_MS + 1, 20.0),
        # The clock was put back meanwhile.
        (BEGINS_MS + 5_000, BEGINS_MS - 5_000, 20.0),
    ],
)
def test_a_mandate_that_begins_meanwhile_is_due_at_once(
    view: View, rendered_ms: int, now_ms: int, seconds: float
) -> None:
    assert patience_seconds(view, rendered_ms, now_ms) == seconds
