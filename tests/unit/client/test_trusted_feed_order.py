# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A compartment's feed in every order but the log's own: refused by name, and the honest log goes on after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from trial.enclave import DEBATE, OPEN, PROCESS, T0, TrialEnclave, identity
from trial.log import TrialLog, take
from trial.samples import act, encoded
from trial.scene import Scene, refuse

from seinpost._transport import StoredMessage
from seinpost._trusted_feed import TrustedFeed
from seinpost_schemas.entry import ENTRY_HEADER, from_base64
from seinpost_schemas.kinds import Kind
from seinpost_schemas.merkle import EMPTY_ROOT, leaf_hash
from seinpost_schemas.merkle_tree import MerkleTree

Make = Callable[[Scene], StoredMessage]

# -- the honest log -------------------------------------------------------------------------------


def test_an_empty_feed(log: TrialLog) -> None:
    feed = log.reader()
    assert (feed.size, feed.root()) == (0, EMPTY_ROOT)


def test_an_honest_log_of_many_senders_audiences_and_kinds_is_accepted_whole(log: TrialLog) -> None:
    ncsc, other, ibd, tafel = (identity(n) for n in ("ncsc-1", "ncsc-2", "ibd-1", "tafel-1"))
    first = log.add_epoch(ncsc)
    log.add_signals(ncsc, first, encoded(1), encoded(2, protected="een bron"))
    second = log.add_epoch(ibd)
    for number in range(3, 6):
        log.now_ms += 1_000
        log.add_signals(ibd, second, encoded(number))
    third = log.add_epoch(other, "tafel")
    log.add_signals(other, third, encoded(6))
    reply = log.add_epoch(tafel, "tafel", reply_to=third.epoch_id, origin="ncsc")
    log.append(log.signals(tafel, reply, [act(6)], Kind.FEEDBACK))
    log.append(log.end(ncsc, first.epoch_id))
    log.append(log.end(ibd, second.epoch_id))
    feed, tree = TrustedFeed(PROCESS, log.enclave.directory()), MerkleTree()
    for index, message in enumerate(log.messages):
        accepted = take(feed, message)
        tree.append(leaf_hash(from_base64(message.headers[ENTRY_HEADER], 1_000)))
        assert accepted.index == index
        assert accepted.known
        assert accepted.mandate is not None
        assert feed.root() == tree.root(index + 1)
    assert feed.size == len(log.messages)


def test_what_is_accepted_says_who_when_and_where(scene: Scene) -> None:
    accepted = take(scene.feed, scene.honest)
    assert (accepted.index, accepted.entry.admitted_ms) == (2, T0)
    assert (accepted.member.party.token, accepted.member.identity.name) == ("ncsc", "ncsc-1")
    assert accepted.entry.directory_size == scene.enclave.size
    assert accepted.view.register.version == 1


def test_a_chain_may_pass_over_numbers_but_not_over_headers(scene: Scene) -> None:
    take(scene.feed, scene.log.append(scene.signals(seq=1_000)))
    take(scene.feed, scene.log.append(scene.signals()))
    assert scene.feed.size == 4


def test_a_kind_of_a_later_version_is_verified_and_chained_like_any_other(scene: Scene) -> None:
    later = scene.log.clear(scene.ncsc, 10, b"whatever it may be")
    message = scene.log.message(later)
    refuse(scene.feed, StoredMessage(message.seq, message.headers, message.body[:-1] + b"?"), "signature")
    assert not take(scene.feed, scene.log.append(later)).known
    refuse(scene.feed, scene.log.message(scene.envelope), "fork")
    take(scene.feed, scene.log.append(scene.signals()))


# -- its order ------------------------------------------------------------------------------------


def logged_again(scene: Scene, index: int) -> StoredMessage:
    """An old entry, whole, at the place where the next one belongs."""
    old = scene.log.messages[index]
    return StoredMessage(scene.feed.size + 1, old.headers, old.body)


