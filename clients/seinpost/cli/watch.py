# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`seinpost watch`: the quick terminal view of verified signals."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import re
import sys
from pathlib import Path

import msgspec
from rich.console import Console
from rich.text import Text

from seinpost.act_words import act_words
from seinpost.alarm_words import alarm_advice, alarm_sentence
from seinpost.config import load_config
from seinpost.connection import Connection
from seinpost.delivery import Alarm, Audited, Delivery, Recalled, Status
from seinpost.local_time import local_time
from seinpost.texts import Texts
from seinpost_schemas.errors import UnavailableError
from seinpost_schemas.signal import Signal

from . import clean, fail
from ._expiry import warn_of_expiry
from ._passphrase import unlock
from ._suspects import Shown
from ._text import load_texts

_HEADINGS = ("time", 8), ("compartment", 18), ("sender", 9), ("type", 12), ("severity", 8), ("title", 0)
_TRICKS = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_CLASSIFICATION_STYLE = {"ong": "green", "depv": "bold yellow"}


class Table:
    """Prints a row per signal; plain columns where there is no terminal."""

    def __init__(self, *, as_json: bool, texts: Texts, console: Console | None = None) -> None:
        self._as_json = as_json
        self._texts = texts
        # A pipe or a file gets whole rows; a terminal gets rows that fit it.
        self._console = console or Console(highlight=False, width=None if sys.stdout.isatty() else 400)
        self._headed = False

    def show_audited(self, audited: Audited) -> None:
        """What witnesses have confirmed: a line on a terminal only, since a file holds signals."""
        if not self._as_json and self._console.is_terminal:
            text = self._texts.plural(
                "audited: the first entry of {compartment}",
                "audited: the first {size} entries of {compartment}",
                audited.size,
            )
            row = "✓ " + text.format(size=audited.size, compartment=audited.compartment)
            self._console.print(Text(row, style="dim"))

    def show_recalled(self, recalled: Recalled) -> None:
        """A signal that is to be withdrawn from view."""
        if self._as_json:
            row = {
                "recalled": recalled.signal,
                "sender": recalled.sender,
                "compartment": str(recalled.compartment),
                "reason": recalled.reason,
                "admitted": dt.datetime.fromtimestamp(recalled.admitted_ms / 1000, dt.UTC),
            }
            print(escaped(row), flush=True)
            return
        text = self._texts("RECALLED by {sender}, {reason}: signal {signal} in {compartment}").format(
            sender=recalled.sender,
            reason=self._texts(recalled.reason),
            signal=recalled.signal,
            compartment=recalled.compartment,
        )
        self._console.print(Text(text, style="reverse"))

    def show_suspect(self, delivery: Delivery, reason: str) -> None:
        """A signal that was shown, whose identity was revoked since."""
        if self._as_json:
            row = {
                "suspected": delivery.signal.id,
                "sender": delivery.sender,
                "identity": delivery.identity,
                "compartment": str(delivery.compartment),
                "index": delivery.index,
                "number": delivery.number,
                "reason": reason,
            }
            print(escaped(row), flush=True)
            return
        text = self._texts(
            "SUSPECT: {identity} of {sender} was revoked ({reason}): signal {signal} in {compartment}, shown before"
        ).format(
            identity=delivery.identity,
            sender=delivery.sender,
            reason=clean(self._texts(reason)),
            signal=delivery.signal.id,
            compartment=delivery.compartment,
        )
        self._console.print(Text(text, style="reverse red"))

    def show(self, delivery: Delivery, status: Status = "pending", suspicion: str | None = None) -> None:
        """One verified signal."""
        if self._as_json:
            print(to_json(delivery, status, suspicion), flush=True)
            return
        if not self._headed:
            heading = "  ".join(self._texts(name).ljust(width) for name, width in _HEADINGS)
            self._console.print(Text(heading, style="bold"))
            self._headed = True
        self._console.print(self._row(delivery, suspicion), overflow="ellipsis", no_wrap=True)

    def _row(self, delivery: Delivery, suspicion: str | None) -> Text:
        admitted = local_time(delivery.admitted_ms)
        signal = delivery.signal
        is_signal = isinstance(signal, Signal)
        kind = signal.handling.signal_type if isinstance(signal, Signal) else "act"
        severity = signal.handling.severity if isinstance(signal, Signal) else None
        title = signal.report.title if isinstance(signal, Signal) else act_words(signal.report, self._texts)
        row = Text(f"{admitted:%H:%M:%S}  ")
        style = _CLASSIFICATION_STYLE.get(delivery.compartment.classification.token, "bold red")
        row.append(f"{delivery.compartment!s:18}  ", style=style)
        row.append(f"{delivery.sender:9}  {self._texts(kind)[:12]:12}  {severity or '-'!s:8}  ")
        if is_signal and signal.handling.exercise:
            row.append(self._texts("EXERCISE") + "  ", style="reverse")
        if suspicion is not None:
            row.append(self._texts("SUSPECT") + "  ", style="bold reverse red")
        row.append(clean(title))
        if isinstance(signal, Signal) and signal.handling.supersedes:
            row.append(
                "  " + self._texts("supersedes {ids}").format(ids=", ".join(signal.handling.supersedes))
            )
        if not isinstance(signal, Signal):
            row.append("  " + self._texts("(signal {ids})").format(ids=", ".join(signal.handling.refers_to)))
            if signal.report.text:
                row.append("  " + clean(signal.report.text))
        return row


