# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The audited feed's figures: checkpoints, a million entries, verification, and the time from send to audited."""

from __future__ import annotations

import asyncio
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "integration"))
sys.path.append(str(Path(__file__).parents[1] / "unit" / "client"))

from harness.enclave import make_enclave
from harness.memory import MemoryLog, Sender, shipped
from harness.samples import signal
from rows import Row, row
from trial.enclave import TrialEnclave, identity
from trial.export import TrialExport, note
from trial.log import TrialLog
from trial.samples import encoded

import seinpost
from seinpost._trusted_feed import TrustedFeed
from seinpost_schemas.checkpoint import Checkpoint, LogKeys, parse_checkpoint, verify_checkpoint
from seinpost_schemas.cosignature import WitnessKeys, verify_quorum
from seinpost_schemas.merkle_tree import MerkleTree
from seinpost_schemas.note import Note, parse_note

MILLION = 1_000_000
EXPORTED = 500
LOG = "2026q4/depv/process"
LONELY = 40
AUDITED_P99_MS = 2_500.0
GROUP = "The audited feed"
Figure = tuple[str, float, str]


def checkpoint_cost() -> list[Figure]:
    """Milliseconds to sign a checkpoint, to cosign it, and to verify one with a quorum of three of four."""
    log = LogKeys(bytes(64))
    witnesses = [WitnessKeys(f"bench/witness/w{n}", bytes([n]) * 64) for n in range(1, 5)]
    checkpoint = Checkpoint("bench/2026q4/depv/process", MILLION, bytes(32))

    def median_ms(work: object) -> float:
        times = []
        for _ in range(51):
            started = time.perf_counter()
            work()  # type: ignore[operator]
            times.append(time.perf_counter() - started)
        return statistics.median(times) * 1000

    note = parse_note(log.sign(checkpoint, 1))
    lines = tuple(line for w in witnesses for line in w.cosign(checkpoint, 1))
    data = Note(note.text, (*note.signatures, *lines)).encode()

    def verify() -> None:
        verify_checkpoint(data, checkpoint.origin, log.public)
        parsed = parse_note(data)
        verify_quorum(parsed, parse_checkpoint(parsed), [w.public for w in witnesses], 3)

    return [
        ("checkpoint, signed by the log", median_ms(lambda: log.sign(checkpoint, 1)), "ms"),
        ("checkpoint, cosigned by one witness", median_ms(lambda: witnesses[0].cosign(checkpoint, 1)), "ms"),
        ("checkpoint, verified with its quorum", median_ms(verify), "ms"),
    ]


def million_leaves() -> list[Figure]:
    """Seconds and megabytes for the tree of a million entries, whose leaf hashes are made up."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tree = MerkleTree()
    started = time.perf_counter()
    for number in range(MILLION):
        tree.append(number.to_bytes(32, "big"))
    seconds = time.perf_counter() - started
    started = time.perf_counter()
    tree.consistency_proof(MILLION // 3)
    proof_ms = (time.perf_counter() - started) * 1000
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return [
        ("tree of a million entries, built", seconds, "s"),
        ("tree of a million entries, memory", grown, "MB"),
        ("consistency proof in it", proof_ms, "ms"),
    ]


def verification_rate() -> list[Figure]:
    """Log entries per second that a reader or auditor verifies: signatures, chain, rights, root."""
    log, sender = MemoryLog(), Sender()
    log.admit(sender.epoch())
    for _ in range(400):
        log.admit(sender.signals())
    rates = []
    for _ in range(5):
        feed = TrustedFeed(log.log.compartment, shipped())
        started = time.perf_counter()
        for stored in log.stored:
            feed.accept(*stored)
        rates.append(len(log.stored) / (time.perf_counter() - started))
    return [("log entries verified", statistics.median(rates), "entries/s")]


def export_rate() -> list[Figure]:
    """Log entries per second that `audit verify` checks: files, tiles, checkpoints and everything in the entries."""
    enclave = TrialEnclave()
    log, sender = TrialLog(enclave), identity("ncsc-1")
    secrets = log.add_epoch(sender)
    for number in range(EXPORTED - 1):
        log.add_signals(sender, secrets, encoded(number))
    with tempfile.TemporaryDirectory() as temporary:
        export = TrialExport(enclave, Path(temporary), log)
        for size in range(0, EXPORTED, 10):
            export.add_checkpoint(LOG, note(LOG, export.trees[LOG], size))
        rates = []
        for _ in range(5):
            started = time.perf_counter()
            export.verify()
            rates.append(EXPORTED / (time.perf_counter() - started))
    return [("audit verify, with a checkpoint for every ten entries", statistics.median(rates), "entries/s")]


async def send_to_audited() -> list[Figure]:
    """Milliseconds from calling publish for a lonely signal to its being admitted, and audited at the table."""
    with tempfile.TemporaryDirectory() as temporary:
        parties = ("ncsc", "ibd", "ap", "toezicht", "tafel")
        enclave = make_enclave(Path(temporary) / "e", *parties, witnesses=True)
        enclave.start(witnesses=True)
        try:
            return await _lonely(enclave.config("ncsc"), enclave.config("tafel"))
        finally:
            enclave.stop()


async def _lonely(sender: Path, reader: Path) -> list[Figure]:
    grew = asyncio.Event()
    seen: dict[str, seinpost.Delivery] = {}
    admitted: list[float] = []
    audited: list[float] = []
    async with (
        seinpost.connect(sender) as post,
        seinpost.connect(reader, on_audited=lambda _: grew.set()) as table,
    ):

        async def read() -> None:
            async for delivery in table.signals():
                seen[str(delivery.signal.id)] = delivery
                grew.set()

        reading = asyncio.ensure_future(read())
        for number in range(LONELY + 1):
            started = time.perf_counter()
            answer = await post.publish(signal(f"Los {number}"), theme="process", classification="depv")
            admitted.append(time.perf_counter() - started)
            while answer.signal not in seen or table.status(seen[answer.signal]) != "audited":
                grew.clear()
                async with asyncio.timeout(30):
                    await grew.wait()
            audited.append(time.perf_counter() - started)
        reading.cancel()
        await asyncio.wait({reading})
    figures: list[Figure] = []
    # The first one pays for its epoch.
    for what, times in (("admitted", admitted[1:]), ("audited", audited[1:])):
        quantiles = statistics.quantiles(times, n=100, method="inclusive")
        figures.append((f"lonely signal, send to {what}, p50", quantiles[49] * 1000, "ms"))
        figures.append((f"lonely signal, send to {what}, p99", quantiles[98] * 1000, "ms"))
    return figures


def measure_logs() -> list[Row]:
    """All of them."""
    figures = [
        *checkpoint_cost(),
        *million_leaves(),
        *verification_rate(),
        *export_rate(),
        *asyncio.run(send_to_audited()),
    ]
    targets = {"lonely signal, send to audited, p99": AUDITED_P99_MS}
    rows = [row(n, v, unit, targets.get(n), at_most=True, group=GROUP) for n, v, unit in figures]
    print("measured the audited feed", file=sys.stderr, flush=True)
    return rows
