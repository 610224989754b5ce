# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`seinpost publish`: read, submit, print each answer, list what was not admitted."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

import msgspec

from seinpost.answer import Answer
from seinpost.config import load_config
from seinpost.connection import ANSWER_SECONDS, Connection
from seinpost_schemas.checkpoint import parse_checkpoint
from seinpost_schemas.errors import MalformedError, RefusedError, SeinpostError, UnavailableError
from seinpost_schemas.note import parse_note
from seinpost_schemas.signal import Signal

from . import clean, fail
from ._expiry import warn_of_expiry
from ._input import read_signals
from ._passphrase import unlock
from ._text import load_texts

_PROGRESS_SECONDS = 0.5


class _Tally:
    """Counts, prints answers as they come, and remembers what still waits."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._progress = sys.stderr.isatty()
        self._shown = time.monotonic()
        self.waiting: dict[asyncio.Future[Answer], tuple[int, str | None]] = {}
        self.answers: list[tuple[int, Answer]] = []
        self.admitted = 0
        self.refused = 0
        self.unavailable: UnavailableError | None = None
        self._closed = False

    def add(self, line: int, signal: Signal, answer: asyncio.Future[Answer]) -> None:
        self.waiting[answer] = (line, signal.id)
        answer.add_done_callback(self._answered)

    def _answered(self, future: asyncio.Future[Answer]) -> None:
        error = None if future.cancelled() else future.exception()
        if self._closed or future.cancelled():
            return
        line, signal_id = self.waiting.pop(future)
        if error is None:
            self.admitted += 1
            self.answers.append((line, future.result()))
            self._print_admitted(line, future.result())
        else:
            self.refuse(line, error, signal_id)
        self.show()

    def close(self) -> None:
        """Take no more answers: what ends from here on ends because we leave, not because it was answered."""
        self._closed = True

    def _print_admitted(self, line: int, answer: Answer) -> None:
        if self._as_json:
            print(json.dumps({"line": line, **msgspec.to_builtins(answer)}), flush=True)
        else:
            print(
                "  ".join(map(clean, ("admitted", answer.compartment, str(answer.index), answer.signal))),
                flush=True,
            )

    def print_audited(self, line: int, answer: Answer, note: bytes) -> None:
        """The proof has come, and holds."""
        size = parse_checkpoint(parse_note(note)).tree_size
        if self._as_json:
            row = {"line": line, "signal": answer.signal, "verdict": "audited", "tree_size": size}
            print(json.dumps(row), flush=True)
        else:
            place = f"{answer.index} of {size}"
            print("  ".join(map(clean, ("audited", answer.compartment, place, answer.signal))), flush=True)

    def refuse(self, line: int, error: BaseException, signal_id: str | None = None) -> None:
        self.refused += 1
        if isinstance(error, RefusedError):
            row = {"reason": str(error.reason), "message": error.message, "basis": error.basis}
        elif isinstance(error, MalformedError):
            row = {"reason": error.code, "message": str(error), "basis": None}
        else:
            if isinstance(error, UnavailableError):
                self.unavailable = error
            row = {"reason": "unavailable", "message": str(error), "basis": None}
        if self._as_json:
            shown = {k: v for k, v in row.items() if v is not None}
            print(json.dumps({"line": line, "signal": signal_id, "verdict": "refused", **shown}), flush=True)
        basis = f" (basis: {row['basis']})" if row["basis"] else ""
        fail(f"line {line}: refused, {row['reason']}: {row['message']}{basis}")

    def show(self, *, last: bool = False) -> None:
        now = time.monotonic()
        if self._progress and (last or now - self._shown > _PROGRESS_SECONDS):
            self._shown = now
            end = "\n" if last else "\r"
            text = f"{self.admitted} admitted, {self.refused} refused, {len(self.waiting)} on their way   "
            print(text, end=end, file=sys.stderr, flush=True)


async def run(
    source: Path,
    config_file: Path,
    theme: str,
    classification: str,
    audience: str | None,
    passphrase_file: Path | None,
    *,
    as_json: bool,
    audited: bool = False,
) -> int:
    """Publish every signal of the input; 0 when all were admitted (and proven, if ``audited``), 1 when not."""
    config = load_config(config_file)
    identity = unlock(config, passphrase_file)
    tally = _Tally(as_json=as_json)
    try:
        async with Connection(config, identity, on_waiting=fail) as post:
            warn_of_expiry(post, load_texts("nl"))
            try:
                await _submit_all(post, source, theme, classification, audience, tally)
                if tally.waiting:
                    await asyncio.wait(list(tally.waiting), timeout=ANSWER_SECONDS)
                if audited:
                    await _wait_audited(post, tally)
            finally:
                tally.close()
    except (asyncio.CancelledError, KeyboardInterrupt):
        _list_waiting(tally, "interrupted")
        raise KeyboardInterrupt from None
    tally.show(last=True)
    if tally.waiting:
        _list_waiting(tally, f"no broker answered within {ANSWER_SECONDS:g} s")
        return 3
    if tally.unavailable is not None:
        return 3
    return 1 if tally.refused else 0


async def _submit_all(
    post: Connection, source: Path, theme: str, classification: str, audience: str | None, tally: _Tally
) -> None:
    async for line, signal in read_signals(source):
        if isinstance(signal, MalformedError):
            tally.refuse(line, signal)
            continue
        try:
            answer = await post.submit(signal, theme=theme, classification=classification, audience=audience)
        except UnavailableError:
            raise
        except SeinpostError as error:
            tally.refuse(line, error, signal.id)
        else:
            tally.add(line, signal, answer)
        tally.show()


async def _wait_audited(post: Connection, tally: _Tally) -> None:
    """Print each proof as it comes; all of them within the time that one may take."""
    deadline = time.monotonic() + ANSWER_SECONDS
    for line, answer in tally.answers:
        try:
            proof = await post.wait_audited(answer, max(0.0, deadline - time.monotonic()))
        except UnavailableError as error:
            tally.unavailable = error
            fail(f"line {line}: {error}")
        else:
            tally.print_audited(line, answer, proof.note)


def _list_waiting(tally: _Tally, why: str) -> None:
    lines = sorted(line for line, _ in tally.waiting.values())
    if lines:
        shown = ", ".join(str(n) for n in lines[:50]) + (" …" if len(lines) > 50 else "")
        fail(f"{why}: {len(lines)} signals were not admitted (they may still be): lines {shown}")
    else:
        fail(f"{why}: everything that was read had been answered")
