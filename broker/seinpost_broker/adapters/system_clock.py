# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The machine's clock, which must not jump: admission times can never be taken back."""

from __future__ import annotations

import time

from seinpost_schemas.errors import SetupError
from seinpost_schemas.limits import MAX_CLOCK_SKEW_MS


class SystemClock:
    """Unix milliseconds from the operating system, held against its boot time from one look to the next."""

    def __init__(self) -> None:
        self._wall_ns, self._boot_ns = time.time_ns(), time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def now_ms(self) -> int:
        """Unix milliseconds; raises ``SetupError`` when the clock was set by more than 15 minutes at once."""
        wall_ns, boot_ns = time.time_ns(), time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        jumped_ms = abs((wall_ns - self._wall_ns) - (boot_ns - self._boot_ns)) // 1_000_000
        if jumped_ms > MAX_CLOCK_SKEW_MS:
            raise SetupError(
                f"this machine's clock was set by {jumped_ms // 60_000} minutes: make sure that it is right, "
                "then start again"
            )
        self._wall_ns, self._boot_ns = wall_ns, boot_ns
        return wall_ns // 1_000_000
