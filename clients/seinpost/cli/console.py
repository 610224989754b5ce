# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`seinpost console`: the web console on this machine."""

from __future__ import annotations

from pathlib import Path

from seinpost.config import load_config
from seinpost.identity import load_identity
from seinpost_schemas.errors import SetupError

from ._passphrase import find_passphrase


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
    identity = load_identity(config.identity, find_passphrase(passphrase_file, config))
    return await serve(config, identity, port=port, browser=browser, language=language)
