# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Sealing and opening: by batch size and by payload, beside peers and a floor, all in turns.

"seal" starts at typed signals and ends at envelope bytes (validation, padding, signature); "open" starts at envelope
bytes and ends at typed signals, everything verified. Unless a row says otherwise, both are on one core.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence

import msgspec
from peers import Floor, Hybrid, Jose, Nacl, Peer, Plain, Signed
from rounds import Job, Timed, ratio, take_turns
from rows import Row, row
from subject import Subject, batch_of, encoded_bytes, indicator_signal, text_signal

from seinpost_schemas.signal import Signal

BATCHES = tuple(1 << n for n in range(11))
QUICK_BATCHES = (1, 64, 1_024)
IN_THREAD_BATCHES = (16, 64, 256, 1_024)
TEXT_BYTES = (200, 500, 1_000, 2_000, 4_000, 8_000, 16_384)
INDICATORS = (1, 20, 100, 500)
_FEW = 64
"""Signals that peers who work one by one are given at a time."""
_SLOW_FEW = 16

SEAL_TARGETS = {1_024: 100_000.0}
OPEN_TARGETS = {1_024: 75_000.0}
NACL_SEAL_TARGETS = {64: 3.5, 1_024: 10.0}
NACL_OPEN_TARGETS = {64: 7.0, 1_024: 10.0}
COMPOSITE_TARGETS = {1_024: 100.0}
FLOOR_SEAL_TARGETS = {1_024: 8.0}
FLOOR_OPEN_TARGETS = {1_024: 3.0}
"""At most this many times the floor's time."""
PEERS = "Peers, one signal at a time, and ceilings"
CURVE = "Sealing and opening, by batch size"
PAYLOADS = "Sealing and opening, by payload"


def _both(name: str, peer: Peer, signals: Sequence[Signal]) -> dict[str, Job]:
    sealed = peer.seal(signals)
    if len(peer.open(sealed)) != len(signals):
        raise RuntimeError(f"{name} did not give back what was sealed")
    return {
        f"{name}, seal": Job(lambda: peer.seal(signals), len(signals)),
        f"{name}, open": Job(lambda: peer.open(sealed), len(signals)),
    }


def measure_codec(rounds: int, seconds: float, batches: Sequence[int] = BATCHES) -> list[Row]:
    """Rows of the peers and of every batch size."""
    subject, signed = Subject(), Signed()
    few, slow = subject.batch(_FEW), subject.batch(_SLOW_FEW)
    whole = subject.batch(max(batches))
    jobs = {"composite signature per signal": Job(lambda: signed.seal(slow), _SLOW_FEW)}
    jobs |= _both("PyNaCl sign + sealed box", Nacl(), few)
    if batches is not QUICK_BATCHES:
        jobs |= _both("composite signature + HPKE", Hybrid(), slow)
        jobs |= _both("joserfc JWS in JWE", Jose(), slow)
        jobs |= _both("ceiling: msgspec alone", Plain(msgspec.msgpack), whole)
        jobs |= _both("ceiling: JSON alone (msgspec)", Plain(msgspec.json), whole)
    for size in batches:
        jobs |= _jobs_of(subject, size)
    timed = take_turns(jobs, rounds, seconds)
    mean = statistics.mean(map(encoded_bytes, subject.signals))
    rows = [row("signal size, encoded", mean, "bytes", group=PEERS)]
    per_signal = [n for n in jobs if not n.startswith(("seal", "open", "floor"))]
    rows += [row(n, timed[n].rate, "signals/s", group=PEERS) for n in per_signal]
    for size in batches:
        rows += _rows_of(timed, size)
    print("measured sealing and opening by batch size", file=sys.stderr, flush=True)
    return rows


