# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A message id that somebody else took first must not make the server drop an envelope."""

from __future__ import annotations

import time
from typing import Any

import pytest
from harness.enclave import Enclave
from harness.raw import connected
from harness.samples import signal

import seinpost
from seinpost._transport import NatsTransport
from seinpost.identity import Identity

pytestmark = pytest.mark.nats
PLACE = {"theme": "process", "classification": "depv"}


async def test_a_squatted_message_id_loses_nothing(
    enclave: Enclave, identities: dict[str, Identity], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process with the party's credentials is first with every id, and with other bytes."""
    squatted: list[str] = []
    real = NatsTransport.send
    async with connected(enclave.url, identities["ncsc"].nats_seed, "_INBOX_ncsc") as raw:

        async def send(self: NatsTransport, subject: str, data: bytes, msg_id: str | None) -> bool:
            if msg_id is not None and msg_id not in squatted:
                squatted.append(msg_id)
                await raw.client.request(subject, b"squatter", headers={"Nats-Msg-Id": msg_id})
            stored: Any = await real(self, subject, data, msg_id)
            assert stored == (msg_id is None)
            return bool(stored)

        monkeypatch.setattr(NatsTransport, "send", send)
        started = time.monotonic()
        async with seinpost.connect(enclave.config("ncsc")) as post:
            answers = [await post.publish(signal(f"Gekraakt {n}"), **PLACE) for n in range(3)]
    assert [a.verdict for a in answers] == ["admitted"] * 3
    assert len(squatted) >= 4  # the epoch and three batches
    # Found at once, not when the server forgets ids after two minutes.
    assert time.monotonic() - started < 60


async def test_control_the_server_does_drop_a_repeated_id(
    enclave: Enclave, identities: dict[str, Identity]
) -> None:
    subject = "seinpost.in.depv.process.publish.ncsc"
    async with connected(enclave.url, identities["ncsc"].nats_seed, "_INBOX_ncsc") as raw:
        headers = {"Nats-Msg-Id": "een-id"}
        first = await raw.client.request(subject, b"squatter", headers=headers)
        second = await raw.client.request(subject, b"the real one", headers=headers)
    assert b'"duplicate"' not in first.data
    assert b'"duplicate":true' in second.data.replace(b" ", b"")
