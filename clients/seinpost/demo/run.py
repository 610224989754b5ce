# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Runs the demonstration with public commands and the public API only."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import importlib.util
import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import seinpost
from seinpost.cli import clean, fail
from seinpost.cli._text import load_texts
from seinpost.cli.watch import Table, alarm_line
from seinpost_schemas.errors import RefusedError, SetupError, UnavailableError

from .day import live_a_day
from .incidents import Publication, load_publications, refusals
from .register_change import BEGINS, PARTY, REVOKED, publish_change

_PARTIES = ("ncsc", "ibd", "aivd", "kiesraad", "cvdm", "tafel", "ap", "toezicht")
_WITNESSES = ("ncsc", "ibd", "ap", "toezicht")
_READY_SECONDS = 60.0
_ARRIVE_SECONDS = 60.0
_BEGIN_SECONDS = 10.0


class _Score:
    def __init__(self) -> None:
        self.admitted: dict[str, str] = {}
        self.refused = 0
        self.register = 1
        self.verified: set[str] = set()
        self.deliveries: dict[str, seinpost.Delivery] = {}
        self.failed = 0
        self.arrived = asyncio.Event()
        self.table: Table | None = None

    def note_audited(self, audited: seinpost.Audited) -> None:
        if self.table is not None:
            self.table.show_audited(audited)
        self.arrived.set()

    @property
    def complete(self) -> bool:
        return not self.failed and set(self.admitted) <= self.verified


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _show_alarm(alarm: seinpost.Alarm) -> None:
    fail(alarm_line(alarm, load_texts("nl")))


async def run(*, headless: bool, keep: Path | None) -> int:
    """The demonstration; 0 only if every admitted signal was opened and verified at the table."""
    started = time.monotonic()
    publications, unknown = load_publications(dt.datetime.now(dt.UTC).replace(microsecond=0))
    with tempfile.TemporaryDirectory(prefix="seinpost-demo-") as temporary:
        directory = keep or Path(temporary) / "enclave"
        _say("making an enclave: register, identities, NATS configuration")
        await _command(
            "init", str(directory), "--enclave", "demo", "--port", str(_free_port()), *_party_options()
        )
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(_broker(directory))
            score = _Score()
            witnesses = await stack.enter_async_context(_witnesses(directory))
            async with seinpost.connect(
                directory / "tafel.toml", on_alarm=_show_alarm, on_audited=score.note_audited
            ) as table:
                watching = asyncio.ensure_future(_watch(table, score, quiet=headless))
                try:
                    if unknown:
                        _say(f"dropped technique ids that the vocabulary lacks: {', '.join(unknown)}")
                    half = len(publications) // 2
                    _say(f"{len(publications)} DISARM incidents (CC BY 4.0)")
                    await _publish_all(directory, publications[:half], score)
                    _say(f"killing the witness of {_WITNESSES[1]}: three of four are a quorum")
                    witnesses[_WITNESSES[1]].kill()
                    await _publish_all(directory, publications[half:], score)
                    await _show_refusals(directory, score)
                    await _show_register_change(directory, publications[0], score)
                    await _wait_for_table(table, score, watching)
                    seconds = round(time.monotonic() - started, 1)
                    if not headless and not _has_console():
                        await _stay(table, score, seconds, watching)
                finally:
                    watching.cancel()
                    await asyncio.gather(watching, return_exceptions=True)
                summary = _summary(table, score, seconds)
                failed = bool(table.alarms) or not score.complete or summary["audited"] < summary["admitted"]
            if not headless and _has_console():
                _say("partners open, answer and take back; the table takes some in hand")
                await live_a_day(directory, list(score.admitted))
                _say(f"{_in_words(summary)}; the console is next, Ctrl-C stops")
                await _serve_console(directory / "tafel.toml")
    if headless:
        print(json.dumps(summary), flush=True)
    return 1 if failed else 0


def _summary(table: seinpost.Connection, score: _Score, seconds: float) -> dict[str, float]:
    return {
        "published": len(score.admitted) + score.refused,
        "admitted": len(score.admitted),
        "refused": score.refused,
        "verified": len(score.verified),
        "audited": _audited(table, score),
        "alarms": len(table.alarms),
        "compartments": len(set(score.admitted.values())),
        "register": score.register,
        "seconds": seconds,
    }


def _audited(table: seinpost.Connection, score: _Score) -> int:
    return sum(table.status(delivery) == "audited" for delivery in score.deliveries.values())


