# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The clear bodies of kinds 3, 4, 5 and 9 (specification, section 7). Fixed binary, big-endian."""

from __future__ import annotations

import enum
import itertools
import struct

import msgspec

from .epoch_body import WRAPPED_BYTES, refuse_unsorted
from .errors import MalformedError, TooLargeError
from .limits import MAX_RUNS, MAX_SHARES
from .subjects import parse_period
from .uuid7 import verify_id

_END = struct.Struct(">IQ")
_RECEIPT = struct.Struct(">8sQ32sH")
_RUN = struct.Struct(">8sQQHHB")
_RECALL = struct.Struct(">32s8sQ16sB")
_SHARE_SLOT = struct.Struct(f">16s16s{WRAPPED_BYTES}s")
SHARE_SLOT_BYTES = _SHARE_SLOT.size


class EndOfEpoch(msgspec.Struct, frozen=True):
    """Kind 3: how many envelopes the epoch carried, and the seq of the last one (0 if none)."""

    envelopes: int
    last_seq: int

    def encode(self) -> bytes:
        """12 bytes."""
        return _END.pack(self.envelopes, self.last_seq)


def decode_end_of_epoch(body: bytes) -> EndOfEpoch:
    """Raises ``MalformedError``."""
    if len(body) != _END.size:
        raise MalformedError(f"an end of epoch has {_END.size} bytes, not {len(body)}")
    end = EndOfEpoch(*_END.unpack(body))
    if (end.envelopes == 0) != (end.last_seq == 0):
        raise MalformedError("an end of epoch names a last seq if, and only if, it counts envelopes")
    return end


class ReceiptState(enum.IntEnum):
    """What a reader says of a run of signals."""

    DELIVERED = 1
    OPENED = 2
    ACKNOWLEDGED = 3
    WITHDRAWN = 4


class Run(msgspec.Struct, frozen=True):
    """Leaves ``first_leaf`` to ``last_leaf`` of a period's log, both included.

    ``first_signal`` is within the first leaf, ``last_signal`` within the last.
    """

    period: str
    first_leaf: int
    last_leaf: int
    first_signal: int
    last_signal: int
    state: ReceiptState


class Receipt(msgspec.Struct, frozen=True):
    """Kind 4: the checkpoint that the reader had seen, and its runs."""

    period: str
    tree_size: int
    root_hash: bytes
    runs: tuple[Run, ...]

    def encode(self) -> bytes:
        """50 bytes and 29 per run."""
        fixed = _RECEIPT.pack(self.period.encode(), self.tree_size, self.root_hash, len(self.runs))
        return fixed + b"".join(
            _RUN.pack(r.period.encode(), r.first_leaf, r.last_leaf, r.first_signal, r.last_signal, r.state)
            for r in self.runs
        )


def decode_receipt(body: bytes) -> Receipt:
    """Raises ``MalformedError``."""
    if len(body) < _RECEIPT.size:
        raise MalformedError("a receipt is shorter than its fixed part")
    period, tree_size, root_hash, count = _RECEIPT.unpack_from(body)
    if count > MAX_RUNS:
        raise TooLargeError(f"{count} runs are over the limit of {MAX_RUNS}")
    if len(body) != _RECEIPT.size + count * _RUN.size or count == 0:
        raise MalformedError("a receipt has at least one run and ends where its runs do")
    runs = tuple(_run(fields) for fields in _RUN.iter_unpack(body[_RECEIPT.size :]))
    for run, following in itertools.pairwise(runs):
        _verify_rises(run, following)
    return Receipt(_period(period), tree_size, root_hash, runs)


def _verify_rises(run: Run, following: Run) -> None:
    """What a receipt says it says once: 4,096 runs over all of a log would be work for every reader."""
    place, after = (run.period, run.state), (following.period, following.state)
    ended, begins = (run.last_leaf, run.last_signal), (following.first_leaf, following.first_signal)
    if after < place or (after == place and begins <= ended):
        raise MalformedError(
            "a receipt's runs rise by period, state and place, and none covers what another does"
        )


