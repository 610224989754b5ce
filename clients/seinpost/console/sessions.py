# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Who may come in: one-time start tokens, and the sessions that they are exchanged for. Pure; takes the time.

Tokens and session numbers are kept as hashes only, so that nothing in memory or in an error lets anyone in.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Literal

import msgspec

from .matching import IndicatorSought
from .officials import Official, Role
from .text_search import TextSearch

TOKEN_SECONDS = 15 * 60
SESSION_SECONDS = 12 * 3600
IDLE_SECONDS = 3600
_MAX_SESSIONS = 50
_MAX_SEARCHES = 20
_MAX_INDICATORS = 200
Scheme = Literal["auto", "light", "dark"]


class Session(msgspec.Struct, kw_only=True, eq=False):
    """One browser that came in by a start link."""

    csrf: str
    began: float
    used: float
    language: str = "nl"
    scheme: Scheme = "auto"
    wall: bool = False
    """A screen that many can see: no protected section is shown."""
    account: Official | None = None
    """Who logged in, where the console has accounts."""
    searches: dict[str, TextSearch] = {}
    indicators: dict[str, IndicatorSought] = {}
    notice: str = ""
    notice_at: str = ""
    """The part of the page that the notice belongs to; empty for the top of it."""

    @property
    def official(self) -> str | None:
        """The number of the official who logged in."""
        return self.account.number if self.account is not None else None

    @property
    def role(self) -> Role:
        """What that official may; where there are no accounts, whoever has the start link may everything."""
        return self.account.role if self.account is not None else "coordinator"

    def become(self, official: Official) -> None:
        """Someone logged in. What the session searched for was another's perhaps."""
        self.account = official
        self.searches, self.indicators = {}, {}

    def forget_official(self) -> None:
        """Whoever it was is asked again."""
        self.account = None

    def add_search(self, text: str) -> str:
        """The number of a new search; the oldest ones go."""
        number = secrets.token_hex(4)
        self.searches[number] = TextSearch(text)
        for old in list(self.searches)[:-_MAX_SEARCHES]:
            self.searches.pop(old).stopped = True
        return number

    def add_indicator(self, sought: IndicatorSought) -> str:
        """The number of an indicator that is asked for; the one that it has, if there is one."""
        for number, known in self.indicators.items():
            if known == sought:
                return number
        number = secrets.token_hex(4)
        self.indicators[number] = sought
        for old in list(self.indicators)[:-_MAX_INDICATORS]:
            del self.indicators[old]
        return number

    def take_notice(self) -> tuple[str, str]:
        """What the last act wants to say and where, once."""
        notice, at = self.notice, self.notice_at
        self.notice = self.notice_at = ""
        return notice, at


class Door:
    """Start tokens and sessions."""

    def __init__(self) -> None:
        self._tokens: dict[bytes, float] = {}
        self._sessions: dict[bytes, Session] = {}

    def new_token(self, now: float) -> str:
        """A token for one start link."""
        token = secrets.token_urlsafe(32)
        self._tokens[_hash(token)] = now
        return token

    def enter(self, token: str, now: float) -> tuple[str, Session] | None:
        """A new session's number for a token that is good, once; the number is never one that was offered."""
        made = self._tokens.pop(_hash(token), None)
        if made is None or now - made > TOKEN_SECONDS:
            return None
        return self._begin(Session(csrf=secrets.token_urlsafe(32), began=now, used=now))

    def _begin(self, session: Session) -> tuple[str, Session]:
        number = secrets.token_urlsafe(32)
        self._sessions[_hash(number)] = session
        for old in list(self._sessions)[:-_MAX_SESSIONS]:
            del self._sessions[old]
        return number, session

    def find(self, number: str, now: float) -> Session | None:
        """The session with this number, unless it has ended."""
        session = self._sessions.get(_hash(number))
        if session is None:
            return None
        idle = now - session.used > IDLE_SECONDS and not session.wall
        if idle or now - session.began > SESSION_SECONDS:
            self.leave(number)
            return None
        return session

    def renew(self, number: str) -> str:
        """Another number for the same session: what was known before a login is worth nothing after it."""
        session = self._sessions.pop(_hash(number))
        session.csrf = secrets.token_urlsafe(32)
        return self._begin(session)[0]

    def leave(self, number: str) -> None:
        """End a session."""
        self._sessions.pop(_hash(number), None)


def is_own_form(session: Session, token: str) -> bool:
    """Whether a form carries the session's token."""
    return hmac.compare_digest(session.csrf.encode(), token.encode(errors="replace"))


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="replace")).digest()
