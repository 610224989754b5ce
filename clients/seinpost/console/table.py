# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""One console at work: the connection, what was read, and who is at the table. What the pages ask goes here."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence

from seinpost._given import readable
from seinpost.connection import Connection
from seinpost.delivery import Alarm, Audited, Recalled
from seinpost.receipts import PartyReceipt, ReaderStatus
from seinpost.texts import Texts
from seinpost_schemas.errors import RefusedError
from seinpost_schemas.kinds import Action
from seinpost_schemas.policy import may
from seinpost_schemas.register import Party, Register

from .alarm_board import AlarmBoard
from .called import Called
from .feed_view import Entry, FeedView, Ref
from .health import LogHealth, LogHealths, PartnerHealth, partners_of
from .history import Happening, Opinion, happenings, opinion_of
from .live import Live
from .marks import Marks, ProtectedView
from .officials import Official
from .people import People
from .reading import OpenIndex, Reading
from .searching import Searching
from .sessions import Door, Session
from .standing import Standing, standing_of

_LOOK_SECONDS = 1.0


class Table:
    """Reads in the background for as long as the console runs."""

    def __init__(self, marks: Marks, people: People, opened: OpenIndex | None = None) -> None:
        self.marks = marks
        self.people = people
        self.board = AlarmBoard()
        self.view = FeedView(marks.is_read, opened.file if opened is not None else None)
        self.live = Live(lambda: self.view.version, lambda: self.feed.progress is not None)
        self.feed = Reading(self.view, marks, self._changed, opened)
        self.feed.restore(wall_ms())
        for alarm in self.feed.kept_alarms():
            self.view.note_alarm(alarm)
            self.board.note(alarm, wall_ms())
        self.searching = Searching(self.view, self._changed, self.index_changed)
        self.door = Door()
        self._connection: Connection | None = None
        self._acknowledged: set[Ref] = set()
        """What was acknowledged since the start: its receipt may not have come back to us yet."""
        self._log_healths = LogHealths()

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
        self.board.note(alarm, wall_ms())
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
        self._expect()

    def _expect(self) -> None:
        """The logs that are to be there: mandates begin while people look."""
        with contextlib.suppress(RefusedError):
            self.view.expect(readable(self.connection.directory.view, self.connection.identity))

    async def read(self) -> None:
        """Read on from where the index ends, or everything where there is none; what ends it is on every page."""
        following = asyncio.ensure_future(self._follow_directory())
        try:
            await self.feed.run(self.connection)
        finally:
            following.cancel()

    async def _follow_directory(self) -> None:
        """A revocation makes rows suspect that are on pages already."""
        size = 0
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            self._expect()
            if (now := self.connection.directory.directory.size) != size:
                size = now
                self._changed()

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

    def suspicion(self, entry: Entry) -> str | None:
        """Why its identity was revoked, if it is suspect by that."""
        return self.connection.suspicion(entry.delivery)

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

    @property
    def register(self) -> Register:
        """The register in force."""
        return self.connection.directory.view.register

    def called(self, language: str, texts: Texts) -> Called:
        """What parties and officials are called in a language."""
        return Called(self.register, self.party.token, self.people.names, language, texts)

    def opinion(self, entry: Entry) -> Opinion:
        """What the parties said of it."""
        return opinion_of(self.view.acts(entry))

    def own_state(self, entry: Entry) -> str:
        """What our own party did with it, what is still to be reported included."""
        said = self.connection.to_be_said(entry.delivery)
        logged = next((o.state for o in self.openings(entry) if o.party == self.party.token), "none")
        if logged == "withdrawn":
            return logged
        if entry.ref in self._acknowledged or "acknowledged" in (said, logged):
            return "acknowledged"
        return "none" if entry.unread and logged in ("none", "delivered") else "opened"

    def acknowledge(self, entry: Entry) -> None:
        """Someone takes it up: the next receipt says so."""
        self.connection.acknowledge(entry.delivery)
        self._acknowledged.add(entry.ref)
        self._changed()

    def colleagues(self, accounts: Sequence[Official]) -> list[str]:
        """Every number that a signal can be given to: who has an account here, and who is in the book of names."""
        return sorted({official.number for official in accounts} | set(self.people.numbers))

    def standing(self, entry: Entry) -> Standing:
        """How it stands now."""
        return standing_of(self.connection, self.view, entry)

    def history(self, entry: Entry) -> list[Happening]:
        """What happened with it, the oldest first."""
        return happenings(
            entry,
            own=self.party.token,
            acts=self.view.acts(entry),
            table_acts=self.view.table_acts(entry),
            openings=self.openings(entry),
            superseded_by=self.view.superseded_by(entry),
            recall=self.connection.recall_of(entry.delivery),
        )

    # -- health -----------------------------------------------------------------------------------

    def confirmed_ms(self) -> dict[str, int]:
        """By compartment, when a quorum had last seen its log as we have it."""
        newest: dict[str, int] = {}
        for log in self.connection.logs():
            place = str(log.compartment)
            newest[place] = max(newest.get(place, 0), log.confirmed_ms)
        return newest

    def log_healths(self) -> list[LogHealth]:
        """Every log that is followed."""
        return self._log_healths.of(self.connection.logs(), self.register)

    def partners(self, *, exercise: bool) -> list[PartnerHealth]:
        """Every other organisation, with what it sent and how far it has read."""
        return partners_of(
            self.register,
            self.party.token,
            self.view.counts(exercise=exercise)["sender"],
            self.view.last_heard,
            self.connection.readers(),
            self._admitted_ms,
        )

    def _admitted_ms(self, reader: ReaderStatus) -> int | None:
        place, period = reader.compartment, self.register.periods.current
        if reader.next_index is None:
            return None
        ref = Ref(period, place.classification.token, place.theme.token, reader.next_index, 0)
        entry = self.view.get(ref)
        return entry.delivery.admitted_ms if entry is not None else None

    def people_changed(self) -> None:
        """A name is another one now: every page that shows it is out of date."""
        self._changed()

    def resolve_alarm(self, code: str, session: Session) -> bool:
        """Whether an alarm was put aside."""
        done = self.board.resolve(code, session.official, wall_ms(), self.confirmed_ms())
        if done:
            self._changed()
        return done

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
