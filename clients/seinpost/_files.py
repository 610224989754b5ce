# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Files that people keep or pass on: read with a bound, written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from seinpost_schemas.errors import SetupError, UnavailableError


def read_bounded(path: Path, limit: int) -> bytes:
    """At most ``limit`` + 1 bytes, so that the caller can tell that it is too large; raises ``SetupError``."""
    try:
        with path.open("rb") as file:
            return file.read(limit + 1)
    except OSError as error:
        raise SetupError(f"cannot read {path}: {error.strerror}") from None


def write_whole(path: Path, data: bytes, *, secret: bool = False, new: bool = False) -> None:
    """Write beside the file, sync, and put it in place; ``new`` refuses to replace. At mode 0600 if secret.

    Raises ``SetupError`` for a file that is there already, ``UnavailableError`` when the disk does not
    take it: whatever was there is there still.
    """
    temporary = None
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), 0o600 if secret else 0o644)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if new:
            os.link(temporary, path)
        else:
            Path(temporary).replace(path)
            temporary = None
    except FileExistsError:
        raise SetupError(f"{path} exists already: choose another name, nothing was changed") from None
    except OSError as error:
        raise UnavailableError(f"cannot write {path}: {error.strerror}; nothing was changed") from None
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
