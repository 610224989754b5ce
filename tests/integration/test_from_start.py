# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Live: reading from the start that stops before the end goes on later, as its help says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from harness.enclave import Enclave, run
from harness.samples import signal

import seinpost

pytestmark = [pytest.mark.nats]
WHERE = {"theme": "process", "classification": "depv"}


async def test_what_was_not_reached_comes_again_and_is_not_answered_until_then(
    new_enclave: Callable[..., Enclave],
) -> None:
    enclave = new_enclave("ncsc", "bzk")
    enclave.start()
    async with seinpost.connect(enclave.config("ncsc")) as ncsc:
        for number in range(3):
            newest = await ncsc.publish(signal(f"Signaal {number}"), **WHERE)

    def read(*more: str) -> list[str]:
        done = enclave.watch("bzk", *more)
        assert done.status == 0, done
        return [r["signal"]["report"]["title"] for r in done.rows]

    def answer() -> int:
        config = enclave.config("bzk")
        return run("feedback", str(newest.signal), "question", "--text", "Waar?", "--config", config).status

    everything = await asyncio.to_thread(read, "--count", "3")
    assert everything == ["Signaal 0", "Signaal 1", "Signaal 2"]
    assert await asyncio.to_thread(read, "--from-start", "--count", "1") == ["Signaal 0"]
    assert await asyncio.to_thread(answer) != 0
    assert await asyncio.to_thread(read, "--count", "2") == ["Signaal 1", "Signaal 2"]
    assert await asyncio.to_thread(answer) == 0
    said = " ".join((await asyncio.to_thread(run, "watch", "--help")).stdout.replace("│", " ").split())
    assert "What was not reached when it stops comes again the next time" in said
    assert "until then it cannot be answered by its id" in said
