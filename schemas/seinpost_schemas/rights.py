# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The rights an envelope needs, as the broker asks at admission and every reader asks again.

Specification, section 8.6. ``view`` is the directory at the size in question, ``at_ms`` the admission
time. Everything here looks at header and clear bodies only; what is inside the seal is checked by
``policy.verify_signal_type`` and the client.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from .clear_bodies import Share
from .compartment import Compartment
from .epoch_body import EpochBody
from .errors import Reason, RefusedError
from .header import ZERO_16, Header
from .kinds import Action, Kind
from .limits import MAX_EPOCH_AGE_MS, MAX_EPOCH_ENVELOPES
from .policy import Member, View, action_of, verify_audience_use, verify_mandate
from .register import Mandate


class LoggedEpoch(msgspec.Struct, kw_only=True):
    """What a log says of one epoch; ``slot_ids`` are 16-byte kem_key_ids, sorted."""

    sender_id: bytes
    origin: str
    """The party from whose side the audience is computed: the sender's, or the answered epoch's origin."""
    compartment: Compartment
    audience: int
    reply_to: bytes
    admitted_ms: int
    slot_ids: tuple[bytes, ...]
    envelopes: int = 0
    last_seq: int = 0
    ended: bool = False


def verify_sender_rights(
    view: View, member: Member, header: Header, at_ms: int, claimed: Action | None = None
) -> Mandate:
    """The mandate under which the sender may send this kind; refused otherwise.

    The broker knows the ``claimed`` action from the subject; a reader, who does not, accepts any of the
    kind's actions.
    """
    actions = action_of(header.kind, claimed)
    refusal: RefusedError | None = None
    for action in sorted({claimed} if claimed is not None else actions):
        try:
            return verify_mandate(view, member.party, action, header.compartment, at_ms)
        except RefusedError as error:
            # Of several actions that might have been meant, "no mandate" says least.
            if refusal is None or refusal.reason is Reason.MANDATE:
                refusal = error
    raise refusal or RefusedError(Reason.MANDATE, "this kind has no action")


def epoch_keys(
    view: View,
    sender: Member,
    compartment: Compartment,
    body: EpochBody,
    at_ms: int,
    answered: LoggedEpoch | None,
) -> dict[bytes, Member]:
    """The identities, by kem_key_id and sorted, that an epoch with this body must have slots for."""
    audience = view.audience_of_code(body.audience)
    if body.reply_to == ZERO_16:
        return view.audience_members(audience, sender.party, compartment, at_ms)
    if answered is None or answered.compartment != compartment:
        raise RefusedError(Reason.EPOCH, "the epoch that is answered is not in this log")
    if answered.audience != body.audience:
        raise RefusedError(Reason.AUDIENCE, "an answer has the audience of the epoch that it answers")
    keys = dict(view.audience_members(audience, view.party(answered.origin), compartment, at_ms))
    if sender.party.token not in {m.party.token for m in keys.values()}:
        # Its readers hold the replier's party already: the union of the two is this audience.
        raise RefusedError(Reason.AUDIENCE, "only a reader of an epoch may answer it")
    return keys


def verify_epoch_rights(
    view: View,
    sender: Member,
    header: Header,
    body: EpochBody,
    at_ms: int,
    answered: LoggedEpoch | None = None,
) -> None:
    """Raise unless the epoch's slots are exactly its audience's keys."""
    keys = epoch_keys(view, sender, header.compartment, body, at_ms, answered)
    if tuple(s.kem_key_id for s in body.slots) != tuple(keys):
        raise RefusedError(Reason.EPOCH, "the epoch's slots are not exactly the keys of its audience")


def verify_epoch_open(epoch: LoggedEpoch | None, header: Header, at_ms: int) -> LoggedEpoch:
    """The epoch that a sealed envelope (or end of epoch) may use; refused as ``epoch`` otherwise."""
    if epoch is None or epoch.compartment != header.compartment:
        raise RefusedError(Reason.EPOCH, "the epoch is not in this compartment's log")
    if epoch.sender_id != header.sender_id:
        raise RefusedError(Reason.EPOCH, "the epoch is another sender's")
    if epoch.ended:
        raise RefusedError(Reason.EPOCH, "the epoch has ended")
    if header.kind == Kind.END_OF_EPOCH:
        return epoch
    if at_ms - epoch.admitted_ms >= MAX_EPOCH_AGE_MS:
        raise RefusedError(Reason.EPOCH, "the epoch is older than an hour")
    if epoch.envelopes >= MAX_EPOCH_ENVELOPES:
        raise RefusedError(Reason.EPOCH, f"the epoch has carried its {MAX_EPOCH_ENVELOPES} envelopes")
    return epoch


def verify_sealed_rights(view: View, header: Header, epoch: LoggedEpoch, at_ms: int) -> None:
    """Raise unless the epoch's audience may carry this kind and is still what it was."""
    verify_audience_use(Kind(header.kind), view.audience_of_code(epoch.audience))
    members = _audience_of(view, epoch, at_ms)
    # By who they are: a reader that has a newer key by now still holds the one that the epoch was sealed to.
    if not view.readers_are(members, epoch.slot_ids):
        raise RefusedError(Reason.EPOCH, "the epoch's audience has changed since: a new epoch is needed")


def verify_share_rights(
    seen: View,
    view: View,
    sender: Member,
    header: Header,
    share: Share,
    epoch_of: Callable[[bytes], LoggedEpoch | None],
    at_ms: int,
) -> None:
    """Raise unless each slot is the newest key of a reader in its epoch's audience, and the sender's to give.

    ``seen`` is the directory at the size that the header names: it says which keys are newest, and nothing else, for
    the sender chose it. ``view`` is the directory at the entry's size; ``epoch_of`` gives an epoch of this log or of
    the one before it by its 16-byte id. A party gives others only what it published itself, under its ``share``
    mandate, and its own identities what it may read.
    """
    for slot in share.slots:
        epoch = epoch_of(slot.epoch_id)
        if epoch is None or epoch.compartment != header.compartment:
            raise RefusedError(Reason.EPOCH, "a shared epoch is not in this log")
        reader = _audience_of(seen, epoch, at_ms).get(slot.kem_key_id)
        if reader is None:
            raise RefusedError(Reason.AUDIENCE, "a shared epoch's slot is for someone outside its audience")
        verify_none_removed(view, (slot.kem_key_id,), _audience_of(view, epoch, at_ms))
        if reader.party.token == sender.party.token:
            verify_mandate(view, sender.party, Action.READ, header.compartment, at_ms)
            continue
        verify_mandate(view, sender.party, Action.SHARE, header.compartment, at_ms)
        if not view.is_of(sender.party, epoch.sender_id):
            raise RefusedError(Reason.MANDATE, "a party shares with others only what it published itself")


def _audience_of(view: View, epoch: LoggedEpoch, at_ms: int) -> dict[bytes, Member]:
    audience = view.audience_of_code(epoch.audience)
    return view.audience_members(audience, view.party(epoch.origin), epoch.compartment, at_ms)


def verify_none_removed(view: View, slot_ids: Sequence[bytes], still: Mapping[bytes, Member]) -> None:
    """Raise ``RefusedError`` (``stale-directory``) for a slot of one who is not among those that ``still`` may read."""
    gone = [k for k in slot_ids if k not in still]
    readers = {m.keys.sender_id for m in still.values()} if gone else set()
    if any(view.owner(k) not in readers for k in gone):
        raise RefusedError(
            Reason.STALE_DIRECTORY, "a recipient was removed since the sender last saw the directory"
        )
