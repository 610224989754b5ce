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

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
    from .delivery import Alarm, Audited, Delivery, Recalled
    from .epochs import EpochSecrets, Recipient, make_epoch, open_epoch
    from .identity import Identity, generate_identity, load_identity, store_identity
    from .sealing import open_envelope, seal_envelope
    from .signal_json import format_signal, parse_signal

__all__ = [
    "Act",
    "Alarm",
    "Answer",
    "Audited",
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
    "Recalled",
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

_HOMES = {
    "seinpost_schemas.errors": (
        "InvalidError",
        "MalformedError",
        "Reason",
        "RefusedError",
        "SeinpostError",
        "SetupError",
        "UnavailableError",
        "UpdateNeededError",
    ),
    "seinpost_schemas.signal": (
        "Act",
        "Evidence",
        "ExternalReference",
        "Foreign",
        "Handling",
        "Indicator",
        "PersonalDatum",
        "Protected",
        "Report",
        "Signal",
    ),
    "seinpost.answer": ("Answer",),
    "seinpost.connection": ("Connection", "connect"),
    "seinpost.delivery": ("Alarm", "Audited", "Delivery", "Recalled"),
    "seinpost.epochs": ("EpochSecrets", "Recipient", "make_epoch", "open_epoch"),
    "seinpost.identity": ("Identity", "generate_identity", "load_identity", "store_identity"),
    "seinpost.sealing": ("open_envelope", "seal_envelope"),
    "seinpost.signal_json": ("format_signal", "parse_signal"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """A public name, loaded when first used: a command that is interrupted at once has nothing half-loaded."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(_HOME[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
