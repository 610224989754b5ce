# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""One console at work: the connection, what was read, and who is at the table. What the pages ask goes here."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from typing import NamedTuple

from seinpost.connection import Connection
from seinpost.delivery import Alarm, Audited, Recalled
from seinpost.receipts import PartyReceipt
from seinpost.subscriber import readable
from seinpost_schemas.errors import SeinpostError
from seinpost_schemas.kinds import Action
from seinpost_schemas.policy import may
from seinpost_schemas.register import Party

from .feed_view import Entry, FeedView
from .live import Live
from .marks import Marks, ProtectedView
from .sessions import Door, Session

_TURN = 50


class AlarmLine(NamedTuple):
    """An alarm as it is shown: how often it came, and the last one."""

    alarm: Alarm
    times: int


class Table:
    """Reads in the background for as long as the console runs."""

    def __init__(self, marks: Marks) -> None:
        self.marks = marks
        self.view = FeedView(marks.is_read)
        self.live = Live(lambda: self.view.version)
        self.door = Door()
        self.trouble: str | None = None
        """Why nothing is read any more."""
        self.reading = False
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
        self.view.note_alarm(alarm)
        self.live.wake()

    def note_audited(self, audited: Audited) -> None:
        """For the connection: more is confirmed."""
        self.view.note_audited(audited, wall_ms())
        self.live.wake()

    def note_recalled(self, _recalled: Recalled) -> None:
        """For the connection: a sender took a signal back; its status says so from now on."""
        self.view.version += 1
        self.live.wake()

    def use(self, connection: Connection) -> None:
        """Answer for this identity from now on."""
        self._connection = connection
        self.view.expect(readable(connection.directory.view, connection.identity))

    async def read(self) -> None:
        """Read everything, from the start; what ends the reading is shown on every page."""
        self.reading = True
        try:
            async with contextlib.aclosing(self.connection.signals(from_start=True)) as deliveries:
                async for delivery in deliveries:
                    self.view.add(delivery)
                    self.live.wake()
                    if len(self.view) % _TURN == 0:
                        # Catching up need not wait for anything: let the pages have a turn.
                        await asyncio.sleep(0)
            self.trouble = "the feed ended"
        except SeinpostError as error:
            self.trouble = str(error)
        except Exception as error:
            # A bug: said on every page, without what it was about, and told to whoever waits for this.
            self.trouble = f"internal error: {type(error).__name__}"
            raise
        finally:
            self.reading = False
            self.view.version += 1
            self.live.wake()

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
