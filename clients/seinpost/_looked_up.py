# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What the logs said when this identity last looked something up in them."""

from __future__ import annotations

from pathlib import Path

from seinpost_schemas.signal_proof import Proven
from seinpost_schemas.subjects import feed_stream

from ._lock import Lock
from ._reading_state import ReadingState, RecallRow


async def recall_looked_up(state: Path, storage_key: bytes, proven: Proven) -> RecallRow | None:
    """The recall of a signal that a proof was just made of; ``None`` while it stands."""
    lock = Lock(state / "ledger.lock")
    await lock.acquire(lambda: None)
    try:
        ledger = ReadingState(state, storage_key, "ledger.db", tells_receipts=False)
        try:
            stream = feed_stream(proven.period, proven.compartment)
            return ledger.recall(stream, proven.index, proven.signal_id)
        finally:
            ledger.close()
    finally:
        lock.release()
