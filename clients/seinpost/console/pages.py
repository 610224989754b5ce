# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Draws the pages: Jinja2 with every value escaped, and the few functions that templates may call."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from seinpost.cli._text import LANGUAGES, load_texts

from . import words
from .defang import defang
from .hostile_text import clamp, mixed_words, pieces
from .techniques import named
from .words import Texts

_PERIOD_FORMAT = {"nl": "%d-%m-%Y %H:%M", "en": "%Y-%m-%d %H:%M"}


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
            pieces=pieces, clamp=clamp, mixed_words=mixed_words, defang=defang, named=named, words=words
        )
        self._texts = {language: load_texts(language) for language in LANGUAGES}

    def texts(self, language: str) -> Texts:
        """The translation into a language."""
        return self._texts[language]

    def draw(self, name: str, language: str, values: Mapping[str, object], status: int = 200) -> HTMLResponse:
        """A page."""
        html = self._environment.get_template(name).render(
            t=self._texts[language], lang=language, moment=lambda at: moment(at, language), **values
        )
        return HTMLResponse(html, status_code=status)


def moment(at: dt.datetime | int, language: str) -> str:
    """A moment in this machine's time zone, as the language writes it."""
    if isinstance(at, int):
        at = dt.datetime.fromtimestamp(at / 1000, dt.UTC)
    return at.astimezone().strftime(_PERIOD_FORMAT[language])
