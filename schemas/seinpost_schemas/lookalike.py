# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Names that people could take for one another: refused in a register.

Not a full confusables table: it folds case, accents, widths and spaces, and the Cyrillic and Greek letters
that look Latin. A name that mixes those scripts, or hides characters, has no good reason here.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from .errors import MalformedError

_CYRILLIC = dict(zip("авеіїјкмнорсѕтухһԁԛԝ", "abeiijkmhopcstyxhdqw", strict=True))
_GREEK = dict(zip("αβεζηικμνορτυχγω", "abeznikmvoptuxyw", strict=True))
_ALIKE = str.maketrans({**_CYRILLIC, **_GREEK, "0": "o", "1": "l", "ı": "i", "|": "l"})
_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK")


def skeleton(name: str) -> str:
    """What is left of a name for the eye: equal for names that look alike."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    letters = "".join(c for c in folded if not unicodedata.combining(c) and not c.isspace())
    return letters.translate(_ALIKE)


def verify_plain_name(name: str, whose: str) -> None:
    """Raise ``MalformedError`` for hidden characters, or letters of scripts that look like each other."""
    if any(unicodedata.category(c) in ("Cc", "Cf", "Co", "Cs") for c in name):
        raise MalformedError(f"a name of {whose} has characters that cannot be seen")
    scripts = {s for c in name for s in _SCRIPTS if c.isalpha() and unicodedata.name(c, "").startswith(s)}
    if len(scripts) > 1:
        raise MalformedError(
            f"a name of {whose} mixes {' and '.join(s.title() for s in sorted(scripts))} letters, which look alike"
        )


def verify_distinct_names(named: Iterable[tuple[str, str]]) -> None:
    """Raise ``MalformedError`` when names, given as (whose, name), of two owners look alike."""
    seen: dict[str, str] = {}
    for whose, name in named:
        verify_plain_name(name, whose)
        owner = seen.setdefault(skeleton(name), whose)
        if owner != whose:
            raise MalformedError(f"the names of {owner} and {whose} look alike: {name[:40]!r}")
