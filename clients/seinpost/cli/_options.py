# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The options that most commands of `seinpost` share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter, Token
from cyclopts.validators import Number

MOST_SECONDS = 366 * 86_400.0

Config = Annotated[Path, Parameter(name=["--config", "-c"], help="The identity's configuration (TOML).")]
PassphraseFile = Annotated[
    Path | None,
    Parameter(
        name="--passphrase-file",
        help="A file (mode 0600) whose first line is the passphrase; else SEINPOST_PASSPHRASE, else the file "
        "that the configuration names, else a prompt.",
    ),
]
Language = Literal["nl", "en"]
Lang = Annotated[Language, Parameter(help="nl or en.")]
Role = Literal["reader", "coordinator"]
Count = Annotated[int, Parameter(validator=Number(gte=1))]
Port = Annotated[int, Parameter(validator=Number(gte=0, lte=65_535))]
Seconds = Annotated[float, Parameter(validator=Number(gt=0, lte=MOST_SECONDS))]


def _day(_type: object, tokens: Sequence[Token]) -> dt.date:
    try:
        return dt.date.fromisoformat(tokens[0].value)
    except ValueError:
        raise ValueError("write a day as 2026-11-24") from None


Day = Annotated[dt.date, Parameter(converter=_day, n_tokens=1)]
AsJson = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON, one object per line.")]
