# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A list of signals to sections, and back: what ``sections`` does one by one, in a few calls for all.

One array around sections that stand on their own is MessagePack too, so that one call decodes them all; the
results, the checks and the errors are those of ``encode_signal`` and ``decode_signal``, to which everything out
of the ordinary is left.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import msgspec

from . import canonical
from .limits import MAX_SIGNAL_BYTES
from .sections import (
    INDICATORS_SECTION,
    PROTECTED_SECTION,
    REPORT_SECTION,
    UNREADABLE,
    EncodedSignal,
    decode_signal,
    encode_signal,
)
from .signal import SCHEMA, Handling, Signal
from .uuid7 import format_id

_HANDLINGS = canonical.decoder(list[Handling]).decode
_REPORTS = canonical.decoder(list[REPORT_SECTION]).decode
_INDICATORS = canonical.decoder(list[INDICATORS_SECTION]).decode
_PROTECTED = canonical.decoder(list[PROTECTED_SECTION]).decode
_ITEMS = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode
_WIDE = {b"\x92\x01%c" % (0x80 | n): b"\x92\x01\xde\x00%c" % n for n in range(16)}
"""The start of a report section in its one form, and as msgspec writes it (``canonical.encode_versioned``)."""
_Decode = Callable[[bytes], list[Any]]
_encode = canonical.encode


def encode_signals(signals: Sequence[Signal], ids: Sequence[bytes]) -> list[EncodedSignal]:
    """``encode_signal`` of each signal with its 16-byte id; raises what it raises for the first bad one."""
    if len(signals) != len(ids):
        raise ValueError("each signal has an id")
    try:
        encoded = _encode_all(signals, ids)
    except UNREADABLE:
        encoded = None
    return list(map(encode_signal, signals, ids)) if encoded is None else encoded


def _encode_all(signals: Sequence[Signal], ids: Sequence[bytes]) -> list[EncodedSignal] | None:
    handlings = [s.handling for s in signals]
    reports = [s.report for s in signals]
    s0s = list(map(_encode, handlings))
    s1s = [
        b"%b%c%b" % (d[:2], 0x80 | d[4], d[5:]) if d[2] == 0xDE and d[3] == 0 and d[4] < 16 else d
        for d in map(_encode, [(SCHEMA, r) for r in reports])
    ]
    # Equal bytes are valid together: handlings repeat.
    distinct = dict(zip(s0s, handlings, strict=True))
    if _HANDLINGS(_array(distinct)) != list(distinct.values()):
        return None
    if [r for _, r in _REPORTS(_array(s1s))] != reports:
        return None
    s2s = _encode_optional(_INDICATORS, [s.indicators for s in signals])
    s3s = _encode_optional(_PROTECTED, [s.protected for s in signals])
    if s2s is None or s3s is None:
        return None
    encoded = list(map(EncodedSignal, ids, zip(s0s, s1s, s2s, s3s, strict=True)))
    return encoded if _fit(encoded, (s0s, s1s, s2s, s3s)) else None


def _encode_optional(decode: _Decode, contents: Sequence[Any]) -> list[bytes | None] | None:
    """One section of every signal, ``None`` where it has none; ``None`` for all when one is out of the ordinary."""
    if not any(contents):
        return [None] * len(contents)
    sections = [_encode((SCHEMA, c)) if c else None for c in contents]
    opened = decode(_array([s for s in sections if s is not None]))
    return sections if [c for _, c in opened] == [c for c in contents if c] else None


def decode_signals(encoded: Sequence[EncodedSignal]) -> list[Signal]:
    """``decode_signal`` of each; raises what it raises for the first that is not a signal in its one form.

    Signals with equal handling bytes share one frozen ``Handling``.
    """
    try:
        signals = _decode_all(encoded) if encoded else []
    except UNREADABLE:
        signals = None
    return list(map(decode_signal, encoded)) if signals is None else signals


def _decode_all(encoded: Sequence[EncodedSignal]) -> list[Signal] | None:
    columns = s0s, s1s, s2s, s3s = tuple(zip(*[e.sections for e in encoded], strict=True))
    if None in s0s or None in s1s or not _fit(encoded, columns):
        return None
    distinct = list(dict.fromkeys(s0s))
    handlings = _decode_each(_HANDLINGS, distinct, distinct)
    # A report of 16 fields or more is as msgspec writes it; a shorter one in that form is out of form.
    wide = [_WIDE[s[:3]] + s[3:] if s[:3] in _WIDE else s if s[4:5] >= b"\x10" else b"" for s in s1s]
    reports = _decode_each(_REPORTS, s1s, wide)
    indicators, protected = _decode_optional(_INDICATORS, s2s), _decode_optional(_PROTECTED, s3s)
    if handlings is None or reports is None or indicators is None or protected is None:
        return None
    handling_of = dict(zip(distinct, handlings, strict=True))
    return [
        Signal(
            id=format_id(e.id), handling=handling_of[s0], report=report[1], indicators=i or (), protected=p
        )
        for e, s0, report, i, p in zip(encoded, s0s, reports, indicators, protected, strict=True)
    ]


def _decode_optional(decode: _Decode, sections: Sequence[bytes | None]) -> list[Any] | None:
    """The content of one section of every signal, ``None`` where it has none."""
    present = [s for s in sections if s is not None]
    if not present:
        return [None] * len(sections)
    values = _decode_each(decode, present, present)
    if values is None:
        return None
    left = iter(values)
    return [None if s is None else next(left)[1] for s in sections]


def _decode_each(decode: _Decode, sections: Sequence[bytes], in_form: Sequence[bytes]) -> list[Any] | None:
    """The values of sections decoded together; ``None`` unless each is one item in its one form.

    ``in_form`` is the sections as msgspec writes what is in its one form.
    """
    joined = _array(sections)
    # Each item as long as its own section: one that lent bytes to its neighbour would pass for two.
    if list(map(len, _ITEMS(joined))) != list(map(len, sections)):
        return None
    values = decode(joined)
    return values if _encode(values) == _array(in_form) else None


def _array(items: Collection[bytes]) -> bytes:
    """The MessagePack array of encoded items, in its one form; raises ``OverflowError`` above 65,535."""
    count = len(items)
    return b"".join((bytes((0x90 | count,)) if count < 16 else b"\xdc" + count.to_bytes(2, "big"), *items))


def _fit(encoded: Sequence[EncodedSignal], columns: Sequence[Sequence[bytes | None]]) -> bool:
    """Whether every signal is within ``MAX_SIGNAL_BYTES``."""
    longest = sum(max(map(len, filter(None, column)), default=0) for column in columns)
    # When the longest of each fit together, so does every signal; otherwise they are counted one by one.
    return longest <= MAX_SIGNAL_BYTES or all(e.size <= MAX_SIGNAL_BYTES for e in encoded)
