# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Compile the catalogues of what officials see: .po to .mo; --check only compares."""

from __future__ import annotations

import datetime as dt
import io
import sys
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

CATALOGUES = Path(__file__).parent.parent / "clients" / "seinpost" / "locale"


def compiled(source: Path) -> bytes:
    """The .mo bytes of a .po file."""
    with source.open("rb") as file:
        catalogue = read_po(file)
    # Without dates: the same texts give the same bytes.
    catalogue.creation_date = catalogue.revision_date = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    out = io.BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def main() -> int:
    """0, or 1 when --check finds a catalogue that is not current."""
    stale = 0
    for source in sorted(CATALOGUES.rglob("*.po")):
        target, data = source.with_suffix(".mo"), compiled(source)
        if "--check" in sys.argv:
            stale += not target.exists() or target.read_bytes() != data
        else:
            target.write_bytes(data)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
