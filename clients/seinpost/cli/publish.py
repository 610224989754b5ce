# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`seinpost publish`: read, submit, print each answer, list what was not admitted."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from seinpost.answer import Answer
from seinpost.config import load_config
from seinpost.connection import ANSWER_SECONDS, Connection
from seinpost_schemas.checkpoint import parse_checkpoint
from seinpost_schemas.errors import MalformedError, RefusedError, SeinpostError, UnavailableError
from seinpost_schemas.note import parse_note
from seinpost_schemas.signal import Signal
from seinpost_schemas.uuid7 import format_id, make_id

from . import clean, fail
from ._expiry import warn_of_expiry
from ._input import read_signals
from ._output import UnsaidError, let_go_of_output
from ._passphrase import unlock
from ._text import load_texts

_PROGRESS_SECONDS = 0.5
_LAST_SECONDS = 10.0
"""For the answers to what is on its way when answers can no longer be printed: so that the count is right."""


def _print(text: str) -> None:
    print(text, flush=True)


def _progress(text: str) -> None:
    print(text, end="", file=sys.stderr, flush=True)


class _Tally:
    """Counts, prints answers as they come, and remembers what still waits."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._progress = sys.stderr.isatty()
        self._shown = time.monotonic()
        self.waiting: dict[asyncio.Future[Answer], tuple[int, str]] = {}
        self.answers: list[tuple[int, Answer]] = []
        self.admitted = 0
        self.refused = 0
        self.unavailable: UnavailableError | None = None
        self.read_to = 0
        """The line after which nothing was sent."""
        self.lost: OSError | None = None
        """Why an answer could not be printed: that ends it, since nobody would know what was admitted."""
        self._task = asyncio.current_task()
        self._closed = False

    def add(self, line: int, signal: Signal, answer: asyncio.Future[Answer]) -> None:
        self.waiting[answer] = (line, signal.id or "")
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

    def _say(self, text: str, write: Callable[[str], None] = _print) -> None:
        """The first that cannot be written ends reading and sending; what is answered after it is counted only."""
        if self.lost is not None:
            return
        try:
            write(text)
        except OSError as error:
            self.lost = error
            if self._task is not None:
                self._task.cancel()

    def take_rest(self) -> None:
        """Nothing more is sent; answers are counted still."""
        if self._task is not None:
            self._task.uncancel()

    def close(self) -> None:
        """Take no more answers: what ends from here on ends because we leave, not because it was answered."""
        self._closed = True

    def _print_admitted(self, line: int, answer: Answer) -> None:
        if self._as_json:
            self._say(json.dumps({"line": line, **msgspec.to_builtins(answer)}))
        else:
            row = ("admitted", answer.compartment, str(answer.index), answer.signal)
            self._say("  ".join(map(clean, row)))

    def print_audited(self, line: int, answer: Answer, note: bytes) -> None:
        """The proof has come, and holds."""
        size = parse_checkpoint(parse_note(note)).tree_size
        if self._as_json:
            row = {"line": line, "signal": answer.signal, "verdict": "audited", "tree_size": size}
            self._say(json.dumps(row))
        else:
            place = f"{answer.index} of {size}"
            self._say("  ".join(map(clean, ("audited", answer.compartment, place, answer.signal))))

    def print_unanswered(self) -> None:
        """What may be admitted later: its ids are known nowhere else."""
        for line, signal_id in sorted(self.waiting.values()):
            if self._as_json:
                self._say(json.dumps({"line": line, "signal": signal_id, "verdict": "unanswered"}))
            else:
                self._say("  ".join(map(clean, ("unanswered", f"line {line}", signal_id))))

    def say_unproven(self, line: int, error: UnavailableError) -> None:
        """The proof has not come in time."""
        self.unavailable = error
        self._say(f"line {line}: {error}", fail)

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
            self._say(json.dumps({"line": line, "signal": signal_id, "verdict": "refused", **shown}))
        basis = f" (basis: {row['basis']})" if row["basis"] else ""
        self._say(f"line {line}: refused, {row['reason']}: {row['message']}{basis}", fail)

    def show(self, *, last: bool = False) -> None:
        now = time.monotonic()
        if self._progress and (last or now - self._shown > _PROGRESS_SECONDS):
            self._shown = now
            end = "\n" if last else "\r"
            text = f"{self.admitted} admitted, {self.refused} refused, {len(self.waiting)} on their way   "
            self._say(text + end, _progress)


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
                # Where an answer that could not be printed just now ends it, and not in the middle of closing.
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                if tally.lost is None:
                    raise
                tally.take_rest()
                if tally.waiting:
                    await asyncio.wait(list(tally.waiting), timeout=_LAST_SECONDS)
            finally:
                tally.close()
        if tally.lost is not None:
            raise _unsaid(tally, tally.lost)
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
        tally.read_to = line - 1
        if isinstance(signal, MalformedError):
            tally.refuse(line, signal)
            continue
        # Named here, so that one that is not answered can be looked up, recalled, and sent again as the same.
        signal = _named(signal)  # noqa: PLW2901
        try:
            answer = await post.submit(signal, theme=theme, classification=classification, audience=audience)
        except UnavailableError:
            raise
        except SeinpostError as error:
            tally.refuse(line, error, signal.id)
        else:
            tally.add(line, signal, answer)
        tally.read_to = line
        tally.show()


async def _wait_audited(post: Connection, tally: _Tally) -> None:
    """Print each proof as it comes; all of them within the time that one may take."""
    deadline = time.monotonic() + ANSWER_SECONDS
    for line, answer in tally.answers:
        try:
            proof = await post.wait_audited(answer, max(0.0, deadline - time.monotonic()))
        except UnavailableError as error:
            tally.say_unproven(line, error)
        else:
            tally.print_audited(line, answer, proof.note)


def _named(signal: Signal) -> Signal:
    if signal.id is not None:
        return signal
    return msgspec.structs.replace(signal, id=format_id(make_id(time.time_ns() // 1_000_000, os.urandom(10))))


def _unsaid(tally: _Tally, error: OSError) -> Exception:
    """What was sent although answers could not be printed; quiet when whoever took them has gone."""
    if isinstance(error, BrokenPipeError):
        return error
    let_go_of_output()
    may_be = f", {len(tally.waiting)} may still be ({_waiting_lines(tally)})" if tally.waiting else ""
    return UnsaidError(
        f"the answers could not be printed: {error.strerror}; {tally.admitted} signals were admitted{may_be}; nothing "
        f"after line {tally.read_to} was sent: make room, and go on after that line"
    )


def _waiting_lines(tally: _Tally) -> str:
    lines = sorted(line for line, _ in tally.waiting.values())
    return "lines " + ", ".join(str(n) for n in lines[:50]) + (" …" if len(lines) > 50 else "")


def _list_waiting(tally: _Tally, why: str) -> None:
    if tally.waiting:
        count = len(tally.waiting)
        tally.print_unanswered()
        fail(
            f"{why}: {count} signals were not answered: {_waiting_lines(tally)}; they may still be admitted, which "
            "'seinpost receipts SIGNAL' says later"
        )
    elif not tally.admitted + tally.refused:
        fail(f"{why}: nothing was sent")
    else:
        fail(f"{why}: everything up to line {tally.read_to} had been answered; nothing after it was sent")
