# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A signal's sections as bytes, and back (specification, section 6.2).

Section 0 is a MessagePack map with its ``schema``; sections 1 to 3 are ``[schema, content]``, so each
section carries its version and can be read, proven or withheld on its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from . import canonical
from .errors import MalformedError, TooLargeError, UpdateNeededError
from .kinds import Kind
from .limits import MAX_INDICATORS, MAX_SIGNAL_BYTES
from .signal import (
    SCHEMA,
    Act,
    ActHandling,
    ActReport,
    Handling,
    Indicator,
    Protected,
    Report,
    Signal,
)
from .uuid7 import format_id, parse_id

_Version = Literal[1]
REPORT_SECTION = tuple[_Version, Report]
INDICATORS_SECTION = tuple[
    _Version, Annotated[tuple[Indicator, ...], Meta(min_length=1, max_length=MAX_INDICATORS)]
]
PROTECTED_SECTION = tuple[_Version, Protected]
_HANDLING = canonical.decoder(Handling)
_REPORT = canonical.decoder(REPORT_SECTION)
_INDICATORS = canonical.decoder(INDICATORS_SECTION)
_PROTECTED = canonical.decoder(PROTECTED_SECTION)
_ACT_HANDLING = canonical.decoder(ActHandling)
_ACT_REPORT = canonical.decoder(tuple[_Version, ActReport])
_LOOSE = msgspec.msgpack.Decoder()
_encode = canonical.encode
_encode_report = canonical.encode_versioned
_read_handling, _read_report = _HANDLING.decode, _REPORT.decode
_read_indicators, _read_protected = _INDICATORS.decode, _PROTECTED.decode
UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError, OverflowError, ValueError, TypeError)
"""What encoding and decoding raise for a value or bytes that are not a section."""


class EncodedSignal(msgspec.Struct, frozen=True, gc=False):
    """A validated signal as bytes: ``id`` 16 bytes, four sections of bytes or ``None``."""

    id: bytes
    sections: tuple[bytes | None, bytes | None, bytes | None, bytes | None]

    @property
    def size(self) -> int:
        """Bytes over all sections."""
        s0, s1, s2, s3 = self.sections
        return len(s0 or b"") + len(s1 or b"") + len(s2 or b"") + len(s3 or b"")


def encode_signal(signal: Signal, signal_id: bytes) -> EncodedSignal:
    """A signal's sections, validated by decoding what was encoded.

    Raises ``MalformedError`` with the field named, or ``TooLargeError``.
    """
    # The hot path, written out: what is decoded from the bytes is the signal, or the strict way says why not.
    handling, report, indicators, protected = (
        signal.handling, signal.report, signal.indicators, signal.protected
    )  # fmt: skip
    s2 = s3 = None
    try:
        s0, s1 = _encode(handling), _encode_report((SCHEMA, report))
        size = len(s0) + len(s1)
        same = _read_handling(s0) == handling and _read_report(s1)[1] == report
        if indicators:
            s2 = _encode((SCHEMA, indicators))
            size += len(s2)
            same = same and _read_indicators(s2)[1] == indicators
        if protected:
            s3 = _encode((SCHEMA, protected))
            size += len(s3)
            same = same and _read_protected(s3)[1] == protected
    except UNREADABLE:
        same, size = False, 0
    if not same or size > MAX_SIGNAL_BYTES:
        return _encode_strictly(signal, signal_id)
    return EncodedSignal(signal_id, (s0, s1, s2, s3))


def _encode_strictly(signal: Signal, signal_id: bytes) -> EncodedSignal:
    handling = _checked(_HANDLING, signal.handling, "handling")
    report = _checked(_REPORT, (SCHEMA, signal.report), "report", _encode_report)
    indicators = (
        _checked(_INDICATORS, (SCHEMA, signal.indicators), "indicators") if signal.indicators else None
    )
    protected = _checked(_PROTECTED, (SCHEMA, signal.protected), "protected") if signal.protected else None
    encoded = EncodedSignal(signal_id, (handling, report, indicators, protected))
    return _within_size(encoded)


def encode_act(act: Act, signal_id: bytes) -> EncodedSignal:
    """The sections of a feedback, release or table act."""
    handling = _checked(_ACT_HANDLING, act.handling, "handling")
    report = _checked(_ACT_REPORT, (SCHEMA, act.report), "report")
    return _within_size(EncodedSignal(signal_id, (handling, report, None, None)))


def _checked(
    decoder: msgspec.msgpack.Decoder[object],
    value: object,
    what: str,
    encode: Callable[[object], bytes] = _encode,
) -> bytes:
    try:
        data = encode(value)
    except (TypeError, ValueError, OverflowError, UnicodeEncodeError, RecursionError):
        raise MalformedError(f"{what}: holds a value that cannot be encoded") from None
    try:
        same = decoder.decode(data) == value
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError, ValueError):
        same = False
    if not same:
        # Invalid; or valid in another shape, such as a list for a tuple: the strict way tells which.
        canonical.decode(decoder, data, what, encode)
    return data


