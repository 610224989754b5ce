# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What was said of a proven signal since it was logged: its identity revoked, or the signal taken back."""

from __future__ import annotations

import datetime as dt

from seinpost._reading_state import RecallRow
from seinpost_schemas.clear_bodies import reason_name
from seinpost_schemas.register import Revocation
from seinpost_schemas.signal_proof import Proven


def since_row(revocation: Revocation | None, recall: RecallRow | None = None) -> dict[str, object]:
    """As fields of a JSON line; none for a signal of which nothing was said."""
    row: dict[str, object] = {}
    if revocation is not None:
        row["revoked"] = {"reason": revocation.reason, "suspect_from": _suspect_from(revocation)}
    if recall is not None:
        row["recalled"] = {"reason": reason_name(recall.reason), "admitted": _moment(recall.admitted_ms)}
    return row


def since_lines(proven: Proven, revocation: Revocation | None, recall: RecallRow | None = None) -> list[str]:
    """As sentences, for whoever may hand the proof on."""
    lines = []
    if revocation is not None:
        lines.append(
            f"{proven.identity} of {proven.party} was revoked ({revocation.reason}), suspect from "
            f"{_suspect_from(revocation)}: nobody can tell whether {proven.party} made this signal; "
            "ask there, by telephone"
        )
    if recall is not None:
        lines.append(
            f"{proven.party} took this signal back on {_moment(recall.admitted_ms):%Y-%m-%d %H:%M:%S} UTC "
            f"({reason_name(recall.reason)}): do not act on it, and say so to whom you give the proof"
        )
    return lines


def _suspect_from(revocation: Revocation) -> str:
    if revocation.suspect_from is not None:
        return f"{revocation.suspect_from.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
    return f"entry {revocation.suspect_index} of {revocation.suspect_log}"


def _moment(at_ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC)
