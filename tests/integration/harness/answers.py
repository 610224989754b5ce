# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What brokers answered, read by the server's own hand."""

from __future__ import annotations

import asyncio

from seinpost_broker.adapters.nats_bus import NatsBus
from seinpost_schemas.answer import BrokerAnswer, decode_any_answer
from seinpost_schemas.subjects import ANSWERS_STREAM

_SECONDS = 30


async def next_answer(bus: NatsBus, after: int) -> BrokerAnswer:
    """The first verdict behind stream sequence ``after``; proofs of what was admitted earlier may stand before it."""
    seq = after
    async with asyncio.timeout(_SECONDS):
        while True:
            while await bus.last_seq(ANSWERS_STREAM) <= seq:
                await asyncio.sleep(0.01)
            seq += 1
            answer = decode_any_answer((await bus.read_one(ANSWERS_STREAM, seq)).body)
            if isinstance(answer, BrokerAnswer):
                return answer
