# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The start link on its way to the browser: in a file of its owner's, which the browser opens and goes on from.

Everyone on a machine can see with which arguments a process was started. The link holds a token that lets whoever is
first in, so the argument is the name of a file that only its owner can read.
"""

from __future__ import annotations

import webbrowser
from html import escape
from pathlib import Path

from seinpost._files import write_whole

_NAME = "console-start.html"
_PAGE = """<!doctype html>
<html lang="nl"><head><meta charset="utf-8"><meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0;url={link}"><title>Seinpost</title></head>
<body><p><a href="{link}">Naar de console</a> · <a lang="en" href="{link}">To the console</a></p></body></html>
"""


class StartPage:
    """One file in the state directory; there from the opening of the browser until the link was used."""

    def __init__(self, state: Path) -> None:
        self._file = state / _NAME

    def open(self, link: str) -> None:
        """Have the browser go to ``link``; one that cannot read the file leaves the printed link to its user.

        Raises ``UnavailableError`` when the disk does not take it.
        """
        write_whole(self._file, _PAGE.format(link=escape(link)).encode(), secret=True)
        if not webbrowser.open(self._file.absolute().as_uri()):
            self.remove()

    def remove(self) -> None:
        """The link was used, or leads nowhere any more."""
        self._file.unlink(missing_ok=True)
