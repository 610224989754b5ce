# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`seinpost console`: connect, read in the background, and serve the pages on loopback until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import time
from pathlib import Path

import uvicorn

from seinpost.cli import fail
from seinpost.cli._text import load_texts
from seinpost.config import Config
from seinpost.connection import Connection
from seinpost.delivery import Alarm
from seinpost.identity import Identity
from seinpost_schemas.errors import SetupError

from .app import Console
from .marks import Marks
from .officials import Officials
from .people import People
from .reading import open_index
from .start_page import StartPage
from .table import Table


async def serve(config: Config, identity: Identity, *, port: int, browser: bool, language: str) -> int:
    """Serve until interrupted; 1 when there was an alarm or the reading ended by itself."""
    texts = load_texts(language)
    listener = _listen(port)
    marks = Marks(config.state, identity.storage_key)
    officials = Officials(officials_file(config))
    own_port = listener.getsockname()[1]
    start_page = StartPage(config.state)

    def link() -> str:
        return f"http://127.0.0.1:{own_port}/start?token={table.door.new_token(time.monotonic())}"

    def another() -> None:
        start_page.remove()
        _say(texts("opened; for another window: {link}").format(link=link()))

    try:
        async with open_index(config, identity, marks, fail) as opened:
            table = Table(marks, People(config.state, identity.storage_key), opened)

            def note_alarm(alarm: Alarm) -> None:
                table.note_alarm(alarm)
                if alarm.evidence_file is not None:
                    # The page says what is wrong; the file is for whoever serves it.
                    fail(
                        texts("{code} in {compartment}; evidence: {file}").format(
                            code=alarm.code, compartment=alarm.compartment, file=alarm.evidence_file
                        )
                    )

            async with Connection(
                config,
                identity,
                on_alarm=note_alarm,
                on_audited=table.note_audited,
                on_recalled=table.note_recalled,
                on_waiting=fail,
            ).keep_place_in(opened.file) as connection:
                table.use(connection)
                console = Console(table, officials, own_port, on_entered=another)
                reading = asyncio.ensure_future(table.read())
                try:
                    first = link()
                    _say(texts("the console is at {link}").format(link=first))
                    if browser:
                        await asyncio.to_thread(start_page.open, first)
                    await _run(console, listener, table)
                finally:
                    start_page.remove()
                    reading.cancel()
                    await asyncio.gather(reading, return_exceptions=True)
            return 1 if table.board.all() or table.trouble else 0
    finally:
        marks.close()
        listener.close()


def officials_file(config: Config) -> Path:
    """Where the accounts of this identity's console are."""
    return config.state / "officials.json"


async def _run(console: Console, listener: socket.socket, table: Table) -> None:
    settings = uvicorn.Config(
        console.guard,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=2,
        h11_max_incomplete_event_size=32 * 1024,
    )
    server = _Server(settings)
    server.table = table
    with contextlib.suppress(KeyboardInterrupt):
        await server.serve(sockets=[listener])


class _Server(uvicorn.Server):
    """Ends the live streams first, so that closing does not wait for them."""

    table: Table

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop."""
        self.table.live.close()
        await super().shutdown(sockets)


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        # From here on a browser waits, rather than being refused, until the pages are served.
        listener.listen()
    except OSError as error:
        listener.close()
        raise SetupError(f"cannot serve on port {port}: {error.strerror}") from None
    return listener


def _say(text: str) -> None:
    print(text, file=sys.stdout, flush=True)
