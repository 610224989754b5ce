# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The epochs of one log, as brokers and readers both keep them (specification, section 5.4).

An epoch that was not ended is kept whole: it may carry envelopes for an hour, and be ended for 31 days. One that ended
leaves what answering and sharing it rest on, a few bytes. What one sender opens and never ends is bounded: with one
more than 256 its oldest counts as ended. All of it follows from the log alone, so everyone comes to the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec

from .compartment import Compartment
from .header import ZERO_16
from .limits import MAX_EPOCH_AGE_MS, MAX_EPOCH_END_MS, MAX_UNENDED_EPOCHS
from .rights import LoggedEpoch

_Facts = tuple[bytes, str, int]
"""Of an epoch that ended: sender_id, origin, audience."""


class EpochTable:
    """Epochs by their 16-byte epoch_id; ``kept_past`` limits how many ended ones are kept, if they are stored too."""

    def __init__(self, compartment: Compartment, kept_past: int | None = None) -> None:
        self._compartment = compartment
        self._kept_past = kept_past
        self._unended: dict[bytes, LoggedEpoch] = {}
        # By sender_id, the unended ones in log order.
        self._of: dict[bytes, tuple[bytes, ...]] = {}
        self._past: dict[bytes, _Facts] = {}
        # A handful of senders and audiences: one tuple for all epochs alike.
        self._alike: dict[_Facts, _Facts] = {}

    # -- what is known ----------------------------------------------------------------------------

    def unended(self, epoch_id: bytes) -> LoggedEpoch | None:
        """An epoch that no entry has ended, however old."""
        return self._unended.get(epoch_id)

    def known(self, epoch_id: bytes) -> LoggedEpoch | None:
        """An epoch that may be answered or shared: ended or not; of an ended one, its counts and slots are gone."""
        return self._unended.get(epoch_id) or self._ended(epoch_id)

    def usable(self, epoch_id: bytes, at_ms: int) -> LoggedEpoch | None:
        """As ``known``, but ended once it is too old even to be ended."""
        epoch = self.known(epoch_id)
        if epoch is not None and not epoch.ended and at_ms - epoch.admitted_ms > MAX_EPOCH_END_MS:
            return msgspec.structs.replace(epoch, ended=True)
        return epoch

    def live_of(self, sender_id: bytes, at_ms: int) -> int:
        """How many epochs of a sender may still carry something."""
        own = (self._unended[k] for k in self._of.get(sender_id, ()))
        return sum(at_ms - epoch.admitted_ms < MAX_EPOCH_AGE_MS for epoch in own)

    def _ended(self, epoch_id: bytes) -> LoggedEpoch | None:
        facts = self._past.get(epoch_id)
        return self._of_facts(facts) if facts is not None else None

    def _of_facts(self, facts: _Facts) -> LoggedEpoch:
        sender_id, origin, audience = facts
        return LoggedEpoch(
            sender_id=sender_id,
            origin=origin,
            compartment=self._compartment,
            audience=audience,
            reply_to=ZERO_16,
            admitted_ms=0,
            slot_ids=(),
            ended=True,
        )

    # -- the fold ---------------------------------------------------------------------------------

    def open(self, epoch_id: bytes, epoch: LoggedEpoch) -> Callable[[], None]:
        """Take the next epoch of the log; the result takes it back."""
        own = self._of.get(epoch.sender_id, ())
        before = {k: self._unended[k] for k in own}
        kept = [k for k in own if epoch.admitted_ms - before[k].admitted_ms <= MAX_EPOCH_END_MS]
        kept = kept[-(MAX_UNENDED_EPOCHS - 1) :]
        for gone in set(own).difference(kept):
            self._put_past(gone, self._unended.pop(gone))
        for k in kept:
            self._unended[k] = _as_needed(before[k], epoch.admitted_ms)
        self._unended[epoch_id] = epoch
        self._of[epoch.sender_id] = (*kept, epoch_id)

        def undo() -> None:
            del self._unended[epoch_id]
            for k in set(own).difference(kept):
                self._past.pop(k, None)
            self._unended.update(before)
            self._put_own(epoch.sender_id, own)

        return undo

    def end(self, epoch_id: bytes) -> Callable[[], None]:
        """Take the end of an unended epoch; the result takes it back. Raises ``KeyError`` for any other."""
        epoch = self._unended.pop(epoch_id)
        own = self._of[epoch.sender_id]
        self._put_own(epoch.sender_id, tuple(k for k in own if k != epoch_id))
        self._put_past(epoch_id, epoch)

        def undo() -> None:
            self._past.pop(epoch_id, None)
            self._unended[epoch_id] = epoch
            self._put_own(epoch.sender_id, own)

        return undo

    def _put_own(self, sender_id: bytes, own: tuple[bytes, ...]) -> None:
        if own:
            self._of[sender_id] = own
        else:
            self._of.pop(sender_id, None)

    def _put_past(self, epoch_id: bytes, epoch: LoggedEpoch) -> None:
        facts = (epoch.sender_id, epoch.origin, epoch.audience)
        self._past[epoch_id] = self._alike.setdefault(facts, facts)
        if self._kept_past is not None and len(self._past) > self._kept_past:
            del self._past[next(iter(self._past))]

    # -- across restarts --------------------------------------------------------------------------

    def stored(self, at_ms: int) -> Iterator[tuple[bytes, LoggedEpoch]]:
        """Unended epochs, each sender's in log order, for storing; without those, and the slots, that are too old."""
        for own in self._of.values():
            for k in own:
                epoch = self._unended[k]
                if at_ms - epoch.admitted_ms <= MAX_EPOCH_END_MS:
                    yield k, _as_needed(epoch, at_ms)

    def stored_past(self, at_ms: int) -> Iterator[tuple[bytes, LoggedEpoch]]:
        """Ended epochs, for storing, and those that are too old to be: they can be answered and shared all the same."""
        for k, facts in self._past.items():
            yield k, self._of_facts(facts)
        for k, epoch in self._unended.items():
            if at_ms - epoch.admitted_ms > MAX_EPOCH_END_MS:
                yield k, self._of_facts((epoch.sender_id, epoch.origin, epoch.audience))

    def restore(self, epochs: Iterable[tuple[bytes, LoggedEpoch]]) -> None:
        """Take over what was stored, also by a version that kept more."""
        for epoch_id, epoch in epochs:
            if epoch.ended:
                self._put_past(epoch_id, epoch)
            else:
                self.open(epoch_id, epoch)


def _as_needed(epoch: LoggedEpoch, at_ms: int) -> LoggedEpoch:
    """Without its slots when it carries nothing but its end any more, which needs none."""
    if epoch.slot_ids and at_ms - epoch.admitted_ms > MAX_EPOCH_AGE_MS:
        return msgspec.structs.replace(epoch, slot_ids=())
    return epoch
