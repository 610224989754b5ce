# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Moments as people at this machine read them. What a signal or a log says may be at the very end of the calendar."""

from __future__ import annotations

import datetime as dt

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def local_time(at: dt.datetime | int) -> dt.datetime:
    """In this machine's time zone; a number is in Unix milliseconds.

    In UTC (``tzinfo is dt.UTC``) where the calendar of that zone ends before: 9999-12-31T23:59Z is the year 10000 in
    Amsterdam. A number beyond every calendar is its last moment.
    """
    if isinstance(at, int):
        try:
            at = _EPOCH + dt.timedelta(milliseconds=at)
        except OverflowError:
            at = dt.datetime.max.replace(tzinfo=dt.UTC)
    try:
        return at.astimezone()
    except (OverflowError, ValueError, OSError):
        return at.astimezone(dt.UTC)