def _party_options() -> list[str]:
    return [word for party in _PARTIES for word in ("--party", party)]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _command(*arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "seinpost_broker", *arguments,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, errors = await process.communicate()
    if process.returncode:
        text = errors.decode(errors="replace").strip()
        if "is not installed" in text or "No module named" in text:
            raise SetupError("the demonstration needs the broker: run pip install 'seinpost[broker]'")
        raise SetupError(text.splitlines()[-1] if text else "seinpost-broker failed without a word")


@contextlib.asynccontextmanager
async def _broker(directory: Path) -> AsyncIterator[None]:
    log_path = directory / "broker.log"
    with log_path.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "seinpost_broker", "run", str(directory), "--no-witnesses",
            stdout=asyncio.subprocess.PIPE, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        if process.stdout is None:
            raise RuntimeError("the broker has no output")
        async with asyncio.timeout(_READY_SECONDS):
            line = await process.stdout.readline()
        if not line.startswith(b"ready"):
            text = log_path.read_text(errors="replace").strip().splitlines()
            raise UnavailableError(f"the broker did not start: {text[-1] if text else 'no message'}")
        _say(f"the broker is {line.decode().strip()}")
        yield
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


@contextlib.asynccontextmanager
async def _witnesses(directory: Path) -> AsyncIterator[dict[str, asyncio.subprocess.Process]]:
    """A `seinpost witness` for each of the four parties; each has said that it witnesses."""
    running: dict[str, asyncio.subprocess.Process] = {}
    try:
        for party in _WITNESSES:
            running[party] = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "seinpost", "witness", str(directory / f"{party}-witness.toml"),
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        for party, process in running.items():
            async with asyncio.timeout(_READY_SECONDS):
                line = await process.stdout.readline() if process.stdout else b""
            if not line.endswith(b"witnessing\n"):
                raise UnavailableError(f"the witness of {party} did not start")
        _say(f"witnesses: {', '.join(running)}")
        yield running
    finally:
        for process in running.values():
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.terminate()
                await process.wait()


async def _watch(table: seinpost.Connection, score: _Score, *, quiet: bool) -> None:
    rows = Table(as_json=False, texts=load_texts("nl"))
    score.table = None if quiet else rows
    async for delivery in table.signals():
        if delivery.signal.id is not None:
            score.verified.add(delivery.signal.id)
            score.deliveries[delivery.signal.id] = delivery
        if not quiet:
            rows.show(delivery)
        score.arrived.set()


async def _publish_all(directory: Path, publications: list[Publication], score: _Score) -> None:
    by_party: dict[str, list[Publication]] = {}
    for publication in publications:
        by_party.setdefault(publication.party, []).append(publication)
    async with asyncio.TaskGroup() as group:
        for party, theirs in by_party.items():
            group.create_task(_publish_as(directory / f"{party}.toml", theirs, score))


async def _publish_as(config: Path, publications: list[Publication], score: _Score) -> None:
    async with seinpost.connect(config) as post:
        answers = [
            await post.submit(p.signal, theme=p.theme, classification=p.classification) for p in publications
        ]
        for done in await asyncio.gather(*answers, return_exceptions=True):
            if isinstance(done, RefusedError):
                score.refused += 1
                _say(f"refused: {done}")
            elif isinstance(done, BaseException):
                score.failed += 1
                _say(f"not answered: {done}")
            else:
                score.admitted[done.signal] = done.compartment


async def _show_refusals(directory: Path, score: _Score) -> None:
    for publication in refusals(dt.datetime.now(dt.UTC).replace(microsecond=0)):
        await _show_refusal(directory, publication, score)


async def _show_refusal(directory: Path, publication: Publication, score: _Score) -> None:
    what = f"{publication.party}, a signal of type {publication.signal.handling.signal_type}"
    async with seinpost.connect(directory / f"{publication.party}.toml") as post:
        try:
            await post.publish(
                publication.signal, theme=publication.theme, classification=publication.classification
            )
        except RefusedError as error:
            score.refused += 1
            where = f"{publication.classification}/{publication.theme}"
            _say(f"refused, as it must be ({what} on {where}): {error}")
        else:
            score.failed += 1
            _say(f"ADMITTED, which must not be: {what}")


async def _show_register_change(directory: Path, sample: Publication, score: _Score) -> None:
    """A mandate begins and another is revoked: what was refused is admitted, and the other way round."""
    begun = Publication(PARTY, BEGINS, "ong", sample.signal)
    await _show_refusal(directory, begun, score)
    _say("two registrars sign the next version of the register, and the operator brings it in force")
    words, begins = await publish_change(directory)
    for line in words:
        _say(clean(line))
    score.register += 1
    await _show_refusal(directory, Publication(PARTY, REVOKED, "ong", sample.signal), score)
    await asyncio.sleep((begins - dt.datetime.now(dt.UTC)).total_seconds())
    _say(f"it is {begins:%H:%M:%S} UTC: the new mandate begins")
    await _publish_begun(directory, begun, score)


async def _publish_begun(directory: Path, begun: Publication, score: _Score) -> None:
    """The server takes the new right in within a moment of its beginning."""
    deadline = time.monotonic() + _BEGIN_SECONDS
    async with seinpost.connect(directory / f"{begun.party}.toml") as post:
        while True:
            try:
                answer = await post.publish(
                    begun.signal, theme=begun.theme, classification=begun.classification
                )
            except RefusedError as error:
                if time.monotonic() > deadline:
                    score.failed += 1
                    _say(f"REFUSED, which must not be: {error}")
                    return
                await asyncio.sleep(0.2)
            else:
                score.admitted[answer.signal] = answer.compartment
                _say(f"admitted: {begun.party} on {answer.compartment}")
                return


async def _wait_for_table(table: seinpost.Connection, score: _Score, watching: asyncio.Task[None]) -> None:
    """Until every admitted signal is verified and audited at the table."""
    deadline = time.monotonic() + _ARRIVE_SECONDS
    while (
        (not set(score.admitted) <= score.verified or _audited(table, score) < len(score.admitted))
        and not watching.done()
        and time.monotonic() < deadline
    ):
        score.arrived.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await score.arrived.wait()


async def _stay(
    table: seinpost.Connection, score: _Score, seconds: float, watching: asyncio.Task[None]
) -> None:
    _say(f"{_in_words(_summary(table, score, seconds))}; the table stays live, Ctrl-C stops")
    await watching


def _in_words(summary: dict[str, float]) -> str:
    return clean(", ".join(f"{key} {value}" for key, value in summary.items()))


def _has_console() -> bool:
    """Whether the packages of the console are installed."""
    return all(
        importlib.util.find_spec(name)
        for name in ("starlette", "sse_starlette", "jinja2", "uvicorn", "argon2")
    )


async def _serve_console(config: Path) -> None:
    """The table's console on what was published; a browser opens where there is a display."""
    from seinpost.cli.console import run as run_console  # noqa: PLC0415 - an extra

    display = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")) or sys.platform == "darwin"
    await run_console(config, None, port=0, browser=display, language="nl")
