# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""One console at work: the connection, what was read, and who is at the table. What the pages ask goes here."""

from __future__ import annotations

import time
from collections import Counter
from typing import NamedTuple

from seinpost.connection import Connection
from seinpost.delivery import Alarm, Audited, Recalled
from seinpost.receipts import PartyReceipt
from seinpost.subscriber import readable
from seinpost_schemas.kinds import Action
from seinpost_schemas.policy import may
from seinpost_schemas.register import Party

from .feed_view import Entry, FeedView
from .live import Live
from .marks import Marks, ProtectedView
from .reading import OpenIndex, Reading
from .searching import Searching
from .sessions import Door, Session


class AlarmLine(NamedTuple):
    """An alarm as it is shown: how often it came, and the last one."""

    alarm: Alarm
    times: int


class Table:
    """Reads in the background for as long as the console runs."""

    def __init__(self, marks: Marks, opened: OpenIndex | None = None) -> None:
        self.marks = marks
        self.view = FeedView(marks.is_read, opened.file if opened is not None else None)
        self.live = Live(lambda: self.view.version, lambda: self.feed.progress is not None)
        self.feed = Reading(self.view, marks, self._changed, opened)
        self.feed.restore(wall_ms())
        for alarm in self.feed.kept_alarms():
            self.view.note_alarm(alarm)
        self.searching = Searching(self.view, self._changed, self.index_changed)
        self.door = Door()
        self._connection: Connection | None = None

    @property
    def connection(self) -> Connection:
        """The identity at work."""
        if self._connection is None:
            raise RuntimeError("the console has no connection")
        return self._connection

    @property
    def party(self) -> Party:
        """Whose console this is."""
        return self.connection.directory.view.member(self.connection.identity.sender_id).party

    def note_alarm(self, alarm: Alarm) -> None:
        """For the connection: something is wrong."""
        self.feed.keep_alarm(alarm)
        self.view.note_alarm(alarm)
        self.live.wake()

    def note_audited(self, audited: Audited) -> None:
        """For the connection: more is confirmed."""
        self.view.note_audited(audited, wall_ms())
        self.feed.keep_to_retention()
        self.live.wake()

    def note_recalled(self, recalled: Recalled) -> None:
        """For the connection: a sender took a signal back; its status says so from now on."""
        self.feed.note_recalled(recalled)

    def _changed(self) -> None:
        self.view.version += 1
        self.live.wake()

    def use(self, connection: Connection) -> None:
        """Answer for this identity from now on."""
        self._connection = connection
        self.feed.use(connection)
        self.view.expect(readable(connection.directory.view, connection.identity))

    async def read(self) -> None:
        """Read on from where the index ends, or everything where there is none; what ends it is on every page."""
        await self.feed.run(self.connection)

    @property
    def trouble(self) -> str | None:
        """Why nothing is read any more."""
        return self.feed.trouble

    @property
    def reading(self) -> bool:
        """Whether the feed is being read."""
        return self.feed.active

    def index_changed(self) -> None:
        """The index does not fit together: build it again."""
        self.feed.start_over_soon()

    def status(self, entry: Entry) -> str:
        """pending, audited, alarm or recalled."""
        return self.connection.status(entry.delivery)

    def openings(self, entry: Entry) -> tuple[PartyReceipt, ...]:
        """Who of its audience has opened it, who has not, and who is late."""
        return self.connection.openings(entry.delivery)

    def is_hidden(self, entry: Entry, session: Session) -> bool:
        """Whether its protected section stays closed: on a wall, or when its sender took it back."""
        return session.wall or self.status(entry) == "recalled"

    def may_answer(self, entry: Entry) -> bool:
        """Whether a mandate lets this party give feedback on it."""
        view = self.connection.directory.view
        return may(view, self.party, Action.FEEDBACK, entry.delivery.compartment, wall_ms())

    def alarm_lines(self) -> list[AlarmLine]:
        """The alarms, each kind once per log, the newest first."""
        counts = Counter((a.code, a.compartment) for a in self.view.alarms)
        last = {(a.code, a.compartment): a for a in self.view.alarms}
        return [AlarmLine(last[key], counts[key]) for key in reversed(last)]

    def open(self, entry: Entry) -> None:
        """Someone reads it now."""
        if self.view.mark_read(entry):
            self.marks.mark_read(entry.delivery)
            self.connection.opened(entry.delivery)
            self.live.wake()

    def open_protected(self, entry: Entry, session: Session) -> None:
        """Log who opens a protected section; only then may it be shown."""
        official = session.official or self.connection.identity.name
        view = ProtectedView(wall_ms(), official, entry.signal.id or "", entry.ref.path)
        self.marks.log_view(view)


def wall_ms() -> int:
    """The wall clock, for ages and for the log of views."""
    return time.time_ns() // 1_000_000