def _jobs_of(subject: Subject, size: int) -> dict[str, Job]:
    signals, floor = subject.batch(size), Floor()
    sealed, plain = subject.seal(signals), floor.seal(signals)
    if len(subject.open(sealed)) != size:
        raise RuntimeError("opening did not give back what was sealed")
    jobs = {
        f"seal {size}": Job(lambda: subject.seal(signals), size),
        f"open {size}": Job(lambda: subject.open(sealed), size),
        f"floor seal {size}": Job(lambda: floor.seal(signals), size),
        f"floor open {size}": Job(lambda: floor.open(plain), size),
    }
    if size in IN_THREAD_BATCHES:
        # A few tenths of a second at a time: starting the loop and the thread must not show.
        many = max(24, 8_192 // size)
        jobs[f"seal in thread {size}"] = Job(lambda: subject.seal_many(signals, many), many * size)
    return jobs


def _rows_of(timed: dict[str, Timed], size: int) -> list[Row]:
    seal, opened = timed[f"seal {size}"], timed[f"open {size}"]
    nacl_seal, nacl_open = timed["PyNaCl sign + sealed box, seal"], timed["PyNaCl sign + sealed box, open"]
    rows = [
        row(f"seal, batches of {size}", seal.rate, "signals/s", SEAL_TARGETS.get(size)),
        row(f"open, batches of {size}", opened.rate, "signals/s", OPEN_TARGETS.get(size)),
    ]
    composite = timed["composite signature per signal"]
    floor_seal, floor_open = timed[f"floor seal {size}"], timed[f"floor open {size}"]
    for what, mine, other, theirs, target, at_most in (
        ("seal", seal, "composite per signal", composite, COMPOSITE_TARGETS.get(size), False),
        ("seal", seal, "PyNaCl", nacl_seal, NACL_SEAL_TARGETS.get(size), False),
        ("open", opened, "PyNaCl", nacl_open, NACL_OPEN_TARGETS.get(size), False),
        ("seal time", floor_seal, "the floor", seal, FLOOR_SEAL_TARGETS.get(size), True),
        ("open time", floor_open, "the floor", opened, FLOOR_OPEN_TARGETS.get(size), True),
    ):
        name = f"{what} against {other}, {size}"
        rows.append(row(name, ratio(mine, theirs), "x", target, at_most=at_most, against=other))
    if (threaded := timed.get(f"seal in thread {size}")) is not None:
        name = f"batches of {size}, signed on a second core"
        rows += [
            row(f"seal, {name}", threaded.rate, "signals/s"),
            row(f"cores at work, {name}", threaded.busy, "x"),
            row(
                f"seal against PyNaCl, {size}, signed on a second core",
                ratio(threaded, nacl_seal),
                "x",
                NACL_SEAL_TARGETS.get(size),
                against="PyNaCl",
            ),
        ]
    for found in rows:
        found.group = CURVE
    return rows


def measure_payloads(rounds: int, seconds: float) -> list[Row]:
    """Rows of every payload: batches as the product closes them, beside PyNaCl and the floor."""
    payloads = {f"text of {n:,} bytes": text_signal(n) for n in TEXT_BYTES}
    payloads |= {f"{n} indicator{'s' * (n > 1)}": indicator_signal(n) for n in INDICATORS}
    subject, rows = Subject(), []
    for name, signal in payloads.items():
        signals, floor, nacl = batch_of(signal), Floor(), Nacl()
        sealed = subject.seal(signals)
        few = signals[:_FEW]
        jobs = {
            "seal": Job(lambda s=signals: subject.seal(s), len(signals)),  # type: ignore[misc]
            "open": Job(lambda s=sealed: subject.open(s), len(signals)),  # type: ignore[misc]
            **_both("floor", floor, signals),
            **_both("PyNaCl", nacl, few),
        }
        timed = take_turns(jobs, rounds, seconds)
        size = encoded_bytes(signal)
        rows.append(row(f"{name}: a signal, encoded", size, "bytes"))
        rows.append(row(f"{name}: bytes on the wire per signal", len(sealed) / len(signals), "bytes"))
        for what in ("seal", "open"):
            mine = timed[what]
            rows += [
                row(f"{name}: {what}", mine.rate, "signals/s"),
                row(
                    f"{name}: {what} against PyNaCl",
                    ratio(mine, timed[f"PyNaCl, {what}"]),
                    "x",
                    against="PyNaCl",
                ),
                row(
                    f"{name}: {what} time against the floor",
                    ratio(timed[f"floor, {what}"], mine),
                    "x",
                    against="the floor",
                ),
            ]
    for found in rows:
        found.group = PAYLOADS
    print("measured sealing and opening by payload", file=sys.stderr, flush=True)
    return rows


if __name__ == "__main__":
    for found in measure_codec(3, 0.1) + measure_payloads(3, 0.1):
        print(f"{found.name:70} {found.value:12,} {found.unit}")
