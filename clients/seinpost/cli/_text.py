# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What officials see, Dutch first: gettext over the catalogue in ``seinpost/locale``."""

from __future__ import annotations

import gettext
from importlib.resources import as_file, files

from seinpost.texts import Texts
from seinpost_schemas.errors import MalformedError

LANGUAGES = ("nl", "en")


def load_texts(language: str) -> Texts:
    """The translation of a source text into ``language``; raises ``MalformedError`` for another one."""
    if language not in LANGUAGES:
        raise MalformedError(f"no language is called {language[:20]!r}: use {' or '.join(LANGUAGES)}")
    if language == "en":
        return Texts(gettext.NullTranslations())
    with as_file(files("seinpost") / "locale") as directory:
        return Texts(gettext.translation("seinpost", directory, [language]))
