# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Draws the pages: Jinja2 with every value escaped, and the few functions that templates may call."""

from __future__ import annotations

from collections.abc import Mapping

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from seinpost import act_words, alarm_words
from seinpost.cli._text import LANGUAGES, load_texts
from seinpost.texts import Texts

from . import situation_words, words
from .defang import defang
from .hostile_text import clamp, mixed_words, pieces
from .techniques import named, tactic_id


class Pages:
    """The templates, in both languages."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=PackageLoader("seinpost.console"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(
            pieces=pieces,
            clamp=clamp,
            mixed_words=mixed_words,
            defang=defang,
            named=named,
            tactic_id=tactic_id,
            words=words,
            act_words=act_words,
            alarm_words=alarm_words,
            situation_words=situation_words,
        )
        self._texts = {language: load_texts(language) for language in LANGUAGES}

    def texts(self, language: str) -> Texts:
        """The translation into a language."""
        return self._texts[language]

    def draw(self, name: str, language: str, values: Mapping[str, object], status: int = 200) -> HTMLResponse:
        """A page."""
        html = self._environment.get_template(name).render(
            t=self._texts[language], lang=language, moment=lambda at: words.moment(at, language), **values
        )
        return HTMLResponse(html, status_code=status)
