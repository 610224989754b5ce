# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What nobody foresaw about one entry: named, so that whoever reads passes over that entry and reads on."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Iterator

from seinpost_schemas.errors import SeinpostError, UnforeseenError

_log = logging.getLogger("seinpost")
_NOT_THE_ENTRYS = (SeinpostError, OSError, sqlite3.Error, MemoryError)
"""What has its name already, and what is about network, disk or machine: passing over it would lose an entry."""


@contextlib.contextmanager
def one_entry() -> Iterator[None]:
    """Raise ``UnforeseenError`` for what is no error of ours, of the network or of the disk; cancelling passes.

    Its type is all that is told: an exception's text may repeat what it was about.
    """
    try:
        yield
    except _NOT_THE_ENTRYS:
        raise
    except Exception as error:
        kind = type(error).__name__
        _log.error("one log entry was passed over: %s", kind)
        raise UnforeseenError(
            f"it could not be dealt with ({kind}): a fault of this software, or made for one; report it"
        ) from None
