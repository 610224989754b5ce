# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The root of trust that a command was given: an enclave's id."""

from __future__ import annotations

from pathlib import Path

from seinpost.config import load_config
from seinpost_schemas.errors import MalformedError


def enclave_id_from(enclave: str | None, config_file: Path | None) -> bytes | None:
    """16 bytes from ``--enclave`` or ``--config``; ``None`` when neither was given."""
    if config_file is not None:
        return load_config(config_file).enclave_id
    if enclave is None:
        return None
    try:
        raw = bytes.fromhex(enclave)
    except ValueError:
        raw = b""
    if len(raw) != 16:
        raise MalformedError("--enclave is the enclave_id in hexadecimal, 32 digits")
    return raw
