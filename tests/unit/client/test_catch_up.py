# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Looking into the logs for receipts and proofs: what is wrong there is said, as to any reader."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest
from trial.enclave import ENCLAVE, PROCESS, T0, TrialEnclave, identity
from trial.export import note, tree_of
from trial.log import TrialLog
from trial.network import MemoryTransport
from trial.samples import encoded

from seinpost._catch_up import catch_up
from seinpost._directory import DirectoryFollower
from seinpost._keyring import Keyring
from seinpost._reading_state import ReadingState
from seinpost.delivery import Alarm
from seinpost_schemas.clear_bodies import Receipt, ReceiptState, Run
from seinpost_schemas.kinds import Kind
from seinpost_schemas.subjects import CHECKPOINTS_STREAM, checkpoint_subject, direct_get_subject, feed_stream

NCSC, TAFEL = identity("ncsc-1"), identity("tafel-1")
LOG = f"2026q4/{PROCESS}"


async def look(enclave: TrialEnclave, log: TrialLog, folder: Path) -> tuple[list[Alarm], int]:
    """What a look says, and how far it came."""
    transport = MemoryTransport(enclave, log)
    signed = note(LOG, tree_of(log.messages), len(log.messages), T0 // 1000)
    transport.notes[direct_get_subject(CHECKPOINTS_STREAM, checkpoint_subject(f"{ENCLAVE}/{LOG}"))] = signed
    state, keyring = (
        ReadingState(folder, TAFEL.storage_key, "ledger.db", tells_receipts=False),
        Keyring(folder, TAFEL),
    )
    follower = DirectoryFollower(enclave.enclave_id, transport, state)
    following = asyncio.ensure_future(follower.follow())
    alarms: list[Alarm] = []
    try:
        await follower.wait_for(lambda: follower.directory.view_at(follower.directory.size) is not None)
        async with asyncio.timeout(20):
            await catch_up(follower, transport, keyring, state, {PROCESS}, lambda _: None, alarms.append)
        return alarms, state.position(feed_stream("2026q4", PROCESS)) - 1
    finally:
        following.cancel()
        await asyncio.wait({following})
        state.close()
        keyring.close()


async def test_what_this_identity_said_itself_is_not_missed_where_it_only_looks(
    enclave: TrialEnclave, log: TrialLog, tmp_path: Path
) -> None:
    """What it said in receipts is remembered by its reader's state, not by this one: nothing was lost."""
    log.add_signals(NCSC, log.add_epoch(NCSC), encoded(1))
    runs = (Run("2026q4", 1, 1, 0, 0, ReceiptState.OPENED),)
    root = tree_of(log.messages).root()
    log.append(log.clear(TAFEL, Kind.RECEIPT, Receipt("2026q4", 2, root, runs).encode()))
    assert await look(enclave, log, tmp_path) == ([], 3)


@pytest.mark.parametrize("spoilt", [False, True])
async def test_what_is_wrong_in_the_logs_is_said(
    enclave: TrialEnclave, log: TrialLog, tmp_path: Path, *, spoilt: bool
) -> None:
    secrets = log.add_epoch(NCSC)
    for number in range(3):
        log.add_signals(NCSC, secrets, encoded(number))
    if spoilt:
        log.messages[2] = msgspec.structs.replace(log.messages[2], body=log.messages[2].body[:-1] + b"?")
    alarms, read = await look(enclave, log, tmp_path)
    assert read == 4
    assert [(a.code, a.index) for a in alarms] == ([("signature", 2)] if spoilt else [])
    # The next look does not read it again, and so does not say it again.
    assert await look(enclave, log, tmp_path) == ([], 4)
