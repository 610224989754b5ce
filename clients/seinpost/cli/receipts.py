# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`seinpost receipts`: who has opened what we sent."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
from rich.console import Console
from rich.text import Text

from seinpost.config import load_config
from seinpost.local_time import local_time
from seinpost.receipts import PartyReceipt, SignalReceipts

from ._looking import looking
from ._passphrase import unlock
from ._text import load_texts

_STYLES = {
    "none": "yellow",
    "delivered": "yellow",
    "opened": "green",
    "acknowledged": "bold green",
    "withdrawn": "cyan",
}


async def run(
    signal: str | None,
    limit: int,
    config_file: Path,
    passphrase_file: Path | None,
    *,
    as_json: bool,
    language: str,
) -> int:
    """Print the receipts; 0, or 1 when there was an alarm in the logs that they stand in."""
    texts = load_texts(language)
    config = load_config(config_file)
    identity = unlock(config, passphrase_file)
    async with looking(config, identity, texts) as connection:
        found = await connection.receipts(signal_id=signal, limit=limit)
        status = 1 if connection.alarms else 0
    if as_json:
        for one in found:
            print(json.dumps(msgspec.to_builtins(one)))
        return status
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 400)
    if not found:
        console.print(texts("nothing was sent with this identity"))
    for one in found:
        _show(console, one, texts)
    return status


def _show(console: Console, one: SignalReceipts, texts: Callable[[str], str]) -> None:
    state = texts("recalled") if one.recalled else texts("audited") if one.audited else texts("admitted")
    opened = sum(p.state in ("opened", "acknowledged", "withdrawn") for p in one.parties)
    withdrawn = sum(p.state == "withdrawn" for p in one.parties)
    heading = Text(f"{one.signal}  {one.compartment}  {_time(one.admitted_ms)}  {state}  ", style="bold")
    if one.recalled:
        heading.append(texts("withdrawn by {n} of {m}").format(n=withdrawn, m=len(one.parties)))
    else:
        heading.append(texts("opened by {n} of {m}").format(n=opened, m=len(one.parties)))
    console.print(heading)
    for party in one.parties:
        console.print(_row(party, texts))


def _row(party: PartyReceipt, texts: Callable[[str], str]) -> Text:
    words = {
        "none": texts("has not received it"),
        "delivered": texts("received, not opened"),
        "opened": texts("opened"),
        "acknowledged": texts("acknowledged"),
        "withdrawn": texts("withdrawn"),
    }
    row = Text(f"    {party.party:12} ")
    row.append(words[party.state], style=_STYLES[party.state])
    if party.at_ms is not None:
        row.append(f"  {_time(party.at_ms)}")
    if party.late:
        row.append("  " + texts("LATE"), style="bold red")
    return row


def _time(at_ms: int) -> str:
    return f"{local_time(at_ms):%Y-%m-%d %H:%M:%S}"
