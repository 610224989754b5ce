# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`seinpost feedback` and `seinpost recall`."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from seinpost.answer import Answer
from seinpost.config import load_config
from seinpost.connection import Connection

from . import clean, fail
from ._output import saying
from ._passphrase import unlock


def _connection(config_file: Path, passphrase_file: Path | None) -> Connection:
    config = load_config(config_file)
    identity = unlock(config, passphrase_file)
    return Connection(config, identity, on_waiting=fail)


def _print(answer: Answer, what: str, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(msgspec.to_builtins(answer)))
    else:
        print("  ".join(map(clean, (what, answer.compartment, str(answer.index), answer.signal))))


async def run_feedback(
    signal: str,
    report: dict[str, str | None],
    sender: str | None,
    config_file: Path,
    passphrase_file: Path | None,
    *,
    as_json: bool,
) -> int:
    """Send feedback; 0 when it was admitted."""
    async with _connection(config_file, passphrase_file) as post:
        answer = await post.feedback(
            signal, report["act"] or "", text=report["text"], official=report["official"], sender=sender
        )
    with saying("it was sent and admitted"):
        _print(answer, "admitted", as_json=as_json)
    return 0


async def run_recall(
    signal: str, reason: str, config_file: Path, passphrase_file: Path | None, *, as_json: bool
) -> int:
    """Recall a signal; 0 when the recall was admitted."""
    async with _connection(config_file, passphrase_file) as post:
        answer = await post.recall(signal, reason)
    with saying("it was sent, and the signal is recalled"):
        _print(answer, "recalled", as_json=as_json)
        if not as_json:
            print(f"who has withdrawn it: seinpost receipts {clean(answer.signal)} --config {config_file}")
    return 0
