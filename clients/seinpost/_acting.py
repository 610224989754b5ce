# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Acts on a signal that is known here by its id: feedback to it, and taking it back."""

from __future__ import annotations

import asyncio

from seinpost_schemas.clear_bodies import Recall, RecallReason
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.errors import MalformedError, Reason, RefusedError
from seinpost_schemas.signal import FEEDBACK, SCHEMA, TABLE_ACTS, TABLE_STATUS, Act, ActHandling, ActReport
from seinpost_schemas.subjects import feed_stream, parse_feed_stream
from seinpost_schemas.uuid7 import parse_id

from ._directory import DirectoryFollower
from ._reading_state import Place, ReadingState
from .answer import Answer
from .publisher import Publisher


def find_place(reading: ReadingState, signal_id: str, sender: str | None) -> Place:
    """Where a signal that was read here is; raises ``MalformedError`` when it was not, or is not the only one."""
    found = [p for p in reading.places(parse_id(signal_id)) if sender in (None, p.party)]
    if not found:
        raise MalformedError(
            f"no signal {signal_id} was read with this identity: read the feed first (seinpost watch), or check the id"
        )
    if len(found) > 1:
        parties = ", ".join(sorted(p.party for p in found))
        raise MalformedError(f"{signal_id} was used by {parties}: name the sender that is meant")
    return found[0]


async def give_feedback(
    publisher: Publisher,
    directory: DirectoryFollower,
    reading: ReadingState,
    place: Place,
    signal_id: str,
    report: ActReport,
) -> asyncio.Future[Answer]:
    """Seal feedback to everyone who may read the signal, and to us; the broker's answer follows."""
    if report.act not in FEEDBACK:
        raise MalformedError(f"{report.act[:40]!r} is no feedback; choose from {', '.join(FEEDBACK)}")
    compartment = _current(directory, place.stream)
    epoch = reading.past_epoch(place.stream, place.epoch_id)
    if epoch is None:
        raise MalformedError(f"the epoch of {signal_id} is not known here; read the feed from its start")
    audience = directory.view.audience_of_code(epoch.audience).name
    act = Act(handling=ActHandling(schema=SCHEMA, refers_to=(signal_id,)), report=report)
    return await publisher.submit_feedback(act, compartment, place.epoch_id, epoch.origin, audience)


async def act_at_table(
    publisher: Publisher, place: Place, signal_id: str, report: ActReport
) -> asyncio.Future[Answer]:
    """Say to the own party's identities what is done with a signal or by whom, in the log that it came in."""
    if report.act not in TABLE_ACTS:
        raise MalformedError(f"{report.act[:40]!r} is no table act; choose from {', '.join(TABLE_ACTS)}")
    if report.act == "status" and report.status not in TABLE_STATUS:
        raise MalformedError(
            f"{(report.status or '')[:40]!r} is no status; choose from {', '.join(TABLE_STATUS)}"
        )
    _, compartment = parse_feed_stream(place.stream)
    act = Act(handling=ActHandling(schema=SCHEMA, refers_to=(signal_id,)), report=report)
    return await publisher.submit_table_act(act, compartment)


async def take_back(
    publisher: Publisher,
    directory: DirectoryFollower,
    reading: ReadingState,
    signal_id: str,
    reason: RecallReason,
) -> asyncio.Future[Answer]:
    """Recall a signal that this identity sent, or that another of its party sent and this one has read."""
    raw = parse_id(signal_id)
    sent = publisher.find_signal(raw)
    if sent is not None:
        period, compartment = sent.sent.period, Compartment.parse(sent.sent.compartment)
        recall = Recall(sent.sent.object_hash, period, sent.sent.index, raw, reason)
        _current(directory, feed_stream(period, compartment))
        return await publisher.submit_recall(recall, compartment)
    party = publisher.party
    own = [p for p in reading.places(raw) if p.party == party]
    others = sorted({p.party for p in reading.places(raw)} - {party})
    if not own and others:
        raise RefusedError(
            Reason.MANDATE,
            f"{signal_id} is a signal of {', '.join(others)}: only its originator can recall it",
        )
    if not own:
        raise MalformedError(f"no signal {signal_id} was sent or read with this identity; check the id")
    compartment = _current(directory, own[0].stream)
    entry = reading.entry(own[0].stream, own[0].index)
    if entry is None:
        raise MalformedError(f"the log entry of {signal_id} is not known here; read the feed from its start")
    period, _ = parse_feed_stream(own[0].stream)
    return await publisher.submit_recall(
        Recall(entry.object_hash, period, own[0].index, raw, reason), compartment
    )


def _current(directory: DirectoryFollower, stream: str) -> Compartment:
    """The compartment of a log that brokers still know: of the period that runs, or the one before it."""
    period, compartment = parse_feed_stream(stream)
    current = directory.view.register.periods.current
    if period not in (current, directory.directory.period_before(current)):
        raise RefusedError(
            Reason.EPOCH, f"the signal is in the log of {period}, which is too old; {current} runs now"
        )
    return compartment
