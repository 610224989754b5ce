# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A revocation while another party publishes: how long until the revoked one is out, and sealed past."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path

import seinpost
from seinpost_broker.adapters.nats_bus import NatsBus
from seinpost_schemas.entry import parse_feed_headers
from seinpost_schemas.epoch_body import decode_epoch_body
from seinpost_schemas.errors import UnavailableError
from seinpost_schemas.header import decode_header
from seinpost_schemas.kinds import Kind
from seinpost_schemas.subjects import feed_stream

from .enclave import Enclave
from .memory import PROCESS
from .raw import connected, hub
from .registrar import Desk
from .samples import signal

WHERE = {"theme": "process", "classification": "depv"}
LIMIT_SECONDS = 60.0


async def epochs_of(bus: NatsBus, period: str, sender_id: bytes) -> list[set[bytes]]:
    """The slots of each epoch that a sender has in the feed of depv/process, in order.

    A server that just reloads answers nobody for a moment.
    """
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(UnavailableError):
                return await _epochs_of(bus, period, sender_id)
            await asyncio.sleep(0.1)


async def _epochs_of(bus: NatsBus, period: str, sender_id: bytes) -> list[set[bytes]]:
    found = []
    async for stored in bus.read(feed_stream(period, PROCESS), 1):
        entry, _, _ = parse_feed_headers(dict(stored.headers))
        header = decode_header(entry.header_bytes)
        if header.kind == Kind.EPOCH and header.sender_id == sender_id:
            found.append({s.kem_key_id for s in decode_epoch_body(stored.body).slots})
    return found


async def revoked_while_everyone_works(enclave: Enclave, folder: Path) -> tuple[float, float]:
    """Revoke ncsc-1 while bzk publishes; the seconds until its connection was closed, and until it was sealed past.

    Fails unless who keeps its rights keeps its connection, and nobody has an alarm.
    """
    desk = Desk(enclave, folder)
    stolen = enclave.identity("ncsc")
    period = enclave.trusted_directory().current.register.periods.current
    note = await asyncio.to_thread(desk.revoke, "ncsc-1")
    broker_seed, _ = enclave.directory.load_secrets()
    async with (
        seinpost.connect(enclave.config("bzk")) as bzk,
        connected(enclave.url, enclave.identity("tafel").nats_seed, "_INBOX_tafel") as keeps,
        connected(enclave.url, stolen.nats_seed, "_INBOX_ncsc") as thief,
        hub(enclave.url, broker_seed) as bus,
    ):
        await bzk.publish(signal("Voor de intrekking"), **WHERE)
        (before,) = await epochs_of(bus, period, bzk.identity.sender_id)
        assert len(before) > 1
        began = time.monotonic()
        done = await asyncio.to_thread(desk.publish, note)
        assert done.stdout == "version 2 is in force\n", done
        await bzk.publish(signal("Na de intrekking"), **WHERE)
        sealed = time.monotonic() - began
        found = await epochs_of(bus, period, bzk.identity.sender_id)
        assert len(found) == 2
        assert len(found[1]) == len(before) - 1
        async with asyncio.timeout(LIMIT_SECONDS):
            while not thief.client.is_closed:
                await asyncio.sleep(0.05)
        closed = time.monotonic() - began
        assert keeps.client.is_connected
        await keeps.client.flush()
        assert bzk.alarms == []
    return closed, sealed
