# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A broker that is told to stop does stop."""

from __future__ import annotations

import asyncio

SERVICE = "seinpost service"
"""The name of each task that runs until it is cancelled."""

_AGAIN_SECONDS = 1.0


def stop(serving: asyncio.Task[None]) -> None:
    """Cancel, and cancel the services again every second until ``serving`` has ended.

    Python 3.11's ``wait_for``, with which nats-py waits, forgets a cancellation that comes together with an answer
    (https://github.com/python/cpython/issues/86296); a service would then go on for ever. Safe to repeat: a service
    has nothing to put away when it is cancelled, and what cleans up behind them bears no such name.
    """
    serving.cancel()
    asyncio.get_running_loop().call_later(_AGAIN_SECONDS, _insist, serving)


def _insist(serving: asyncio.Task[None]) -> None:
    if serving.done():
        return
    for task in asyncio.all_tasks():
        if task.get_name() == SERVICE:
            task.cancel()
    asyncio.get_running_loop().call_later(_AGAIN_SECONDS, _insist, serving)
