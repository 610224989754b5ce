# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The situation report as one command: read the feed, wait for witnesses, write the PDF."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path

from seinpost.cli import fail
from seinpost.cli._text import load_texts
from seinpost.config import Config
from seinpost.connection import Connection
from seinpost.identity import Identity
from seinpost_schemas.errors import SetupError

from .feed_view import Entry, FeedView
from .pages import moment
from .situation import Asked, make_situation
from .situation_pdf import make_pdf
from .table import wall_ms
from .words import alarm_sentence

IDLE_SECONDS = 3.0
"""The feed counts as read when nothing came for this long."""
AUDIT_SECONDS = 15.0


async def write_situation(
    config: Config, identity: Identity, asked: Asked, target: Path, language: str
) -> int:
    """Write the report to a new file, for its owner only; 1 when there is an alarm about the feed."""
    texts = load_texts(language)
    _verify_new(target)
    view, confirmed = FeedView(), asyncio.Event()
    async with Connection(
        config, identity, on_alarm=view.note_alarm, on_audited=lambda _: confirmed.set(), on_waiting=fail
    ) as connection:
        async with contextlib.aclosing(connection.signals(from_start=True)) as deliveries:
            reading = asyncio.ensure_future(anext(deliveries))
            with contextlib.suppress(TimeoutError):
                while True:
                    async with asyncio.timeout(IDLE_SECONDS):
                        view.add(await asyncio.shield(reading))
                    reading = asyncio.ensure_future(anext(deliveries))
            situation = make_situation(view, asked, lambda entry: connection.status(entry.delivery))
            entries = [entry for _, found in situation.themes for entry in found]
            await _until_settled(connection, entries, confirmed)
            # While reading goes on: what is audited is what was received just now.
            statuses = {id(entry): connection.status(entry.delivery) for entry in entries}
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        party = connection.directory.view.member(identity.sender_id).party
        name = party.name_nl if language == "nl" else party.name_en
    made = texts("Made on {moment} for {party}.").format(moment=moment(wall_ms(), language), party=name)
    for alarm in view.alarms:
        fail(alarm_sentence(alarm.code, texts))
    _write(target, make_pdf(situation, lambda entry: statuses[id(entry)], made, language, texts))
    return 1 if view.alarms else 0


async def _until_settled(connection: Connection, entries: list[Entry], confirmed: asyncio.Event) -> None:
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
