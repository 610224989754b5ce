# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`make bench`: seal and open rates on the DISARM text, beside the design's numbers, peers and a floor, in one run.

`make bench-quick` (``--quick``) measures the codec alone, in under a minute, and `make bench-console` (``--console``)
the console alone; both leave `docs/benchmarks.md` as it is. The figures in `docs/console.md` are written too.

Every figure is the median of several rounds; ratios are between medians of this run. "seal" starts at typed
signals and ends at envelope bytes (validation, padding, signature); "open" starts at envelope bytes and ends at
typed signals, everything verified.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gc
import hashlib
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import nacl.public
import nacl.signing
from console_index import measure_console, write_console_figures
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from logs import measure_logs
from page import write_page
from plot import write_plot
from rows import Rate, Row, row
from startup import measure_startup
from whole_way import measure_whole_way

from seinpost.demo.incidents import load_publications
from seinpost.epochs import Recipient, make_epoch
from seinpost.kem import KemPrivateKey
from seinpost.sealing import open_envelope, seal_envelope
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.envelope import decode_envelope
from seinpost_schemas.header import ZERO_16, ZERO_32, Header
from seinpost_schemas.kinds import Kind
from seinpost_schemas.sections import encode_signal
from seinpost_schemas.signal import Signal
from seinpost_schemas.signal_list import decode_signals, encode_signals
from seinpost_schemas.signing import SigningKey
from seinpost_schemas.uuid7 import make_id

BATCHES = (1, 64, 256, 1024)
ROUND_SECONDS = 0.4
ROUNDS = 7
SEAL_TARGETS = {1024: 100_000.0}
OPEN_TARGETS = {1024: 75_000.0}
NACL_SEAL_TARGETS = {64: 3.5, 1024: 10.0}
NACL_OPEN_TARGETS = {64: 7.0, 1024: 10.0}
COMPOSITE_TARGETS = {1024: 100.0}
STARTUP_TARGETS = {"s": 60.0, "MB": 500.0}
"""At most: seconds (from a snapshot) and megabytes."""


LOG_TARGETS = {"lonely signal, send to audited, p99": 2_500.0}
"""At most: milliseconds."""
FLOOR_SEAL_TARGETS = {1024: 8.0}
FLOOR_OPEN_TARGETS = {1024: 3.0}
"""At most this many times the floor's time."""


def rate(work: Callable[[], object], signals: int) -> Rate:
    """Signals per second over several rounds, each of at least ``ROUND_SECONDS``."""
    work()
    rates = []
    for _ in range(ROUNDS):
        gc.collect()
        count = 0
        started = time.perf_counter()
        while (elapsed := time.perf_counter() - started) < ROUND_SECONDS:
            work()
            count += signals
        rates.append(count / elapsed)
    return Rate(statistics.median(rates), min(rates), max(rates))


class Subject:
    """Keys, an epoch and the signals under test."""

    def __init__(self) -> None:
        self.sender = SigningKey(os.urandom(64))
        self.reader = KemPrivateKey(os.urandom(96))
        self.place = Header(
            kind=Kind.SIGNALS,
            compartment=Compartment.parse("depv/process"),
            enclave_id=bytes(16),
            sender_id=self.sender.public.sender_id,
            epoch_id=ZERO_16,
            seq=1,
            prev_hash=ZERO_32,
            directory_size=1,
            created_ms=1,
            count=0,
            batch_root=ZERO_32,
            body_len=0,
            body_hash=ZERO_32,
        )
        recipients = {self.reader.key_id: Recipient(self.reader.public, read_protected=False)}
        _, self.secrets = make_epoch(self.place, 1, recipients, self.sender)
        publications, _ = load_publications(dt.datetime(2026, 11, 1, tzinfo=dt.UTC))
        # The source notes of the demonstration are not part of the text.
        self.signals = [msgspec.structs.replace(p.signal, protected=None) for p in publications]

    def batch(self, size: int) -> list[Signal]:
        """``size`` signals, going round the incidents."""
        return [self.signals[i % len(self.signals)] for i in range(size)]

    def seal(self, signals: list[Signal]) -> bytes:
        """Typed signals to envelope bytes."""
        random = os.urandom(10 * len(signals))
        ids = [make_id(1, random[at : at + 10]) for at in range(0, len(random), 10)]
        encoded = encode_signals(signals, ids)
        return seal_envelope(encoded, self.place, self.secrets, self.sender).encode()

    def open(self, data: bytes) -> list[Signal]:
        """Envelope bytes to typed signals."""
        opened = open_envelope(decode_envelope(data), self.sender.public, self.secrets)
        return decode_signals(opened.signals)


def composite_per_signal(subject: Subject, signals: list[Signal]) -> list[bytes]:
    """The peer of "one composite signature per signal": sign the same encoded bytes one by one."""
    return [subject.sender.sign(msgspec.msgpack.encode(s), b"seinpost/bench/v1") for s in signals]


class Nacl:
    """PyNaCl, classical only: Ed25519 sign, then a sealed box, per signal; and back, typed."""

    def __init__(self) -> None:
        self.signing = nacl.signing.SigningKey.generate()
        private = nacl.public.PrivateKey.generate()
        self.box = nacl.public.SealedBox(private.public_key)
        self.unbox = nacl.public.SealedBox(private)
        self.decoder = msgspec.msgpack.Decoder(Signal)

    def seal(self, signals: list[Signal]) -> list[bytes]:
        """One sealed box per signal."""
        return [bytes(self.box.encrypt(bytes(self.signing.sign(msgspec.msgpack.encode(s))))) for s in signals]

    def open(self, sealed: list[bytes]) -> list[Signal]:
        """Typed signals."""
        verify = self.signing.verify_key.verify
        return [self.decoder.decode(verify(self.unbox.decrypt(s))) for s in sealed]


