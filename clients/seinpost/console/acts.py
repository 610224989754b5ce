# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What a reader may do about a signal, as far as the connection can: buttons are shown for nothing else."""

from __future__ import annotations

from typing import Literal, Protocol, runtime_checkable

from seinpost.delivery import Delivery

FeedbackKind = Literal["corroborate", "dispute", "false-positive", "action-taken", "question"]
FEEDBACK_KINDS: tuple[FeedbackKind, ...] = (
    "corroborate",
    "dispute",
    "false-positive",
    "action-taken",
    "question",
)


@runtime_checkable
class Acknowledging(Protocol):
    """A connection that can tell the sender that its signal was seen."""

    async def acknowledge(self, delivery: Delivery) -> object:
        """Issue a signed receipt."""


@runtime_checkable
class GivingFeedback(Protocol):
    """A connection that can answer a signal."""

    async def feedback(self, delivery: Delivery, kind: FeedbackKind, text: str | None) -> object:
        """Publish signed feedback to the readers of the signal."""
