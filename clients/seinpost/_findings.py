# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What reading the logs has found so far: what is audited, what was taken back, and what is wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from seinpost_schemas.compartment import Compartment
from seinpost_schemas.subjects import feed_stream
from seinpost_schemas.uuid7 import format_id

from ._evidence import FIRST_PROOFS, is_newest, keep_evidence
from ._reading_state import RecallRow
from .delivery import Alarm, Audited, Delivery, Recalled, Status

_KEPT_ALARMS = 10_000
_log = logging.getLogger("seinpost")


def log_alarm(alarm: Alarm) -> None:
    """The default: one warning line, without content."""
    _log.warning("feed alarm %s in %s at %s: %s", alarm.code, alarm.compartment, alarm.index, alarm.message)


def note_audited(_audited: Audited) -> None:
    """The default: nothing more than ``Findings.status`` then says."""


def note_recalled(_recalled: Recalled) -> None:
    """The default: nothing more than ``Findings.status`` then says."""


class Findings:
    """Keeps what was found, with its proofs, and tells whoever reads."""

    def __init__(
        self,
        state: Path,
        on_alarm: Callable[[Alarm], None],
        on_audited: Callable[[Audited], None],
        on_recalled: Callable[[Recalled], None],
    ) -> None:
        self._folder = state / "evidence"
        self._on_alarm = on_alarm
        self._on_audited = on_audited
        self._on_recalled = on_recalled
        self._audited: dict[tuple[str, Compartment], int] = {}
        self._alarmed: set[str] = set()
        self._recalled: set[tuple[str, int, str]] = set()
        self._flooded: set[Path] = set()
        """Where the newest of too many proofs is kept: that it is so was said."""
        self.notes: dict[tuple[str, Compartment], bytes] = {}
        """By period and compartment, the newest checkpoint under which a log was audited."""
        self.alarms: list[Alarm] = []
        """The alarms since the start, the newest thousands of them."""

    def status(self, delivery: Delivery) -> Status:
        """See ``Connection.status``."""
        stream = feed_stream(delivery.period, delivery.compartment)
        if (stream, delivery.index, delivery.signal.id) in self._recalled:
            return "recalled"
        if delivery.index < self._audited.get((delivery.period, delivery.compartment), 0):
            return "audited"
        return "alarm" if str(delivery.compartment) in self._alarmed else "pending"

    def take_audited(self, audited: Audited) -> None:
        """A log is audited up to a size."""
        log = (audited.period, audited.compartment)
        self._audited[log] = audited.size
        self.notes[log] = audited.note
        self._on_audited(audited)

    def take_recalled(self, recalled: Recalled) -> None:
        """A signal was taken back."""
        stream = feed_stream(recalled.period, recalled.compartment)
        self._recalled.add((stream, recalled.index, recalled.signal))
        self._on_recalled(recalled)

    def remember_recalls(self, recalls: Iterable[RecallRow]) -> None:
        """What was taken back while an earlier process of this reader read."""
        self._recalled.update((r.stream, r.index, format_id(r.signal_id)) for r in recalls)

    def take_alarm(self, alarm: Alarm) -> None:
        """Something is wrong: its proof is kept in a file first."""
        if alarm.evidence is not None:
            kept = keep_evidence(self._folder, alarm.code, alarm.compartment, alarm.evidence)
            alarm = msgspec.structs.replace(alarm, evidence_file=str(kept) if kept is not None else None)
            if kept is not None and is_newest(kept) and kept not in self._flooded:
                self._flooded.add(kept)
                message = f"{alarm.message} (from now on only the first {FIRST_PROOFS} proofs and the newest are kept)"
                alarm = msgspec.structs.replace(alarm, message=message)
        self._note_alarm(alarm)
        self._on_alarm(alarm)

    def remember_alarms(self, alarms: Iterable[Alarm]) -> None:
        """What was wrong with entries that an earlier process of this reader read: they are not read again."""
        for alarm in alarms:
            self._note_alarm(alarm)

    def _note_alarm(self, alarm: Alarm) -> None:
        self.alarms.append(alarm)
        del self.alarms[:-_KEPT_ALARMS]
        if alarm.sender is None:
            # About the log itself, not about one sender's envelope.
            self._alarmed.add(alarm.compartment)
