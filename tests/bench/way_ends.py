# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""One end of the whole way, as a process of its own; prints one line of JSON (see ``whole_way``).

`way_ends.py publish|read CONFIG COUNT RATE [COMPARTMENTS [WARM]]` through Seinpost, after WARM signals as many as go;
`way_ends.py json-publish|json-read URL COUNT RATE` through plain nats-py: one JSON message per signal, 1,000
acknowledgements in flight; `https-…` and `taxii-…` are in ``http_ends``. RATE is signals per second, 0 for as many
as go. Every signal carries in its title the time at which it was to be handed over.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable

import msgspec
import nats
from http_ends import https_publish, https_read, taxii_publish, taxii_read
from latency import Histogram
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig
from rounds import cpu_of_self
from stamped import stamped
from wire import wire_bytes

import seinpost
from seinpost_schemas.signal import Signal

COMPARTMENTS = [(t, c) for c in ("depv", "ong") for t in ("process", "parties", "international", "debate")]
STREAM, SUBJECT = "plain", "plain.signals"
IN_FLIGHT = 1_000
_FETCH = 1_000


async def paced(count: int, rate: float) -> AsyncIterator[Signal]:
    """``count`` signals, each with the time of its hand-over; behind schedule it catches up.

    At a rate that time is when it was due, so that what waits behind a slow one is late too.
    """
    started_ns = time.time_ns()
    for number, signal in enumerate(stamped(count)):
        due_ns = started_ns + int(number / rate * 1e9) if rate else time.time_ns()
        ahead = (due_ns - time.time_ns()) / 1e9
        if ahead > 0:
            await asyncio.sleep(ahead)
        yield signal(due_ns)


class Meter:
    """Wall and CPU seconds and bytes on the wire from now on, and how long each signal took."""

    def __init__(self) -> None:
        self.cpu = cpu_of_self()
        self.wire = wire_bytes()
        self.started = time.time()
        self.latencies = Histogram()

    def arrived(self, title: str) -> None:
        """A signal is opened, and verified."""
        self.latencies.add((time.time_ns() - int(title.split()[1])) / 1e6)

    def tell(self, **more: object) -> None:
        """The line of JSON; before the connections are closed."""
        line = {
            "started": self.started,
            "ended": time.time(),
            "cpu": cpu_of_self() - self.cpu,
            "wire": sum(wire_bytes()) - sum(self.wire),
            "latencies": self.latencies.counts,
            **more,
        }
        print(json.dumps(line), flush=True)


def _ready() -> None:
    print("ready", flush=True)
    sys.stdin.readline()


class Answers:
    """Counts answers as they come: a list of a million futures would be measured too."""

    def __init__(self) -> None:
        self.left = 0
        self._none_left = asyncio.Event()
        self._closed = False

    def expect(self, answer: asyncio.Future[seinpost.Answer]) -> None:
        """One more is on its way."""
        self.left += 1
        answer.add_done_callback(self._came)

    def _came(self, answer: asyncio.Future[seinpost.Answer]) -> None:
        answer.result()
        self.left -= 1
        if self._closed and not self.left:
            self._none_left.set()

    async def wait(self) -> None:
        """Until every one has come."""
        self._closed = True
        if self.left:
            await self._none_left.wait()


async def publish(config: str, count: int, rate: float, compartments: int = 1, warm: int = 0) -> None:
    """Through Seinpost: ends when every signal was answered."""
    places = COMPARTMENTS[:compartments]

    async def submit_all(count: int, rate: float) -> None:
        answers, number = Answers(), 0
        async for signal in paced(count, rate):
            theme, classification = places[number % compartments]
            answers.expect(await post.submit(signal, theme=theme, classification=classification))
            number += 1
        await answers.wait()

    async with seinpost.connect(config) as post:
        for theme, classification in places:
            first = await anext(paced(1, 0))
            await post.publish(first, theme=theme, classification=classification)
        await submit_all(warm, 0)
        _ready()
        meter = Meter()
        await submit_all(count, rate)
        meter.tell(alarms=len(post.alarms))


async def read(config: str, count: int, _rate: float, compartments: int = 1, warm: int = 0) -> None:
    """Through Seinpost: ends when the signals were opened and verified; the first ones are the warm-up's."""
    async with seinpost.connect(config) as post:
        meter: Meter | None = None
        early = first = 0
        async for delivery in post.signals(from_start=True):
            if meter is None:
                early += 1
                if early == compartments + warm:
                    _ready()
                    meter, first = Meter(), delivery.index + 1
                continue
            if not isinstance(delivery.signal, Signal):
                raise TypeError("only signals were published")
            meter.arrived(delivery.signal.report.title)
            if meter.latencies.total == count:
                ended = time.time()
                audited = await _audited_within(post, delivery) if warm else None
                meter.tell(
                    alarms=len(post.alarms), entries=delivery.index + 1 - first, ended=ended, audited=audited
                )
                return


async def _audited_within(post: seinpost.Connection, delivery: seinpost.Delivery) -> float:
    """Seconds until this signal, and with it every one before it, is audited; raises ``TimeoutError``."""
    begun = time.monotonic()
    async with asyncio.timeout(60):
        while post.status(delivery) != "audited":
            await asyncio.sleep(0.05)
    return time.monotonic() - begun


async def json_publish(url: str, count: int, rate: float) -> None:
    """Through nats-py."""
    client = await nats.connect(url)
    # Their own limit is the number of acknowledgements in flight.
    js = client.jetstream(publish_async_max_pending=IN_FLIGHT)
    _ready()
    meter = Meter()
    async for signal in paced(count, rate):
        await js.publish_async(SUBJECT, msgspec.json.encode(signal), wait_stall=60)
    await js.publish_async_completed()
    meter.tell()
    await client.close()


async def json_read(url: str, count: int, _rate: float) -> None:
    """Through nats-py: a pulled, acknowledging consumer."""
    client = await nats.connect(url)
    js = client.jetstream()
    consumer = await js.pull_subscribe(
        SUBJECT,
        "reader",
        STREAM,
        config=ConsumerConfig(ack_policy=AckPolicy.EXPLICIT, max_ack_pending=20_000),
    )
    decoder = msgspec.json.Decoder(Signal)
    _ready()
    meter = Meter()
    while meter.latencies.total < count:
        messages: list[Msg] = await consumer.fetch(_FETCH, timeout=60)
        for message in messages:
            meter.arrived(decoder.decode(message.data).report.title)
            await message.ack()
    meter.tell()
    await client.close()


ENDS: dict[str, Callable[..., object]] = {
    "publish": publish,
    "read": read,
    "json-publish": json_publish,
    "json-read": json_read,
}
HTTP_ENDS = {
    "https-publish": https_publish,
    "https-read": https_read,
    "taxii-publish": taxii_publish,
    "taxii-read": taxii_read,
}


if __name__ == "__main__":
    end, where, count_text, rate_text, *more = sys.argv[1:]
    if end in HTTP_ENDS:
        _ready()
        measured = Meter()
        connections = HTTP_ENDS[end](where, int(count_text), measured.arrived)
        measured.tell(connections=len(connections))
    else:
        work = ENDS[end](where, int(count_text), float(rate_text), *map(int, more))
        asyncio.run(work)  # type: ignore[arg-type]
