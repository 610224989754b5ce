# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A broker's request to a witness and its answer: C2SP tlog-witness, carried over NATS request and reply.

Request: "old <size>", one base64 consistency hash per line, an empty line, the checkpoint note. Answer: a
status line in the place of HTTP's status code, then its body: 200 and the witness's signature lines, 409 and
the size that it holds, or 400, 403, 404 or 422 and a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from .entry import from_base64, to_base64
from .errors import MalformedError
from .limits import MAX_NOTE_SIGNATURES
from .merkle import HASH_BYTES
from .note import NoteSignature, parse_signature_line

MAX_HASHES = 63
MAX_REQUEST_BYTES = 64 * 1024
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
_STATUSES = frozenset({200, 400, 403, 404, 409, 422})


class WitnessRequest(msgspec.Struct, frozen=True):
    """A checkpoint to cosign: the size that the witness is thought to hold, the proof from there, the note."""

    old_size: int
    proof: tuple[bytes, ...]
    note: bytes

    def encode(self) -> bytes:
        """The request's bytes."""
        lines = "".join(f"{to_base64(h)}\n" for h in self.proof)
        return f"old {self.old_size}\n{lines}\n".encode() + self.note


def decode_request(data: bytes) -> WitnessRequest:
    """Raises ``MalformedError``; the note is not parsed here."""
    if len(data) > MAX_REQUEST_BYTES:
        raise MalformedError(f"a request of {len(data)} bytes is over the limit of {MAX_REQUEST_BYTES}")
    head, found, note = data.partition(b"\n\n")
    try:
        first, *hashes = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise MalformedError("a request's proof is ASCII") from None
    word, _, number = first.partition(" ")
    if not found or word != "old" or not _NUMBER.fullmatch(number) or len(hashes) > MAX_HASHES:
        raise MalformedError("a request is 'old <size>', at most 63 hashes, an empty line and a checkpoint")
    proof = tuple(from_base64(h, HASH_BYTES) for h in hashes)
    if any(len(h) != HASH_BYTES for h in proof):
        raise MalformedError("a proof is made of 32-byte hashes")
    return WitnessRequest(int(number), proof, note)


class WitnessAnswer(msgspec.Struct, frozen=True):
    """A status as in HTTP, and a body: signature lines (200), a size (409) or a sentence."""

    status: int
    body: str

    def encode(self) -> bytes:
        """The answer's bytes."""
        return f"{self.status}\n{self.body}".encode()

    def signatures(self) -> tuple[NoteSignature, ...]:
        """The signature lines of a 200; raises ``MalformedError``."""
        lines = self.body.removesuffix("\n").split("\n")
        if self.status != 200 or len(lines) > MAX_NOTE_SIGNATURES:
            raise MalformedError("the answer holds no signature lines")
        return tuple(parse_signature_line(line) for line in lines)

    def size(self) -> int:
        """The size of a 409; raises ``MalformedError``."""
        text = self.body.removesuffix("\n")
        if self.status != 409 or not _NUMBER.fullmatch(text):
            raise MalformedError("the answer holds no size")
        return int(text)


def signed_answer(lines: Sequence[NoteSignature]) -> WitnessAnswer:
    """A 200 with a witness's lines."""
    return WitnessAnswer(200, "".join(line.line() + "\n" for line in lines))


def decode_answer(data: bytes) -> WitnessAnswer:
    """Raises ``MalformedError``."""
    if len(data) > MAX_REQUEST_BYTES:
        raise MalformedError("a witness's answer is over its limit")
    try:
        status, found, body = data.decode().partition("\n")
    except UnicodeDecodeError:
        raise MalformedError("a witness's answer is UTF-8") from None
    if not found or not status.isascii() or not status.isdigit() or int(status[:4]) not in _STATUSES:
        raise MalformedError("a witness's answer starts with its status")
    return WitnessAnswer(int(status), body)
