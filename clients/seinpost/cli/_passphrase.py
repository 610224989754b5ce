# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Where a command's passphrase comes from: option, environment, configuration, prompt."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path

from seinpost._token import TokenAccess
from seinpost.config import Config
from seinpost.identity import Identity, load_identity, read_passphrase_file
from seinpost_schemas.errors import SetupError

VARIABLE = "SEINPOST_PASSPHRASE"
PIN_VARIABLE = "SEINPOST_PIN"


def unlock(config: Config, passphrase_file: Path | None) -> Identity:
    """The identity of a configuration; asks for what it needs, on a terminal. Raises ``SetupError``."""
    access = None
    if config.token is not None:
        token = config.token
        access = TokenAccess(token.module, lambda: find_pin(token.pin_file))
    return load_identity(config.identity, find_passphrase(passphrase_file, config), access)


def find_pin(pin_file: Path | None) -> str:
    """A token's PIN; raises ``SetupError`` when there is none and no terminal to ask on."""
    if pin_file is not None:
        return read_passphrase_file(pin_file)
    if value := os.environ.get(PIN_VARIABLE):
        return value
    if not sys.stdin.isatty():
        raise SetupError(f"no PIN for the token: use a PIN file, or set {PIN_VARIABLE}")
    return getpass.getpass("PIN of the token: ")


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
