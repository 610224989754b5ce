# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Themes, classifications and compartments (domain.md), as values.

A *thing* has a classification, a *party* a clearance; a compartment is one classification times one
theme.
"""

from __future__ import annotations

import enum

import msgspec

from .errors import MalformedError, Reason, RefusedError


class Theme(enum.Enum):
    """The four themes: token, wire code, and the names that officials see."""

    PROCESS = ("process", 1, "Maatregelen in verkiezingsproces", "measures in the election process")
    DEBATE = ("debate", 2, "Transparant debat en tegengaan desinformatie", "transparent debate")
    PARTIES = ("parties", 3, "Weerbaarheid politieke partijen", "resilience of political parties")
    INTERNATIONAL = ("international", 4, "Internationale samenwerking", "international cooperation")

    def __init__(self, token: str, code: int, dutch: str, english: str) -> None:
        self.token = token
        self.code = code
        self.dutch = dutch
        self.english = english

    @classmethod
    def from_code(cls, code: int) -> Theme:
        """The theme with this wire code; raises ``MalformedError``."""
        try:
            return _THEME_BY_CODE[code]
        except KeyError:
            raise MalformedError(f"theme code {code} is not one of 1 to 4") from None

    @classmethod
    def parse(cls, token: str) -> Theme:
        """The theme with this token; raises ``MalformedError`` that lists the tokens."""
        try:
            return _THEME_BY_TOKEN[token]
        except KeyError:
            tokens = ", ".join(_THEME_BY_TOKEN)
            raise MalformedError(f"unknown theme {token[:40]!r}: use one of {tokens}") from None


class Classification(enum.Enum):
    """VIRBI 2025 levels: token, wire code and name. Only the first two can be carried."""

    ONG = ("ong", 0, "Ongerubriceerd")
    DEPV = ("depv", 1, "Departementaal VERTROUWELIJK")
    STGC = ("stgc", 2, "Stg. CONFIDENTIEEL")
    STGG = ("stgg", 3, "Stg. GEHEIM")
    STGZG = ("stgzg", 4, "Stg. ZEER GEHEIM")

    def __init__(self, token: str, code: int, dutch: str) -> None:
        self.token = token
        self.code = code
        self.dutch = dutch

    @property
    def is_state_secret(self) -> bool:
        """Whether this is a Stg. level, which Seinpost knows only to refuse it."""
        return self.code >= Classification.STGC.code

    def dominates(self, other: Classification) -> bool:
        """Whether a clearance (or ceiling) at this level covers ``other``."""
        return self.code >= other.code

    @classmethod
    def from_code(cls, code: int) -> Classification:
        """The classification with this wire code; raises ``MalformedError``."""
        try:
            return _CLASSIFICATION_BY_CODE[code]
        except KeyError:
            raise MalformedError(f"classification code {code} is not one of 0 to 4") from None

    @classmethod
    def parse(cls, token: str) -> Classification:
        """The classification with this token; raises ``MalformedError`` that lists the tokens."""
        try:
            return _CLASSIFICATION_BY_TOKEN[token]
        except KeyError:
            tokens = ", ".join(_CLASSIFICATION_BY_TOKEN)
            raise MalformedError(f"unknown classification {token[:40]!r}: use one of {tokens}") from None


_THEME_BY_CODE = {t.code: t for t in Theme}
_THEME_BY_TOKEN = {t.token: t for t in Theme}
_CLASSIFICATION_BY_CODE = {c.code: c for c in Classification}
_CLASSIFICATION_BY_TOKEN = {c.token: c for c in Classification}


class Compartment(msgspec.Struct, frozen=True, order=False):
    """One classification times one theme, written ``depv/process``."""

    classification: Classification
    theme: Theme

    def __str__(self) -> str:
        return f"{self.classification.token}/{self.theme.token}"

    def __hash__(self) -> int:
        return self.classification.code * 8 + self.theme.code

    @classmethod
    def parse(cls, text: str) -> Compartment:
        """``"depv/process"`` as a compartment; raises ``MalformedError``."""
        classification, slash, theme = text.partition("/")
        if not slash:
            raise MalformedError(f"a compartment is written classification/theme, not {text[:40]!r}")
        return cls(Classification.parse(classification), Theme.parse(theme))


CARRIED = tuple(c for c in Classification if not c.is_state_secret)


def all_compartments(ceiling: Classification) -> list[Compartment]:
    """Every compartment at or below ``ceiling``, in code order."""
    return [Compartment(c, t) for c in CARRIED if ceiling.dominates(c) for t in Theme]


def refuse_state_secret(classification: Classification) -> None:
    """Raise ``RefusedError`` for a Stg. level; called before anything is encrypted."""
    if classification.is_state_secret:
        raise RefusedError(
            Reason.CLASSIFICATION,
            f"{classification.dutch} is a state secret and must never be put into Seinpost; "
            "use the means that are approved for it",
            "VIRBI 2025",
        )
