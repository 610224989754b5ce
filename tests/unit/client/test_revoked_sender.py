# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A sender is revoked: what it sends is refused, what it sent stays, and its party goes on."""

from __future__ import annotations

from typing import Any

import pytest
from trial.enclave import T0, TrialEnclave, identity, party_of
from trial.log import TrialLog, take

from seinpost._trusted_feed import TrustedFeed
from seinpost_broker.core.compartment_log import Admit, CompartmentLog
from seinpost_schemas.clear_bodies import Recall, RecallReason
from seinpost_schemas.entry import parse_feed_headers
from seinpost_schemas.errors import InvalidError, Reason, RefusedError
from seinpost_schemas.kinds import Action, Kind
from seinpost_schemas.uuid7 import make_id

NCSC, SECOND = identity("ncsc-1"), identity("ncsc-2")


def revoke(table: dict[str, Any]) -> None:
    row = next(i for i in party_of(table, "ncsc")["identities"] if i["name"] == "ncsc-1")
    revocation = {"sender_id": row["sender_id"], "reason": "gestolen"}
    table["revocations"] = [{**revocation, "suspect_log": "2026q4/depv/process", "suspect_index": 0}]


@pytest.fixture
def log() -> TrialLog:
    return TrialLog(TrialEnclave())


def test_what_it_sent_before_is_accepted_by_who_knows_of_the_revocation(log: TrialLog) -> None:
    secrets = log.add_epoch(NCSC)
    log.append(log.signals(NCSC, secrets))
    log.enclave.amend(revoke)
    feed = log.reader()
    assert feed.size == 2
    with pytest.raises(RefusedError) as refused:
        take(feed, log.message(log.signals(NCSC, secrets)))
    assert refused.value.reason is Reason.REVOKED


def test_an_entry_of_it_that_was_spoilt_on_the_way_accuses_nothing_after_it(log: TrialLog) -> None:
    secrets = log.add_epoch(NCSC)
    log.append(log.signals(NCSC, secrets))
    spoilt = log.messages[-1]
    log.append(log.signals(NCSC, secrets))
    log.enclave.amend(revoke)
    feed = TrustedFeed(log.compartment, log.enclave.directory())
    take(feed, log.messages[0])
    with pytest.raises(InvalidError):
        feed.accept(spoilt.seq, dict(spoilt.headers), spoilt.body + b"x")
    feed.skip(spoilt.seq, dict(spoilt.headers))
    take(feed, log.messages[2])


def test_its_party_recalls_what_it_published(log: TrialLog) -> None:
    core, directory = CompartmentLog(log.compartment), log.enclave.directory()
    secrets = log.add_epoch(NCSC)
    envelope = log.signals(NCSC, secrets)
    log.append(envelope)
    for message in log.messages:
        entry, _, signature = parse_feed_headers(dict(message.headers))
        core.apply(entry, signature, message.body, directory.current, leaf=CompartmentLog.leaf_of(entry))
        core.confirm()
    log.enclave.amend(revoke)
    log.enclave.feed(directory)
    body = Recall(envelope.object_hash, "2026q4", 1, make_id(T0, bytes(10)), RecallReason.MISTAKE).encode()
    recall = log.clear(SECOND, Kind.RECALL, body)
    member = directory.current.member(SECOND.sender_id)
    assert isinstance(core.decide(recall, member, Action.PUBLISH, directory, T0), Admit)
    with pytest.raises(RefusedError) as refused:
        directory.current.member(NCSC.sender_id)
    assert refused.value.reason is Reason.REVOKED
