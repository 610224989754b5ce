# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The situation report as one command: read the feed, wait for witnesses, write the PDF."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
from pathlib import Path

from seinpost.alarm_words import alarm_sentence
from seinpost.cli import fail
from seinpost.cli._text import load_texts
from seinpost.config import Config
from seinpost.connection import Connection
from seinpost.delivery import Alarm
from seinpost.identity import Identity
from seinpost_schemas.errors import SetupError, UnavailableError
from seinpost_schemas.register import Register

from .called import Called
from .feed_view import FeedView
from .marks import Marks
from .reading import OpenIndex, Reading, open_index
from .situation import Asked, Situation, make_situation
from .situation_pdf import make_pdf
from .standing import standing_of
from .table import wall_ms
from .words import moment

IDLE_SECONDS = 3.0
"""The feed counts as read when nothing came for this long."""
AUDIT_SECONDS = 15.0
_LOOK_SECONDS = 0.1


async def write_situation(
    config: Config, identity: Identity, asked: Asked, target: Path, language: str
) -> int:
    """Write the report to a new file, for its owner only; 1 when there is an alarm about the feed."""
    texts = load_texts(language)
    _verify_new(target)
    marks = Marks(config.state, identity.storage_key)
    try:
        async with open_index(config, identity, marks, fail) as opened:
            view, situation, register = await _read(config, identity, marks, opened, asked)
            called = Called(register, identity.party, {}, language, texts)
            at = moment(wall_ms(), language)
            made = texts("Made on {moment} for {party}.").format(moment=at, party=called.full(identity.party))
            pdf = make_pdf(situation, called, made, language, texts)
    finally:
        marks.close()
    for alarm in view.alarms:
        fail(alarm_sentence(alarm.code, texts))
    _write(target, pdf)
    return 1 if view.alarms else 0


async def _read(
    config: Config, identity: Identity, marks: Marks, opened: OpenIndex, asked: Asked
) -> tuple[FeedView, Situation, Register]:
    """The report, and the register in force."""
    confirmed = asyncio.Event()
    view = FeedView(marks.is_read, opened.file)
    feed = Reading(view, marks, lambda: None, opened)
    feed.restore(wall_ms())
    for alarm in feed.kept_alarms():
        view.note_alarm(alarm)

    def note_alarm(alarm: Alarm) -> None:
        feed.keep_alarm(alarm)
        view.note_alarm(alarm)

    async with Connection(
        config,
        identity,
        on_alarm=note_alarm,
        on_audited=lambda _: confirmed.set(),
        on_recalled=feed.note_recalled,
        on_waiting=fail,
    ).keep_place_in(opened.file) as connection:
        feed.use(connection)
        reading = asyncio.ensure_future(feed.run(connection))
        try:
            await _until_idle(view, feed, reading)
            standing = functools.partial(standing_of, connection, view)
            await _until_settled(connection, make_situation(view, asked, standing), confirmed)
            # While reading goes on: what is audited is what was received.
            situation = make_situation(view, asked, standing)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        return view, situation, connection.directory.view.register


async def _until_idle(view: FeedView, feed: Reading, reading: asyncio.Future[None]) -> None:
    """Until nothing came for a while; what ended the reading is raised."""
    loop = asyncio.get_running_loop()
    rows, since = view.rows, loop.time()
    while (calm := loop.time() - since) < IDLE_SECONDS or (
        feed.progress is not None and calm < AUDIT_SECONDS
    ):
        await asyncio.wait({reading}, timeout=_LOOK_SECONDS)
        if reading.done():
            reading.result()
            raise UnavailableError(feed.trouble or "the feed ended")
        if view.rows != rows:
            rows, since = view.rows, loop.time()


async def _until_settled(connection: Connection, situation: Situation, confirmed: asyncio.Event) -> None:
    entries = [line.entry for line in situation.lines]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(AUDIT_SECONDS):
            while any(connection.status(entry.delivery) == "pending" for entry in entries):
                confirmed.clear()
                await confirmed.wait()


def _verify_new(target: Path) -> None:
    if target.exists():
        raise SetupError(f"{target} exists; a report is never overwritten")


def _write(target: Path, content: bytes) -> None:
    try:
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
    except OSError as error:
        raise SetupError(f"cannot write {target}: {error.strerror}") from None
