# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What the harness says was denied, was; also by a server that takes its time."""

from __future__ import annotations

import asyncio
import os

import nkeys
from harness.raw import connected

INFO = b'INFO {"server_id":"x","version":"2.11.0","max_payload":1048576,"headers":true,"proto":1}\r\n'


async def test_a_slow_servers_denials_are_waited_for() -> None:
    left = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(INFO)
        while line := await reader.readline():
            if line.startswith(b"PUB"):
                await asyncio.sleep(0.05)
                writer.write(b"-ERR 'Permissions Violation for Publish to \"%s\"'\r\n" % line.split()[1])
            elif line.startswith(b"PING"):
                writer.write(b"PONG\r\n")
        writer.close()
        await writer.wait_closed()
        left.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    seed = nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER).decode()
    async with connected(f"nats://127.0.0.1:{port}", seed) as raw:
        assert await raw.denied_publishes(["one.subject", "Another"]) == {"one.subject", "Another"}
    await left.wait()
    server.close()