def _within_size(encoded: EncodedSignal) -> EncodedSignal:
    if encoded.size > MAX_SIGNAL_BYTES:
        raise TooLargeError(f"a signal of {encoded.size} bytes is over the limit of {MAX_SIGNAL_BYTES}")
    return encoded


def decode_signal(encoded: EncodedSignal) -> Signal:
    """The typed signal of opened sections; raises ``MalformedError`` or ``UpdateNeededError``."""
    s0, s1, s2, s3 = encoded.sections
    if s0 is None or s1 is None:
        raise MalformedError("a signal has a handling and a report section")
    size = len(s0) + len(s1)
    indicators: tuple[Indicator, ...] = ()
    protected = None
    try:
        handling, report = _read_handling(s0), _read_report(s1)
        same = _encode(handling) == s0 and _encode_report(report) == s1
        if s2 is not None:
            size += len(s2)
            opened = _read_indicators(s2)
            same = same and _encode(opened) == s2
            indicators = opened[1]
        if s3 is not None:
            size += len(s3)
            shown = _read_protected(s3)
            same = same and _encode(shown) == s3
            protected = shown[1]
    except UNREADABLE:
        same = False
    if not same or size > MAX_SIGNAL_BYTES:
        # Not a signal in its one form: the strict way says what and why.
        return _decode_strictly(encoded)
    return Signal(
        id=format_id(encoded.id),
        handling=handling,
        report=report[1],
        indicators=indicators,
        protected=protected,
    )


def _decode_strictly(encoded: EncodedSignal) -> Signal:
    _within_size(encoded)
    handling, report, indicators, protected = encoded.sections
    if handling is None or report is None:
        raise MalformedError("a signal has a handling and a report section")
    return Signal(
        id=format_id(encoded.id),
        handling=_decode(_HANDLING, handling, "handling"),
        report=_decode(_REPORT, report, "report", _encode_report)[1],
        indicators=_decode(_INDICATORS, indicators, "indicators")[1] if indicators is not None else (),
        protected=_decode(_PROTECTED, protected, "protected")[1] if protected is not None else None,
    )


def decode_act(encoded: EncodedSignal) -> Act:
    """The typed act of opened sections; raises like ``decode_signal``."""
    _within_size(encoded)
    handling, report, indicators, protected = encoded.sections
    if handling is None or report is None or indicators is not None or protected is not None:
        raise MalformedError("an act has a handling and a report section, and no others")
    return Act(
        id=format_id(encoded.id),
        handling=_decode(_ACT_HANDLING, handling, "handling"),
        report=_decode(_ACT_REPORT, report, "report")[1],
    )


def decode_section(kind: int, section: int, data: bytes) -> object:
    """One section by itself (0 to 3), typed; raises like ``decode_signal``."""
    names = ("handling", "report", "indicators", "protected")
    decoders = (_ACT_HANDLING, _ACT_REPORT) if is_act(kind) else (_HANDLING, _REPORT, _INDICATORS, _PROTECTED)
    if not 0 <= section < len(decoders):
        raise MalformedError(f"an envelope of kind {kind} has no section {section}")
    encode = _encode_report if section == 1 and not is_act(kind) else _encode
    found = _decode(decoders[section], data, names[section], encode)
    if section == 0:
        return found
    content = found[1]
    return {"indicators": content} if section == 2 else content


def _decode(  # type: ignore[no-untyped-def]
    decoder: msgspec.msgpack.Decoder[object],
    data: bytes,
    what: str,
    encode: Callable[[object], bytes] = _encode,
):
    try:
        return canonical.decode(decoder, data, what, encode)
    except MalformedError:
        _refuse_newer_schema(data)
        raise


def _refuse_newer_schema(data: bytes) -> None:
    """Raise ``UpdateNeededError`` when an unreadable section says that it is of a newer schema."""
    try:
        loose = _LOOSE.decode(data)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return
    version = (
        loose.get("schema")
        if isinstance(loose, dict)
        else loose[0]
        if isinstance(loose, list) and loose
        else None
    )
    if isinstance(version, int) and not isinstance(version, bool) and version > SCHEMA:
        raise UpdateNeededError(
            f"a section of schema {version} needs a newer Seinpost (this one reads {SCHEMA})"
        )


def is_act(kind: int) -> bool:
    """Whether a sealed kind carries acts (kinds 6 to 8) rather than signals."""
    return kind in (Kind.FEEDBACK, Kind.RELEASE, Kind.TABLE_ACT)


def signal_id_bytes(signal: Signal | Act) -> bytes | None:
    """The 16-byte id of a signal that has one."""
    return parse_id(signal.id) if signal.id is not None else None
