# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What an act about a signal is called: in the terminal and on a page. Pure.

English is the source; the catalogue has the Dutch (``cli/_text.py``).
"""

from __future__ import annotations

from collections.abc import Callable

from seinpost_schemas.signal import ActReport

FEEDBACK_SAID = {
    "corroborate": "confirms it from a source of its own",
    "dispute": "disputes it",
    "false-positive": "calls it a false alarm",
    "action-taken": "took action",
    "question": "asks a question",
}
"""After the name of a party."""
AT_TABLE = {"new": "new", "in-hand": "in hand", "closed": "closed"}
BY_VALUE = (FEEDBACK_SAID, AT_TABLE)
"""Looked up by a code: their values are in the catalogue too."""


def act_words(report: ActReport, texts: Callable[[str], str]) -> str:
    """An act in words; one that is not known here goes by its own name."""
    if report.act in FEEDBACK_SAID:
        return texts(FEEDBACK_SAID[report.act])
    if report.act == "status" and report.status in AT_TABLE:
        return texts("At our table: {status}").format(status=texts(AT_TABLE[report.status]))
    if report.act == "assign" and report.assignee:
        return texts("Given to {official}").format(official=report.assignee)
    return texts("Given to nobody any more") if report.act == "assign" else report.act
