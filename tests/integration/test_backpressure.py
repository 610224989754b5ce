# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Who is faster than the rest waits, with bounded memory, and says so; who is slower holds up nobody else.

Real processes on a real nats-server; memory is what the kernel says of the process.
"""

from __future__ import annotations

import asyncio
import json
import signal as signals
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.enclave import Enclave
from harness.raw import hub
from harness.samples import long_signal, signal
from nats.js import api

import seinpost
from seinpost_schemas.subjects import ingress_stream

pytestmark = [pytest.mark.nats]
PLACE = {"theme": "process", "classification": "depv"}
NewEnclave = Callable[..., Enclave]
MIB = 1024 * 1024

FLOOD = f"""
import asyncio, json, sys, threading, time
sys.path.append({str(Path(__file__).parent)!r})
from harness.samples import long_signal
import seinpost

def rss():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

async def main(config, count):
    said, most = [], 0
    def tell(**what): print(json.dumps(what), flush=True)
    def waiting(text):
        said.append(text)
        tell(said=text)
    async with seinpost.connect(config, on_waiting=waiting) as post:
        large = long_signal(19_000)
        await post.publish(large, theme="process", classification="depv")
        before = most = rss()
        tell(ready=True)
        sys.stdin.readline()
        submitted, futures = 0, set()
        async def submit():
            nonlocal submitted
            for number in range(count):
                future = await post.submit(large, theme="process", classification="depv")
                futures.add(future)
                future.add_done_callback(futures.discard)
                submitted += 1
        task = asyncio.ensure_future(submit())
        while not task.done() or futures:
            await asyncio.wait({{task}}, timeout=0.25) if not task.done() else await asyncio.sleep(0.25)
            most = max(most, rss())
            tell(submitted=submitted, grown=most - before)
        task.result()
        tell(done=submitted)
asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


class Flood:
    """A process that publishes large signals as fast as it can."""

    def __init__(self, config: Path, count: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", FLOOD, str(config), str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.said: list[str] = []
        self.submitted: list[int] = []
        self.grown = 0

    def wait_for(self, condition: Callable[[], bool]) -> None:
        assert self.process.stdout is not None
        while not condition():
            line = json.loads(self.process.stdout.readline() or '{"ended": true}')
            assert "ended" not in line
            self.said += [line["said"]] if "said" in line else []
            if "submitted" in line:
                self.submitted.append(line["submitted"])
                self.grown = line["grown"]
            if "ready" in line:
                return

    def begin(self) -> None:
        self.wait_for(lambda: False)
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    @property
    def stuck(self) -> bool:
        """Whether nothing more was submitted for a second and a half."""
        newest = self.submitted[-6:]
        return len(newest) == 6 and newest[0] == newest[-1] > 0

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


async def test_a_publisher_faster_than_the_broker_waits_with_bounded_memory_and_says_so(
    new_enclave: NewEnclave,
) -> None:
    """200 MB of signals while no broker answers: 64 MiB are taken in, and the rest once one does."""
    count = 10_000
    enclave = new_enclave("ncsc", "tafel")
    enclave.start_nats()
    enclave.use_own_nats()
    broker = enclave.start()
    flood = Flood(enclave.config("ncsc"), count)
    try:
        flood.begin()
        broker.send_signal(signals.SIGSTOP)
        await asyncio.to_thread(flood.wait_for, lambda: flood.stuck)
        assert flood.submitted[-1] < 64 * MIB / 19_000 + 9 * 32
        assert len(flood.said) == 1
        assert "no more room" in flood.said[0]
        broker.send_signal(signals.SIGCONT)
        await asyncio.to_thread(flood.wait_for, lambda: flood.submitted[-1] == count)
        # The content itself, and what of it is sealed and under way; 190 MB went through.
        assert flood.grown < 128 * MIB
    finally:
        broker.send_signal(signals.SIGCONT)
        flood.end()


async def test_a_full_ingress_is_said_and_everything_goes_once_there_is_room(new_enclave: NewEnclave) -> None:
    enclave = new_enclave("ncsc", "tafel")
    enclave.start_nats()
    enclave.use_own_nats()
    broker = enclave.start()
    said: list[str] = []
    try:
        async with (
            hub(enclave.url, enclave.directory.load_secrets()[0]) as bus,
            seinpost.connect(enclave.config("ncsc"), on_waiting=said.append) as post,
        ):
            await post.publish(signal("Vooraf"), **PLACE)
            broker.send_signal(signals.SIGSTOP)
            await small_ingress(bus._js, "ncsc", 1 * MIB)
            large = long_signal(19_000)
            futures = [await post.submit(large, **PLACE) for _ in range(120)]
            async with asyncio.timeout(60):
                while not said:
                    await asyncio.sleep(0.05)
            assert "ingress is full" in said[0]
            broker.send_signal(signals.SIGCONT)
            answers = await asyncio.wait_for(asyncio.gather(*futures), 120)
            assert {a.verdict for a in answers} == {"admitted"}
            assert len(said) == 1
    finally:
        broker.send_signal(signals.SIGCONT)


async def small_ingress(js: object, party: str, size: int) -> None:
    """A party's ingress with another quota."""
    info: api.StreamInfo = await js.stream_info(ingress_stream(party))  # type: ignore[attr-defined]
    info.config.max_bytes = size
    await js.update_stream(info.config)  # type: ignore[attr-defined]


async def test_a_slow_reader_slows_neither_the_publisher_nor_another_reader(new_enclave: NewEnclave) -> None:
    """Four readers, one of which takes a second for each signal: the others are through before it has begun."""
    parties = ("tafel", "ibd", "politie", "nctv")
    count, enclave = 3_000, new_enclave("ncsc", *parties)
    enclave.start()
    slow, taken = "nctv", dict.fromkeys(parties, 0)
    through = {p: asyncio.Event() for p in parties}

    async def read(party: str) -> None:
        async with seinpost.connect(enclave.config(party), receipts=False) as post:
            async for _ in post.signals():
                taken[party] += 1
                if taken[party] == count:
                    through[party].set()
                if party == slow:
                    await asyncio.sleep(1)

    readers = [asyncio.ensure_future(read(p)) for p in parties]
    try:
        async with seinpost.connect(enclave.config("ncsc")) as post:
            futures = []
            for number in range(count):
                futures.append(await post.submit(signal(f"Signaal {number}"), **PLACE))
                if number % 50 == 0:
                    # Many envelopes rather than a few large ones.
                    await asyncio.sleep(0.01)
            began = time.monotonic()
            answers = await asyncio.wait_for(asyncio.gather(*futures), 120)
        assert {a.verdict for a in answers} == {"admitted"}
        async with asyncio.timeout(120):
            await asyncio.gather(*(through[p].wait() for p in parties if p != slow))
        # The slow one has taken one signal a second since it began, and no more than that.
        assert 1 <= taken[slow] <= time.monotonic() - began + 60
        assert taken[slow] < count / 10
    finally:
        for task in readers:
            task.cancel()
        await asyncio.wait(readers)
