# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Files that people keep or pass on: read with a bound, written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from seinpost_schemas.errors import DiskError, SetupError


def read_bounded(path: Path, limit: int) -> bytes:
    """At most ``limit`` + 1 bytes, so that the caller can tell that it is too large; raises ``SetupError``."""
    try:
        with path.open("rb") as file:
            return file.read(limit + 1)
    except OSError as error:
        raise SetupError(f"cannot read {path}: {error.strerror}") from None


class NewFile(msgspec.Struct, frozen=True):
    """A file to be made; at mode 0600 if ``secret``."""

    path: Path
    data: bytes
    secret: bool = False


def write_whole(path: Path, data: bytes, *, secret: bool = False, new: bool = False) -> None:
    """Write beside the file, sync, and put it in place; ``new`` refuses to replace. At mode 0600 if secret.

    Raises ``SetupError`` for a file that is there already, ``DiskError`` when the disk does not
    take it: whatever was there is there still.
    """
    if new:
        write_together([NewFile(path, data, secret)])
        return
    with _said_as_ours(path), _beside(NewFile(path, data, secret)) as temporary:
        temporary.replace(path)
    try:
        _sync_folder(path)
    except OSError as error:
        raise DiskError(f"{path} is written, but the disk does not confirm it: {error.strerror}") from None


def write_together(files: Sequence[NewFile]) -> None:
    """Make all of these files or none, replacing nothing: a key without its public half is of no use to anyone.

    Every byte is on disk before the first name is. Raises as ``write_whole``.
    """
    made: list[Path] = []
    with contextlib.ExitStack() as stack:
        try:
            temporaries = []
            for file in files:
                stack.enter_context(_said_as_ours(file.path))
                temporaries.append(stack.enter_context(_beside(file)))
            for file, temporary in zip(files, temporaries, strict=True):
                with _said_as_ours(file.path):
                    os.link(temporary, file.path)
                    made.append(file.path)
                    _sync_folder(file.path)
        except BaseException:
            for path in made:
                with contextlib.suppress(OSError):
                    path.unlink()
            raise


@contextlib.contextmanager
def _beside(file: NewFile) -> Iterator[Path]:
    """The data whole and synced under a name of its own beside the file; gone afterwards."""
    descriptor, name = tempfile.mkstemp(dir=file.path.parent, prefix=f".{file.path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as out:
            os.fchmod(out.fileno(), 0o600 if file.secret else 0o644)
            out.write(file.data)
            out.flush()
            os.fsync(out.fileno())
        yield temporary
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def _said_as_ours(path: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError:
        raise SetupError(f"{path} exists already: choose another name, nothing was changed") from None
    except OSError as error:
        raise DiskError(f"cannot write {path}: {error.strerror}; nothing was changed") from None


def _sync_folder(path: Path) -> None:
    """A name is on disk when its folder is."""
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
