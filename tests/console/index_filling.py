# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Fills a console's index as the subscriber does: deliveries first, then one transaction with the position."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import msgspec
from feed_samples import delivery, identifier, signal

from seinpost._reading_state import Facts, ReadingState, Seen
from seinpost._trusted_feed import _State
from seinpost.console.feed_view import FeedView
from seinpost.console.index.sealed_rows import IndexFile
from seinpost.delivery import Delivery
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.signal import Indicator
from seinpost_schemas.subjects import feed_stream

KEY = bytes(range(32))
ENCLAVE = bytes(16)
PLACES = ("depv/process", "ong/debate", "depv/parties", "ong/international")
SENDERS = ("ncsc", "cvdm", "aivd")
AUDIENCE = ("bzk", "nctv", "politie", "tafel")
NOTHING_SAID = Facts()
COMMON = "stembureau"
"""A word that one in fifty signals holds."""


def open_index(folder: Path, enclave_id: bytes = ENCLAVE) -> IndexFile:
    """The index of a state folder."""
    return IndexFile(folder, KEY, enclave_id, ReadingState(folder, KEY))


def store(
    index: ReadingState, place: str, size: int, seen: Sequence[Seen] = (), facts: Facts = NOTHING_SAID
) -> None:
    """What the subscriber does when the application took every signal of the ``size``-th entry of a log."""
    stream = feed_stream("2026q4", Compartment.parse(place))
    feed = _State(size, 0, 0, {}, {}, (), {})
    index.commit(stream, size + 1, msgspec.msgpack.encode(feed), seen, facts)


def seen(made: Delivery) -> Seen:
    """As the subscriber remembers a delivery."""
    return Seen(made.sender, made.object_hash[16:], bytes(16))


def sample(number: int, texts: Sequence[str]) -> Delivery:
    """The ``number``-th of many: of every theme, sender and severity, some 650 characters, with indicators."""
    text = texts[number % len(texts)]
    made = signal(
        f"Signaal nummer {number}",
        id=identifier(number),
        text=f"{text} {COMMON if number % 50 == 0 else ''}",
        severity=number % 5 + 1,
        election="TK2025" if number % 3 else None,
        techniques=(f"disarm:T{number % 97:04d}", f"disarm:T{200 + number % 31:04d}"),
        indicators=(
            Indicator(type="domain-name", value=f"host{number % 50_000}.example"),
            Indicator(type="url", value=f"https://u{number}.example/x"),
        ),
    )
    place, sender = PLACES[number % 4], SENDERS[number % 3]
    return delivery(number // 4, made, place=place, sender=sender, minutes=number // 40)


def make_texts() -> list[str]:
    """Texts of 90 words that are none of them ``COMMON``, the same each time."""
    made = random.Random(1)
    words = ["".join(made.choices("abcdefghijklmnopqrstuvwxyz", k=made.randint(3, 10))) for _ in range(5_000)]
    return [" ".join(made.choices(words, k=90)) for _ in range(997)]


def fill(view: FeedView, index: IndexFile, first: int, signals: int, *, envelope: int = 256) -> None:
    """Add samples, in envelopes, each stored before the next is taken."""
    texts = make_texts()
    size = first // envelope
    for start in range(first, first + signals, envelope):
        made = [sample(n, texts) for n in range(start, min(start + envelope, first + signals))]
        for one in made:
            view.add(one, AUDIENCE)
        size += 1
        store(index, PLACES[0], size, [seen(one) for one in made])
