# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""One identity's signatures, made beside the event loop.

ML-DSA lets go of the interpreter, so that the next batch is taken and hashed while this one is signed. One
thread: envelopes come back in the order of their chain, as they were handed in.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from seinpost_schemas.envelope import Envelope, UnsignedEnvelope
from seinpost_schemas.signing import SigningKey


class SigningThread:
    """Starts with the first signature; ``close`` lets it end."""

    def __init__(self, key: SigningKey) -> None:
        self._key = key
        self._thread = ThreadPoolExecutor(1, "seinpost-signing")
        self._waiting = 0

    async def sign(self, envelope: UnsignedEnvelope, *, aside: bool) -> Envelope:
        """The envelope with its signature; a caller that is cancelled leaves nothing behind.

        ``aside``: there is something else to do meanwhile. Without, and with none before it in the thread, it is
        signed here and now: a lonely envelope does not wait for a thread to wake.
        """
        if not aside and not self._waiting:
            return envelope.sign(self._key)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, envelope.sign, self._key)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Sign nothing more; what is being signed just now is thrown away."""
        self._thread.shutdown(wait=False, cancel_futures=True)