class Floor:
    """Nothing but msgspec, SHA-256 and AES-GCM over the same bytes: no leaf, no signature, no validation."""

    def __init__(self) -> None:
        self.aead = AESGCM(os.urandom(32))
        self.decoder = msgspec.msgpack.Decoder(list[Signal])

    def seal(self, signals: list[Signal]) -> tuple[bytes, bytes]:
        """(ciphertext, digest); the nonce is fixed, since nothing of this is ever sent."""
        data = msgspec.msgpack.encode(signals)
        return self.aead.encrypt(bytes(12), data, None), hashlib.sha256(data).digest()

    def open(self, sealed: tuple[bytes, bytes]) -> list[Signal]:
        """Typed signals."""
        data = self.aead.decrypt(bytes(12), sealed[0], None)
        if hashlib.sha256(data).digest() != sealed[1]:
            raise RuntimeError("the floor did not give back what it took")
        return self.decoder.decode(data)


def measure() -> list[Row]:
    """All rows of the codec."""
    subject, peer, floor = Subject(), Nacl(), Floor()
    mean = statistics.mean(encode_signal(s, make_id(1, bytes(10))).size for s in subject.signals)
    rows = [row("signal size, encoded", mean, "bytes")]
    few = subject.batch(64)
    composite = rate(lambda: composite_per_signal(subject, few), len(few))
    nacl_seal = rate(lambda: peer.seal(few), len(few))
    boxes = peer.seal(few)
    nacl_open = rate(lambda: peer.open(boxes), len(few))
    rows.append(row("composite signature per signal", composite, "signals/s"))
    rows.append(row("PyNaCl sign + sealed box per signal, seal", nacl_seal, "signals/s"))
    rows.append(row("PyNaCl sign + sealed box per signal, open", nacl_open, "signals/s"))
    for size in BATCHES:
        signals = subject.batch(size)
        sealed = subject.seal(signals)
        if len(subject.open(sealed)) != size:
            raise RuntimeError("opening did not give back what was sealed")
        plain = floor.seal(signals)
        seal = rate(lambda s=signals: subject.seal(s), size)  # type: ignore[misc]
        opened = rate(lambda s=sealed: subject.open(s), size)  # type: ignore[misc]
        floor_seal = rate(lambda s=signals: floor.seal(s), size)  # type: ignore[misc]
        floor_open = rate(lambda s=plain: floor.open(s), size)  # type: ignore[misc]
        rows += [
            row(f"seal, batches of {size}", seal, "signals/s", SEAL_TARGETS.get(size)),
            row(f"open, batches of {size}", opened, "signals/s", OPEN_TARGETS.get(size)),
        ]
        for what, mine, other, theirs, target, at_most in (
            ("seal", seal, "composite per signal", composite, COMPOSITE_TARGETS.get(size), False),
            ("seal", seal, "PyNaCl", nacl_seal, NACL_SEAL_TARGETS.get(size), False),
            ("open", opened, "PyNaCl", nacl_open, NACL_OPEN_TARGETS.get(size), False),
            ("seal time", floor_seal, "the floor", seal, FLOOR_SEAL_TARGETS.get(size), True),
            ("open time", floor_open, "the floor", opened, FLOOR_OPEN_TARGETS.get(size), True),
        ):
            ratio = mine.median / theirs.median
            name = f"{what} against {other}, {size}"
            rows.append(row(name, ratio, "x", target, at_most=at_most, against=other))
        print(f"measured batches of {size}", file=sys.stderr, flush=True)
    return rows


def show(rows: list[Row]) -> None:
    """The table for people."""
    print(f"{'what':44} {'measured':>12} {'unit':10} {'target':>10}  met")
    for r in rows:
        target = f"{r.target:,.1f}".removesuffix(".0") if r.target else "-"
        met = "-" if r.met is None else "yes" if r.met else "NO"
        print(f"{r.name:44} {r.value:>12,} {r.unit:10} {target:>10}  {met}")


def main() -> None:
    """Measure, print, write build/bench.json and, when everything was measured, docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description="Measure the core beside its peers.")
    parser.add_argument("--quick", action="store_true", help="the codec alone, in under a minute")
    parser.add_argument("--console", action="store_true", help="the console alone, in some minutes")
    asked = parser.parse_args()
    quick = asked.quick
    if asked.console:
        show(rows := measure_console())
        write_console_figures(rows, Path("docs") / "console.md")
        return
    rows = measure()
    if not quick:
        rows += measure_whole_way()
        rows += [
            row(name, value, unit, LOG_TARGETS.get(name), at_most=True)
            for name, value, unit in measure_logs()
        ]
        rows += [
            row(
                name, value, unit, STARTUP_TARGETS.get(unit) if "broker start" in name else None, at_most=True
            )
            for name, value, unit in measure_startup()
        ]
        rows += (console := measure_console())
        write_console_figures(console, Path("docs") / "console.md")
    show(rows)
    out = Path("build") / ("bench-quick.json" if quick else "bench.json")
    out.parent.mkdir(exist_ok=True)
    data: list[Any] = msgspec.to_builtins(rows)
    out.write_text(json.dumps(data, indent=1) + "\n")
    print(f"written to {out}", file=sys.stderr)
    if not quick:
        write_plot(rows, Path("docs") / "images" / "benchmarks.svg")
        write_page(rows, Path("docs") / "benchmarks.md", ROUNDS)


if __name__ == "__main__":
    main()
