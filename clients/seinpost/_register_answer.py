# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A broker's refusal of a register version; that it came in force is in the directory itself."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib

from seinpost_schemas.answer import decode_answer
from seinpost_schemas.errors import InvalidError, Reason, RefusedError, UnavailableError
from seinpost_schemas.header import HEADER_BYTES, object_hash
from seinpost_schemas.subjects import ANSWERS_STREAM
from seinpost_schemas.submission import Submission

from ._transport import Transport


async def await_refusal(
    transport: Transport, identity: str, first_seq: int, submission: Submission
) -> RefusedError:
    """The refusal of this submission, whenever it comes; answers to anything else are left where they are."""
    data = submission.encode()
    name = object_hash(data[:HEADER_BYTES]) if len(data) >= HEADER_BYTES else hashlib.sha256(data).digest()
    while True:
        with contextlib.suppress(UnavailableError):
            async for stored in transport.pull(ANSWERS_STREAM, identity, first_seq):
                with contextlib.suppress(InvalidError):
                    answer = decode_answer(stored.body)
                    if answer.object == name.hex() and answer.verdict == "refused":
                        return RefusedError(
                            answer.reason or Reason.MALFORMED, answer.message or "", answer.basis
                        )
        await asyncio.sleep(0.5)
