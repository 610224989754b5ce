# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What a flush says, that the server has seen everything before it; and leaving."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import uvloop
from trial.enclave import identity

from seinpost._nats_client import SafeClient
from seinpost._transport import NatsTransport, _is_unknown
from seinpost.config import Config
from seinpost_broker.adapters.nats_client import SafeClient as BrokerClient

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


@pytest.mark.parametrize("client_of", [SafeClient, BrokerClient])
def test_leaving_while_the_server_is_away_is_quiet(client_of: type[SafeClient | BrokerClient]) -> None:
    """Under uvloop, which the commands use, a write to a closed transport is an error."""

    async def leave() -> set[str]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(INFO)
            while line := await reader.readline():
                if line.startswith(b"PING"):
                    writer.write(b"PONG\r\n")
                if line.startswith(b"PUB gone"):
                    break
            writer.close()

        before = asyncio.all_tasks()
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        client = client_of()
        await client.connect(f"nats://127.0.0.1:{port}", reconnect_time_wait=30, max_reconnect_attempts=-1)
        await client.subscribe("a.subject", cb=asyncio.sleep)
        server.close()
        await client.publish("gone", b"")
        while not client.is_reconnecting:
            await asyncio.sleep(0.01)
        await client.publish("later", b"what waits")
        await client.close()
        await asyncio.sleep(0.05)
        return {task.get_name() for task in asyncio.all_tasks() - before}

    loop = uvloop.new_event_loop()
    try:
        assert loop.run_until_complete(leave()) == set()
    finally:
        loop.close()


async def test_a_pull_begins_again_as_soon_as_the_server_is_there_again(tmp_path: Path) -> None:
    """It knows nothing of what it was asked before; waiting for its silence takes fifteen seconds."""
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.write(INFO)
        while line := await reader.readline():
            if line.startswith(b"PING"):
                writer.write(b"PONG\r\n")
            if line.startswith(b"PUB kick"):
                break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    config = Config(enclave="0" * 32, party="tafel", identity=tmp_path, server=url, state=tmp_path)
    transport = await NatsTransport.connect(config, identity("tafel-1"))
    pull: asyncio.Queue[Any] = asyncio.Queue()
    transport._pulls.add(pull)
    await transport.tell("kick", b"")
    assert await asyncio.wait_for(pull.get(), 30) is None
    assert connections == 2
    await transport.close()
    server.close()


@pytest.mark.parametrize(
    ("said", "unknown"),
    [
        ("nats: 'authorization violation'", True),
        ("nats: authorization failed", True),
        ("nats: 'user authentication revoked'", True),
        ("nats: 'authentication timeout'", False),
        ("nats: timeout", False),
    ],
)
def test_a_slow_handshake_is_nobodys_unknown_identity(said: str, unknown: bool) -> None:
    assert _is_unknown([Exception(said)]) is unknown
