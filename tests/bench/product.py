# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The library's own path without a network: ``submit`` to bytes handed to a transport, and a message to a delivery.

What a publisher and a reader do beside sealing and opening is in it: rights, room, futures, answers, the state
on disk. Answers come back at once, as from a broker that costs nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from unittest import mock

sys.path.append(str(Path(__file__).parents[1] / "unit" / "client"))

from rounds import Timed, cpu_of_self
from rows import Row, row
from subject import incidents
from trial.enclave import TrialEnclave, identity
from trial.log import TrialLog
from trial.network import MemoryTransport

from seinpost._directory import DirectoryFollower, monotonic_ms, wall_ms
from seinpost._keyring import Keyring
from seinpost._reading_state import ReadingState
from seinpost._sending_state import SendingState
from seinpost._transport import StoredMessage
from seinpost.publisher import Publisher
from seinpost.subscriber import Subscriber
from seinpost_schemas.answer import BrokerAnswer
from seinpost_schemas.header import HEADER_BYTES, object_hash
from seinpost_schemas.sections import encode_signal
from seinpost_schemas.subjects import ANSWERS_STREAM
from seinpost_schemas.uuid7 import make_id

GROUP = "The library's own path, without a network"
SIGNALS = 16_384
BATCHES = (64, 1_024)


class Answering(MemoryTransport):
    """A network that answers every envelope at once."""

    def __init__(self, enclave: TrialEnclave, sender_id: bytes) -> None:
        super().__init__(enclave)
        self._sender = sender_id.hex()
        self._answers: asyncio.Queue[StoredMessage] = asyncio.Queue()
        self._number = 0

    async def send(self, _subject: str, data: bytes, _msg_id: str | None) -> bool:
        """Admitted."""
        self._number += 1
        answer = BrokerAnswer(
            object=object_hash(data[:HEADER_BYTES]).hex(),
            sender=self._sender,
            compartment="depv/process",
            verdict="admitted",
            period="2026q4",
            index=self._number,
            admitted_ms=1,
        )
        self._answers.put_nowait(StoredMessage(self._number, {}, answer.encode()))
        return True

    async def pull(
        self, stream: str, consumer: str, first_seq: int, *, gaps: bool = False
    ) -> AsyncIterator[StoredMessage]:
        """The answers; anything else as in memory."""
        if stream != ANSWERS_STREAM:
            async for message in super().pull(stream, consumer, first_seq, gaps=gaps):
                yield message
        while True:
            yield await self._answers.get()


async def _publish(folder: Path, rounds: int, batch: int) -> Timed:
    enclave, who = TrialEnclave(), identity("ncsc-1")
    transport, signals, timed = Answering(enclave, who.sender_id), incidents(), Timed([], [])
    floor, state = ReadingState(folder, who.storage_key), SendingState(folder)
    follower = DirectoryFollower(enclave.enclave_id, transport, floor)
    enclave.feed(follower.directory)
    publisher = Publisher(who, follower, transport, state, lambda _: None)
    running = asyncio.ensure_future(publisher.run())
    for number in range(rounds + 1):
        follower.freshness.saw(wall_ms() // 1000 + 1, monotonic_ms(), wall_ms())
        cpu, started = cpu_of_self(), asyncio.get_running_loop().time()
        futures = []
        for n in range(SIGNALS):
            futures.append(await publisher.submit(signals[n % len(signals)], "process", "depv"))
            if n % batch == batch - 1:
                # A caller that hands over so many at a time.
                await asyncio.sleep(0)
        await asyncio.gather(*futures)
        elapsed = asyncio.get_running_loop().time() - started
        if number:
            timed.rates.append(SIGNALS / elapsed)
            timed.cores.append((cpu_of_self() - cpu) / elapsed)
    await publisher.close(0)
    running.cancel()
    await asyncio.wait({running})
    state.close()
    floor.close()
    return timed


async def _read(folder: Path, rounds: int, batch: int) -> Timed:
    enclave, timed = TrialEnclave(), Timed([], [])
    log, sender, reader = TrialLog(enclave), identity("ncsc-1"), identity("tafel-1")
    secrets, signals = log.add_epoch(sender), incidents()
    for first in range(0, SIGNALS, batch):
        numbers = range(first, first + batch)
        encoded = [encode_signal(signals[n % len(signals)], make_id(1, os.urandom(10))) for n in numbers]
        log.add_signals(sender, secrets, *encoded)
    for number in range(rounds + 1):
        state = ReadingState(folder / str(number), reader.storage_key)
        keyring = Keyring(folder / str(number), reader)
        transport = MemoryTransport(enclave, log)
        follower = DirectoryFollower(enclave.enclave_id, transport, state)
        enclave.feed(follower.directory)
        subscriber = Subscriber(keyring, follower, transport, state, _refuse_alarm, lambda _: None)
        cpu, started, count = cpu_of_self(), asyncio.get_running_loop().time(), 0
        async with contextlib.aclosing(subscriber.signals()) as deliveries:
            async for _ in deliveries:
                count += 1
                if count == SIGNALS:
                    break
        elapsed = asyncio.get_running_loop().time() - started
        if number:
            timed.rates.append(SIGNALS / elapsed)
            timed.cores.append((cpu_of_self() - cpu) / elapsed)
        keyring.close()
        state.close()
    return timed


def _refuse_alarm(alarm: object) -> None:
    raise RuntimeError(f"an honest log raised an alarm: {alarm}")


def measure_product(rounds: int) -> list[Row]:
    """Signals per second of a publisher and of a reader, and the cores that they keep at work."""
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        for batch in BATCHES:
            with _batches_of(batch):
                sent = asyncio.run(_publish(Path(temporary) / f"send-{batch}", rounds, batch))
            read = asyncio.run(_read(Path(temporary) / f"read-{batch}", rounds, batch))
            for what, timed in (
                ("publisher, submit to envelope", sent),
                ("reader, message to delivery", read),
            ):
                rows.append(row(f"{what}, batches of {batch}", timed.rate, "signals/s", group=GROUP))
                rows.append(row(f"{what}, batches of {batch}, cores at work", timed.busy, "x", group=GROUP))
    print("measured the library's own path", file=sys.stderr, flush=True)
    return rows


@contextlib.contextmanager
def _batches_of(size: int) -> Iterator[None]:
    """The product's own limit, lower for this."""
    with mock.patch("seinpost._lane.MAX_BATCH_SIGNALS", size):
        yield


if __name__ == "__main__":
    for found in measure_product(3):
        print(f"{found.name:70} {found.value:12,} {found.unit}")
