# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Which past epochs an identity may give another one, and still has to; decided from what the logs say."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from seinpost_schemas.compartment import Compartment
from seinpost_schemas.directory import TrustedDirectory
from seinpost_schemas.errors import RefusedError
from seinpost_schemas.policy import Member, View
from seinpost_schemas.subjects import parse_feed_stream

from ._keyring import Keyring
from ._outgoing import Shared
from ._reading_state import ReadingState
from ._trusted_feed import PastEpoch
from .epochs import EpochSecrets
from .sharing import Commitments

EPOCHS_PER_SHARE = 300
"""370 KB a share: it travels like any other envelope."""


class SharePlan(msgspec.Struct):
    """For one compartment: what is to be shared now, what was shared before, and what cannot be.

    ``missing`` epochs are the reader's to have, and their secrets are not held here.
    """

    compartment: Compartment
    epochs: list[tuple[EpochSecrets, Commitments]]
    before: int = 0
    missing: int = 0

    def shares(self, reader: bytes) -> list[Shared]:
        """What goes out, oldest first, for a 16-byte sender_id."""
        starts = range(0, len(self.epochs), EPOCHS_PER_SHARE)
        return [Shared(reader, tuple(self.epochs[i : i + EPOCHS_PER_SHARE])) for i in starts]


def plan_shares(
    directory: TrustedDirectory,
    reading: ReadingState,
    keyring: Keyring,
    reader: Member,
    streams: Collection[str],
    at_ms: int,
    since_ms: int = 0,
) -> list[SharePlan]:
    """Per compartment of these logs: epochs admitted since, whose audience the reader is in now and was not then."""
    view = directory.current
    sender = view.member(keyring.identity.sender_id)
    plans: dict[Compartment, SharePlan] = {}
    for stream in streams:
        _, compartment = parse_feed_stream(stream)
        plan = plans.setdefault(compartment, SharePlan(compartment, []))
        for epoch in reading.past_epochs(stream):
            own = reader.party.token == sender.party.token
            if epoch.admitted_ms < since_ms or not (own or view.is_of(sender.party, epoch.sender_id)):
                continue
            if not _in_audience(view, epoch, reader, compartment, at_ms):
                continue
            then = directory.view_at(epoch.directory_size)
            if then is not None and _in_audience(then, epoch, reader, compartment, epoch.admitted_ms):
                continue
            if reading.was_given(epoch.epoch_id, reader.keys.sender_id):
                plan.before += 1
            elif (stored := keyring.load_epoch(epoch.epoch_id)) is None:
                plan.missing += 1
            else:
                secrets = msgspec.msgpack.decode(stored, type=EpochSecrets)
                commitments = Commitments(epoch.epoch_id, epoch.commitment, epoch.protected_commitment)
                plan.epochs.append((secrets, commitments))
    return [p for p in plans.values() if p.epochs or p.before or p.missing]


def _in_audience(view: View, epoch: PastEpoch, reader: Member, compartment: Compartment, at_ms: int) -> bool:
    try:
        audience = view.audience_of_code(epoch.audience)
        members = view.audience_members(audience, view.party(epoch.origin), compartment, at_ms)
    except RefusedError:
        return False
    return reader.keys.sender_id in {m.keys.sender_id for m in members.values()}
