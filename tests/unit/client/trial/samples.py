# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Signals and acts to seal."""

from __future__ import annotations

import datetime as dt
from typing import Any

from seinpost_schemas.sections import EncodedSignal, encode_act, encode_signal
from seinpost_schemas.signal import Act, ActHandling, ActReport, Handling, Protected, Report, Signal
from seinpost_schemas.uuid7 import format_id, make_id

FAR = dt.datetime(2098, 12, 31, tzinfo=dt.UTC)


def id_of(number: int) -> bytes:
    """A signal id made from a number."""
    return make_id(1_790_000_000_000 + number, number.to_bytes(10, "big"))


def signal(number: int = 1, title: str = "", protected: str | None = None, **handling: Any) -> Signal:
    """A signal; ``protected`` is the source's description."""
    fields: dict[str, Any] = {
        "schema": 1,
        "signal_type": "incident",
        "valid_until": FAR,
        "tlp": "amber",
        "classified_until": "2098-12-31",
        **handling,
    }
    title = title or f"Signaal {number}"
    return Signal(
        id=format_id(id_of(number)),
        handling=Handling(**fields),
        report=Report(title=title, text=f"{title}: wat er gezien is."),
        protected=Protected(source_description=protected) if protected else None,
    )


def encoded(number: int = 1, title: str = "", protected: str | None = None, **handling: Any) -> EncodedSignal:
    """The same as sections."""
    return encode_signal(signal(number, title, protected, **handling), id_of(number))


def act(number: int = 1) -> EncodedSignal:
    """Feedback on signal ``number``, as sections."""
    made = Act(
        handling=ActHandling(schema=1, refers_to=(format_id(id_of(number)),)),
        report=ActReport(act="Gezien"),
    )
    return encode_act(made, id_of(number + 1_000))
