# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Source texts in the language of whoever reads them, with the form that a number asks for."""

from __future__ import annotations

from gettext import NullTranslations


class Texts:
    """One language: called with a source text, it gives what is shown."""

    def __init__(self, catalogue: NullTranslations) -> None:
        self._catalogue = catalogue

    def __call__(self, text: str) -> str:
        """A text of one form."""
        return self._catalogue.gettext(text)

    def plural(self, one: str, more: str, count: int) -> str:
        """A text that is ``one`` for a count of one; with its fields still to be filled in."""
        return self._catalogue.ngettext(one, more, count)
