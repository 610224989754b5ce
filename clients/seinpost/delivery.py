# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What a reader gets: a verified, opened signal with where it came from; or an alarm."""

from __future__ import annotations

from typing import Literal

import msgspec

from seinpost_schemas.compartment import Compartment
from seinpost_schemas.signal import Act, Signal

Status = Literal["pending", "audited", "alarm", "recalled"]
"""Where a signal that was received stands: see ``Connection.status``."""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One verified and opened signal (or act, for kinds 6 to 8)."""

    signal: Signal | Act
    sender: str
    """The party's token."""
    identity: str
    """The name of the party's identity that signed it."""
    sender_id: bytes
    """Its 16-byte id."""
    compartment: Compartment
    index: int
    """The envelope's place in the compartment's log."""
    number: int
    """The signal's place within its envelope."""
    kind: int
    admitted_ms: int
    created_ms: int
    object_hash: bytes
    leaf: bytes
    epoch_id: bytes
    """The sender's epoch, 16 bytes: what feedback to this signal answers."""
    audience: str
    """The register's name for who was to read it."""
    period: str
    directory_size: int = 0
    """The size of the directory that the sender sealed it under."""


class Recalled(msgspec.Struct, frozen=True, kw_only=True):
    """The originator took a signal back: it is to be withdrawn from view."""

    signal: str
    """The signal's id."""
    sender: str
    compartment: Compartment
    period: str
    index: int
    """The log index of the envelope that holds the signal."""
    reason: str
    """mistake, false-positive, wrong-audience, personal-data, legal or superseded."""
    admitted_ms: int


class Audited(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint with quorum covers the first ``size`` entries of a log, exactly as received."""

    compartment: Compartment
    period: str
    size: int
    note: bytes
    """The checkpoint note that says so."""


class LogStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One log as it is followed."""

    compartment: Compartment
    period: str
    received: int
    """The entries that were received and verified."""
    audited: int
    """How many of them a checkpoint with quorum covers."""
    confirmed_ms: int
    """Unix milliseconds by which a quorum had last seen it as it was received, or 0."""
    note: bytes
    """The newest checkpoint note that covers more of it, or empty."""
    closed: bool
    """Whether it has ended, and nothing newer will be said of it."""


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """Something in the feed that must not be there, or is missing; the feed goes on after it."""

    code: str
    message: str
    compartment: str
    index: int | None = None
    sender: str | None = None
    evidence: bytes | None = None
    """A signed checkpoint that shows it, or two of them as a portable proof (``split_view``), if there is one."""
    evidence_file: str | None = None
    """Where the evidence is kept; a proof that convicts ends in ``.json``, and `seinpost proof verify` checks it."""
