# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Where a command's passphrase comes from: option, environment, configuration, prompt."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path

from seinpost.config import Config
from seinpost.identity import read_passphrase_file
from seinpost_schemas.errors import SetupError

VARIABLE = "SEINPOST_PASSPHRASE"


def find_passphrase(option: Path | None, config: Config | None, *, confirm: bool = False) -> str:
    """The passphrase; raises ``SetupError`` when there is none and no terminal to ask on."""
    if option is not None:
        return read_passphrase_file(option)
    if value := os.environ.get(VARIABLE):
        return value
    if config is not None and config.passphrase_file is not None:
        return read_passphrase_file(config.passphrase_file)
    if not sys.stdin.isatty():
        raise SetupError(f"no passphrase: use --passphrase-file, or set {VARIABLE}")
    passphrase = getpass.getpass("Passphrase: ")
    if confirm and getpass.getpass("Again: ") != passphrase:
        raise SetupError("the two passphrases differ; nothing was written")
    return passphrase
