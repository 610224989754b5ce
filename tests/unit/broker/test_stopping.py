# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Told to stop in the very moment in which something comes, a broker stops all the same."""

from __future__ import annotations

import asyncio

from seinpost_broker.stopping import SERVICE, stop


async def forgets_the_first_cancellation(kept: list[str]) -> None:
    """As nats-py does when a cancellation comes together with an answer."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        kept.append("forgotten")
    await asyncio.Event().wait()


async def test_a_service_that_forgot_its_cancellation_is_cancelled_again() -> None:
    kept: list[str] = []

    async def serve() -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(forgets_the_first_cancellation(kept), name=SERVICE)
        finally:
            # What puts things away behind the services takes its time, and is left alone.
            await asyncio.sleep(1.5)
            kept.append("put away")

    serving = asyncio.ensure_future(serve())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    stop(serving)
    done, _ = await asyncio.wait({serving}, timeout=10)
    if not done:
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
    assert done
    assert kept == ["forgotten", "put away"]
