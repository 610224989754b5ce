# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Reading signals from a file or standard input: one JSON object, or JSON lines, bounded in memory."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

from seinpost.signal_json import parse_signal
from seinpost_schemas.errors import MalformedError, TooLargeError
from seinpost_schemas.limits import MAX_JSON_BYTES
from seinpost_schemas.signal import Signal


async def read_signals(path: Path) -> AsyncIterator[tuple[int, Signal | MalformedError]]:
    """(line number, signal or what is wrong with it), in order. Raises ``MalformedError`` for no file."""
    if str(path) == "-":
        async for item in _read(sys.stdin.buffer, in_thread=True):
            yield item
        return
    try:
        with path.open("rb") as file:
            async for item in _read(file, in_thread=False):
                yield item
    except OSError as error:
        raise MalformedError(f"cannot read {path}: {error.strerror}") from None


async def _read(file: BinaryIO, *, in_thread: bool) -> AsyncIterator[tuple[int, Signal | MalformedError]]:
    number = 0
    found = False
    while True:
        number += 1
        line = await asyncio.to_thread(_read_line, file) if in_thread else _read_line(file)
        if not line:
            break
        if not line.strip():
            continue
        if not found and line.lstrip()[:1] == b"{" and not _is_json(line):
            # Not whole on its first line: one object over many lines, perhaps.
            rest = file.read(MAX_JSON_BYTES + 1)
            whole = line + rest
            if len(whole) > MAX_JSON_BYTES or _is_json(whole):
                yield number, _parse(whole)
                return
            for offset, part in enumerate(whole.split(b"\n")):
                if part.strip():
                    yield number + offset, _parse(part)
            return
        found = True
        yield number, _parse(line)
    if not found:
        raise MalformedError("the input is empty; give a signal as JSON, or one per line")


def _read_line(file: BinaryIO) -> bytes:
    """The next line; an oversized one is cut (and refused later), its rest passed over."""
    line = file.readline(MAX_JSON_BYTES + 2)
    if len(line) > MAX_JSON_BYTES and not line.endswith(b"\n"):
        while (rest := file.readline(MAX_JSON_BYTES)) and not rest.endswith(b"\n"):
            pass
    return line


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def _parse(data: bytes) -> Signal | MalformedError:
    try:
        return parse_signal(data)
    except (MalformedError, TooLargeError) as error:
        return error