def _run(fields: tuple[bytes, int, int, int, int, int]) -> Run:
    period, first_leaf, last_leaf, first_signal, last_signal, state = fields
    if first_leaf > last_leaf or (first_leaf == last_leaf and first_signal > last_signal):
        raise MalformedError("a receipt's run ends before it starts")
    try:
        return Run(_period(period), first_leaf, last_leaf, first_signal, last_signal, ReceiptState(state))
    except ValueError:
        raise MalformedError(f"receipt state {state} does not exist") from None


def _period(raw: bytes) -> str:
    text = raw.rstrip(b"\0")
    if b"\0" in text or not text.isascii():
        raise MalformedError("a period is ASCII, filled with zeros at its end only")
    return parse_period(text.decode("ascii"))


class RecallReason(enum.IntEnum):
    """Why an originator takes a signal back."""

    MISTAKE = 1
    FALSE_POSITIVE = 2
    WRONG_AUDIENCE = 3
    PERSONAL_DATA = 4
    LEGAL = 5
    SUPERSEDED = 6


def reason_name(code: int) -> str:
    """A recall reason as people write it: ``false-positive``."""
    return RecallReason(code).name.lower().replace("_", "-")


def parse_reason(text: str) -> RecallReason:
    """The reason of that name; raises ``MalformedError`` with the names there are."""
    for reason in RecallReason:
        if reason_name(reason) == text:
            return reason
    raise MalformedError(
        f"{text[:40]!r} is no reason; choose from {', '.join(map(reason_name, RecallReason))}"
    )


class Recall(msgspec.Struct, frozen=True):
    """Kind 5: which signal of which logged envelope is withdrawn, and why."""

    object_hash: bytes
    period: str
    leaf_index: int
    signal_id: bytes
    reason: RecallReason

    def encode(self) -> bytes:
        """65 bytes."""
        return _RECALL.pack(
            self.object_hash, self.period.encode(), self.leaf_index, self.signal_id, self.reason
        )


def decode_recall(body: bytes) -> Recall:
    """Raises ``MalformedError``."""
    if len(body) != _RECALL.size:
        raise MalformedError(f"a recall has {_RECALL.size} bytes, not {len(body)}")
    object_hash, period, leaf_index, signal_id, reason = _RECALL.unpack(body)
    verify_id(signal_id)
    try:
        code = RecallReason(reason)
    except ValueError:
        raise MalformedError(f"recall reason {reason} does not exist") from None
    return Recall(object_hash, _period(period), leaf_index, signal_id, code)


class ShareSlot(msgspec.Struct, frozen=True):
    """One past epoch's secrets for one new reader key."""

    epoch_id: bytes
    kem_key_id: bytes
    wrapped: bytes


class Share(msgspec.Struct, frozen=True):
    """Kind 9: slots, sorted by (epoch_id, kem_key_id)."""

    slots: tuple[ShareSlot, ...]

    def encode(self) -> bytes:
        """2 bytes and 1,232 per slot."""
        return len(self.slots).to_bytes(2, "big") + b"".join(
            _SHARE_SLOT.pack(s.epoch_id, s.kem_key_id, s.wrapped) for s in self.slots
        )


def decode_share(body: bytes) -> Share:
    """Raises ``MalformedError``."""
    count = int.from_bytes(body[:2], "big")
    if count > MAX_SHARES:
        raise TooLargeError(f"{count} shared slots are over the limit of {MAX_SHARES}")
    if len(body) != 2 + count * _SHARE_SLOT.size or count == 0:
        raise MalformedError("a share has at least one slot and ends where its slots do")
    slots = tuple(ShareSlot(*fields) for fields in _SHARE_SLOT.iter_unpack(body[2:]))
    refuse_unsorted([s.epoch_id + s.kem_key_id for s in slots])
    return Share(slots)
