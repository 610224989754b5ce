# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What a command could not write: said in one line, whichever command it was."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Iterator

from seinpost_schemas.errors import SeinpostError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def flush_output() -> None:
    """Write what is waiting for standard output now, where a failure can still be said; raises ``OSError``."""
    if sys.stdout is not None:
        sys.stdout.flush()


def let_go_of_output() -> None:
    """What is still waiting for standard output goes nowhere: the interpreter would try it again as it ends."""
    if sys.stdout is not None:
        with contextlib.suppress(io.UnsupportedOperation):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def explain(error: OSError) -> str:
    """What went wrong and what to do, in one line."""
    why = error.strerror or type(error).__name__
    if error.filename is not None:
        return f"cannot use {error.filename}: {why}"
    if error.errno in _FULL:
        return f"the output was not written whole: {why}; make room, or send it elsewhere"
    return f"stopped by the operating system: {why}"


class UnsaidError(SeinpostError):
    """Something was done, and could not be printed."""


@contextlib.contextmanager
def saying(done: str) -> Iterator[None]:
    """Print within: when that fails, ``UnsaidError`` tells what was done all the same. A closed pipe stays quiet."""
    try:
        yield
        flush_output()
    except BrokenPipeError:
        raise
    except OSError as error:
        let_go_of_output()
        raise UnsaidError(f"{done}; only printing that failed: {error.strerror}") from None
