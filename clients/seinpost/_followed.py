# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The logs that a reader follows: one per compartment and period, each going on from the one before it."""

from __future__ import annotations

import msgspec

from seinpost_schemas.compartment import Compartment
from seinpost_schemas.directory import Closing, TrustedDirectory
from seinpost_schemas.subjects import feed_stream, log_origin

from ._audit import AuditState, LogAudit
from ._ledger import Ledger
from ._reading_state import ReadingState
from ._trusted_feed import TrustedFeed


class FollowedLog(msgspec.Struct, frozen=True, eq=False):
    """One log as it is read: what it proved, what it says of signals, and what is audited of it."""

    period: str
    compartment: Compartment
    stream: str
    origin: str
    feed: TrustedFeed
    ledger: Ledger
    audit: LogAudit


def begin_log(
    period: str,
    compartment: Compartment,
    directory: TrustedDirectory,
    state: ReadingState,
    before: FollowedLog | None,
    now_ms: int,
) -> FollowedLog:
    """A log at the position where its reading was stored, or at its start, where it goes on from ``before``.

    ``before`` is the log of the period before, which was closed and read whole; ``None`` for the oldest that can be
    read. ``now_ms`` is the time of this process's monotonic clock.
    """
    enclave = directory.current.register.enclave
    origin, stream = log_origin(enclave, period, compartment), feed_stream(period, compartment)
    earlier = directory.period_before(period)
    ledger = Ledger(compartment, period, state, directory)
    feed = TrustedFeed(compartment, directory, ledger.past_epoch)
    stored = state.load_feed(stream)
    if stored is not None:
        feed.restore(stored)
    elif earlier is not None:
        closing = directory.closing(log_origin(enclave, earlier, compartment))
        last = before.feed if before is not None else _stored(earlier, compartment, directory, state, closing)
        feed.follow(last, closing.directory_size if closing is not None else 0)
    audited = state.load_audit(origin)
    return FollowedLog(
        period,
        compartment,
        stream,
        origin,
        feed,
        ledger,
        LogAudit(
            origin,
            now_ms,
            msgspec.msgpack.decode(audited, type=AuditState) if audited is not None else None,
        ),
    )


def _stored(
    period: str,
    compartment: Compartment,
    directory: TrustedDirectory,
    state: ReadingState,
    closing: Closing | None,
) -> TrustedFeed | None:
    """The end of a log that can no longer be read, if it was read whole here while it could be."""
    stored = state.load_feed(feed_stream(period, compartment))
    if stored is None or closing is None:
        return None
    feed = TrustedFeed(compartment, directory)
    feed.restore(stored)
    whole = (feed.size, feed.root()) == (closing.checkpoint.tree_size, closing.checkpoint.root_hash)
    return feed if whole else None
