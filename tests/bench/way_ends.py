# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""One end of the whole way, as a process of its own; prints one line of JSON (see ``whole_way``).

`way_ends.py publish|read CONFIG COUNT RATE` through Seinpost;
`way_ends.py json-publish|json-read URL COUNT RATE` through plain nats-py: one JSON message per signal, 1,000
acknowledgements in flight. RATE is signals per second, 0 for as many as go. Every signal carries the time at which
it was handed over in its title.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import resource
import sys
import time
from collections.abc import AsyncIterator, Callable

import msgspec
import nats
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig

import seinpost
from seinpost.demo.incidents import load_publications
from seinpost_schemas.signal import Signal

THEME, CLASSIFICATION = "process", "depv"
STREAM, SUBJECT = "plain", "plain.signals"
IN_FLIGHT = 1_000
_FETCH = 1_000


def signals() -> list[Signal]:
    """The incidents of the demonstration, without the note on their source."""
    publications, _ = load_publications(dt.datetime.now(dt.UTC).replace(microsecond=0))
    return [msgspec.structs.replace(p.signal, protected=None) for p in publications]


async def paced(count: int, rate: float) -> AsyncIterator[Signal]:
    """``count`` signals, each with the time of its hand-over; behind schedule it catches up."""
    samples = signals()
    started = time.perf_counter()
    for number in range(count):
        if rate:
            ahead = number / rate - (time.perf_counter() - started)
            if ahead > 0:
                await asyncio.sleep(ahead)
        sample = samples[number % len(samples)]
        title = f"{number} {time.time_ns()}"
        yield msgspec.structs.replace(sample, report=msgspec.structs.replace(sample.report, title=title))


class Meter:
    """Wall and CPU seconds from now on, and how long each signal took."""

    def __init__(self) -> None:
        self.cpu = _cpu()
        self.started = time.time()
        self.latencies: list[float] = []

    def arrived(self, title: str) -> None:
        """A signal is opened, and verified."""
        self.latencies.append((time.time_ns() - int(title.split()[1])) / 1e6)

    def tell(self, **more: object) -> None:
        """The line of JSON."""
        line = {"started": self.started, "ended": time.time(), "cpu": _cpu() - self.cpu, **more}
        if self.latencies:
            line["latencies"] = sorted(round(x, 3) for x in self.latencies)
        print(json.dumps(line), flush=True)


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _ready() -> None:
    print("ready", flush=True)
    sys.stdin.readline()


async def publish(config: str, count: int, rate: float) -> None:
    """Through Seinpost: ends when every signal was answered."""
    async with seinpost.connect(config) as post:
        warm = await anext(paced(1, 0))
        await post.publish(warm, theme=THEME, classification=CLASSIFICATION)
        _ready()
        meter = Meter()
        answers = [
            await post.submit(signal, theme=THEME, classification=CLASSIFICATION)
            async for signal in paced(count, rate)
        ]
        await asyncio.gather(*answers)
        meter.tell()


async def read(config: str, count: int, _rate: float) -> None:
    """Through Seinpost: ends when the signals were opened and verified; the first one is the warm-up's."""
    async with seinpost.connect(config) as post:
        meter: Meter | None = None
        async for delivery in post.signals(from_start=True):
            if meter is None:
                _ready()
                meter = Meter()
                continue
            if not isinstance(delivery.signal, Signal):
                raise TypeError("only signals were published")
            meter.arrived(delivery.signal.report.title)
            if len(meter.latencies) == count:
                meter.tell(alarms=len(post.alarms))
                return


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
    meter.tell(bytes=client.stats["out_bytes"])
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
    while len(meter.latencies) < count:
        messages: list[Msg] = await consumer.fetch(_FETCH, timeout=60)
        for message in messages:
            meter.arrived(decoder.decode(message.data).report.title)
            await message.ack()
    meter.tell()
    await client.close()


ENDS: dict[str, Callable[[str, int, float], object]] = {
    "publish": publish,
    "read": read,
    "json-publish": json_publish,
    "json-read": json_read,
}


if __name__ == "__main__":
    end, where, count_text, rate_text = sys.argv[1:]
    asyncio.run(ENDS[end](where, int(count_text), float(rate_text)))  # type: ignore[arg-type]
