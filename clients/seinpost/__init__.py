# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Publish and read signals of election interference, signed and end-to-end encrypted.

async with seinpost.connect("ncsc.toml") as post:
    answer = await post.publish(signal, theme="process", classification="depv")

async with seinpost.connect("tafel.toml") as table:
    async for delivery in table.signals():
        print(delivery.sender, delivery.signal.report.title)
"""

from __future__ import annotations

from seinpost_schemas.errors import (
    InvalidError,
    MalformedError,
    Reason,
    RefusedError,
    SeinpostError,
    SetupError,
    UnavailableError,
    UpdateNeededError,
)
from seinpost_schemas.signal import (
    Act,
    Evidence,
    ExternalReference,
    Foreign,
    Handling,
    Indicator,
    PersonalDatum,
    Protected,
    Report,
    Signal,
)

from .answer import Answer
from .connection import Connection, connect
from .delivery import Alarm, Delivery
from .epochs import EpochSecrets, Recipient, make_epoch, open_epoch
from .identity import Identity, generate_identity, load_identity, store_identity
from .sealing import open_envelope, seal_envelope
from .signal_json import format_signal, parse_signal

__all__ = [
    "Act",
    "Alarm",
    "Answer",
    "Connection",
    "Delivery",
    "EpochSecrets",
    "Evidence",
    "ExternalReference",
    "Foreign",
    "Handling",
    "Identity",
    "Indicator",
    "InvalidError",
    "MalformedError",
    "PersonalDatum",
    "Protected",
    "Reason",
    "Recipient",
    "RefusedError",
    "Report",
    "SeinpostError",
    "SetupError",
    "Signal",
    "UnavailableError",
    "UpdateNeededError",
    "connect",
    "format_signal",
    "generate_identity",
    "load_identity",
    "make_epoch",
    "open_envelope",
    "open_epoch",
    "parse_signal",
    "seal_envelope",
    "store_identity",
]
