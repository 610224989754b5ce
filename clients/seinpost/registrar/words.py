# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Parts of a register in words of officials, Dutch first. Pure: the translation is an argument."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from seinpost.texts import Texts
from seinpost_schemas.compartment import Classification
from seinpost_schemas.kinds import Action
from seinpost_schemas.register import Mandate, Party, Prohibition, Register


class Words:
    """Names and phrases in one language (``nl`` or ``en``)."""

    def __init__(self, texts: Texts, language: str) -> None:
        self._texts = texts
        self._dutch = language == "nl"
        self._actions = {
            Action.PUBLISH: texts("publish"),
            Action.READ: texts("read"),
            Action.READ_PROTECTED: texts("read the protected section"),
            Action.WITNESS: texts("act as witness"),
            Action.FEEDBACK: texts("give feedback"),
            Action.RELEASE: texts("release to the public"),
            Action.REPORT: texts("report to the representative body"),
            Action.SHARE: texts("share its past signals"),
            Action.AUDIT: texts("audit the sealed log"),
        }
        self._themes = {
            "process": texts("the election process"),
            "debate": texts("the debate"),
            "parties": texts("political parties"),
            "international": texts("international cooperation"),
            "all": texts("every theme"),
        }

    def name(self, party: Party) -> str:
        """The party's name with its token."""
        return f"{party.name_nl if self._dutch else party.name_en} ({party.token})"

    def name_of(self, token: str, *registers: Register) -> str:
        """The name that the first register holding this token gives it."""
        found = (r.party(token) for r in registers)
        return next((self.name(p) for p in found if p is not None), token)

    def listing(self, words: Iterable[str]) -> str:
        """``a, b and c``; a dash for nothing."""
        *first, last = list(words) or ["-"]
        return f"{', '.join(first)} {self._texts('and')} {last}" if first else last

    def actions(self, actions: Iterable[Action]) -> str:
        """Actions in words."""
        return self.listing(self._actions[a] for a in actions)

    def themes(self, themes: Sequence[str]) -> str:
        """Themes in words; none means every one."""
        return self.listing(self._themes.get(t, t) for t in themes or ("all",))

    def level(self, token: str) -> str:
        """A classification as officials write it."""
        return Classification.parse(token).dutch

    def moment(self, at: dt.datetime | None) -> str:
        """A date, with its time in UTC unless that is midnight; a dash for none."""
        if at is None:
            return "-"
        at = at.astimezone(dt.UTC)
        midnight = at.time() == dt.time()
        return f"{at:%Y-%m-%d}" if midnight else f"{at:%Y-%m-%d %H:%M:%S} UTC"

    def yes(self, answer: bool) -> str:
        """Yes or no."""
        return self._texts("yes") if answer else self._texts("no")

    def status(self, status: str) -> str:
        """Whether a basis is stated or only proposed."""
        return self._texts("decision note") if status == "note" else self._texts("default, to be confirmed")

    def types(self, signal_types: Sequence[str]) -> str:
        """Types of signals, each in its own word."""
        return self.listing(self._texts(t) for t in signal_types)

    def size(self, count: int) -> str:
        """A number of bytes, in the largest unit that it is a whole number of."""
        for unit, power in (("GiB", 30), ("MiB", 20), ("KiB", 10)):
            if count % (1 << power) == 0:
                return f"{count >> power} {unit}"
        return f"{count} bytes"

    def mandate(self, mandate: Mandate) -> str:
        """What a mandate lets its party do, with dates and basis."""
        parts = [
            self._texts("{actions} on {themes}, up to {level}").format(
                actions=self.actions(mandate.actions),
                themes=self.themes(mandate.themes),
                level=self.level(mandate.ceiling),
            )
        ]
        if mandate.signal_types:
            types = self.types(mandate.signal_types)
            parts.append(self._texts("only signals of type {types}").format(types=types))
        if mandate.starts:
            parts.append(self._texts("from {day}").format(day=self.moment(mandate.starts)))
        if mandate.until:
            parts.append(self._texts("until {day}").format(day=self.moment(mandate.until)))
        if mandate.default_audience != "all":
            audience = mandate.default_audience
            parts.append(self._texts("to the audience {audience} by default").format(audience=audience))
        parts.append(self.basis(mandate.basis, mandate.status))
        return ", ".join(parts)

    def basis(self, basis: str, status: str) -> str:
        """On which ground, and how sure that is."""
        return self._texts("on the ground of “{basis}” [{status}]").format(
            basis=basis, status=self.status(status)
        )

    def prohibition(self, prohibition: Prohibition) -> str:
        """What a prohibition keeps its party from, with its basis."""
        parts = [
            self._texts("{actions} on {themes}").format(
                actions=self.actions([prohibition.action]), themes=self.themes(prohibition.themes)
            )
        ]
        if prohibition.signal_types:
            types = self.types(prohibition.signal_types)
            parts.append(self._texts("signals of type {types}").format(types=types))
        parts.append(self.basis(prohibition.basis, prohibition.status))
        return ", ".join(parts)
