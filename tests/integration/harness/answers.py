# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What brokers answered, read by the server's own hand."""

from __future__ import annotations

import asyncio
import contextlib

from seinpost_broker.adapters.nats_bus import NatsBus
from seinpost_schemas.answer import BrokerAnswer, decode_any_answer
from seinpost_schemas.errors import UnavailableError
from seinpost_schemas.subjects import ANSWERS_STREAM

_SECONDS = 30


async def next_answer(bus: NatsBus, after: int) -> BrokerAnswer:
    """The first verdict behind stream sequence ``after``; proofs of what was admitted earlier may stand before it."""
    seq = after
    async with asyncio.timeout(_SECONDS):
        while True:
            answer = None
            # A server that just reloads answers nobody for a moment.
            with contextlib.suppress(UnavailableError):
                if await bus.last_seq(ANSWERS_STREAM) > seq:
                    answer = decode_any_answer((await bus.read_one(ANSWERS_STREAM, seq + 1)).body)
                    seq += 1
            if isinstance(answer, BrokerAnswer):
                return answer
            if answer is None:
                await asyncio.sleep(0.01)
