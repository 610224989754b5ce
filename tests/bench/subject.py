# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What is sealed and opened: real incidents, texts of any size, floods of indicators; and the keys for it."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
from collections import deque
from collections.abc import Sequence

import msgspec

from seinpost._signing_thread import SigningThread
from seinpost.demo.incidents import load_publications
from seinpost.epochs import Recipient, make_epoch
from seinpost.kem import KemPrivateKey
from seinpost.sealing import open_envelope, seal_envelope, seal_unsigned
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.envelope import Envelope, decode_envelope
from seinpost_schemas.header import ZERO_16, ZERO_32, Header, object_hash
from seinpost_schemas.kinds import Kind
from seinpost_schemas.limits import BATCH_CLOSE_BYTES, MAX_BATCH_SIGNALS, MAX_TEXT_CHARACTERS
from seinpost_schemas.sections import EncodedSignal, encode_signal
from seinpost_schemas.signal import Indicator, Signal
from seinpost_schemas.signal_list import decode_signals, encode_signals
from seinpost_schemas.signing import SigningKey
from seinpost_schemas.uuid7 import make_id

IN_THREAD = 8
"""Envelopes under way at a time, as in a lane."""


def incidents() -> list[Signal]:
    """The incidents of the demonstration, without the note on their source."""
    publications, _ = load_publications(dt.datetime.now(dt.UTC).replace(microsecond=0))
    return [msgspec.structs.replace(p.signal, protected=None) for p in publications]


def encoded_bytes(signal: Signal) -> int:
    """Bytes of a signal's sections."""
    return encode_signal(signal, make_id(1, bytes(10))).size


def text_signal(size: int) -> Signal:
    """A signal of about ``size`` bytes, most of it text from the incidents."""
    samples = incidents()
    words = " ".join(s.report.text for s in samples)
    words *= MAX_TEXT_CHARACTERS // len(words) + 1
    first = samples[0]
    bare = msgspec.structs.replace(first.report, title="Bericht", text="x", techniques=())
    signal = msgspec.structs.replace(first, report=bare, indicators=())
    length = max(1, size - encoded_bytes(signal))
    # Some letters take two bytes.
    while True:
        report = msgspec.structs.replace(bare, text=words[: min(length, MAX_TEXT_CHARACTERS)])
        found = msgspec.structs.replace(signal, report=report)
        over = encoded_bytes(found) - size
        if over <= 0 or length == 1:
            return found
        length = max(1, length - over)


def indicator_signal(count: int) -> Signal:
    """A signal with so many domain names and hardly any text."""
    first = incidents()[0]
    names = tuple(
        Indicator(type="domain-name", value=f"stembureau-{n}-informatie.example", role="source")
        for n in range(count)
    )
    report = msgspec.structs.replace(first.report, title="Domeinen", text="Zie de lijst.", techniques=())
    return msgspec.structs.replace(first, report=report, indicators=names)


def batch_of(signal: Signal) -> list[Signal]:
    """As many of it, under a title each, as the product puts into one batch."""
    count = min(MAX_BATCH_SIGNALS, max(1, BATCH_CLOSE_BYTES // encoded_bytes(signal)))
    reports = [msgspec.structs.replace(signal.report, title=f"Nr {n:05}") for n in range(count)]
    return [msgspec.structs.replace(signal, report=report) for report in reports]


class Subject:
    """Keys, an epoch and the incidents."""

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
        self.signals = incidents()

    def batch(self, size: int) -> list[Signal]:
        """``size`` signals, going round the incidents."""
        return [self.signals[i % len(self.signals)] for i in range(size)]

    @staticmethod
    def encode(signals: Sequence[Signal]) -> list[EncodedSignal]:
        """Validated sections under new ids."""
        random = os.urandom(10 * len(signals))
        ids = [make_id(1, random[at : at + 10]) for at in range(0, len(random), 10)]
        return encode_signals(signals, ids)

    def seal(self, signals: Sequence[Signal]) -> bytes:
        """Typed signals to envelope bytes, all of it on one core."""
        return seal_envelope(self.encode(signals), self.place, self.secrets, self.sender).encode()

    def seal_many(self, signals: Sequence[Signal], envelopes: int) -> None:
        """So many batches as a chain, each signed in a thread while the next is sealed, as a lane does."""
        asyncio.run(self._seal_many(signals, envelopes))

    async def _seal_many(self, signals: Sequence[Signal], envelopes: int) -> None:
        thread, under_way = SigningThread(self.sender), deque[asyncio.Future[Envelope]]()
        place = self.place
        for number in range(envelopes):
            unsigned = seal_unsigned(self.encode(signals), place, self.secrets)
            place = msgspec.structs.replace(
                self.place, seq=number + 2, prev_hash=object_hash(unsigned.header_bytes)
            )
            under_way.append(asyncio.ensure_future(thread.sign(unsigned, aside=True)))
            await asyncio.sleep(0)
            if len(under_way) >= IN_THREAD:
                (await under_way.popleft()).encode()
        while under_way:
            (await under_way.popleft()).encode()
        thread.close()

    def open(self, data: bytes) -> list[Signal]:
        """Envelope bytes to typed signals."""
        opened = open_envelope(decode_envelope(data), self.sender.public, self.secrets)
        return decode_signals(opened.signals)
