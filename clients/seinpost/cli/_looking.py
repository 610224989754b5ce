# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A connection for commands that look something up in the logs: what is wrong there is said, and counts."""

from __future__ import annotations

from seinpost.config import Config
from seinpost.connection import Connection
from seinpost.identity import Identity
from seinpost.texts import Texts

from . import fail, show_progress
from .watch import alarm_line


def looking(config: Config, identity: Identity, texts: Texts) -> Connection:
    """Each alarm is a line on standard error; the command's exit status is 1 then."""
    return Connection(
        config,
        identity,
        on_alarm=lambda alarm: fail(alarm_line(alarm, texts)),
        on_waiting=fail,
        on_progress=show_progress,
    )
