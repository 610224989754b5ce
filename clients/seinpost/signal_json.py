# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A signal as JSON text, the form that people and other tools write (specification, section 6.7)."""

from __future__ import annotations

import msgspec

from seinpost_schemas.errors import MalformedError, TooLargeError
from seinpost_schemas.limits import MAX_JSON_BYTES
from seinpost_schemas.signal import Signal

from ._json_faults import choices_at, has_half_a_character, verify_no_key_twice

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_DECODER = msgspec.json.Decoder(Signal)


def parse_signal(data: bytes | str) -> Signal:
    """A signal from its JSON form; raises ``MalformedError`` naming the field."""
    raw = data.encode(errors="surrogatepass") if isinstance(data, str) else data
    if len(raw) > MAX_JSON_BYTES:
        # Not how many: who reads lines cuts what is too long.
        raise TooLargeError(f"more than the limit of {MAX_JSON_BYTES} bytes of JSON for one signal")
    if not raw.strip():
        raise MalformedError("the input is empty; give a signal as a JSON object")
    if raw.startswith(BYTE_ORDER_MARK):
        raise MalformedError("not JSON: it begins with a byte order mark (BOM); save it as UTF-8 without one")
    try:
        signal = _DECODER.decode(raw)
    except UnicodeDecodeError:
        raise MalformedError("the input is not UTF-8 text") from None
    except msgspec.ValidationError as error:
        raise MalformedError(f"not a signal: {_without_values(str(error))}") from None
    except msgspec.DecodeError as error:
        if has_half_a_character(raw):
            raise MalformedError(
                "not JSON: an escape is half of a character (a lone surrogate, such as \\ud83d by itself)"
            ) from None
        raise MalformedError(f"not JSON: {error}") from None
    except RecursionError:
        raise MalformedError("not a signal: nested too deeply") from None
    verify_no_key_twice(raw)
    return signal


def _without_values(text: str) -> str:
    # msgspec quotes the input in one message only; an error may end up in a log.
    if not text.startswith("Invalid enum value"):
        return text
    place = text[text.rfind(" - ") :] if " - at `" in text else ""
    choices = choices_at(place)
    return "invalid value" + (f", choose from {', '.join(choices)}" if choices else "") + place


def format_signal(signal: Signal) -> str:
    """The JSON form on one line."""
    return msgspec.json.encode(signal).decode()
