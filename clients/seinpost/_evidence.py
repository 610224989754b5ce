# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What an alarm rests on, kept as a file: the process ends, and what convicts a log must not end with it."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from seinpost_schemas.errors import SetupError, UnavailableError
from seinpost_schemas.split_view import is_split_view

from ._files import write_whole

_MAX_FILES = 1_000
FIRST_PROOFS = 16
"""Of one log: a single one convicts, and each holds the directory; whoever signs lies all day must not fill a disk."""
_NEWEST = "newest"
_PLACE = re.compile(r"[^a-z0-9-]+")


def keep_evidence(folder: Path, code: str, compartment: str, evidence: bytes) -> Path | None:
    """Where the evidence of an alarm is from now on; ``None`` when it cannot be kept.

    The same evidence is one file. A proof that convicts ends in ``.json``: `seinpost proof verify` checks it; of one
    log the first 16 are kept, and the newest (``is_newest``). A checkpoint alone ends in ``.note``, and is kept while
    there are fewer than 1,000 files. So nobody can fill a disk with alarms.
    """
    kind = "json" if is_split_view(evidence) else "note"
    start = f"{code}-{_PLACE.sub('-', compartment.lower())[:64]}-"
    path = folder / f"{start}{hashlib.sha256(evidence).hexdigest()[:16]}.{kind}"
    try:
        if path.exists():
            return path
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if kind == "note" and sum(1 for _ in folder.iterdir()) >= _MAX_FILES:
            return None
        if kind == "json" and sum(1 for _ in folder.glob(f"{start}*.json")) >= FIRST_PROOFS:
            path = folder / f"{start}{_NEWEST}.json"
        write_whole(path, evidence, secret=True)
    except (OSError, SetupError, UnavailableError):
        return None
    return path


def is_newest(path: Path) -> bool:
    """Whether a proof is in the place of the newest: the next one will take it."""
    return path.stem.endswith(f"-{_NEWEST}")
