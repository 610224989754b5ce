# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What organisations, witnesses and officials are called on a page. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from seinpost.texts import Texts
from seinpost_schemas.register import Party, Register

_SHORT_CHARACTERS = 22
_ABBREVIATIONS = {
    "bzk": "BZK", "om": "OM", "ncsc": "NCSC", "ibd": "IBD", "cvdm": "CvdM", "acm": "ACM", "ap": "AP", "aivd": "AIVD",
    "mivd": "MIVD", "nctv": "NCTV", "ec": "EC", "toezicht": "Toezicht",
}  # fmt: skip
"""What the parties of the shipped register are called in speech; others go by their name, or their token."""


class Called:
    """Names in one language; an official's own name only for the party whose console this is."""

    def __init__(
        self, register: Register, own: str, people: Mapping[str, str], language: str, texts: Texts
    ) -> None:
        self._names = {p.token: p.name_nl if language == "nl" else p.name_en for p in register.parties}
        self._identities = {i.name: p.token for p in register.parties for i in p.identities}
        self._own = own
        self._people = people
        self._texts = texts

    def full(self, token: str) -> str:
        """An organisation's whole name."""
        return self._names.get(token, token)

    def short(self, token: str) -> str:
        """An organisation's name in a word or two."""
        name = self.full(token)
        if token in _ABBREVIATIONS:
            return _ABBREVIATIONS[token]
        return name if len(name) <= _SHORT_CHARACTERS else token.upper()

    def is_short(self, token: str) -> bool:
        """Whether the short name stands for a longer one."""
        return self.short(token) != self.full(token)

    def witness(self, name: str) -> str:
        """The organisation behind a witness's key, by the last part of the key's name."""
        identity = name.rpartition("/")[2]
        return self.short(self._identities.get(identity, identity.removesuffix("-witness")))

    def witnesses(self, names: Iterable[str]) -> str:
        """The organisations behind several keys, in a row."""
        return self._row([self.witness(name) for name in names])

    def several(self, tokens: list[str]) -> str:
        """Short names in a row, with a comma or the word for "and" between them."""
        return self._row([self.short(token) for token in tokens])

    def _row(self, names: list[str]) -> str:
        if len(names) < 2:
            return "".join(names)
        return self._texts("{names} and {last}").format(names=", ".join(names[:-1]), last=names[-1])

    def official(self, number: str | None, party: str = "") -> str:
        """An official by number, and by name where that is one of ours and known here."""
        if not number:
            return ""
        name = self._people.get(number) if party in ("", self._own) else None
        said = self._texts("official {number}").format(number=number)
        return f"{name} ({said})" if name else said

    def person(self, number: str) -> str:
        """One of our own officials, by name where it is known, else by number: where there is little room."""
        return self._people.get(number) or self._texts("official {number}").format(number=number)


def name_of(party: Party, language: str) -> str:
    """A party's whole name in a language."""
    return party.name_nl if language == "nl" else party.name_en
