# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What a flush says: that the server has seen everything before it."""

from __future__ import annotations

import asyncio

from seinpost._nats_client import SafeClient

INFO = b'INFO {"server_id":"x","version":"2.11.0","max_payload":1048576,"headers":true,"proto":1}\r\n'


async def test_a_flush_is_answered_after_what_was_asked_before_it() -> None:
    heard: list[str] = []
    left = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(INFO)
        while line := await reader.readline():
            heard.append(line.split()[0].decode())
            if line.startswith(b"PING"):
                writer.write(b"PONG\r\n")
        writer.close()
        await writer.wait_closed()
        left.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = SafeClient()
    await client.connect(f"nats://127.0.0.1:{port}", allow_reconnect=False)
    for _ in range(5):
        del heard[:]
        await client.subscribe("a.subject")
        await client.flush()
        assert heard == ["SUB", "PING"]
    await client.close()
    await left.wait()
    server.close()
