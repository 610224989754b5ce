# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A new period's feed: chains, times and the closing's directory size go on, epochs do not; and its witnesses."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import msgspec
import pytest
from trial.enclave import LOG_KEYS, PROCESS, identity
from trial.log import TrialLog, take
from trial.network import MemoryTransport
from trial.samples import act
from trial.scene import Scene, refuse
from trial.witnessed import with_witness

from seinpost._trusted_feed import TrustedFeed
from seinpost._witness_following import WitnessFollowing
from seinpost._witness_state import WitnessState
from seinpost.config import Config
from seinpost.witness import Witness
from seinpost_schemas.checkpoint import Checkpoint
from seinpost_schemas.directory import Closing
from seinpost_schemas.kinds import Kind
from seinpost_schemas.merkle_tree import MerkleTree
from seinpost_schemas.witnessing import WitnessRequest

UNTIL = dt.datetime(2099, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def next_log(scene: Scene) -> TrialLog:
    """The next period's log, on the same chains."""
    log = TrialLog(scene.enclave)
    log.heads = dict(scene.log.heads)
    log.now_ms = scene.log.now_ms + 1_000
    return log


@pytest.fixture
def feed(scene: Scene) -> TrustedFeed:
    made = TrustedFeed(PROCESS, scene.enclave.directory())
    made.follow(scene.feed)
    return made


def test_chains_go_on_in_the_next_log(scene: Scene, next_log: TrialLog, feed: TrustedFeed) -> None:
    secrets = next_log.add_epoch(scene.ncsc)
    next_log.add_signals(scene.ncsc, secrets)
    assert [take(feed, m).index for m in next_log.messages] == [0, 1]


def test_a_chain_that_starts_anew_lost_something(scene: Scene, feed: TrustedFeed) -> None:
    fresh = TrialLog(scene.enclave)
    fresh.now_ms = scene.log.now_ms + 1_000
    envelope, _ = fresh.epoch(scene.ncsc, seq=99)
    refuse(feed, fresh.message(envelope), "gap")


def test_an_epoch_of_the_period_before_carries_nothing_more(
    scene: Scene, next_log: TrialLog, feed: TrustedFeed
) -> None:
    refuse(feed, next_log.message(next_log.signals(scene.ncsc, scene.secrets)), "epoch")


def test_an_epoch_of_the_period_before_can_be_answered(
    scene: Scene, next_log: TrialLog, feed: TrustedFeed
) -> None:
    tafel = identity("tafel-1")
    reply = next_log.add_epoch(tafel, "all", reply_to=scene.secrets.epoch_id, origin="ncsc")
    next_log.append(next_log.signals(tafel, reply, [act(1)], Kind.FEEDBACK))
    assert [take(feed, m).index for m in next_log.messages] == [0, 1]


def test_times_do_not_go_back(scene: Scene, next_log: TrialLog, feed: TrustedFeed) -> None:
    envelope, _ = next_log.epoch(scene.ncsc)
    early = next_log.message(envelope, admitted_ms=scene.log.now_ms - 1)
    refuse(feed, early, "reordering")


def test_nothing_is_logged_before_the_log_before_was_closed(scene: Scene, next_log: TrialLog) -> None:
    feed = TrustedFeed(PROCESS, scene.enclave.directory())
    feed.follow(scene.feed, scene.enclave.size + 1)
    envelope, _ = next_log.epoch(scene.ncsc)
    refuse(feed, next_log.message(envelope), "reordering")
    feed = TrustedFeed(PROCESS, scene.enclave.directory())
    feed.follow(None, scene.enclave.size + 1)
    refuse(feed, next_log.message(envelope), "reordering")


def test_without_the_log_before_a_chain_is_taken_up_where_it_is_and_not_twice(
    scene: Scene, next_log: TrialLog
) -> None:
    feed = TrustedFeed(PROCESS, scene.enclave.directory())
    feed.follow(None)
    secrets = next_log.add_epoch(scene.ncsc)
    take(feed, next_log.messages[0])
    stored = feed.encode()
    skipping = next_log.signals(scene.ncsc, secrets, prev_hash=b"x" * 32)
    refuse(feed, next_log.message(skipping), "gap")
    again = TrustedFeed(PROCESS, scene.enclave.directory())
    again.restore(stored)
    # Another sender's chain is still unknown after a restart.
    next_log.heads[scene.ibd.sender_id] = (5, b"y" * 32)
    take(again, next_log.append(next_log.epoch(scene.ibd)[0]))


def test_a_feed_that_holds_something_goes_on_from_itself(scene: Scene) -> None:
    scene.feed.follow(None, 99)
    assert take(scene.feed, scene.honest).index == 2


async def test_a_witness_cosigns_nothing_but_the_closing_of_a_closed_log(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[tuple[str, int, str]] = []
    origin = "proef/2026q4/depv/process"
    register = with_witness(scene.enclave.directory().current.register, UNTIL)
    tree = MerkleTree()
    tree.append(b"a" * 32)
    closed = Closing(Checkpoint(origin, 1, tree.root()), b"", 9)
    tree.append(b"b" * 32)

    def request(size: int) -> bytes:
        note = LOG_KEYS.sign(Checkpoint(origin, size, tree.root(size)), 1_790_000_000)
        return WitnessRequest(0, (), note).encode()

    one = identity("ncsc-1")
    config = Config(
        server="", party="ncsc", identity=tmp_path, enclave=scene.enclave.enclave_id.hex(), state=tmp_path
    )
    witness = Witness(
        config,
        one,
        on_cosigned=lambda _: None,
        on_refused=lambda *x: refused.append(x),
        on_waiting=lambda _: None,
        on_finding=lambda _: None,
    )
    witness._keys = one.witness_keys("proef")
    state = WitnessState(tmp_path)
    try:
        logs = WitnessFollowing(
            MemoryTransport(scene.enclave),
            state,
            witness._keys.public,
            lambda: register,
            lambda _: False,
            lambda _: None,
        )
        answer = await witness.answer(request(2), register, state, lambda _: closed, logs)
        assert (answer.status, "closed" in refused[0][2]) == (422, True)
        assert (await witness.answer(request(1), register, state, lambda _: closed, logs)).status == 200
        # The guard is about that log alone.
        assert (await witness.answer(request(2), register, state, lambda _: None, logs)).status == 409
        # Nothing is cosigned without a mandate for it, nor after its end by the witness's own clock.
        bare = msgspec.structs.replace(register, witnesses=())
        assert (await witness.answer(request(1), bare, state, lambda _: closed, logs)).status == 403
        monkeypatch.setattr("seinpost.witness.wall_ms", lambda: int(UNTIL.timestamp() * 1000))
        assert (await witness.answer(request(1), register, state, lambda _: closed, logs)).status == 403
        assert "no mandate" in refused[-1][2]
    finally:
        state.close()
