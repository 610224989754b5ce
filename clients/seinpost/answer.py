# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What became of a published signal."""

from __future__ import annotations

import msgspec


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The broker's answer to one signal; ``index`` is its envelope's place in the compartment's log."""

    signal: str
    verdict: str
    compartment: str
    index: int | None = None
    reason: str | None = None
    message: str | None = None
    basis: str | None = None
