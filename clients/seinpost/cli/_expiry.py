# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A warning while there is still time: an expired register stops all publication."""

from __future__ import annotations

from seinpost.connection import Connection
from seinpost.texts import Texts

from ._tty import fail


def warn_of_expiry(connection: Connection, texts: Texts) -> None:
    """One line on standard error from 14 days before."""
    days = connection.expires_in_days()
    if days is not None:
        text = texts.plural(
            "the register expires in {days} day; then nothing can be published: ask a registrar",
            "the register expires in {days} days; then nothing can be published: ask a registrar",
            days,
        )
        fail(text.format(days=days))
