# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""nats-py, made safe against what others put into messages, and with TLS that is there from the first byte on."""

from __future__ import annotations

import asyncio
import ssl
import time
from typing import Any
from urllib.parse import ParseResult

from nats.aio.client import PING_PROTO, Client
from nats.aio.msg import Msg
from nats.aio.transport import TcpTransport

from ._channel import Channel

_BUFFER_BYTES = 64 * 1024


class SafeClient(Client):
    """No byte of a message's headers can stop it: in a stored message those are another party's."""

    def __init__(self, channel: Channel | None = None) -> None:
        super().__init__()
        self._channel = channel

    async def connect(self, *args: Any, **options: Any) -> None:
        """As nats-py, over the channel."""
        if self._channel is not None:
            # Whatever the server then says, no word is spoken in the clear.
            options |= {"tls": self._channel.context, "tls_handshake_first": True}
        await super().connect(*args, **options)

    async def _connect_to_server(self, server: Any) -> None:
        if self._channel is None:
            await super()._connect_to_server(server)
            return
        server.last_attempt = time.monotonic()
        self._transport = _TlsTransport(self._channel)
        await self._transport.connect(server.uri, _BUFFER_BYTES, self.options["connect_timeout"])

    async def _send_ping(self, future: asyncio.Future[bool] | None = None) -> None:
        # nats-py writes its PING past what waits to be written. A PONG is to say that the server has seen all of that:
        # a subscription that it denies is denied by then, and one that it takes is heard.
        self._pongs.append(future or asyncio.get_running_loop().create_future())
        await self._send_command(PING_PROTO)
        await self._flush_pending()

    async def _close(self, status: int, do_cbs: bool = True) -> None:
        if not self.is_connected:
            # What waits for a server that is away goes nowhere any more; nats-py would write it to a closed transport,
            # fail, and leave its tasks behind.
            self._pending = []
            self._pending_data_size = 0
        await super()._close(status, do_cbs)

    async def _process_headers(self, headers: bytes) -> dict[str, str] | None:
        try:
            return await super()._process_headers(headers)
        except Exception:
            return None

    def _build_message(
        self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: dict[str, str] | None
    ) -> Msg:
        # A stored message has an acknowledgement subject, which the server alone sets; a status has none.
        if headers and reply.startswith(b"$JS.ACK."):
            headers = {k: v for k, v in headers.items() if k not in ("Status", "Description")}
        message: Msg = super()._build_message(sid, subject, reply, data, headers)
        return message


class _TlsTransport(TcpTransport):
    """A connection that is TLS when it is made.

    nats-py's own way, an upgrade, leaves the reader without its connection: it then never says "wait", and holds in
    memory whatever the server sends.
    """

    def __init__(self, channel: Channel) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._channel = channel

    async def connect(self, uri: ParseResult, buffer_size: int, connect_timeout: int) -> None:
        """Connect, and verify the server's certificate and name."""
        name = self._channel.server_name or uri.hostname
        async with asyncio.timeout(connect_timeout):
            reader, writer = await asyncio.open_connection(
                uri.hostname, uri.port, limit=buffer_size, ssl=self._channel.context, server_hostname=name
            )
        self._bare_io_reader = self._io_reader = reader
        self._bare_io_writer = self._io_writer = writer

    async def connect_tls(
        self, uri: str | ParseResult, ssl_context: ssl.SSLContext, buffer_size: int, connect_timeout: int
    ) -> None:
        """It was made so."""
