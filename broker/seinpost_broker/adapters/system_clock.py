# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The machine's clock."""

from __future__ import annotations

import time


class SystemClock:
    """Unix milliseconds from the operating system."""

    def now_ms(self) -> int:
        """Unix milliseconds."""
        return time.time_ns() // 1_000_000