DISORDER: dict[str, tuple[str, Make]] = {
    "an entry is left out": ("gap", lambda s: s.log.message(s.envelope, seq=4)),
    "many entries are left out": ("gap", lambda s: s.log.message(s.envelope, seq=1 << 40)),
    "the newest entry again": ("reordering", lambda s: s.log.messages[-1]),
    "the first entry again": ("reordering", lambda s: s.log.messages[0]),
    "another entry in the newest one's place": ("reordering", lambda s: s.log.message(s.envelope, seq=2)),
    "sequence 0": ("reordering", lambda s: s.log.message(s.envelope, seq=0)),
    "a time before the last one": ("reordering", lambda s: s.log.message(s.envelope, admitted_ms=T0 - 1)),
    "a directory size before the last one": (
        "reordering",
        lambda s: s.log.message(s.envelope, directory_size=s.enclave.size - 1),
    ),
    "an old entry logged again": ("reordering", lambda s: logged_again(s, 0)),
    "a header is left out of the sender's chain": (
        "gap",
        lambda s: s.log.message(s.signals(seq=4, prev_hash=s.envelope.object_hash)),
    ),
    "the sender's chain starts anew": ("gap", lambda s: s.log.message(s.signals(prev_hash=bytes(32)))),
    "a chain that starts from another sender's header": (
        "gap",
        lambda s: s.log.message(s.log.epoch(s.ibd, prev_hash=s.first.object_hash)[0]),
    ),
    "a fork: the newest header's seq and predecessor": (
        "fork",
        lambda s: s.log.message(s.signals(encoded(9), seq=2, prev_hash=s.epoch.object_hash)),
    ),
    "a fork: the newest header's seq, after that header": ("fork", lambda s: s.log.message(s.signals(seq=2))),
    "a lower seq after the newest header": ("reordering", lambda s: s.log.message(s.signals(seq=1))),
}


@pytest.mark.parametrize(("name", "make"), DISORDER.values(), ids=DISORDER.keys())
def test_another_order_is_refused_by_name(scene: Scene, name: str, make: Make) -> None:
    scene.refuse(make(scene), name)


def test_the_newest_entry_logged_again_is_a_repeat_and_accuses_nobody(scene: Scene) -> None:
    """A fork is two *different* headers with one seq (specification, 4.2): proof against their signer."""
    scene.refuse(logged_again(scene, 1), "reordering")


def test_two_entries_that_changed_places(scene: Scene) -> None:
    first, second = scene.log.append(scene.envelope), scene.log.append(scene.signals())
    refuse(scene.feed, second, "gap")
    refuse(scene.feed, StoredMessage(first.seq, second.headers, second.body), "gap")
    take(scene.feed, first)
    take(scene.feed, second)


# -- where it belongs -----------------------------------------------------------------------------


@pytest.mark.parametrize("place", [DEBATE, OPEN], ids=str)
def test_an_envelope_signed_for_another_compartment_is_refused(scene: Scene, place: Any) -> None:
    scene.refuse(scene.log.message(scene.signals(compartment=place)), "binding")


@pytest.mark.parametrize("place", [DEBATE, OPEN], ids=str)
def test_another_compartments_log_is_refused_from_its_first_entry(scene: Scene, place: Any) -> None:
    refuse(TrustedFeed(place, scene.enclave.directory()), scene.log.messages[0], "binding")


def test_an_envelope_signed_for_another_enclave_is_refused(scene: Scene) -> None:
    scene.refuse(scene.log.message(scene.signals(enclave_id=b"E" * 16)), "binding")


def test_another_enclaves_log_is_refused_even_of_the_same_identities(scene: Scene) -> None:
    def rename(table: dict[str, Any]) -> None:
        table["enclave"] = "elders"

    other = TrialEnclave(rename)
    assert other.enclave_id != scene.enclave.enclave_id
    refuse(TrustedFeed(PROCESS, other.directory()), scene.log.messages[0], "binding")


def test_the_log_of_the_period_before_does_not_replay_into_the_next(scene: Scene) -> None:
    """Chains go on across periods (design, section 5); a replay is then a lower seq."""
    in_the_next_period = TrustedFeed(PROCESS, scene.enclave.directory())
    in_the_next_period.follow(scene.feed)
    refuse(in_the_next_period, scene.log.messages[0], "reordering")
