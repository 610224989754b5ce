# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`seinpost console`: the web console on this machine."""

from __future__ import annotations

import datetime as dt
import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from seinpost.config import load_config
from seinpost.identity import read_passphrase_file
from seinpost_schemas.compartment import Theme
from seinpost_schemas.errors import SetupError

from ._options import Role
from ._passphrase import unlock
from ._text import load_texts

if TYPE_CHECKING:
    from seinpost.console.officials import Officials


async def run(
    config_file: Path, passphrase_file: Path | None, *, port: int, browser: bool, language: str
) -> int:
    """Serve until interrupted."""
    try:
        from seinpost.console.serve import serve  # noqa: PLC0415 - an extra: not every client has it
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("seinpost"):
            raise
        raise SetupError("the console needs more packages: run pip install 'seinpost[console]'") from None
    config = load_config(config_file)
    identity = unlock(config, passphrase_file)
    return await serve(config, identity, port=port, browser=browser, language=language)


def add_official(config_file: Path, number: str, role: Role, password_file: Path | None) -> int:
    """Make an account, or change one."""
    _officials(config_file).add(number, role, _password(password_file))
    print(f"{number}: {role}")
    return 0


def remove_official(config_file: Path, number: str) -> int:
    """End an account."""
    _officials(config_file).remove(number)
    print(f"{number}: removed")
    return 0


def _officials(config_file: Path) -> Officials:
    try:
        from seinpost.console.officials import Officials  # noqa: PLC0415
        from seinpost.console.serve import officials_file  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("seinpost"):
            raise
        raise SetupError("the console needs more packages: run pip install 'seinpost[console]'") from None
    return Officials(officials_file(load_config(config_file)))


def _password(file: Path | None) -> str:
    if file is not None:
        return read_passphrase_file(file)
    if not sys.stdin.isatty():
        raise SetupError("no password: use --password-file")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise SetupError("the two passwords differ; nothing was written")
    return password


async def run_situation(
    config_file: Path,
    passphrase_file: Path | None,
    target: Path,
    fields: dict[str, str],
    themes: list[str],
    language: str,
) -> int:
    """Write a situation report."""
    try:
        from seinpost.console.situation import parse_asked  # noqa: PLC0415
        from seinpost.console.situation_file import write_situation  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("seinpost"):
            raise
        raise SetupError("the console needs more packages: run pip install 'seinpost[console]'") from None
    load_texts(language)
    for theme in themes:
        Theme.parse(theme)
    config = load_config(config_file)
    identity = unlock(config, passphrase_file)
    today = dt.datetime.now().astimezone().date()
    asked = parse_asked(fields, themes, today, exercise=False)
    return await write_situation(config, identity, asked, target, language)
