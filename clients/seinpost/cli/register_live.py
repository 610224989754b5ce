# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`seinpost register publish`: hand a signed version to the brokers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

from seinpost._files import read_bounded
from seinpost.config import load_config
from seinpost.connection import Connection
from seinpost.identity import load_identity
from seinpost_schemas.limits import MAX_REGISTER_BYTES
from seinpost_schemas.request import MAX_REQUEST_BYTES, decode_request, key_objects
from seinpost_schemas.submission import Submission

from ._passphrase import find_passphrase
from ._tty import fail


def run_publish(
    note: Path, config_file: Path, requests: Sequence[Path], passphrase_file: Path | None, *, as_json: bool
) -> int:
    """Hand it in and wait until it is in force; 0."""
    data = read_bounded(note, MAX_REGISTER_BYTES)
    keys = key_objects(decode_request(read_bounded(p, MAX_REQUEST_BYTES)) for p in requests)
    config = load_config(config_file)
    identity = load_identity(config.identity, find_passphrase(passphrase_file, config))

    async def publish() -> int:
        async with Connection(config, identity, on_waiting=fail) as post:
            return await post.publish_register(Submission(data, keys))

    version = asyncio.run(publish())
    print(json.dumps({"version": version, "in_force": True}) if as_json else f"version {version} is in force")
    return 0
