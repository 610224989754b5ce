# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Sends each sender the proof that what was admitted is in the published log.

Whenever a checkpoint has been published, everything between the one published before and it is proven, to
whichever broker it was that admitted it. At start, what was admitted within the last two minutes is proven
again: the broker that published may have stopped before it answered.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterator

import structlog

from seinpost_broker.core.compartment_log import CompartmentLog
from seinpost_broker.ports import Answers
from seinpost_schemas.directory import TrustedDirectory
from seinpost_schemas.entry import to_base64
from seinpost_schemas.errors import RefusedError, UnavailableError
from seinpost_schemas.inclusion import MAX_ITEMS, Inclusion, Inclusions
from seinpost_schemas.kinds import SEALED

AGAIN_MS = 120_000
_log = structlog.get_logger("prover")


class Prover:
    """The proofs of one log."""

    def __init__(
        self, log: CompartmentLog, period: str, *, directory: TrustedDirectory, answers: Answers
    ) -> None:
        self._log = log
        self._period = period
        self._directory = directory
        self._answers = answers
        self._proven = 0

    def restart(self, now_ms: int) -> None:
        """Begin with what was admitted lately."""
        self._proven = self._log.size_at(now_ms - AGAIN_MS)

    async def published(self, note: bytes, tree_size: int) -> None:
        """Answer everything that this checkpoint covers and the one before did not."""
        by_sender: dict[bytes, list[int]] = {}
        for index in range(self._proven, tree_size):
            placed = self._log.placed(index)
            if placed.kind in SEALED:
                by_sender.setdefault(placed.sender_id, []).append(index)
        try:
            stored = [
                s
                for sender_id, i in by_sender.items()
                for s in await self._send(sender_id, i, note, tree_size)
            ]
            for answer in stored:
                await answer
        except UnavailableError:
            _log.warning("proofs not sent", senders=len(by_sender), entries=sum(map(len, by_sender.values())))
            return
        self._proven = max(self._proven, tree_size)

    async def _send(
        self, sender_id: bytes, indexes: list[int], note: bytes, tree_size: int
    ) -> list[Awaitable[None]]:
        """Send a sender its proofs; what ends when each is on disk."""
        try:
            party = self._directory.current.member(sender_id).party.token
        except RefusedError:
            # It was removed since: nobody is left to be answered.
            return []
        answers = self._answers_for(sender_id, indexes, note, tree_size)
        return [await self._answers.answer(party, answer.encode()) for answer in answers]

    def _answers_for(
        self, sender_id: bytes, indexes: list[int], note: bytes, tree_size: int
    ) -> Iterator[Inclusions]:
        for start in range(0, len(indexes), MAX_ITEMS):
            yield Inclusions(
                sender=sender_id.hex(),
                compartment=str(self._log.compartment),
                period=self._period,
                note=note.decode(),
                items=tuple(self._item(i, tree_size) for i in indexes[start : start + MAX_ITEMS]),
            )

    def _item(self, index: int, tree_size: int) -> Inclusion:
        placed = self._log.placed(index)
        return Inclusion(
            object=placed.object_hash.hex(),
            index=index,
            admitted_ms=placed.admitted_ms,
            directory_size=placed.directory_size,
            proof=tuple(to_base64(h) for h in self._log.tree.inclusion_proof(index, tree_size)),
        )
