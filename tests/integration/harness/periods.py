# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The end of a log period: a register that names the next one."""

from __future__ import annotations

import tomllib
from pathlib import Path

import tomli_w

from .registrar import Change, Desk


def turn(current: str, next_: str, *retained: str) -> Change:
    """A draft's periods, changed."""

    def change(draft: Path) -> None:
        table = tomllib.loads(draft.read_text())
        table["periods"] = {"current": current, "next": next_, "retained": list(retained)}
        draft.write_text(tomli_w.dumps(table))

    return change


def sign_turn(desk: Desk, current: str, next_: str, *retained: str) -> Path:
    """A signed version under which another period runs."""
    return desk.sign(desk.draft(turn(current, next_, *retained)))
