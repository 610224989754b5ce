# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The price of each guarantee: the same work with one of them switched off, in turns with all of them on.

Only here. Nothing in the product can be switched off; what is put in its place below lives in this file.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from unittest import mock

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from rounds import Job, ratio, take_turns
from rows import Row, row
from subject import Subject

from seinpost import sealing
from seinpost_schemas import batch, canonical, signal_list
from seinpost_schemas.sections import EncodedSignal
from seinpost_schemas.signal import SCHEMA, Signal
from seinpost_schemas.signing import SIGNATURE_BYTES, SigningKey, VerifyingKey

SIZE = 1_024
SMALL = 64
GROUP = "The price of each guarantee (switched off in benchmark code only)"


class _Gcm:
    """AES-256-GCM in the place of Cobblestone-256: it does not commit to its key."""

    def __init__(self, key: bytes, context: bytes) -> None:
        self._key, self._context, self._parts = AESGCM(key), context, []  # type: ignore[var-annotated]

    def update(self, data: bytes) -> bytes:
        self._parts.append(bytes(data))
        return b""

    def finalize(self) -> bytes:
        return self._key.encrypt(bytes(12), b"".join(self._parts), self._context)


class _GcmOpener(_Gcm):
    def finalize(self) -> bytes:
        return self._key.decrypt(bytes(12), b"".join(self._parts), self._context)


@contextlib.contextmanager
def _patched(*changes: tuple[object, str, object]) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for owner, name, value in changes:
            stack.enter_context(mock.patch.object(owner, name, value))
        yield


def _unvalidated(signals: Sequence[Signal], ids: Sequence[bytes]) -> list[EncodedSignal]:
    """Encoded and not decoded again: a signal made by hand may hold anything."""
    encode, versioned = canonical.encode, canonical.encode_versioned
    columns = (
        map(encode, [s.handling for s in signals]),
        map(versioned, [(SCHEMA, s.report) for s in signals]),
        [encode((SCHEMA, s.indicators)) if s.indicators else None for s in signals],
        [encode((SCHEMA, s.protected)) if s.protected else None for s in signals],
    )
    return list(map(EncodedSignal, ids, zip(*columns, strict=True)))


def _without_leaves(rows: Any, _sender: bytes, _epoch: bytes, _slots: bytes, *_: Any) -> Any:
    leaves = [bytes(32)] * len(list(rows))
    return leaves, leaves


def _classical(key: SigningKey) -> Callable[..., bytes]:
    def sign(message: bytes, _context: bytes) -> bytes:
        return bytes(SIGNATURE_BYTES - 64) + key._ed25519.sign(message)

    return sign


def _verify_classical(self: VerifyingKey, signature: bytes, message: bytes, _context: bytes) -> None:
    self._ed25519.verify(signature[-64:], message)


def _any_form(decode: Any, sections_: Sequence[bytes], _in_form: Sequence[bytes]) -> Any:
    return decode(signal_list._array(sections_))


def _decode_loosely(decoder: Any, data: bytes, *_: Any) -> Any:
    return decoder.decode(data)


def _unpadded(content: bytes) -> tuple[bytes, ...]:
    return (content,)


Change = tuple[object, str, object]


def _variants(subject: Subject) -> dict[str, tuple[str, list[Change]]]:
    """Each guarantee: what it costs time in, and what its absence changes."""
    key, verifying = type(subject.sender), type(subject.sender.public)
    nothing_signed: list[Change] = [
        (key, "sign", lambda *_: bytes(SIGNATURE_BYTES)),
        (verifying, "verify", lambda *_: None),
    ]
    classical: list[Change] = [
        (key, "sign", lambda self, m, c: _classical(self)(m, c)),
        (verifying, "verify", _verify_classical),
    ]
    return {
        "post-quantum half of the signature": ("seal open", classical),
        "signature": ("seal open", nothing_signed),
        "validation before sealing": ("seal", [(sys.modules["subject"], "encode_signals", _unvalidated)]),
        "one form only, checked on opening": (
            "open",
            [(signal_list, "_decode_each", _any_form), (batch.canonical, "decode", _decode_loosely)],
        ),
        "salted digests, leaves and tree (proofs of one signal or section)": (
            "seal open",
            [
                (batch, "leaf_hashes", _without_leaves),
                (batch.merkle, "root_hash", lambda _leaves: bytes(32)),
                (batch, "expand_slots", lambda _seed, count: bytes(128 * count)),
            ],
        ),
        "padding": (
            "seal open",
            [(sealing, "pad_pieces", _unpadded), (sealing, "unpad", lambda content: content)],
        ),
        "committing encryption": (
            "seal open",
            [
                (sealing, "Cobblestone256Encryptor", _Gcm),
                (sealing, "Cobblestone256Decryptor", _GcmOpener),
            ],
        ),
    }


def measure_guarantees(rounds: int, seconds: float) -> list[Row]:
    """How many times as fast sealing and opening would be without each of them."""
    subject, rows = Subject(), []
    for size in (SMALL, SIZE):
        signals, variants = subject.batch(size), _variants(subject)
        jobs = {}
        for name, (_, changes) in {"": ("", []), **variants}.items():
            with _patched(*changes):
                sealed = subject.seal(signals)
                if len(subject.open(sealed)) != size:
                    raise RuntimeError(f"without {name} nothing is given back")
            around = functools.partial(_patched, *changes)
            jobs[f"seal {name}"] = Job(lambda s=signals: subject.seal(s), size, around)  # type: ignore[misc]
            jobs[f"open {name}"] = Job(lambda s=sealed: subject.open(s), size, around)  # type: ignore[misc]
        timed = take_turns(jobs, rounds, seconds)
        for name, (costs, _) in variants.items():
            for what in costs.split():
                gain = ratio(timed[f"{what} {name}"], timed[f"{what} "])
                label = f"{what}, batches of {size}, without {name}"
                rows.append(row(label, gain, "x", against="all guarantees", group=GROUP))
    print("measured the price of each guarantee", file=sys.stderr, flush=True)
    return rows


if __name__ == "__main__":
    for found in measure_guarantees(5, 0.15):
        print(f"{found.name:90} {found.value:8} {found.low}..{found.high}")
