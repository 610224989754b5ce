# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Reading signals from a file or standard input: one JSON object, or JSON lines, bounded in memory."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

from seinpost.signal_json import BYTE_ORDER_MARK, parse_signal
from seinpost_schemas.errors import MalformedError
from seinpost_schemas.limits import MAX_JSON_BYTES
from seinpost_schemas.signal import Signal

_CHUNK = 65_536
_CHUNKS_AHEAD = 16

Item = tuple[int, Signal | MalformedError]


async def read_signals(path: Path) -> AsyncIterator[Item]:
    """(line number, signal or what is wrong with it), in order. Raises ``MalformedError`` for no input."""
    chunks = _stdin_chunks() if str(path) == "-" else _file_chunks(path)
    found = False
    lines = _lines(chunks)
    async for number, line in lines:
        if not found and line.lstrip()[:1] == b"{" and not _is_json(line):
            # Not whole on its first line: one object over many lines, perhaps.
            async for item in _object_or_lines(number, line, lines):
                yield item
            return
        found = True
        yield number, _parse(line)
    if not found:
        raise MalformedError("the input is empty; give a signal as JSON, or one per line")


async def _object_or_lines(
    number: int, first: bytes, lines: AsyncIterator[tuple[int, bytes]]
) -> AsyncIterator[Item]:
    held = [(number, first)]
    size = len(first)
    async for numbered in lines:
        held.append(numbered)
        size += len(numbered[1])
        if size > MAX_JSON_BYTES:
            break
    whole = b"\n".join(line for _, line in held)
    if len(whole) <= MAX_JSON_BYTES and _is_json(whole):
        yield number, _parse(whole)
        return
    for at, line in held:
        yield at, _parse(line)
    async for at, line in lines:
        yield at, _parse(line)


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[tuple[int, bytes]]:
    """(number, line) without blank ones; an oversized line is cut just over the limit, its rest passed over."""
    number, buffer = 1, b""
    async for chunk in chunks:
        *whole, tail = chunk.split(b"\n")
        for piece in whole:
            line = _unmarked(number, buffer + piece)
            if line.strip():
                yield number, line[: MAX_JSON_BYTES + 1]
            number, buffer = number + 1, b""
        if len(buffer) <= MAX_JSON_BYTES:
            buffer += tail
    buffer = _unmarked(number, buffer)
    if buffer.strip():
        yield number, buffer[: MAX_JSON_BYTES + 1]


def _unmarked(number: int, line: bytes) -> bytes:
    """Without the byte order mark that some programs put before a text."""
    return line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line


async def _file_chunks(path: Path) -> AsyncIterator[bytes]:
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk
    except OSError as error:
        raise MalformedError(f"cannot read {path}: {error.strerror}") from None


async def _stdin_chunks() -> AsyncIterator[bytes]:
    """Standard input by a daemon thread on the bare descriptor: Ctrl-C never waits for a read to end."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[bytes] = asyncio.Queue()
    room = threading.Semaphore(_CHUNKS_AHEAD)
    descriptor = sys.stdin.fileno()

    def read() -> None:
        while True:
            room.acquire()
            try:
                chunk = os.read(descriptor, _CHUNK)
            except OSError:
                chunk = b""
            try:
                loop.call_soon_threadsafe(queue.put_nowait, chunk)
            except RuntimeError:
                return
            if not chunk:
                return

    threading.Thread(target=read, daemon=True).start()
    while chunk := await queue.get():
        room.release()
        yield chunk


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def _parse(data: bytes) -> Signal | MalformedError:
    try:
        return parse_signal(data)
    except MalformedError as error:
        return error
