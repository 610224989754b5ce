# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What can be wrong with a signal's JSON text that its decoder lets pass, or does not say clearly."""

from __future__ import annotations

import json
import re
from typing import Any

from msgspec import inspect

from seinpost_schemas.errors import MalformedError
from seinpost_schemas.signal import Signal


class _Members(list[tuple[str, Any]]):
    """An object as it was written: every member, in order."""


class _TwiceError(Exception):
    """An object has one key twice."""


def verify_no_key_twice(raw: bytes) -> None:
    """Raise ``MalformedError`` with its place for a key that one object has twice; ``raw`` is a signal's JSON.

    The decoder takes the last of the two, so that what the first one said would be lost without a word.
    """
    try:
        json.loads(raw, object_pairs_hook=_members_once)
    except _TwiceError:
        place = _place_of_twice(json.loads(raw, object_pairs_hook=_Members), "$")
        raise MalformedError(f"not a signal: a key stands there twice - at `{place}`") from None


def _members_once(members: list[tuple[str, Any]]) -> None:
    if len(dict(members)) < len(members):
        raise _TwiceError


def _place_of_twice(value: Any, place: str) -> str | None:
    if isinstance(value, _Members):
        inner = [(f"{place}.{key}", member) for key, member in value]
        seen: set[str] = set()
        for name, _ in inner:
            if name in seen:
                return name
            seen.add(name)
    elif isinstance(value, list):
        inner = [(f"{place}[{number}]", item) for number, item in enumerate(value)]
    else:
        return None
    return next((found for name, item in inner if (found := _place_of_twice(item, name))), None)


def has_half_a_character(raw: bytes) -> bool:
    """Whether it is JSON but for an escape that is half of a pair, such as ``\\ud83d`` by itself."""
    try:
        json.dumps(json.loads(raw), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    except (ValueError, RecursionError):
        return False
    return False


def choices_at(place: str) -> tuple[str, ...]:
    """What can be chosen from at a place in a signal, such as ``$.handling.tlp``; nothing if it is no such place."""
    found = inspect.type_info(Signal)
    for name in re.findall(r"\.(\w+)", place):
        field = next((f for f in getattr(_one(found), "fields", ()) if f.encode_name == name), None)
        if field is None:
            return ()
        found = field.type
    chosen = _one(found)
    return tuple(map(str, chosen.values)) if isinstance(chosen, inspect.LiteralType) else ()


def _one(found: inspect.Type) -> inspect.Type:
    """The type itself, of one that may be left out or of a list."""
    if isinstance(found, inspect.UnionType):
        return _one(next(t for t in found.types if not isinstance(t, inspect.NoneType)))
    if isinstance(found, inspect.VarTupleType):
        return _one(found.item_type)
    return found
