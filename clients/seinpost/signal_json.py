# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A signal as JSON text, the form that people and other tools write (specification, section 6.7)."""

from __future__ import annotations

import msgspec

from seinpost_schemas.errors import MalformedError, TooLargeError
from seinpost_schemas.limits import MAX_JSON_BYTES
from seinpost_schemas.signal import Signal

_DECODER = msgspec.json.Decoder(Signal)


def parse_signal(data: bytes | str) -> Signal:
    """A signal from its JSON form; raises ``MalformedError`` naming the field."""
    raw = data.encode(errors="surrogatepass") if isinstance(data, str) else data
    if len(raw) > MAX_JSON_BYTES:
        raise TooLargeError(f"{len(raw)} bytes of JSON are over the limit of {MAX_JSON_BYTES} for one signal")
    if not raw.strip():
        raise MalformedError("the input is empty; give a signal as a JSON object")
    try:
        return _DECODER.decode(raw)
    except UnicodeDecodeError:
        raise MalformedError("the input is not UTF-8 text") from None
    except msgspec.ValidationError as error:
        raise MalformedError(f"not a signal: {_without_values(str(error))}") from None
    except msgspec.DecodeError as error:
        raise MalformedError(f"not JSON: {error}") from None
    except RecursionError:
        raise MalformedError("not a signal: nested too deeply") from None


def _without_values(text: str) -> str:
    # msgspec quotes the input in one message only; an error may end up in a log.
    return "invalid value" + text[text.find(" - ") :] if text.startswith("Invalid enum value") else text


def format_signal(signal: Signal) -> str:
    """The JSON form on one line."""
    return msgspec.json.encode(signal).decode()
