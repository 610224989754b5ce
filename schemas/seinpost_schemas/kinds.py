# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The nine envelope kinds and the actions that a mandate can grant."""

from __future__ import annotations

import enum


class Action(enum.StrEnum):
    """A right that a mandate can hold (design: publish, read, …)."""

    PUBLISH = "publish"
    READ = "read"
    READ_PROTECTED = "read-protected"
    WITNESS = "witness"
    FEEDBACK = "feedback"
    RELEASE = "release"
    REPORT = "report"
    SHARE = "share"
    AUDIT = "audit"


class Kind(enum.IntEnum):
    """What an envelope is; the byte at header offset 4."""

    EPOCH = 1
    SIGNALS = 2
    END_OF_EPOCH = 3
    RECEIPT = 4
    RECALL = 5
    FEEDBACK = 6
    RELEASE = 7
    TABLE_ACT = 8
    SHARE = 9


SEALED = frozenset({Kind.SIGNALS, Kind.FEEDBACK, Kind.RELEASE, Kind.TABLE_ACT})
"""Kinds whose body is a sealed batch; the others have a clear body."""

RECALLABLE = frozenset({Kind.SIGNALS, Kind.FEEDBACK, Kind.RELEASE})
"""Kinds that their originator can take back."""

COVERED = RECALLABLE | {Kind.RECALL}
"""Kinds that receipts speak of."""

SEALED_ACTIONS = frozenset({Action.PUBLISH, Action.FEEDBACK, Action.RELEASE, Action.READ})

ACTIONS: dict[Kind, frozenset[Action]] = {
    Kind.EPOCH: SEALED_ACTIONS,
    Kind.SIGNALS: frozenset({Action.PUBLISH}),
    Kind.END_OF_EPOCH: SEALED_ACTIONS,
    Kind.RECEIPT: frozenset({Action.READ}),
    Kind.RECALL: frozenset({Action.PUBLISH}),
    Kind.FEEDBACK: frozenset({Action.FEEDBACK}),
    Kind.RELEASE: frozenset({Action.RELEASE}),
    Kind.TABLE_ACT: frozenset({Action.READ}),
    Kind.SHARE: frozenset({Action.SHARE, Action.READ}),
}
"""The actions under which a kind may be sent; the subject names one, the mandate must grant it."""

INGRESS_ACTIONS = (Action.PUBLISH, Action.READ, Action.FEEDBACK, Action.RELEASE, Action.SHARE)
"""Actions that appear in ingress subjects."""


class EpochUse(enum.Enum):
    """Which kinds an audience's epochs may carry: ``own`` only table acts, the rest all but those."""

    OWN = frozenset({Kind.TABLE_ACT})
    OTHERS = SEALED - {Kind.TABLE_ACT}
