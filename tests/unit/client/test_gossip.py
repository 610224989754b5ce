# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Readers tell others what they saw, on their own subject, and listen to everyone but themselves."""

from __future__ import annotations

import asyncio

from trial.enclave import TrialEnclave
from trial.network import MemoryTransport
from trial.reader import until

from seinpost._gossip import Gossip


async def test_what_was_seen_is_told_and_what_others_saw_is_heard(enclave: TrialEnclave) -> None:
    transport = MemoryTransport(enclave)
    heard: list[tuple[str, bytes]] = []
    notes = {"proef/2026q4/depv/process": b"a note", "proef/2026q4/depv/debate": b""}
    gossip = Gossip(transport, "tafel", lambda: notes, lambda log, note: heard.append((log, note)))
    tasks = [asyncio.ensure_future(gossip.tell()), asyncio.ensure_future(gossip.listen())]
    transport.heard.append(("seinpost.gossip.ncsc.2026q4.depv.process", b"theirs"))
    transport.heard.append(("seinpost.gossip.tafel.2026q4.depv.process", b"our own"))
    transport.heard.append(("seinpost.gossip.ibd.directory", b"of the directory"))
    await until(lambda: len(heard) >= 2 and bool(transport.told))
    assert heard == [("2026q4/depv/process", b"theirs"), ("directory", b"of the directory")]
    assert transport.told == [("seinpost.gossip.tafel.2026q4.depv.process", b"a note")]
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