def to_json(delivery: Delivery, status: Status, suspicion: str | None = None) -> str:
    """One delivery as a JSON line; ``suspect`` says why its identity was revoked."""
    suspect = {} if suspicion is None else {"suspect": suspicion}
    return escaped(
        {
            "signal": delivery.signal,
            "sender": delivery.sender,
            "identity": delivery.identity,
            "compartment": str(delivery.compartment),
            "index": delivery.index,
            "number": delivery.number,
            "status": status,
            "admitted": dt.datetime.fromtimestamp(delivery.admitted_ms / 1000, dt.UTC),
            "object_hash": delivery.object_hash.hex(),
            **suspect,
        }
    )


def escaped(value: object) -> str:
    """JSON in which characters that could play tricks on a terminal stand as their escapes."""
    text = msgspec.json.encode(value).decode()
    return _TRICKS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def alarm_line(alarm: Alarm, texts: Texts) -> str:
    """One alarm in words: where it is, what it means, what to do, and in English exactly what was found."""
    where = texts("the directory") if alarm.compartment == "directory" else alarm.compartment
    if alarm.index is not None:
        where += texts(", entry {index}").format(index=alarm.index)
    if alarm.sender is not None:
        where += f" ({alarm.sender})"
    said = texts("ALARM {code} in {where}: {sentence} {advice} [{detail}]").format(
        code=alarm.code,
        where=where,
        sentence=alarm_sentence(alarm.code, texts),
        advice=alarm_advice(alarm.code, texts),
        detail=alarm.message,
    )
    return said + evidence_words(alarm, texts)


def evidence_words(alarm: Alarm, texts: Texts) -> str:
    """Where what proves it is kept; nothing when nothing is."""
    if alarm.evidence_file is None:
        return ""
    return "; " + texts("evidence: {file}").format(file=alarm.evidence_file)


async def run(
    config_file: Path,
    passphrase_file: Path | None,
    *,
    from_start: bool,
    count: int | None,
    idle: float | None,
    as_json: bool,
    language: str,
) -> int:
    """Show signals until stopped; 0, or 1 when there was an alarm.

    Raises ``UnavailableError`` when another process of this identity read for as long as ``idle``.
    """
    texts = load_texts(language)
    config = load_config(config_file)
    identity = unlock(config, passphrase_file)
    table = Table(as_json=as_json, texts=texts)
    async with Connection(
        config,
        identity,
        on_alarm=lambda a: fail(alarm_line(a, texts)),
        on_audited=table.show_audited,
        on_recalled=table.show_recalled,
        on_waiting=fail,
    ) as connection:
        if not as_json and sys.stderr.isatty():
            print(texts("watching as {party}; Ctrl-C stops").format(party=identity.party), file=sys.stderr)
        warn_of_expiry(connection, texts)
        shown = 0
        remembered = Shown(connection, table.show_suspect)
        following = asyncio.ensure_future(remembered.follow())
        async with contextlib.aclosing(connection.signals(from_start=from_start)) as deliveries:
            while count is None or shown < count:
                try:
                    async with asyncio.timeout(idle):
                        delivery = await anext(deliveries)
                except (TimeoutError, StopAsyncIteration):
                    break
                table.show(delivery, connection.status(delivery), remembered.add(delivery))
                connection.opened(delivery)
                shown += 1
            # What was shown was taken: one step on stores the position, before the generator is closed.
            with contextlib.suppress(TimeoutError, StopAsyncIteration):
                async with asyncio.timeout(0):
                    await anext(deliveries)
        following.cancel()
        if not connection.has_read:
            raise UnavailableError(
                f"nothing was read: another process reads as {identity.name}; stop that one, or wait longer (--idle)"
            )
        return 1 if connection.alarms else 0
