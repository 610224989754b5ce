# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What the broker needs from outside, as contracts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Mapping
from typing import Protocol

import msgspec

from seinpost_schemas.errors import UnavailableError


class StoredMessage(msgspec.Struct, frozen=True):
    """A message as a stream holds it; ``seq`` from 1."""

    seq: int
    headers: Mapping[str, str]
    body: bytes


class AppendRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One conditional append: stored at ``expected_last_seq`` + 1 after ``expected_last_msg_id``, or not at all."""

    stream: str
    subject: str
    expected_last_seq: int
    expected_last_msg_id: str | None
    msg_id: str
    headers: Mapping[str, str]
    body: bytes


class AppendLostError(UnavailableError):
    """The conditions did not hold: someone else appended first. Nothing of this request is stored."""


class IngressMessage(Protocol):
    """A message on a party's ingress, redelivered until ``done``."""

    @property
    def subject(self) -> str:
        """The subject it was published on; the server vouches for it."""
        ...

    @property
    def data(self) -> bytes:
        """The envelope's bytes, unverified."""
        ...

    async def done(self) -> None:
        """It was answered; never deliver it again."""
        ...


class Ingress(Protocol):
    """The parties' ingress streams. Several brokers may fetch: each message goes to one of them at a time."""

    async def fetch(self, party: str, limit: int) -> list[IngressMessage]:
        """Up to ``limit`` messages, waiting a while for the first; empty when none came."""
        ...


class LogStore(Protocol):
    """The append-only streams."""

    async def append(self, request: AppendRequest) -> Awaitable[None]:
        """Send the request; requests of one caller reach the stream in call order.

        The returned awaitable ends when the entry is on disk (`sync_interval: always`), or raises
        ``AppendLostError`` (nothing stored) or ``StateUnknownError`` (it may or may not be stored).
        """
        ...

    async def seal(self, stream: str) -> None:
        """Let nothing be appended to the stream any more, by anyone; sealing twice changes nothing."""
        ...

    async def last_seq(self, stream: str) -> int:
        """The stream's newest sequence number, 0 when empty."""
        ...

    def read(
        self, stream: str, first_seq: int, *, headers_only: bool = False
    ) -> AsyncIterator[StoredMessage]:
        """Everything from ``first_seq`` to what is stored when reading starts, in order."""
        ...

    async def read_one(self, stream: str, seq: int) -> StoredMessage:
        """One message, whole."""
        ...


class Answers(Protocol):
    """Where answers and notes go."""

    async def answer(self, party: str, data: bytes) -> Awaitable[None]:
        """Send an answer for every identity of the party; those of one caller keep their order.

        The returned awaitable ends when it is on disk. Both raise ``UnavailableError``: it may be stored or not.
        """
        ...


class Checkpoints(Protocol):
    """Where signed checkpoints are kept, the newest of each subject first."""

    async def newest_checkpoint(self, subject: str) -> tuple[int, bytes] | None:
        """(sequence, note) of the newest under a subject; ``None`` when there is none."""
        ...

    async def store_checkpoint(self, subject: str, note: bytes, newest_seq: int) -> int:
        """Store after the one at ``newest_seq`` (0 for none), and return its sequence.

        Raises ``AppendLostError`` when another one is newest.
        """
        ...


class Witnesses(Protocol):
    """The parties' witnesses."""

    async def ask(self, party: str, request: bytes) -> bytes:
        """A witness's answer; raises ``UnavailableError`` when there is none."""
        ...


class Snapshots(Protocol):
    """This broker's own files of state, by the name of their stream."""

    def load(self, name: str) -> bytes | None:
        """What was stored; ``None`` when there is nothing that can be read."""
        ...

    async def store(self, name: str, data: bytes) -> None:
        """Store whole or not at all; raises ``UnavailableError``."""
        ...


class Clock(Protocol):
    """The broker's clock."""

    def now_ms(self) -> int:
        """Unix milliseconds."""
        ...
